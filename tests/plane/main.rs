//! The cluster that tests run on, itself tested: real processes as pods, scraped, rolled, broken and gone, and nothing left after it.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod controllers;
mod ends;
mod leading;
mod people;
mod rig;
mod workloads;
