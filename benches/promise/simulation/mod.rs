//! Simulated rollouts: services with the noise of statistics.md, sections 8 and 12, the releases that are shipped to them, and what
//! comes of each. Every number follows from the seed and the rollout's own number, whatever runs beside it.

pub mod alone;
pub mod beside;
pub mod chance;
pub mod judged;
pub mod latency;
pub mod noise;
pub mod release;
pub mod rolling;
pub mod tally;
