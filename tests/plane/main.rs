//! The cluster that tests run on, itself tested: real processes as pods, scraped, rolled, broken and gone, and nothing left after it.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "what only the tests of rollouts need")]
mod account;
#[expect(dead_code, reason = "what only the tests of rollouts need")]
#[path = "../rollouts/clients.rs"]
mod clients;
#[path = "../history/contract.rs"]
mod contract;
mod controllers;
mod crowd;
mod ends;
mod faults;
mod fenced;
mod fields;
mod guarded;
mod herd;
mod histories;
mod holding;
mod leading;
mod people;
mod plugin;
#[expect(dead_code, reason = "what only the tests of rollouts need")]
mod proxy;
mod refused;
mod rig;
#[path = "../history/sample.rs"]
mod sample;
mod standing_still;
mod taking_over;
mod terminating;
mod workloads;
#[expect(dead_code, reason = "what only the tests of rollouts need")]
mod written;

use rig as plane;
