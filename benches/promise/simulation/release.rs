//! What is shipped: how much worse it is, and from when on.

use std::fmt;

/// What a release changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// Bad events, so many times as often (theta).
    Times(f64),
    /// This share of all requests fails.
    Share(f64),
    /// Every request takes so many times as long.
    Slower(f64),
    /// 1 % of requests take five times as long.
    SomeSlower,
}

/// A release.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Release {
    /// What it changes.
    pub change: Change,
    /// The first step in which it does.
    pub onset: usize,
}

/// Steps a minute.
pub const MINUTE: usize = 4;

impl Release {
    /// theta from the first step on.
    pub const fn times(theta: f64) -> Self {
        Self::late(theta, 0)
    }

    /// theta from this minute on.
    pub const fn late(theta: f64, minute: usize) -> Self {
        Self {
            change: Change::Times(theta),
            onset: minute * MINUTE,
        }
    }

    /// A share of failures from the first step on.
    pub const fn failing(share: f64) -> Self {
        Self {
            change: Change::Share(share),
            onset: 0,
        }
    }

    /// A latency that is so many times the usual one, from the first step on.
    pub const fn slower(times: f64) -> Self {
        Self {
            change: Change::Slower(times),
            onset: 0,
        }
    }

    /// The bad rate at a step, from what it would have been.
    pub fn rate(&self, step: usize, usual: f64) -> f64 {
        match self.change {
            Change::Times(theta) if step >= self.onset => usual * theta,
            Change::Share(share) if step >= self.onset => share,
            _ => usual,
        }
    }

    /// Whether it decides the rate outright, whatever the service's noise.
    pub const fn outright(&self) -> bool {
        matches!(self.change, Change::Share(_))
    }

    /// A name for streams of chance: the same for the same release, another for every other.
    pub fn stream(&self) -> u64 {
        let (kind, size) = match self.change {
            Change::Times(theta) => (1, theta),
            Change::Share(share) => (2, share),
            Change::Slower(times) => (3, times),
            Change::SomeSlower => (4, 0.0),
        };
        size.to_bits() ^ (kind << 60) ^ ((self.onset as u64) << 1)
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.change {
            Change::Times(theta) => write!(f, "{theta}×")?,
            Change::Share(share) => write!(f, "{} % errors", share * 100.0)?,
            Change::Slower(times) => write!(f, "{times}× slower")?,
            Change::SomeSlower => write!(f, "1 % five times slower")?,
        }
        if self.onset > 0 {
            write!(f, " from minute {}", self.onset / MINUTE)?;
        }
        Ok(())
    }
}
