//! The doors to the outside: one small trait for each kind of outside world.
//!
//! May touch: the pure rooms' types. Deliberately absent: any implementation.

pub mod crash;
mod desk;
mod images;

pub use desk::{Command, Desk, DeskError, Note, NotedAction, Trail};
pub use images::{ImageFault, Images, Kept};

use std::{sync::Arc, time::Duration};

use futures::{StreamExt as _, future::BoxFuture, stream::BoxStream};

use crate::{
    engine::{Look, News},
    manifest::ImageReference,
    policy::HoldPolicy,
    question::{Answer, Question},
    record::{
        ActResult, Alert, ControllerState, Hold, HoldResult, ImageOnly, Intent, MarkResult, Observation, Record, StoredAudit,
        TargetHistory, Unready,
    },
    words::{GapReason, Moment, RolloutId, TargetKey, Version, VersionName},
};

/// What time it is. `app` has the only one that reads the machine's clock.
pub trait Clock: Send + Sync {
    /// The moment now.
    fn now(&self) -> Moment;
}

/// Where versions run.
pub trait Platform: Send + Sync {
    /// Looks what runs. The listing of a version that was never seen is kept through [`Contents`] before this returns.
    ///
    /// # Errors
    /// When it cannot be told, with what to do next; never a reason to think that anything changed.
    fn observe(&self) -> BoxFuture<'_, Result<Observation, PlatformError>>;

    /// The version that stands ready under this name, whether or not it ever ran; none where there is no such one. What is needed to
    /// know and restore it is kept through [`Contents`] before this returns.
    ///
    /// # Errors
    /// When it cannot be told, or what is there is unfit, with what to do next.
    fn identify<'a>(&'a self, name: &'a VersionName) -> BoxFuture<'a, Result<Option<Version>, PlatformError>>;

    /// The version that would run if the image of the release called `name` went back alone and all else stayed as it is; none where a
    /// release is more than an image, as by default.
    ///
    /// # Errors
    /// When it cannot be told, or it is not known whose image it is, with what to do next.
    fn with_image<'a>(
        &'a self,
        _name: &'a VersionName,
        _image: &'a ImageReference,
    ) -> BoxFuture<'a, Result<Option<(Version, ImageOnly)>, PlatformError>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Resolves when something may have changed: a doorbell, no news.
    fn changed(&self) -> BoxFuture<'_, ()>;

    /// Puts the version of the intent back, if the bad one still runs.
    ///
    /// # Errors
    /// When nobody can tell what it did, as no answer came: it is looked at, never repeated blindly.
    fn revert<'a>(&'a self, intent: &'a Intent) -> BoxFuture<'a, Result<ActResult, PlatformError>>;

    /// Activates what `current` points to, if that is the version to put back.
    fn activate<'a>(&'a self, intent: &'a Intent) -> BoxFuture<'a, ActResult>;

    /// Looks what became of an intent without outcome.
    ///
    /// # Errors
    /// When it cannot be told.
    fn look<'a>(&'a self, intent: &'a Intent) -> BoxFuture<'a, Result<Look, PlatformError>>;

    /// The text of the manifest that the version of this name brought along; none where it brought none, as by default.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    fn manifest<'a>(&'a self, _version: &'a VersionName) -> BoxFuture<'a, Result<Option<String>, PlatformError>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Tells what became of a rollout to whoever looks at the target itself; nobody by default. Best effort: whoever must know is told by
    /// alerts.
    ///
    /// # Errors
    /// When it could not be told.
    fn announce<'a>(&'a self, _news: &'a News) -> BoxFuture<'a, Result<(), PlatformError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Points the link `name` beside `current` to `to`; with `only_from` nothing is moved where it points elsewhere. Only a host has links.
    ///
    /// # Errors
    /// When it cannot be moved; to try it again does no harm.
    fn mark<'a>(
        &'a self,
        name: &'a str,
        _to: &'a VersionName,
        _only_from: Option<&'a VersionName>,
    ) -> BoxFuture<'a, Result<MarkResult, PlatformError>> {
        let because = format!("there is no link `{name}` where this service runs; remove `onProven.link` from the policy");
        Box::pin(std::future::ready(Err(PlatformError(because))))
    }

    /// Holds the rolling update of `hold.version` at this share of its pods, unless it is held so. Nothing can be held by default.
    fn hold<'a>(&'a self, _hold: &'a Hold, _share: HoldPolicy) -> BoxFuture<'a, HoldResult> {
        let found = "there is nothing that can be held part-way; remove `hold`".to_owned();
        Box::pin(std::future::ready(HoldResult::Refused { found }))
    }

    /// Lets the rolling update go on, unless it does, or a person holds it.
    fn let_go<'a>(&'a self, _hold: &'a Hold) -> BoxFuture<'a, HoldResult> {
        Box::pin(std::future::ready(HoldResult::Released))
    }

    /// How many pods of how many a rolling update would be held at.
    ///
    /// # Errors
    /// Why it could not be held.
    fn holdable(&self, _share: HoldPolicy) -> BoxFuture<'_, Result<(u32, u32), Unready>> {
        Box::pin(std::future::ready(Ok((0, 0))))
    }

    /// What is known of the target's versions was forgotten: so does whoever remembers it here. Nothing is remembered by default.
    fn forget(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    /// Tries all that a revert to `to` would need, or to it by its image alone, without doing it.
    fn rehearse<'a>(&'a self, to: Option<&'a Version>, image: Option<&'a ImageOnly>) -> BoxFuture<'a, Vec<Unready>>;
}

