//! Counts in, evidence out: the sequential judge (statistics.md) and what it learns of the noise before it starts.
//!
//! May touch: `words`, `policy`. Deliberately absent: Prometheus, prose, clocks, randomness, decisions.

mod evidence;

pub use evidence::{BoundEvidence, Comparison, Estimate, Evidence, LateChange, MetricEvidence, Noise, NoiseSource, Plan};
