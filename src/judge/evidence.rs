//! What the judge says after each step. Stored with every decision that rested on it; e-values as log10.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    policy::Threshold,
    words::{GapReason, Moment, Verdict},
};

/// What is pinned when a rollout opens, so that recomputing gives the same evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The step between aligned times.
    #[serde(with = "crate::words::seconds")]
    pub step: Duration,
    /// Steps in the watch (statistics.md, section 3: T).
    pub steps: u32,
    /// What the candidate is compared with.
    pub compare: Comparison,
    /// Pods that the candidate shall have (section 4: m_c); 1 on a host.
    pub candidate_pods: u32,
    /// Pods that the version before has when the rollout begins (section 4: m_b); 1 on a host.
    #[serde(default = "one")]
    pub baseline_pods: u32,
}

const fn one() -> u32 {
    1
}

/// What the candidate was compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Comparison {
    /// The version before, beside it.
    Concurrent,
    /// The version before, beside it, and once that has gone, its own last hour (section 8).
    Auto,
    /// The last good version's own last hour.
    BeforeAfter,
    /// Nothing: first sight. Cannot convict; only objectives are judged.
    None,
}

/// Everything that is known after a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The end of the newest step that was judged.
    pub at: Moment,
    /// Steps judged so far, gaps included.
    pub steps: u32,
    /// Steps in which every metric that may revert had usable counts of the candidate, and of the baseline while one ran beside it.
    pub used: u32,
    /// Since when the data have been whole without a break: from then on at least 80 % of the steps were used. None while they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole_since: Option<Moment>,
    /// What it was compared with so far: [`Comparison::Auto`] only once the version before has gone and that hour is compared with.
    pub compare: Comparison,
    /// Since when nothing has run beside it that it was compared with before. Where no metric has `alone` counts, the steps since then are not
    /// used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alone_since: Option<Moment>,
    /// The verdict so far; none while the evidence reaches neither bound. `regression` is final, `healthy` yields only to it.
    /// `inconclusive` and `blind` are for the end of a watch and not said here.
    pub verdict: Option<Verdict>,
    /// log10 of the weighted mean of e-values over the metrics that may revert (statistics.md, section 9). A plain bound has none, and
    /// convicts beside it.
    pub harm_log10: f64,
    /// log10 of 1/alpha.
    pub needed_harm_log10: f64,
    /// One entry a metric, in the policy's order.
    pub metrics: Vec<MetricEvidence>,
}

/// log10 of the odds of harm from which on a version is suspect.
const SUSPECT: f64 = 1.0;

impl Evidence {
    /// Whether the evidence speaks for harm, at odds of 10 : 1 or more, whether or not that convicts. Of harmless releases at most one in ten
    /// ever comes to that (Ville's inequality), most far from it.
    #[must_use]
    pub fn is_suspect(&self) -> bool {
        self.harm_log10 >= SUSPECT
    }
}

/// What one metric says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricEvidence {
    /// The metric's name.
    pub name: String,
    /// The share of good events that it is judged against alone, as a fraction; `ratio` is then of the bad share that this allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective: Option<f64>,
    /// Whether it may revert, or only warn.
    pub may_revert: bool,
    /// The verdict by this metric alone.
    pub verdict: Option<Verdict>,
    /// log10 of the e-value of harm; 0 with a plain bound, which has none.
    pub harm_log10: f64,
    /// log10 of what this metric alone would need.
    pub needed_harm_log10: f64,
    /// log10 of the e-value of safety; 0 with a plain bound.
    pub safe_log10: f64,
    /// log10 of 1/beta.
    pub needed_safe_log10: f64,
    /// Bad and total events of the candidate in used steps. For a histogram those of the bound that weighs most.
    pub candidate: [f64; 2],
    /// Bad and total events of what it was compared with: the baseline in used steps, or the hour before.
    pub baseline: [f64; 2],
    /// The part of it since the version before has gone; none before that, and where those steps are not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alone: Option<Alone>,
    /// How many times worse (section 11); none while nothing can be said.
    pub ratio: Option<Estimate>,
    /// "N times or worse is excluded": the smallest of 2, 3, 5, 10, 30 that is (section 6).
    pub excluded_times: Option<f64>,
    /// A change that began late, with nothing beside it (section 8); only ever alerts.
    pub late: Option<LateChange>,
    /// The noise that the evidence allows for.
    pub noise: Noise,
    /// End of the first used step with a bad event of the candidate.
    pub first_bad: Option<Moment>,
    /// For a histogram: every bound that is judged, in ascending order of quantile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bounds: Vec<BoundEvidence>,
    /// For a value that is no count: the levels of both sides; there are no counts then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<ValueEvidence>,
    /// Steps lost, by reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub gaps: BTreeMap<GapReason, u32>,
    /// Why this metric cannot be judged at all, if so: "the histogram of the hour before is empty".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unusable: Option<String>,
}