/// Why a platform cannot tell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PlatformError(pub String);

/// Where counts come from.
pub trait MetricSource: Send + Sync {
    /// Asks at one time.
    ///
    /// # Errors
    /// Whatever makes the answer unusable, named.
    fn instant<'a>(&'a self, question: &'a Question, at: Moment) -> BoxFuture<'a, Result<Answer, MetricFault>>;

    /// Asks at every `step` from `from` to `to`, both included and aligned; one answer a time, in order, empty ones included.
    ///
    /// # Errors
    /// Whatever makes the answer unusable, named.
    fn range<'a>(
        &'a self,
        question: &'a Question,
        from: Moment,
        to: Moment,
        step: Duration,
    ) -> BoxFuture<'a, Result<Vec<Answer>, MetricFault>>;

    /// Whether it has time for a question that need not be asked.
    fn spare(&self) -> bool {
        true
    }
}

/// Why an answer is unusable. Never a count, never guilt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{because}")]
pub struct MetricFault {
    /// The name of the gap it makes.
    pub reason: GapReason,
    /// The sentence for people, without secrets.
    pub because: String,
}

/// Where alerts go: one channel.
pub trait AlertSink: Send + Sync {
    /// Sends one alert.
    ///
    /// # Errors
    /// What it met, and whether another attempt may help.
    fn send<'a>(&'a self, alert: &'a Alert) -> BoxFuture<'a, Result<(), AlertFault>>;
}

/// Why a channel did not take an alert.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{because}")]
pub struct AlertFault {
    /// What it met, without secrets.
    pub because: String,
    /// Whether another attempt may help.
    pub retry: bool,
}

/// The revision of a stored document: opaque, changes with every commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision(pub String);

/// What survives. One history a target, changed by compare and set.
pub trait History: Contents {
    /// All targets that have a history.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn targets(&self) -> BoxFuture<'_, Result<Vec<TargetKey>, HistoryError>>;

