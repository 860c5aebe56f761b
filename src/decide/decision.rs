//! A decision is a reason; whether to act is derived from it and never stored beside it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    policy::Mode,
    words::{Actor, Moment, Retention, Standing, Version, VersionName},
};

/// What follows from a verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    /// Put `to` back.
    Revert {
        /// The last good version.
        to: Version,
        /// Its standing.
        standing: Standing,
    },
    /// Ask a person whether to put `to` back.
    Propose {
        /// The last good version.
        to: Version,
        /// Its standing.
        standing: Standing,
        /// Until when the answer counts.
        until: Moment,
    },
    /// A revert was wanted; this guard refuses it, said aloud.
    Refuse {
        /// The first guard that refused.
        guard: Guard,
    },
    /// The policy wants to be told and nothing more.
    AlertOnly,
}

/// Why a wanted revert is refused. The order is that in which they are tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "guard", rename_all = "snake_case")]
pub enum Guard {
    /// Something else runs by now: a newer rollout by a person always wins.
    Superseded {
        /// What runs.
        runs: Option<Version>,
    },
    /// A person switched lastgood off for this target.
    Off {
        /// Since when, by whom, why.
        freeze: Freeze,
    },
    /// This mode only watches.
    Observe,
    /// All reverts are frozen.
    Frozen {
        /// Since when, by whom, why.
        freeze: Freeze,
    },
    /// The candidate's manifest says that there is no way back.
    Irreversible {
        /// Why not.
        reason: String,
    },
    /// No version is good enough to go back to.
    NoLastGood,
    /// The version to go back to was itself reverted once.
    Quarantined {
        /// That version.
        version: Version,
    },
    /// The version to go back to last ran too long ago.
    TooOld {
        /// That version.
        version: Version,
        /// How long ago it last ran.
        #[serde(with = "crate::words::seconds")]
        age: Duration,
        /// What the policy allows.
        #[serde(with = "crate::words::seconds")]
        allowed: Duration,
    },
    /// The version to go back to is older than the policy allows, by its name.
    BelowMinimum {
        /// That version.
        version: Version,
        /// The oldest that the policy allows.
        minimum: VersionName,
    },
    /// This service's reverts within the hour are spent.
    ServiceBudget {
        /// Reverts in the last hour.
        spent: u32,
        /// What the policy allows.
        allowed: u32,
    },
    /// The reverts of all services within the hour are spent.
    FleetBudget {
        /// Reverts in the last hour.
        spent: u32,
        /// What the settings allow.
        allowed: u32,
    },
    /// The proposal was not approved in time.
    NotApproved {
        /// When it ran out.
        until: Moment,
    },
    /// The release directory of the version to go back to is missing, half-copied or leads out of `releases`.
    Unrestorable {
        /// What was found.
        found: String,
    },
    /// Something on the workload itself keeps lastgood from writing to it.
    Braked {
        /// What.
        by: Brake,
        /// What was found, with what to do next.
        found: String,
    },
    /// The policy was removed or changed to a more cautious mode meanwhile.
    Unmanaged,
}

/// What on a workload keeps lastgood from writing to it, read anew directly before the act: a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Brake {
    /// An annotation switches lastgood off there.
    SwitchedOff,
    /// An annotation says of the release that there is no way back from it.
    NoWayBack,
    /// A person paused its rollout.
    Paused,
    /// It is being deleted.
    Leaving,
    /// A tool or controller owns it, and would write the bad version back.
    Owned,
}

impl Guard {
    /// The guard's name, as it is stored, counted and shown.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Superseded { .. } => "superseded",
            Self::Off { .. } => "off",
            Self::Observe => "observe",
            Self::Frozen { .. } => "frozen",
            Self::Irreversible { .. } => "irreversible",
            Self::NoLastGood => "no_last_good",
            Self::Quarantined { .. } => "quarantined",
            Self::TooOld { .. } => "too_old",
            Self::BelowMinimum { .. } => "below_minimum",
            Self::ServiceBudget { .. } => "service_budget",
            Self::FleetBudget { .. } => "fleet_budget",
            Self::NotApproved { .. } => "not_approved",
            Self::Unrestorable { .. } => "unrestorable",
            Self::Braked { by, .. } => match by {
                Brake::SwitchedOff => "switched_off",
                Brake::NoWayBack => "no_way_back",
                Brake::Paused => "paused",
                Brake::Leaving => "leaving",
                Brake::Owned => "owned",
            },
            Self::Unmanaged => "unmanaged",
        }
    }
}

/// A freeze of all reverts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// Since when.
    pub since: Moment,
    /// By whom.
    pub by: Actor,
    /// Why.
    pub reason: String,
}

/// What a decision looks at beyond the rollout: all services together, and the settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Fleet {
    /// The settings' mode; the more cautious of it and the policy's wins.
    pub mode: Mode,
    /// Reverts of all services in the last hour.
    pub reverts_last_hour: u32,
    /// What the settings allow of them.
    pub reverts_per_hour: u32,
    /// A freeze in force.
    pub frozen: Option<Freeze>,
    /// How much of the past the settings keep.
    pub retention: Retention,
}

/// What a decision looks at in one target's history.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// What runs now.
    pub runs: Option<Version>,
    /// The version under judgment.
    pub candidate: Version,
    /// The last good version, its standing, and when it last ran.
    pub last_good: Option<(Version, Standing, Moment)>,
    /// Reverts of this service in the last hour.
    pub reverts_last_hour: u32,
    /// Whether a person switched lastgood off for this target.
    pub off: Option<Freeze>,
    /// Why the candidate must not be gone back from, if its manifest says so.
    pub irreversible: Option<String>,
}
