//! Release manifests: every way to be wrong, what a good one says, and the schema from the same types.

#![expect(clippy::panic, reason = "a test that cannot go on has failed")]

mod bad;
#[path = "../policies/closed.rs"]
mod closed;
mod good;
mod schema;
