//! How much of a target's past is kept.

use std::time::Duration;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// So many versions of a target, and so many releases; at least 10.
    pub versions: usize,
    /// And none that last ran, or was recorded, longer ago; at least 30 days.
    pub age: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            versions: 100,
            age: Duration::from_secs(365 * 24 * 3600),
        }
    }
}
