//! The desk: where people ask and act. The controller has one, reached through its socket; without a controller the store itself serves.

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::{
    engine::PersonWord,
    explain::{ReleaseStatus, TargetStatus, Way},
    manifest::Manifest,
    record::{Action, AuditEntry, Head, Record},
    words::{Moment, RolloutId, Service, TargetKey, VersionName},
};

/// Where people ask and act.
pub trait Desk: Send + Sync {
    /// Every target's status, in order of its key.
    ///
    /// # Errors
    /// When it cannot be told.
    fn status(&self) -> BoxFuture<'_, Result<Vec<TargetStatus>, DeskError>>;

    /// A rollout's record, open or closed.
    ///
    /// # Errors
    /// When it cannot be told.
    fn record(&self, id: RolloutId) -> BoxFuture<'_, Result<Option<Record>, DeskError>>;

    /// A target's records, newest first.
    ///
    /// # Errors
    /// When it cannot be told.
    fn records<'a>(&'a self, target: &'a TargetKey, limit: usize) -> BoxFuture<'a, Result<Vec<Record>, DeskError>>;

    /// What going back would mean now, to `to` or else to the last good version. Changes nothing but what is known of versions.
    ///
    /// # Errors
    /// When the target or the version is unknown, or nothing can be told.
    fn way<'a>(&'a self, target: &'a TargetKey, to: Option<&'a VersionName>) -> BoxFuture<'a, Result<Way, DeskError>>;

    /// The audit: of one chain (`ENV/SERVICE` or `controller`), or all of it; with the ends that each chain is known to have had.
    ///
    /// # Errors
    /// When it cannot be told.
    fn trail<'a>(&'a self, chain: Option<&'a str>) -> BoxFuture<'a, Result<Trail, DeskError>>;

    /// The releases of a service in all environments, newest first; empty where none is known.
    ///
    /// # Errors
    /// When it cannot be told.
    fn releases<'a>(&'a self, service: &'a Service) -> BoxFuture<'a, Result<Vec<ReleaseStatus>, DeskError>>;

    /// Does what a person says; the answer is a sentence for them. Who they are is the desk's to know.
    ///
    /// # Errors
    /// When it is refused or cannot be done; nothing is half done then.
    fn act(&self, command: Command) -> BoxFuture<'_, Result<String, DeskError>>;
}

/// The audit, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trail {
    /// By chain, then in order.
    pub entries: Vec<AuditEntry>,
    /// The ends that chains are known to have had: those that stand beside what they tell of, and those of alerts not yet delivered.
    pub heads: Vec<Head>,
    /// The ends of what a store that keeps only so many entries has dropped.
    pub cut: Vec<Head>,
}

/// What a person may say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// A word on a version.
    Word {
        /// The target.
        target: TargetKey,
        /// The version's name.
        version: VersionName,
        /// What they say.
        word: PersonWord,
        /// Why.
        reason: String,
    },
    /// What was built, for the record.
    Record {
        /// The target; it need not be guarded yet.
        target: TargetKey,
        /// What was built.
        manifest: Box<Manifest>,
    },
    /// Yes to a proposed revert.
    Approve {
        /// The rollout, or none: the only one that waits.
        rollout: Option<RolloutId>,
        /// Only of this service, where `rollout` is none.
        service: Option<Service>,
    },
    /// Back to a version, whatever is judged.
    GoBack {
        /// The target.
        target: TargetKey,
        /// The version that they saw running: of two people at once the second is told.
        from: VersionName,
        /// The version to go back to.
        to: VersionName,
        /// Why.
        reason: String,
    },
    /// All that is known of a target is forgotten; it need not be guarded any more.
    Forget {
        /// The target.
        target: TargetKey,
        /// Why; empty where they did not say.
        reason: String,
    },
    /// What is held of a target goes on.
    GoOn {
        /// The target.
        target: TargetKey,
        /// Why; empty where they did not say.
        reason: String,
    },
    /// No more reverts: of one target, or of all.
    Freeze {
        /// The target; none: all.
        target: Option<TargetKey>,
        /// Why.
        reason: String,
    },
    /// Reverts again.
    Unfreeze {
        /// The target; none: all.
        target: Option<TargetKey>,
    },
    /// What the command does, or refuses, by itself: it is only noted in the audit.
    Note(Note),
    /// A command changed what runs: where no controller looks by itself, it is looked at now.
    Brought {
        /// The target.
        target: TargetKey,
        /// When it was activated, where the command saw that.
        activated: Option<Moment>,
    },
}

/// Something for the audit that was done, or refused, where the command runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The target; it need not be guarded yet.
    pub target: TargetKey,
    /// What kind of deed.
    pub action: NotedAction,
    /// What, in short.
    pub what: String,
    /// Why, as they said or as it was found.
    pub why: String,
    /// Whether it was refused: then nothing was changed.
    pub refused: bool,
}

/// The deeds that a command may do, or refuse, by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotedAction {
    /// A release is brought to the host.
    Deploy,
    /// A person goes back to a version.
    Rollback,
    /// A person's word on a version.
    Release,
}

impl From<NotedAction> for Action {
    fn from(noted: NotedAction) -> Self {
        match noted {
            NotedAction::Deploy => Self::Deploy,
            NotedAction::Rollback => Self::Rollback,
            NotedAction::Release => Self::Release,
        }
    }
}

/// Why a desk does not answer as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "error", content = "because", rename_all = "snake_case")]
pub enum DeskError {
    /// A guard, or the state of things, refuses.
    #[error("{0}")]
    Refused(String),
    /// There is no such target, version or rollout.
    #[error("{0}")]
    Unknown(String),
    /// It could not be done.
    #[error("{0}")]
    Failed(String),
}
