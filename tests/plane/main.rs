//! The cluster that tests run on, itself tested: real processes as pods, scraped, rolled, broken and gone, and nothing left after it.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../rollouts/clients.rs"]
mod clients;
#[path = "../history/contract.rs"]
mod contract;
mod controllers;
mod ends;
mod fields;
mod histories;
mod leading;
mod people;
mod rig;
#[path = "../history/sample.rs"]
mod sample;
mod taking_over;
mod workloads;

use rig as plane;
