//! `lastgood judge`: lines of counts in, verdicts out, with the real binary.

#![expect(clippy::expect_used, reason = "a test that cannot go on has failed")]

mod input;
mod rig;
mod streaming;
mod verdicts;
