//! `lastgood check`: validates policies offline; with `--prometheus` asks once and shows what there is.

use std::path::PathBuf;

use super::{Exit, Format, output};
use crate::{
    app::{
        clock::SystemClock,
        watch::{self, Sampled, SampledMetric},
    },
    policy::{self, Policy},
    ports::Clock,
    prometheus::{Options, Prometheus},
    question,
    settings::{self, policies::PolicyFile},
};

/// Validates policies: every error of a file at once, with file, line and column. Shows every default filled in and the PromQL to ask.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  lastgood check policy.yaml
  lastgood check policies/ -q                                       only whether they are valid
  lastgood check policy.yaml --prometheus http://127.0.0.1:9090     asks each query once")]
pub struct Args {
    /// Policy files, and directories of them.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Ask this Prometheus once: counts, an empty query by name, the scrape interval.
    #[arg(long, value_name = "URL")]
    prometheus: Option<String>,
    /// A file with the bearer token for it.
    #[arg(long, value_name = "FILE", requires = "prometheus")]
    bearer_token_file: Option<PathBuf>,
    /// How it looks; `name` prints only which policies are valid.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Runs it.
///
/// # Errors
/// When Prometheus cannot be asked at all.
pub async fn run(args: &Args) -> anyhow::Result<Exit> {
    let read = settings::policies::part(&args.paths);
    for error in &read.rejected {
        output::say(&error.to_string());
    }
    if read.accepted.is_empty() && read.rejected.is_empty() {
        output::say("no policy file (*.yaml, *.yml) is there");
    }
    let mut exit = if read.rejected.is_empty() && !read.accepted.is_empty() {
        Exit::Done
    } else {
        Exit::Usage
    };
    for PolicyFile { path: file, policy } in &read.accepted {
        match args.output {
            Format::Name => output::data(&policy.key().to_string())?,
            Format::Json => output::document(policy, Format::Json)?,
            _ => {
                output::say(&format!("{}: valid", file.display()));
                output::data(&described(policy))?;
            }
        }
        for warning in warnings(policy) {
            output::say(&format!("warning: {warning}"));
        }
        if let Some(url) = &args.prometheus
            && !asked(url, args, policy).await?
        {
            exit = if exit == Exit::Done { Exit::NoVerdict } else { exit };
        }
    }
    Ok(exit)
}

fn described(policy: &Policy) -> String {
    let named = policy.metrics.iter().enumerate().map(|(index, metric)| {
        let queries = question::readable(policy, index);
        format!("# {}\n{}\n", metric.name, queries.join("\n"))
    });
    format!(
        "{}---\n# The PromQL that will be asked, at aligned times, for cumulative counts; scrape times and process starts are asked beside it:\n{}",
        policy::filled(policy),
        named.collect::<String>()
    )
}

/// What is valid and still not wise.
fn warnings(policy: &Policy) -> Vec<String> {
    let mut warnings = Vec::new();
    for metric in &policy.metrics {
        if let policy::MetricKind::Histogram(histogram) = &metric.kind
            && histogram.warmup * 2 > policy.watch.length
        {
            warnings.push(format!(
                "metric `{}`: its warm-up of {} eats half of the watch of {}",
                metric.name,
                policy::duration_text(histogram.warmup),
                policy::duration_text(policy.watch.length)
            ));
        }
    }
    if policy.notify.default.is_empty() && policy.notify.by.is_empty() {
        warnings.push("nobody is told of anything: add `notify: {default: [CHANNEL]}`".to_owned());
    }
    warnings
}

/// Asks once and shows what came back; false where a query was empty or failed.
async fn asked(url: &str, args: &Args, policy: &Policy) -> anyhow::Result<bool> {
    let options = Options {
        bearer_token_file: args.bearer_token_file.clone(),
        ..Options::at(url)
    };
    let source = Prometheus::new(options)?;
    let sampled = watch::sample_once(&source, policy, SystemClock.now()).await;
    output::data(&shown(&sampled))?;
    let troubles: Vec<String> = sampled.metrics.iter().flat_map(troubles).collect();
    for trouble in &troubles {
        output::say(&format!("error: {trouble}"));
    }
    Ok(troubles.is_empty())
}

/// Why a metric could not be counted now.
fn troubles(metric: &SampledMetric) -> Vec<String> {
    let name = &metric.name;
    if let Some(fault) = &metric.fault {
        return vec![format!("metric `{name}`: {}", fault.because)];
    }
    let empty = metric.empty.iter();
    empty
        .map(|query| format!("metric `{name}`: this query is empty; does it name what the service exports?\n  {query}"))
        .collect()
}

fn shown(sampled: &Sampled) -> String {
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
    let interval = match sampled.interval {
        Some(interval) => format!("scrape interval: {}", policy::duration_text(interval)),
        None => "scrape interval: not to be told yet (too few samples)".to_owned(),
    };
    format!("{table}\n{interval}\n")
}
