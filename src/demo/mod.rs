//! A small service on this machine with real requests, a real Prometheus and a real controller: what `lastgood demo` shows, and a
//! rig for tests.
//!
//! May touch: every room but `cli`; processes, loopback sockets, one directory. Deliberately absent: judging, and anything that stands
//! in for a real part.

mod behavior;
mod child;
mod draw;
mod files;
mod hook;
mod load;
mod plain;
mod prometheus;
mod releases;
mod screen;
mod serve;
mod service;
mod stage;
mod story;
mod telling;

pub use behavior::{Behavior, BehaviorError};
pub use child::{Child, ChildError, held, hold};
pub use hook::{Hook, Received};
pub use load::{Load, LoadCounts, LoadOptions};
pub use prometheus::{Prometheus, PrometheusError, PrometheusOptions, ScrapeTarget};
pub use releases::Releases;
pub use serve::{ServeError, serve};
pub use service::{Service, ServiceError, activate};
pub use stage::StageError;
pub use story::{DemoOptions, Ended, Pace, play};