/// What was counted since nothing runs beside the candidate any more (section 8: `auto`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Alone {
    /// Bad and total events of the candidate since then, in used steps; they are in its whole count too.
    pub candidate: [f64; 2],
    /// Bad and total events of the last good version's own last hour.
    pub before: [f64; 2],
}

/// How many times worse, with a 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The most likely multiple.
    pub median: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// One bound of a histogram.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoundEvidence {
    /// The quantile of the baseline that it stands for, as a fraction.
    pub quantile: f64,
    /// Slow for the baseline: above this many seconds.
    pub baseline_above: f64,
    /// Slow for the candidate: above this many seconds.
    pub candidate_above: f64,
    /// Whether the candidate's count was interpolated inside a bucket (section 7).
    pub interpolated: bool,
    /// log10 of the e-value of harm.
    pub harm_log10: f64,
    /// log10 of the e-value of safety.
    pub safe_log10: f64,
    /// Slow and all requests of the candidate.
    pub candidate: [f64; 2],
    /// Slow and all requests of what it was compared with.
    pub baseline: [f64; 2],
    /// The part of it since the version before has gone, as in [`MetricEvidence::alone`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alone: Option<Alone>,
    /// How many times more are slow.
    pub ratio: Option<Estimate>,
    /// "N times or more is excluded".
    pub excluded_times: Option<f64>,
}

/// The levels of a value, in its own unit; geometric means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ValueEvidence {
    /// Of the candidate, since its warm-up, while it is compared with what runs beside it if it is; with a plain bound the newest one, of
    /// the pod that is worst.
    pub candidate: Option<f64>,
    /// Of the old version's pods beside it, in the same steps; none where it is compared with the past alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<f64>,
    /// Of the candidate since the old version has gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<f64>,
    /// Of the last good version in its own last hour; none with a plain bound, and while it is compared with what runs beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<f64>,
    /// The plain bound that it is judged by alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<ThresholdEvidence>,
}

/// A value against a plain bound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ThresholdEvidence {
    /// The bound, and for how long it may be broken.
    #[serde(flatten)]
    pub rule: Threshold,
    /// For how long a pod of the candidate has been beyond it without a break; none: it is not.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::words::seconds::maybe")]
    pub held: Option<Duration>,
    /// The longest that any pod was; none: it never was.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::words::seconds::maybe")]
    pub longest: Option<Duration>,
}

impl MetricEvidence {
    /// The plain bound that it is judged by instead of evidence; it has no odds then.
    #[must_use]
    pub fn rule(&self) -> Option<ThresholdEvidence> {
        self.value.and_then(|value| value.threshold)
    }

    /// Whether it was judged on after the old version had gone.
    #[must_use]
    pub fn went_on_alone(&self) -> bool {
        self.alone.is_some() || self.value.is_some_and(|value| value.since.is_some())
    }

    /// Whether it is judged by itself, without what ran before: an objective, or a plain bound.
    #[must_use]
    pub fn stands_alone(&self) -> bool {
        self.objective.is_some() || self.rule().is_some()
    }
}

/// A change that began after the rollout did.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LateChange {
    /// The end of the step at which the evidence sufficed.
    pub at: Moment,
    /// log10 of the e-value of a change at some later step.
    pub harm_log10: f64,
}

/// The noise that the evidence allows for (statistics.md, sections 4 and 8).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// Clustering: the variance of counts over that of independent events; at least 1.
    pub phi: f64,
    /// Spread of ln(rate) between healthy pods, or between hours: posterior mean.
    pub sigma: f64,
    /// Where both came from.
    pub source: NoiseSource,
    /// How much history they were learnt from.
    #[serde(with = "crate::words::seconds")]
    pub history: Duration,
    /// Bad and total events of an outage in the hour before, which is not compared with; zeros: there was none.
    #[serde(default, skip_serializing_if = "is_none")]
    pub left_out: [f64; 2],
}

fn is_none([_, total]: &[f64; 2]) -> bool {
    *total == 0.0
}

/// Where the noise came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoiseSource {
    /// Learnt from the service's own history.
    History,
    /// Too little history: cautious defaults.
    Assumed,
}

/// The least and the largest log10 that is reported: always a number of JSON.
const REPORTED: (f64, f64) = (-15.0, 300.0);

/// log10 as it is reported.
pub(super) fn log10(e: f64) -> f64 {
    e.log10().clamp(REPORTED.0, REPORTED.1)
}
