//! Counts from a real Prometheus that scrapes exporters of ours, and from servers that answer as none should.

#![expect(clippy::expect_used, clippy::panic, reason = "a rig that fails fails its test")]

mod faults;
mod native;
mod pods;
mod protobuf;
mod rig;
mod rollout;
mod rules;
mod scraped;
mod tls;
mod values;
mod watched;
