//! What remains of pods that have ended: how far each was from the others beside it. It teaches later rollouts how far healthy pods of
//! this service differ (statistics.md, section 4), which a service with few pods could not tell from them alone.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::{Calibration, calibration::MetricCalibration, counted::Bad, noise::PodHistory, terms::Terms};
use crate::{
    policy::{Metric, MetricKind},
    words::{Arm, Fingerprint, MetricStep, Pod, Step, Whole},
};

/// One pod that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PodSummary {
    /// r: its bad events over those expected at the pooled rate of each step.
    pub ratio: f64,
    /// E: those expected.
    pub expected: f64,
    /// phi: the clustering of its group, at least 1.
    pub phi: f64,
    /// m: pods in its group, itself among them. A pod alone is its own average and teaches nothing.
    pub group: u32,
}

impl PodSummary {
    /// Whether it can teach anything: written by this judge, not by a hand that slipped.
    pub(super) fn teaches(&self) -> bool {
        let sound = self.ratio.is_finite() && self.expected.is_finite() && self.phi.is_finite();
        sound && self.ratio >= 0.0 && self.expected > 0.0 && self.phi >= 1.0 && self.group > 1
    }
}

/// What was counted of the pods: summaries of different counts never mix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PodCount {
    /// The metric's name.
    pub metric: String,
    /// The hash of its queries.
    pub queries: Fingerprint,
    /// Of a histogram: slower than this many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
}

impl PodCount {
    pub(super) fn new(metric: &Metric, bad: Bad) -> Self {
        Self {
            metric: metric.name.clone(),
            queries: metric.queries_hash(),
            above: match bad {
                Bad::Event => None,
                Bad::Above(seconds, _) | Bad::Cut(seconds, ..) => Some(seconds),
            },
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        const SAME: f64 = 1e-9;
        let bound = match (self.above, other.above) {
            (Some(one), Some(other)) => (one - other).abs() <= SAME * other,
            (one, other) => one == other,
        };
        bound && self.metric == other.metric && self.queries == other.queries
    }
}

/// The pods of the past by one count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastPods {
    /// What was counted.
    pub count: PodCount,
    /// One entry a pod.
    pub pods: Vec<PodSummary>,
}

/// The summaries of the pods of `arm` that `steps` (of length `step`) counted, one entry a metric, and a bound of a histogram as
/// `calibration` chose it; nothing where fewer than two pods ran together. To be made once for each pod, at its end: counted twice it
/// would teach twice.
#[must_use]
pub fn summarize<'a>(
    terms: impl Into<Terms<'a>>,
    calibration: &Calibration,
    step: Duration,
    steps: &[Step],
    arm: Arm,
) -> Vec<PastPods> {
    let step_ms = i64::try_from(step.as_millis()).unwrap_or(i64::MAX);
    let metrics = terms.into().metrics;
    let counts = metrics.iter().zip(&calibration.metrics).enumerate();
    counts
        .flat_map(|(index, (metric, learnt))| counted(metric, learnt).into_iter().map(move |bad| (index, metric, bad)))
        .map(|(index, metric, bad)| PastPods {
            count: PodCount::new(metric, bad),
            pods: last(history(steps, index, bad, arm).learn(step_ms, &[]).pods),
        })
        .filter(|past| past.pods.len() > 1)
        .collect()
}

/// So many pods that ended last teach, of each count.
const PODS_KEPT: usize = 12;
/// So many counts are kept: those that pods were added to last. A policy's queries change, and the bounds of a histogram move.
const COUNTS_KEPT: usize = 16;

/// The last that teach anything, as many as would be kept: a large service has hundreds.
fn last(mut pods: Vec<PodSummary>) -> Vec<PodSummary> {
    pods.retain(PodSummary::teaches);
    pods.drain(..pods.len().saturating_sub(PODS_KEPT));
    pods
}

/// Adds pods that have ended to those of the past, and forgets the oldest beyond the last twelve of each count.
pub fn remember(past: &mut Vec<PastPods>, ended: Vec<PastPods>) {
    for PastPods { count, pods } in ended {
        let known = past.iter().position(|known| known.count.is_same(&count));
        let mut kept = known.map_or_else(Vec::new, |place| past.remove(place).pods);
        kept.extend(pods);
        past.push(PastPods { count, pods: last(kept) });
    }
    past.drain(..past.len().saturating_sub(COUNTS_KEPT));
}

fn counted(metric: &Metric, learnt: &MetricCalibration) -> Vec<Bad> {
    match (&metric.kind, learnt) {
        (MetricKind::Ratio(_), _) => vec![Bad::Event],
        (MetricKind::Histogram(_), MetricCalibration::Histogram(bounds)) => bounds
            .iter()
            .map(|bound| Bad::Above(bound.baseline_above, Whole::Up))
            .collect(),
        (MetricKind::Histogram(_) | MetricKind::Value(_), _) => Vec::new(),
    }
}

/// The counts of the pods of `arm` by the metric at `index`, in the steps that have any.
pub(super) fn history(steps: &[Step], index: usize, bad: Bad, arm: Arm) -> PodHistory {
    let counted = || {
        let there = |step: &'_ Step| step.metrics.get(index).is_some_and(|metric| !metric.arm(arm).is_empty());
        steps
            .iter()
            .filter(move |step| there(step))
            .map(|step| (step.at.millis(), &step.metrics[index]))
    };
    let mut places = BTreeMap::<&Pod, usize>::new();
    for pod in counted().flat_map(|(_, metric)| metric.arm(arm)) {
        let next = places.len();
        places.entry(&pod.pod).or_insert(next);
    }
    let row = |metric: &MetricStep| {
        let counter = bad.counter(&metric.bounds)?;
        let mut row = vec![[0.0; 2]; places.len()];
        for pod in metric.arm(arm) {
            row[*places.get(&pod.pod)?] = counter.of(&pod.increment)?;
        }
        Some(row)
    };
    PodHistory {
        steps: counted().filter_map(|(at, metric)| Some((at, row(metric)?))).collect(),
    }
}

/// Of all that is known of the past, what belongs to this count.
pub(super) fn of_count(past: &[PastPods], count: &PodCount) -> Vec<PodSummary> {
    let those = past.iter().filter(|past| past.count.is_same(count));
    those
        .flat_map(|past| &past.pods)
        .copied()
        .filter(PodSummary::teaches)
        .collect()
}
