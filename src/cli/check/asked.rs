//! What `lastgood check --prometheus` does: each query asked once, and what a release would meet said now and forecast.

use std::path::PathBuf;

use crate::{
    app::{
        self,
        clock::SystemClock,
        watch::{self, Foreseen, Sampled, SampledMetric},
    },
    cli::output::WrongUse,
    judge::Trials,
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

    /// Asks once what there is, then forecasts from the past. `progress` is told what takes a while.
    pub async fn ask(&self, policy: &Policy, progress: impl Fn(&str)) -> Asked {
        let now = SystemClock.now();
        let sampled = watch::sample_once(&self.source, policy, now).await;
        let unfit = policy.metrics.iter().zip(&sampled.metrics);
        let unfit = unfit.filter_map(|(metric, seen)| trouble(policy, &metric.kind, seen));
        let errors: Vec<String> = faults(&sampled).into_iter().chain(unfit).collect();
        let mut asked = Asked {
            counts: shown(&sampled),
            warnings: nothing_bad(&sampled),
            errors,
            foreseen: None,
        };
        if asked.errors.is_empty() {
            progress("asking for the last 24 h, then simulating releases…");
            match watch::foresee(&self.source, policy, now, &trials(policy)).await {
                Ok(foreseen) => asked.foreseen = Some(foreseen),
                Err(fault) => asked.warnings.push(format!("nothing can be forecast yet: {}", fault.because)),
            }
        }
        asked
    }
}

/// What came back.
pub(super) struct Asked {
    /// Counts by instance and the scrape interval, for people; empty where nothing answered.
    pub(super) counts: String,
    /// Why a release of this policy would be blind now.
    pub(super) errors: Vec<String>,
    /// What is odd and no reason to be blind.
    pub(super) warnings: Vec<String>,
    /// None where a release would be blind, or too little is known.
    pub(super) foreseen: Option<Foreseen>,
}

/// The same data give the same forecast.
const fn trials(policy: &Policy) -> Trials {
    Trials {
        prove_after: policy.watch.prove_after,
        rollouts: 51,
        seed: 1,
    }
}

/// Metrics of which no bad event was ever counted: perhaps there was none, perhaps the query names none.
fn nothing_bad(sampled: &Sampled) -> Vec<String> {
    let counted = sampled.metrics.iter().filter(|metric| !metric.pods.is_empty());
    let sentence = |(metric, query): (&SampledMetric, &String)| {
        format!(
            "metric `{}`: no bad event is counted yet; if there ever was one, this query does not name it:\n  {query}",
            metric.name
        )
    };
    counted
        .flat_map(|metric| metric.empty.iter().map(move |query| (metric, query)))
        .map(sentence)
        .collect()
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
    let Arms::Time { instance } = &policy.arms else { return None };
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
