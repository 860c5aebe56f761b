//! Policy -> the PromQL to ask, as data; and what an answer is. One query a service and step carries all its metrics.
//!
//! May touch: `words`, `policy`. Deliberately absent: HTTP, JSON, clocks.

mod answer;
#[cfg(test)]
pub(crate) mod fixture;
mod promql;

pub use answer::{Answer, NativeBucket, Part, PartKind, Question, Sample};

use promql::{By, Query};

use crate::policy::{Arms, HistogramMetric, MetricKind, Policy, RatioMetric, Target, ValueMetric};

/// One query that carries all metrics of `policy`.
#[must_use]
pub fn question(policy: &Policy) -> Question {
    assemble(
        policy,
        (0..policy.metrics.len()).flat_map(|metric| parts(policy, metric)).collect(),
    )
}

/// The query of one metric alone, by its index in the policy: asked when the whole fails, to name the guilty one.
/// An index beyond the policy's metrics gives a question without parts.
#[must_use]
pub fn of_metric(policy: &Policy, metric: usize) -> Question {
    assemble(policy, parts(policy, metric))
}

/// The scrape times of all metrics and nothing else: from their spacing the scrape interval is learnt.
#[must_use]
pub fn spacing(policy: &Policy) -> Question {
    only(policy, &[PartKind::Stamp])
}

/// What tells that a process began: its start, its totals, how many series they have, and when they were scraped.
#[must_use]
pub fn activation(policy: &Policy) -> Question {
    only(
        policy,
        &[
            PartKind::Stamp,
            PartKind::ProcessStart,
            PartKind::Total,
            PartKind::Buckets,
            PartKind::SeriesOfTotal,
        ],
    )
}

/// The queries that are recorded and shown, in the policy's order: those of [`readable`] of every metric.
#[must_use]
pub fn queries(policy: &Policy) -> Vec<String> {
    (0..policy.metrics.len())
        .flat_map(|metric| readable(policy, metric))
        .collect()
}

/// What a person can paste into Prometheus to see the counts of one metric: its bad events and its total, its buckets, or its
/// value, by pod. Scrape times, process starts and series counts, which are asked beside them, are left out.
#[must_use]
pub fn readable(policy: &Policy, metric: usize) -> Vec<String> {
    parts(policy, metric)
        .into_iter()
        .filter(|part| part.kind == PartKind::Bad || part.kind.is_counted())
        .map(|part| part.promql)
        .collect()
}

fn only(policy: &Policy, kinds: &[PartKind]) -> Question {
    let all = (0..policy.metrics.len()).flat_map(|metric| parts(policy, metric));
    assemble(policy, all.filter(|part| kinds.contains(&part.kind)).collect())
}

fn assemble(policy: &Policy, parts: Vec<Part>) -> Question {
    let labelled: Vec<String> = parts
        .iter()
        .enumerate()
        .map(|(index, part)| promql::labelled(&part.promql, Question::PART, index))
        .collect();
    Question {
        promql: labelled.join(" or "),
        parts,
        by: By::of(&policy.arms).labels,
    }
}

fn parts(policy: &Policy, metric: usize) -> Vec<Part> {
    let by = By::of(&policy.arms);
    let pick = |query: Query| match (&policy.arms, &policy.target) {
        (
            Arms::Time {
                instance: Some(instance),
            },
            _,
        ) => query.of_instance(instance),
        (Arms::Pod { .. }, Target::Kubernetes(workload)) => query.of_workload(&by, workload),
        _ => query,
    };
    let kinds = match policy.metrics.get(metric).map(|metric| &metric.kind) {
        Some(MetricKind::Ratio(ratio)) => of_ratio(&by, ratio, pick),
        Some(MetricKind::Histogram(histogram)) => of_histogram(&by, histogram, pick),
        Some(MetricKind::Value(value)) => of_value(&by, value, pick),
        None => Vec::new(),
    };
    kinds
        .into_iter()
        .map(|(kind, promql)| Part { metric, kind, promql })
        .collect()
}

