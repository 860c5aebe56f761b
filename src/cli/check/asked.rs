//! What `lastgood check --prometheus` does: each query asked once, and what a release would meet said now.

use std::path::PathBuf;

use crate::{
    app::{
        self,
        clock::SystemClock,
        watch::{self, Sampled, SampledMetric},
    },
    cli::{
        Format,
        output::{self, WrongUse},
    },
    policy::{self, Arms, MetricKind, Policy},
    ports::Clock,
    prometheus::{Options, Prometheus},
    settings::Settings,
};

/// The Prometheus to ask.
pub(super) struct Asking {
    source: Prometheus,
}

impl Asking {
    /// Ready to ask `url`: with the credentials of the settings, where they are for the same server, else with a token or none.
    ///
    /// # Errors
    /// When that is no URL, or what the settings name cannot be used.
    pub fn of(url: &str, bearer_token_file: Option<PathBuf>, settings: Option<&Settings>) -> anyhow::Result<Self> {
        let same = settings.filter(|settings| settings.prometheus.url == url.trim_end_matches('/'));
        let mut options = same.map_or_else(|| Options::at(url), |settings| app::options(&settings.prometheus));
        if bearer_token_file.is_some() {
            options.bearer_token_file = bearer_token_file;
            options.basic_auth = None;
        }
        let source =
            Prometheus::new(options).map_err(|error| WrongUse(error.to_string().replace("prometheus.url", "--prometheus")))?;
        Ok(Self { source })
    }

    /// Asks once and shows what came back; false where a release of this policy would be blind now.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub async fn ask(&self, policy: &Policy, format: Format) -> anyhow::Result<bool> {
        let sampled = watch::sample_once(&self.source, policy, SystemClock.now()).await;
        let text = shown(&sampled);
        match format {
            // Documents and names stay alone on stdout.
            _ if text.is_empty() => {}
            Format::Json | Format::Yaml | Format::Name => output::say(text.trim_end()),
            Format::Table | Format::Wide => output::data(&text)?,
        }
        let troubles: Vec<String> = faults(&sampled)
            .into_iter()
            .chain(
                policy
                    .metrics
                    .iter()
                    .zip(&sampled.metrics)
                    .filter_map(|(metric, seen)| trouble(policy, &metric.kind, seen)),
            )
            .collect();
        for trouble in &troubles {
            output::say(&format!("error: {trouble}"));
        }
        for metric in sampled.metrics.iter().filter(|metric| !metric.pods.is_empty()) {
            for query in &metric.empty {
                output::say(&format!(
                    "warning: metric `{}`: no bad event is counted yet; if there ever was one, this query does not name it:\n  {query}",
                    metric.name
                ));
            }
        }
        Ok(troubles.is_empty())
    }
}

/// Why Prometheus gave no answer, each reason once.
fn faults(sampled: &Sampled) -> Vec<String> {
    let mut faults: Vec<(String, Vec<&str>)> = Vec::new();
    for metric in &sampled.metrics {
        let Some(fault) = &metric.fault else { continue };
        match faults.iter_mut().find(|(because, _)| *because == fault.because) {
            Some((_, names)) => names.push(&metric.name),
            None => faults.push((fault.because.clone(), vec![&metric.name])),
        }
    }
    let all = sampled.metrics.len();
    let said = faults.into_iter().map(|(because, names)| {
        if names.len() == all {
            because
        } else {
            format!("metric `{}`: {because}", names.join("`, `"))
        }
    });
    said.collect()
}

/// Why a metric that was answered could not be judged now.
fn trouble(policy: &Policy, kind: &MetricKind, metric: &SampledMetric) -> Option<String> {
    let name = &metric.name;
    if metric.fault.is_some() {
        return None;
    }
    if metric.pods.is_empty() {
        let hint = match kind {
            MetricKind::Histogram(_) => {
                "\n  a classic histogram has `_bucket` series; a native one must be switched on in Prometheus"
            }
            MetricKind::Ratio(_) => "",
            MetricKind::Value(_) => "\n  each value must keep the labels `job` and `instance`",
        };
        let query = metric.empty.first().unwrap_or(&metric.query);
        return Some(format!(
            "metric `{name}`: this query is empty; does it name what the service exports?\n  {query}{hint}"
        ));
    }
    let Arms::Time { instance } = &policy.arms;
    let pods: Vec<String> = metric.pods.iter().map(|pod| pod.pod.to_string()).collect();
    (instance.is_none() && pods.len() > 1).then(|| {
        format!(
            "metric `{name}`: {} instances answer, and others never switch with this host: {}\n  \
             pick this host's with `arms: {{by: time, instance: INSTANCE}}`, or by a label in the queries",
            pods.len(),
            pods.join(", ")
        )
    })
}

fn shown(sampled: &Sampled) -> String {
    if sampled.metrics.iter().all(|metric| metric.fault.is_some()) {
        return String::new();
    }
    let mut table = comfy_table::Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_header(["METRIC", "INSTANCE", "BAD", "TOTAL", "SCRAPED"]);
    let count = |count: Option<f64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
    for metric in &sampled.metrics {
        for pod in &metric.pods {
            let scraped = pod.scraped_at.map_or_else(|| "-".to_owned(), |at| at.to_string());
            table.add_row([
                metric.name.clone(),
                pod.pod.to_string(),
                count(pod.bad),
                count(pod.total),
                scraped,
            ]);
        }
    }
    let table = table.to_string();
    let interval = match sampled.interval {
        Some(interval) => format!("scrape interval: {}", policy::duration_text(interval)),
        None => "scrape interval: not known yet: fewer than four scrapes in ten minutes".to_owned(),
    };
    let lines: Vec<&str> = table.trim_end().lines().map(str::trim_end).collect();
    format!("{}\n{interval}\n", lines.join("\n"))
}
