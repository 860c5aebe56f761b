//! A question has parts, told apart by a label that the query puts on each; an answer is typed samples at one time.

use std::collections::BTreeMap;

use crate::words::{Moment, Pod};

/// A PromQL query whose result holds all of `parts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The query.
    pub promql: String,
    /// What it carries; the label [`Question::PART`] of a sample is the index into this.
    pub parts: Vec<Part>,
    /// The two labels whose values, joined by `/`, name a pod: `job` and `instance` on a host, namespace and pod on Kubernetes.
    pub by: [String; 2],
}

impl Question {
    /// The label that tells the parts of an answer apart.
    pub const PART: &'static str = "lastgood_part";

    /// The query of what the metric at this index counts: its totals, its buckets or its value; empty where there is none.
    #[must_use]
    pub fn counted(&self, metric: usize) -> &str {
        let counts = |part: &&Part| part.metric == metric && part.kind.is_counted();
        self.parts.iter().find(counts).map_or("", |part| part.promql.as_str())
    }
}

/// One part of a question.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// The metric's index in the policy.
    pub metric: usize,
    /// What it says of the metric.
    pub kind: PartKind,
    /// The query of this part alone, for people: it is named when it is empty.
    pub promql: String,
}

/// What a part says of its metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartKind {
    /// The cumulative count of bad events, by pod.
    Bad,
    /// The cumulative count of all events, by pod.
    Total,
    /// Cumulative bucket counts: of a classic histogram by pod and `le`; of a native one by pod, all in one sample.
    Buckets,
    /// The newest value of what is no counter, by pod.
    Value,
    /// Newest scrape time of the totals (of the `+Inf` bucket for histograms), by pod.
    Stamp,
    /// How many series the totals (the buckets) have, by pod.
    SeriesOfTotal,
    /// How many series the bad events have, by pod.
    SeriesOfBad,
    /// How many scrape targets (job and instance) the totals come from, by pod; not asked where that is what makes a pod, or where the
    /// policy has aggregated them itself.
    Targets,
    /// When the process started, by pod, where it says so.
    ProcessStart,
    /// The slowest scrape, in seconds, by pod.
    ScrapeDuration,
}

impl PartKind {
    /// Whether it is what the metric counts: all events, buckets or a value.
    #[must_use]
    pub const fn is_counted(self) -> bool {
        matches!(self, Self::Total | Self::Buckets | Self::Value)
    }
}

/// One sample of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The part it belongs to: an index into [`Question::parts`].
    pub part: usize,
    /// Whose it is.
    pub pod: Pod,
    /// Labels beyond part and pod: `le`.
    pub labels: BTreeMap<String, String>,
    /// The value as Prometheus gave it, of a native histogram its count; may be NaN or infinite.
    pub value: f64,
    /// The buckets that hold anything, where it is a native histogram.
    pub native: Option<Box<[NativeBucket]>>,
}

/// One bucket of a native histogram, as Prometheus gave it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NativeBucket {
    /// Its lower bound.
    pub lower: f64,
    /// Its upper bound.
    pub upper: f64,
    /// Events in it, since the process began.
    pub count: f64,
}

/// What Prometheus says of one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The time that was asked about.
    pub at: Moment,
    /// The samples, in no order.
    pub samples: Vec<Sample>,
}

impl Answer {
    /// How many numbers it holds: of a native histogram its buckets too, each of which takes the room of two samples.
    #[must_use]
    pub fn size(&self) -> usize {
        let buckets = |sample: &Sample| sample.native.as_ref().map_or(0, |buckets| buckets.len());
        self.samples.iter().map(|sample| 1 + 2 * buckets(sample)).sum()
    }
}
