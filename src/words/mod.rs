//! The vocabulary as types: services, versions, moments, counts, verdicts, outcomes. Each parses itself and says what is allowed.
//!
//! May touch: nothing but serde and jiff (for RFC 3339). Deliberately absent: policies, clocks, every outside world.

mod counts;
mod moment;
mod names;
mod native;
mod order;
mod outcome;
mod retention;
pub mod seconds;
mod version;

/// What lastgood calls itself in requests.
pub const USER_AGENT: &str = concat!("lastgood/", env!("CARGO_PKG_VERSION"));

pub use counts::{Arm, Gap, GapReason, Increment, MetricStep, Pod, PodIncrement, Step};
pub use moment::Moment;
pub use names::{Actor, ChannelName, Env, NameError, RolloutId, Service, TargetKey};
pub use native::{Native, Whole};
pub use order::VersionOrder;
pub use outcome::{Outcome, Standing, Verdict};
pub use retention::Retention;
pub use version::{Fingerprint, Version, VersionName};
