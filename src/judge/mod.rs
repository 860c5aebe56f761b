//! Counts in, evidence out: the sequential judge (statistics.md) and what it learns of the noise before it starts.
//!
//! May touch: `words`, `policy`. Deliberately absent: Prometheus, prose, clocks, randomness, decisions.
//!
//! `calibrate` learns once, before a rollout (`noise`, `temporal`, `latency`), what `Judge` is made from; a `Judge` holds one `metric` each,
//! a metric its `stream`s (one of a ratio, two a bound of a histogram) or its `value`, each of them its `mixture`s on the `grid`. `rollout`
//! judges a whole rollout that is written as one line of JSON.

mod calibrate;
mod calibration;
mod counted;
mod estimate;
mod evidence;
mod grid;
mod latency;
mod luck;
mod metric;
mod mixture;
mod noise;
#[cfg(test)]
mod oracle;
pub mod rollout;
mod sequential;
mod stream;
mod temporal;
mod terms;
mod value;
mod weights;

pub use calibrate::{Background, calibrate};
pub use calibration::Calibration;
pub use evidence::{
    BoundEvidence, Comparison, Estimate, Evidence, LateChange, MetricEvidence, Noise, NoiseSource, Plan, ValueEvidence,
};
pub use sequential::Judge;
pub use terms::Terms;
