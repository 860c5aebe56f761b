//! Counts: what each pod did in one step, exactly, and every gap with its name (product.md, From counters to counts).
//!
//! A pod is the unit that serves: on Kubernetes a pod, on a host one `(job, instance)` of Prometheus.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{Moment, Native};

/// The name of a pod; cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pod(pub Arc<str>);

impl fmt::Display for Pod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The two sides of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// The new version.
    Candidate,
    /// The version it is compared with, beside it.
    Baseline,
}

/// What one pod added to one metric's counters in one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Increment {
    /// A ratio metric: bad events out of total events, `bad <= total`.
    Ratio {
        /// Bad events.
        bad: u64,
        /// All events.
        total: u64,
    },
    /// A classic histogram: cumulative counts at each bound of [`MetricStep::bounds`], the last one being `+Inf`; never falling.
    Buckets(Vec<u64>),
    /// A native histogram, which brings its own bounds: those of the step are empty.
    Native(Native),
    /// What is no counter has no increment: the newest value, above 0.
    Value {
        /// In the metric's unit.
        value: f64,
    },
}

impl Increment {
    /// All events; a value is one.
    #[must_use]
    pub fn events(&self) -> u64 {
        match self {
            Self::Ratio { total, .. } => *total,
            Self::Buckets(counts) => counts.last().copied().unwrap_or(0),
            Self::Native(counts) => counts.total(),
            Self::Value { .. } => 1,
        }
    }
}

/// One pod's increment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PodIncrement {
    /// Which pod.
    pub pod: Pod,
    /// What it added.
    pub increment: Increment,
}

/// One metric in one step: the increments of both arms, and what could not be counted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MetricStep {
    /// Upper bounds of a classic histogram's buckets, in the metric's unit, ascending, the last one infinite. Empty for ratios and native histograms.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "bounds")]
    pub bounds: Vec<f64>,
    /// The candidate's pods that were counted.
    pub candidate: Vec<PodIncrement>,
    /// The baseline's pods that were counted; empty where nothing runs beside the candidate.
    pub baseline: Vec<PodIncrement>,
    /// What was not counted, and why.
    pub gaps: Vec<Gap>,
}

impl MetricStep {
    /// The pods of one side that were counted.
    #[must_use]
    pub fn arm(&self, arm: Arm) -> &[PodIncrement] {
        match arm {
            Arm::Candidate => &self.candidate,
            Arm::Baseline => &self.baseline,
        }
    }
}

/// All metrics of a policy, in its order, over the step that ends at `at`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The aligned time at which the step ends.
    pub at: Moment,
    /// One entry a metric of the policy, in the policy's order.
    pub metrics: Vec<MetricStep>,
}

/// Something that could not be counted. A gap costs time, never truth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Which side it is on.
    pub arm: Arm,
    /// Why.
    pub reason: GapReason,
    /// The pod, where it is one pod's gap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<Pod>,
    /// What was found, for people: the query, the names of two instances, the number.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// Why something could not be counted: a closed list, stored and public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// The query answered, with nothing in it.
    NoData,
    /// The newest sample is older than two scrape intervals.
    Stale,
    /// Nothing to difference with: the first time the pod is seen, or the step before was a gap.
    NoPrevious,
    /// A counter fell and no restart explains it.
    UnexplainedReset,
    /// Fewer series than before, and no restart explains it.
    SeriesVanished,
    /// The step holds the switch itself, so it belongs to neither version.
    Switch,
    /// Under 80 % of the arm's ready pods were counted.
    Coverage,
    /// Several instances answered where the policy picks none.
    SeveralInstances,
    /// The same series twice.
    Duplicate,
    /// Prometheus answered with a warning: the data may be partial.
    Warning,
    /// NaN, infinite or negative.
    NotACount,
    /// More bad events than events.
    BadAboveTotal,
    /// Bucket counts that fall from one bound to the next.
    FallingBuckets,
    /// Bucket bounds differ from those before, or between pods.
    BoundsDiffer,
    /// No `+Inf` bucket.
    NoInfBucket,
    /// The query failed: refused, timed out, cut, too large, not JSON.
    QueryFailed,
    /// Prometheus answered, but no longer has the time that was asked for.
    Missing,
    /// The pod was in its warm-up.
    WarmUp,
    /// A value of zero or less, which has no logarithm.
    NotPositive,
}

impl GapReason {
    /// The reason as it is stored and published.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoData => "no_data",
            Self::Stale => "stale",
            Self::NoPrevious => "no_previous",
            Self::UnexplainedReset => "unexplained_reset",
            Self::SeriesVanished => "series_vanished",
            Self::Switch => "switch",
            Self::Coverage => "coverage",
            Self::SeveralInstances => "several_instances",
            Self::Duplicate => "duplicate",
            Self::Warning => "warning",
            Self::NotACount => "not_a_count",
            Self::BadAboveTotal => "bad_above_total",
            Self::FallingBuckets => "falling_buckets",
            Self::BoundsDiffer => "bounds_differ",
            Self::NoInfBucket => "no_inf_bucket",
            Self::QueryFailed => "query_failed",
            Self::Missing => "missing",
            Self::WarmUp => "warm_up",
            Self::NotPositive => "not_positive",
        }
    }
}

impl fmt::Display for GapReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Serde form of bucket bounds: numbers, the infinite one as `"+Inf"`, which JSON numbers cannot say.
mod bounds {
    use serde::{Deserialize, Deserializer, Serializer, de::Error, ser::SerializeSeq};

    pub fn serialize<S: Serializer>(bounds: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(bounds.len()))?;
        for bound in bounds {
            if bound.is_infinite() {
                seq.serialize_element("+Inf")?;
            } else {
                seq.serialize_element(bound)?;
            }
        }
        seq.end()
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Bound {
            Finite(f64),
            Named(String),
        }
        Vec::<Bound>::deserialize(deserializer)?
            .into_iter()
            .map(|bound| match bound {
                Bound::Finite(value) => Ok(value),
                Bound::Named(name) if name == "+Inf" => Ok(f64::INFINITY),
                Bound::Named(name) => Err(D::Error::custom(format!(
                    "bucket bound `{name}`: a number or \"+Inf\" is allowed"
                ))),
            })
            .collect()
    }
}
