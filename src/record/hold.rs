//! A hold: a rolling update that stands still part-way while its release is judged; and what the platform sees of it.

use serde::{Deserialize, Serialize};

use crate::words::{Actor, Moment, Outcome, RolloutId, Version};

/// A rolling update that lastgood holds, means to hold, or held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Whose rollout.
    pub rollout: RolloutId,
    /// The candidate.
    pub version: Version,
    /// When the intent to hold it was stored.
    pub asked_at: Moment,
    /// Until when it is held at most while nothing is found out.
    pub until: Moment,
    /// So many pods of the candidate at most; 0 while it is not held yet.
    pub pods: u32,
    /// Of so many.
    pub of: u32,
    /// How it stands: none while nobody knows yet whether it is held; `held`; `released`; `refused`, `failed` or `superseded` where it never was.
    pub outcome: Option<Outcome>,
    /// Why it goes on, or is to go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goes_on: Option<GoesOn>,
    /// When any of this changed.
    pub changed_at: Moment,
    /// Why it could not be held, or what the last attempt to let it go on met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Hold {
    /// Whether it is held, and is to stay so.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.outcome == Some(Outcome::Held) && self.goes_on.is_none()
    }

    /// Whether it should have gone on by now and has not.
    #[must_use]
    pub fn is_overdue(&self, now: Moment) -> bool {
        now > self.until
    }
}

/// Why a held rolling update goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum GoesOn {
    /// The verdict so far is healthy.
    Healthy,
    /// Nothing was found out in the time that the policy gives.
    TooLong,
    /// It went back, in the same write.
    Reverted,
    /// A person let it go on.
    Person {
        /// Who.
        by: Actor,
        /// Why; empty where they did not say.
        reason: String,
    },
    /// A person resumed the workload itself, or took its hold over: theirs is the last word.
    Resumed,
    /// A newer template waits behind it.
    Newer,
    /// Its rollout is over.
    Over,
    /// The policy does not ask for it any more.
    Unwanted,
    /// The policy is gone.
    Unguarded,
    /// Nothing stored tells of it: lastgood wrote it in another life.
    Forgotten,
}

impl GoesOn {
    /// The reason as it is stored and shown.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::TooLong => "too_long",
            Self::Reverted => "reverted",
            Self::Person { .. } => "person",
            Self::Resumed => "resumed",
            Self::Newer => "newer",
            Self::Over => "over",
            Self::Unwanted => "unwanted",
            Self::Unguarded => "unguarded",
            Self::Forgotten => "forgotten",
        }
    }
}

/// How a rolling update stands, as the platform sees it; only of what can be held at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rolling {
    /// How many pods its newest revision was given so far; none where it can stand still before it has any.
    pub made: Option<u32>,
    /// The hold that the workload itself tells of.
    pub held: Option<HeldMark>,
}

/// A hold as the workload itself tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldMark {
    /// Whose rollout.
    pub rollout: RolloutId,
    /// Until when.
    pub until: Moment,
    /// Whether it really stands still as lastgood wrote it: else a person resumed it, or holds it otherwise.
    pub in_force: bool,
    /// Whether a newer template waits behind it.
    pub newer: bool,
}

/// A hold that a workload itself tells of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MarkedWorkload {
    /// `deployment`, `statefulset`.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Whose rollout.
    pub rollout: RolloutId,
    /// Until when.
    pub until: Moment,
    /// Whether it stands still as lastgood wrote it; else a person resumed it, and only the annotation is left.
    pub in_force: bool,
}

/// How an attempt to hold a rolling update, or to let it go on, ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldResult {
    /// It is held.
    Held {
        /// So many pods of the candidate at most.
        pods: u32,
        /// Of so many.
        of: u32,
    },
    /// It goes on: nothing of lastgood's holds it.
    Released,
    /// Something else than the candidate is rolled out; nothing was changed.
    Superseded,
    /// It cannot, or must not, be held; nothing was changed.
    Refused {
        /// What was found.
        found: String,
    },
    /// Nothing was changed: no permission, or not admitted.
    Failed {
        /// The error, with what to do next.
        error: String,
    },
    /// Nobody can tell what it did: it is looked at, and tried again.
    Unknown {
        /// The error.
        error: String,
    },
}
