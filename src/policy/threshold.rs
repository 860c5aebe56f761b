//! The plain bound of a value: above or below it for so long is a regression.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A bound that a value must not be beyond for so long.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// On which side of it harm begins.
    pub side: Side,
    /// The bound itself, which is no harm yet.
    pub value: f64,
    /// So long it may be beyond (default 5 m).
    #[serde(with = "crate::words::seconds")]
    pub held_for: Duration,
}

/// A side of a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// `above:`
    Above,
    /// `below:`
    Below,
}

impl Threshold {
    /// Whether `value` is on the side of harm.
    #[must_use]
    pub fn is_beyond(&self, value: f64) -> bool {
        match self.side {
            Side::Above => value > self.value,
            Side::Below => value < self.value,
        }
    }

    /// The one of two values that is farther on the side of harm.
    #[must_use]
    pub const fn worse(&self, one: f64, other: f64) -> f64 {
        match self.side {
            Side::Above => one.max(other),
            Side::Below => one.min(other),
        }
    }
}