fn of_ratio(by: &By, ratio: &RatioMetric, pick: impl Fn(Query) -> Query) -> Vec<(PartKind, String)> {
    let bad = pick(Query::of(&ratio.bad));
    let total = pick(Query::of(&ratio.total));
    let mut parts = vec![
        (PartKind::Bad, by.pod("sum", &[], &bad.to_string())),
        (PartKind::Total, by.pod("sum", &[], &total.to_string())),
        (PartKind::SeriesOfBad, by.pod("count", &[], &bad.to_string())),
    ];
    parts.extend(of_totals(by, &total));
    parts
}

/// A histogram is classic or native, and which one is found out from the answer: both are asked for, and where a pod has both the
/// classic one wins, which is what most versions of a service have.
fn of_histogram(by: &By, histogram: &HistogramMetric, pick: impl Fn(Query) -> Query) -> Vec<(PartKind, String)> {
    // A histogram is a selector, as the policy has validated; of anything else all is asked, and Prometheus says what is wrong.
    let family = Query::of(&histogram.selector);
    let (buckets, infinite) = match &family {
        Query::Selector(family) => {
            let buckets = family.clone().suffixed("_bucket");
            let infinite = buckets.clone().and("le", "+Inf");
            (Query::Selector(buckets), Query::Selector(infinite))
        }
        Query::Expression(_) => (family.clone(), family.clone()),
    };
    let (native, buckets, infinite) = (pick(family), pick(buckets), pick(infinite));
    let classic_or = |classic: &str, native: &str| format!("{classic} or on ({}) {native}", by.joined());
    let beside = |metric| {
        let (classic, native) = (infinite.beside(by, metric), native.beside(by, metric));
        by.pod("max", &[], &format!("{classic} or on (job, instance) {native}"))
    };
    let counted = |query: &Query| by.pod("count", &[], &query.to_string());
    let scraped = |query: &Query| by.pod("max", &[], &query.scraped(by));
    let sum = by.pod("sum", &["le"], &buckets.to_string());
    let mut parts = vec![
        (PartKind::Buckets, classic_or(&sum, &by.pod("sum", &[], &native.to_string()))),
        (PartKind::SeriesOfTotal, classic_or(&counted(&buckets), &counted(&native))),
        (PartKind::Stamp, classic_or(&scraped(&infinite), &scraped(&native))),
        (PartKind::ProcessStart, beside("process_start_time_seconds")),
        (PartKind::ScrapeDuration, beside("scrape_duration_seconds")),
    ];
    let targets = infinite.targets(by).zip(native.targets(by));
    parts.extend(targets.map(|(classic, native)| (PartKind::Targets, classic_or(&classic, &native))));
    parts
}

/// A value is one series a pod, which their number tells.
fn of_value(by: &By, value: &ValueMetric, pick: impl Fn(Query) -> Query) -> Vec<(PartKind, String)> {
    let query = pick(Query::of(&value.query));
    let mut parts = vec![(PartKind::Value, by.pod("max", &[], &query.to_string()))];
    parts.extend(of_totals(by, &query));
    parts
}

/// What is asked beside the counts: how many series they have, when and by whom they were scraped.
fn of_totals(by: &By, total: &Query) -> Vec<(PartKind, String)> {
    let beside = |metric| by.pod("max", &[], &total.beside(by, metric));
    let mut parts = vec![
        (PartKind::SeriesOfTotal, by.pod("count", &[], &total.to_string())),
        (PartKind::Stamp, by.pod("max", &[], &total.scraped(by))),
        (PartKind::ProcessStart, beside("process_start_time_seconds")),
        (PartKind::ScrapeDuration, beside("scrape_duration_seconds")),
    ];
    parts.extend(total.targets(by).map(|targets| (PartKind::Targets, targets)));
    parts
}

#[cfg(test)]
mod tests;
