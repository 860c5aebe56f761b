//! Policies: what a service's owner allows. A [`Policy`] is the proof that its file was valid; later rooms never check again.
//!
//! A file goes through four steps: text -> `tree` (YAML with places) -> `file` (the wire structs, read by `reader`) -> `resolve`
//! (defaults and rules) -> [`Policy`]. Each step goes on after errors, so that a file names all of its errors at once.
//!
//! `manifest` reads release manifests with the same reader, so that both kinds of files are refused in the same way.
//!
//! May touch: `words`. Deliberately absent: files, network, clocks; reading a file is `settings`' and `app`'s work.

mod error;
mod file;
mod given;
mod hash;
mod model;
pub mod nearest;
mod promql;
mod proven;
mod quantity;
mod reader;
mod resolve;
mod schema;
mod target;
mod threshold;
mod tree;
mod written;

pub(crate) use error::{At, Fault, Faults};
pub use error::{PolicyError, PolicyErrors};
pub(crate) use given::Given;
pub use model::{
    Compare, Harmful, HistogramMetric, HoldPolicy, Limits, Metric, MetricKind, Mode, Notify, NotifyOn, OnInconclusive,
    OnRegression, Policy, RatioMetric, Require, RevertPolicy, RevertTo, Risk, Startup, StepSetting, Tolerate, ValueMetric, Watch,
};
pub use proven::{MarkKind, OnProven};
pub use quantity::{duration_text, parse_duration, parse_share, share_text};
pub(crate) use reader::Reader;
pub(crate) use schema::homes_in;
pub use schema::schema;
pub use target::{Activate, ActivateBy, Arms, HostTarget, KubernetesTarget, Target, WorkloadKind};
pub use threshold::{Side, Threshold};
pub use tree::MAX_BYTES;
pub(crate) use tree::{Entry, Node, Value};
pub use written::filled;

use serde::Deserialize;

/// Reads a policy. `file` is its name in messages; nothing is opened.
///
/// # Errors
/// With everything that is wrong with it, each with line, column, key, what was found and what is allowed.
pub fn parse(text: &str, file: &str) -> Result<Policy, PolicyErrors> {
    let faults = error::Faults::default();
    let policy = read(text, &faults);
    match (policy, faults.into_vec()) {
        (Some(policy), none) if none.is_empty() => Ok(policy),
        (_, faults) => Err(PolicyErrors::new(file, text, faults)),
    }
}

fn read(text: &str, faults: &error::Faults) -> Option<Policy> {
    let node = tree::read(text).map_err(|fault| faults.add(fault)).ok()?;
    let reader = reader::Reader {
        node: &node,
        path: String::new(),
        faults,
        homes: schema::homes,
    };
    let file = given::Given::<file::PolicyFile>::deserialize(reader).ok()?;
    resolve::resolve(&file, faults)
}
