//! The demo's own parts, real ones: the service and its restarts, the load, Prometheus, and that nothing outlives them; and the whole story.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod parts;
mod readme;
mod story;
