//! Counts in, evidence out: the sequential judge (statistics.md) and what it learns of the noise before it starts.
//!
//! May touch: `words`, `policy`. Deliberately absent: Prometheus, prose, clocks, randomness, decisions.
//!
//! `calibrate` learns once, before a rollout (`noise`, `pods`, `temporal`, `latency`), what `Judge` is made from; a `Judge` holds one
//! `metric` each, a metric its `course`s (one of a ratio, two a `bound` of a histogram) or its `value` or `threshold`; a course one `stream`, and a second once
//! the old version has gone, a stream the `likelihood` of each step in its `mixture`s on the `grid`, worked out in `lanes`. `rollout` judges a whole rollout that is written as
//! one line of JSON; `forecast` says before any rollout what could be found, by simulated ones.

mod bound;
mod calibrate;
mod calibration;
mod counted;
mod course;
mod cut;
mod estimate;
mod evidence;
mod forecast;
mod grid;
mod lanes;
mod latency;
mod likelihood;
mod luck;
mod metric;
mod mixture;
mod noise;
#[cfg(test)]
mod oracle;
mod pods;
pub mod rollout;
mod sequential;
mod stream;
mod temporal;
mod terms;
mod threshold;
mod usual;
mod value;
mod value_beside;
mod value_course;
mod value_pods;
mod weights;

pub use calibrate::{Background, calibrate};
pub use calibration::Calibration;
pub use evidence::{
    Alone, BoundEvidence, Comparison, Estimate, Evidence, LateChange, MetricEvidence, Noise, NoiseSource, Plan,
    ThresholdEvidence, ValueEvidence,
};
pub use forecast::{Change, Found, MetricForecast, Outlook, Proof, Seldom, Trials, forecast};
pub use pods::{PastPods, PodCount, PodSummary, remember, summarize};
pub use sequential::Judge;
pub use terms::Terms;
