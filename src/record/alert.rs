//! The outbox: what people are to be told, written in the commit of what it tells.

use serde::{Deserialize, Serialize};

use super::{CONTROLLER_CHAIN, Chain, Head, MarkResult, Record, Unready};
use crate::{
    decide::Freeze,
    policy::{MarkKind, NotifyOn},
    words::{ChannelName, Env, Moment, Standing, TargetKey, Version},
};

/// One alert, still to be delivered. Its text is rendered from it alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Stable: the same for every attempt and channel, so that a receiver can drop duplicates. `ROLLOUT/KIND`, or `TARGET/KIND/MOMENT`.
    pub id: String,
    /// When what it tells happened.
    pub at: Moment,
    /// Whose it is; none: the controller's own.
    pub target: Option<TargetKey>,
    /// What it tells.
    pub kind: AlertKind,
    /// The rollout as it was then.
    pub record: Option<Box<Record>>,
    /// The end of its audit chain then: whoever has it can tell later whether the chain was cut off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<Head>,
    /// The channels that have not confirmed it yet.
    pub deliveries: Vec<Delivery>,
}

impl Alert {
    /// The same, with the end of the controller's own chain.
    #[must_use]
    pub fn of_chain(mut self, chain: &Chain) -> Self {
        self.audit = Some(chain.head(CONTROLLER_CHAIN));
        self
    }
}

/// One channel's delivery of an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Which channel.
    pub channel: ChannelName,
    /// Attempts so far.
    pub attempts: u32,
    /// Not before this.
    pub next_at: Moment,
    /// What the last attempt met.
    pub last_error: Option<String>,
}

/// What an alert tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AlertKind {
    /// The last good version was put back.
    Reverted,
    /// A person put a version back.
    RolledBack,
    /// It was put back, and the service recovered.
    Verified,
    /// It was put back, and did not help; or the act failed, or is stuck. The record's outcome says which.
    NotHelped,
    /// A revert is wanted; a person is asked.
    Proposed,
    /// A revert was wanted; a guard refused. The record's decision names it.
    Refused,
    /// Worse than the policy allows; the policy, or the metric, wants to be told only.
    Regression,
    /// The data were not fit to judge.
    Blind,
    /// The data have not been fit to judge for five minutes, and the watch goes on.
    GoingBlind,
    /// Watched to the end without a verdict.
    Inconclusive,
    /// The candidate was proven.
    Proven,
    /// A quarantined version was shipped again.
    Contested {
        /// That version.
        version: Version,
    },
    /// Something changed late; nothing ran beside it.
    Late,
    /// The candidate came without being proven in the environment that the policy demands.
    Skipped {
        /// That environment.
        env: Env,
        /// Where the version stands there; none: it never ran there, as far as is known here.
        standing: Option<Standing>,
    },
    /// Its pods cannot start, which is not held against it. The record says what keeps them.
    ClusterFault,
    /// All of its pods are ready after they could not start.
    ClusterFaultOver,
    /// A rolling update was to be held, and is not.
    NotHeld {
        /// Why not.
        because: String,
    },
    /// A held rolling update goes on although nothing was found out.
    HeldTooLong,
    /// lastgood could not act if it had to; or can again, where the list is empty.
    NotReady {
        /// Why not.
        unready: Vec<Unready>,
    },
    /// A tag or a link that follows the newest proof was moved, or could not be.
    Mark {
        /// What it is.
        mark: MarkKind,
        /// Its name.
        name: String,
        /// The version that it is, or was to be, at.
        to: Version,
        /// The version that it left, or was to leave, because its proof was withdrawn.
        left: Option<Version>,
        /// What came of it.
        result: MarkResult,
    },
    /// A policy file was rejected; the one before stays in force.
    PolicyRejected {
        /// All errors of the file.
        errors: String,
    },
    /// Reverts were frozen by lastgood itself: so many services bad at once are an incident, not a release.
    Frozen {
        /// The freeze.
        freeze: Freeze,
    },
}

impl AlertKind {
    /// The kind as it is stored and published.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Reverted => "reverted",
            Self::RolledBack => "rolled_back",
            Self::Verified => "verified",
            Self::NotHelped => "not_helped",
            Self::Proposed => "proposed",
            Self::Refused => "refused",
            Self::Regression => "regression",
            Self::Blind => "blind",
            Self::GoingBlind => "going_blind",
            Self::Inconclusive => "inconclusive",
            Self::Proven => "proven",
            Self::Contested { .. } => "contested",
            Self::Late => "late",
            Self::Skipped { .. } => "skipped",
            Self::ClusterFault => "cluster_fault",
            Self::ClusterFaultOver => "cluster_fault_over",
            Self::NotHeld { .. } => "not_held",
            Self::HeldTooLong => "held_too_long",
            Self::NotReady { .. } => "not_ready",
            Self::Mark { .. } => "mark",
            Self::PolicyRejected { .. } => "policy_rejected",
            Self::Frozen { .. } => "frozen",
        }
    }

    /// The key of `notify` that names its channels.
    #[must_use]
    pub const fn notify_on(&self) -> NotifyOn {
        match self {
            Self::Reverted | Self::RolledBack | Self::Verified | Self::Proposed | Self::Regression => NotifyOn::Revert,
            Self::NotHelped => NotifyOn::Failed,
            Self::Refused | Self::Frozen { .. } => NotifyOn::Refused,
            Self::Blind | Self::GoingBlind => NotifyOn::Blind,
            Self::Inconclusive => NotifyOn::Inconclusive,
            Self::Proven => NotifyOn::Proven,
            Self::Contested { .. } => NotifyOn::Contested,
            Self::Late => NotifyOn::Late,
            Self::Skipped { .. } => NotifyOn::Skipped,
            Self::ClusterFault | Self::ClusterFaultOver => NotifyOn::ClusterFault,
            Self::Mark {
                result: MarkResult::Already | MarkResult::Moved { .. },
                left,
                ..
            } => match left {
                Some(_) => NotifyOn::Revert,
                None => NotifyOn::Proven,
            },
            Self::NotHeld { .. } | Self::HeldTooLong => NotifyOn::Hold,
            Self::Mark { .. } | Self::NotReady { .. } | Self::PolicyRejected { .. } => NotifyOn::NotReady,
        }
    }
}
