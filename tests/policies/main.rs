//! Policy files, right and wrong: one bad fixture and one test for every way to be wrong.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod bad;
mod closed;
mod good;
mod hostile;
mod schema;
