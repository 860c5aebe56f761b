//! Single looks at Prometheus: when did a process begin, and what do a policy's queries give?

use std::{collections::BTreeMap, time::Duration};

use super::{asking::between, prepare::scrapes};
use crate::{
    count::{Reading, readings, scrape_interval},
    policy::Policy,
    ports::{MetricFault, MetricSource},
    question::{PartKind, Question, activation, of_metric, spacing},
    record::Activation,
    words::{Moment, Pod},
};

/// The resolution at which a beginning is looked for.
const RESOLUTION: Duration = Duration::from_secs(1);
/// So long before the move the counters are looked at.
const BEFORE: Duration = Duration::from_secs(60);
/// Process starts are said in whole ticks on top of a boot time in whole seconds.
const START_GRAIN: Duration = Duration::from_secs(1);

/// Whether a new process began to serve after `moved_at`, as Prometheus tells it: by its start, else by counters that fell. For targets
/// whose platform cannot tell. Nothing is known where Prometheus does not answer.
pub async fn find_activation(source: &dyn MetricSource, policy: &Policy, moved_at: Moment, now: Moment) -> Option<Activation> {
    let question = activation(policy);
    let from = moved_at.minus(BEFORE).aligned_down(RESOLUTION);
    let to = now.aligned_down(RESOLUTION);
    let answers = between(source, &question, from, to, RESOLUTION).await.ok()?;
    let mut before: BTreeMap<(usize, Pod), Reading> = BTreeMap::new();
    let mut reset = None;
    for answer in &answers {
        for metric in 0..policy.metrics.len() {
            for (pod, reading) in readings(&question, answer, metric) {
                if let Some(at) = reading
                    .started_at()
                    .filter(|start| start.plus(START_GRAIN) > moved_at && *start <= now)
                {
                    return Some(Activation {
                        at: at.max(moved_at),
                        known_by: "process_start_time".to_owned(),
                        fresh_counters: true,
                    });
                }
                if let Some(last) = before.insert((metric, pod), reading.clone()) {
                    reset = reset.or_else(|| fell(&last, &reading, moved_at));
                }
            }
        }
    }
    reset.map(|at| Activation {
        at,
        known_by: "counter_reset".to_owned(),
        fresh_counters: true,
    })
}

/// The first moment at which the counters of `now` may have begun, where they fell since `before` and were scraped after the move. Fewer
/// series alone let a sum fall too, but then some bucket or total of a process that goes on would hardly be the move's.
fn fell(before: &Reading, now: &Reading, moved_at: Moment) -> Option<Moment> {
    let (then, at) = (before.scraped_at()?, now.scraped_at()?);
    let lower = |a: Option<f64>, b: Option<f64>| matches!((a, b), (Some(a), Some(b)) if b < a);
    let fell = lower(before.total, now.total)
        || lower(before.native_count, now.native_count)
        || now
            .buckets
            .iter()
            .any(|(le, count)| lower(before.buckets.get(le).copied(), Some(*count)));
    (fell && at > moved_at && at > then).then(|| moved_at.max(then.plus(Duration::from_millis(1))))
}

/// What a policy's queries give once.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampled {
    /// The time that was asked about.
    pub at: Moment,
    /// The scrape interval; none where there are fewer than four scrapes in the last ten minutes.
    pub interval: Option<Duration>,
    /// One entry a metric, in the policy's order.
    pub metrics: Vec<SampledMetric>,
}

/// What one metric's query gives.
#[derive(Debug, Clone, PartialEq)]
pub struct SampledMetric {
    /// The metric's name.
    pub name: String,
    /// The whole query.
    pub query: String,
    /// Its pods.
    pub pods: Vec<SampledPod>,
    /// The parts that gave nothing and matter: totals or buckets; bad events, which may be empty because none has happened yet.
    pub empty: Vec<String>,
    /// Why it gave no answer at all.
    pub fault: Option<MetricFault>,
}

/// One pod's cumulative counts.
#[derive(Debug, Clone, PartialEq)]
pub struct SampledPod {
    /// Which.
    pub pod: Pod,
    /// Bad events; none for a histogram, or where there is no such series.
    pub bad: Option<f64>,
    /// All events.
    pub total: Option<f64>,
    /// When they were scraped.
    pub scraped_at: Option<Moment>,
}

/// Runs the queries of `policy` once at `now`, each metric by itself.
pub async fn sample_once(source: &dyn MetricSource, policy: &Policy, now: Moment) -> Sampled {
    let spacing = spacing(policy);
    let interval = scrapes(source, &spacing, now)
        .await
        .ok()
        .and_then(|answers| scrape_interval(&spacing, &answers));
    let mut metrics = Vec::with_capacity(policy.metrics.len());
    for (index, metric) in policy.metrics.iter().enumerate() {
        let question = of_metric(policy, index);
        let (readings, fault) = match source.instant(&question, now).await {
            Ok(answer) => (readings(&question, &answer, index), None),
            Err(fault) => (BTreeMap::new(), Some(fault)),
        };
        metrics.push(SampledMetric {
            name: metric.name.clone(),
            empty: if fault.is_some() {
                Vec::new()
            } else {
                empty(&question, index, &readings)
            },
            query: question.promql,
            pods: readings
                .into_iter()
                .filter(|(_, reading)| reading.has_totals())
                .map(|(pod, reading)| sampled(pod, &reading))
                .collect(),
            fault,
        });
    }
    Sampled {
        at: now,
        interval,
        metrics,
    }
}

fn sampled(pod: Pod, reading: &Reading) -> SampledPod {
    SampledPod {
        pod,
        bad: reading.bad,
        total: reading
            .total
            .or_else(|| reading.buckets.get("+Inf").copied())
            .or(reading.native_count)
            .or(reading.value),
        scraped_at: reading.scraped_at(),
    }
}

fn empty(question: &Question, metric: usize, readings: &BTreeMap<Pod, Reading>) -> Vec<String> {
    let mut empty = Vec::new();
    if !readings.values().any(Reading::has_totals) {
        empty.push(question.counted(metric).to_owned());
    }
    let bad = question.parts.iter().find(|part| part.kind == PartKind::Bad);
    if let Some(bad) = bad.filter(|_| readings.values().all(|reading| reading.bad.is_none())) {
        empty.push(bad.promql.clone());
    }
    empty
}

/// Whether every metric of `policy` has data at `now`; else the sentence that names what is empty.
///
/// # Errors
/// When something is empty or Prometheus cannot be asked.
pub async fn data_flows(source: &dyn MetricSource, policy: &Policy, now: Moment) -> Result<(), String> {
    for metric in sample_once(source, policy, now).await.metrics {
        if let Some(fault) = metric.fault {
            return Err(fault.because);
        }
        if metric.pods.is_empty() {
            return Err(format!(
                "metric `{}` has no data: this query is empty: {}; see `lastgood check --prometheus URL`",
                metric.name,
                metric.empty.first().unwrap_or(&metric.query)
            ));
        }
    }
    Ok(())
}