    /// Every history, in order of its target.
    ///
    /// # Errors
    /// When the store cannot be read, or a newer lastgood wrote one.
    fn all(&self) -> BoxFuture<'_, Result<Vec<(TargetHistory, Revision)>, HistoryError>> {
        Box::pin(async {
            let mut all = Vec::new();
            for target in self.targets().await? {
                all.extend(self.load(&target).await?);
            }
            Ok(all)
        })
    }

    /// Rings when someone else may have changed the history of `target`: a doorbell, no news. It never rings where nobody else can.
    fn rings(&self, _target: &TargetKey) -> BoxStream<'static, ()> {
        futures::stream::pending().boxed()
    }

    /// A target's history and its revision; none where it was never seen.
    ///
    /// # Errors
    /// When it cannot be read, or a newer lastgood wrote it.
    fn load<'a>(&'a self, target: &'a TargetKey) -> BoxFuture<'a, Result<Option<(TargetHistory, Revision)>, HistoryError>>;

    /// Stores `history` if the stored revision still is `expected` (none: there is none yet), durably, before it returns.
    ///
    /// # Errors
    /// [`HistoryError::Conflict`] where it is not; nothing is changed then.
    fn commit<'a>(
        &'a self,
        history: &'a TargetHistory,
        expected: Option<&'a Revision>,
    ) -> BoxFuture<'a, Result<Revision, HistoryError>>;

    /// A rollout's record, open or closed, however old.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn record(&self, id: RolloutId) -> BoxFuture<'_, Result<Option<Record>, HistoryError>>;

    /// A target's records, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn records<'a>(&'a self, target: &'a TargetKey, limit: usize) -> BoxFuture<'a, Result<Vec<Record>, HistoryError>>;

    /// The controller's own state and its revision.
    ///
    /// # Errors
    /// When it cannot be read, or a newer lastgood wrote it.
    fn load_controller(&self) -> BoxFuture<'_, Result<(ControllerState, Option<Revision>), HistoryError>>;

    /// Stores the controller's own state at an expected revision.
    ///
    /// # Errors
    /// [`HistoryError::Conflict`] where it moved meanwhile.
    fn commit_controller<'a>(
        &'a self,
        state: &'a ControllerState,
        expected: Option<&'a Revision>,
    ) -> BoxFuture<'a, Result<Revision, HistoryError>>;

    /// The audit's entries of one chain (`ENV/SERVICE` or `controller`), or of all, in order, as they are stored: whether they are what was
    /// written is for [`crate::record::verify`] to say. They are written with the history, or the state, that carries them.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn audit<'a>(&'a self, chain: Option<&'a str>) -> BoxFuture<'a, Result<StoredAudit, HistoryError>>;
}

/// What is needed to know and restore a version, kept under its fingerprint; it never changes.
pub trait Contents: Send + Sync {
    /// Keeps `document` under `fingerprint`; keeping the same twice is the same as once.
    ///
    /// # Errors
    /// When it cannot be stored.
    fn keep<'a>(
        &'a self,
        target: &'a TargetKey,
        version: &'a Version,
        document: &'a str,
    ) -> BoxFuture<'a, Result<(), HistoryError>>;

    /// Every version of the target that is called `name` and has a document, with it.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn kept<'a>(
        &'a self,
        target: &'a TargetKey,
        name: &'a VersionName,
    ) -> BoxFuture<'a, Result<Vec<(Version, String)>, HistoryError>>;

    /// Every version of the target that has a document, with it, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn all_kept<'a>(&'a self, target: &'a TargetKey) -> BoxFuture<'a, Result<Vec<(Version, String)>, HistoryError>>;
}

/// Why the store refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// Someone else changed it first; load it and decide again.
    #[error("the history of {0} was changed by someone else meanwhile")]
    Conflict(String),
    /// A newer lastgood wrote it.
    #[error(
        "{what} was written by a newer lastgood (format {found}, this one knows up to {known}); run that version, or restore a backup"
    )]
    Newer {
        /// What.
        what: String,
        /// The format found.
        found: u32,
        /// The newest format known.
        known: u32,
    },
    /// It holds something that it must not.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// It cannot be read or written: full disk, no permission. Nothing was changed; a later attempt may succeed.
    #[error("{0}")]
    Unavailable(String),
    /// The disk failed in mid-write, so nobody knows what it holds: never try again, exit at once and look anew (failures.md, C06).
    #[error("{0}")]
    Untrusted(String),
}

/// Shared handles, as `app` wires them.
pub type SharedHistory = Arc<dyn History>;
