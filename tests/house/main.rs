//! The house rules as tests (CONTRIBUTING.md says why): each failure ends in the rule's sentence.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod code;
mod rows;
mod rules;
mod sizes;
mod source;
mod supply;
mod tracked;
mod tree;
mod walls;
