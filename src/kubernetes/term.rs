//! How long lastgood may write under its lease, by a clock of this machine alone.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Reads how long the machine has been up, its sleep included; never set by anybody.
pub type Uptime = fn() -> Duration;

/// The time for which this process acts: begun by taking the lease, prolonged by each renewal, never begun again.
#[derive(Debug)]
pub struct Term {
    transitions: u64,
    until: AtomicU64,
    uptime: Uptime,
}

impl Term {
    /// A term that lasts until `until` of `uptime`, under a lease that had changed hands `transitions` times.
    pub(super) fn new(transitions: u64, until: Duration, uptime: Uptime) -> Self {
        Self {
            transitions,
            until: AtomicU64::new(millis(until)),
            uptime,
        }
    }

    pub(super) fn prolong(&self, until: Duration) {
        self.until.store(millis(until), Ordering::Release);
    }

    /// How often the lease had changed hands: a later number is a later leader.
    #[must_use]
    pub const fn transitions(&self) -> u64 {
        self.transitions
    }

    /// Whether it still lasts. Also a process that was stopped, or a machine that slept, finds out before it writes.
    #[must_use]
    pub fn lasts(&self) -> bool {
        millis((self.uptime)()) < self.until.load(Ordering::Acquire)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
