//! The desk of the store itself: for the commands that need no controller.

use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::Mutex;

use super::{SO_ALREADY, failed, frozen_sentence, recording, unchanged, unknown_target, version_of, word_sentence};
use crate::{
    app::fleet::FleetState,
    decide::Freeze,
    engine::{self, Context, Event, PersonWord},
    explain::{self, ReleaseStatus, TargetStatus},
    policy::Policy,
    ports::{Clock, Command, Desk, DeskError, Revision, SharedHistory},
    record::{Record, TargetHistory},
    words::{Actor, RolloutId, Service, TargetKey, VersionName},
};

/// The desk of the store itself: for the commands that need no controller.
pub struct StoreDesk {
    /// What survives.
    pub store: SharedHistory,
    /// The policies that can be read.
    pub policies: Vec<Policy>,
    /// All services together.
    pub fleet: Mutex<FleetState>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Who asks.
    pub actor: Actor,
}

impl StoreDesk {
    async fn load(&self, target: &TargetKey) -> Result<(TargetHistory, Revision), DeskError> {
        let found = self.store.load(target).await.map_err(|error| failed(&error))?;
        let targets = self.store.targets().await.map_err(|error| failed(&error))?;
        found.ok_or_else(|| unknown_target(target, targets.iter()))
    }

    fn policy(&self, target: &TargetKey) -> Result<&Policy, DeskError> {
        self.policies.iter().find(|policy| policy.key() == *target).ok_or_else(|| {
            DeskError::Unknown(format!(
                "no policy for {target} can be read: see `lastgood check` and `policies` in the settings"
            ))
        })
    }

    /// Whether something had to be stored.
    async fn change(&self, target: &TargetKey, event: Event) -> Result<bool, DeskError> {
        let policy = self.policy(target)?;
        let (history, revision) = self.load(target).await?;
        let now = self.clock.now();
        let fleet = self.fleet.lock().await.view(target, now);
        let fresh = RolloutId::new(uuid::Uuid::now_v7());
        let transition = engine::step(
            &history,
            &Context {
                policy,
                fleet: &fleet,
                fresh,
            },
            &event,
            now,
        );
        if transition.history == history {
            return Ok(false);
        }
        self.store
            .commit(&transition.history, Some(&revision))
            .await
            .map_err(|error| failed(&error))?;
        Ok(true)
    }

    async fn word(
        &self,
        target: &TargetKey,
        version: &VersionName,
        word: PersonWord,
        reason: String,
    ) -> Result<String, DeskError> {
        let (history, _) = self.load(target).await?;
        let version = version_of(&history, version)?;
        let event = Event::Person {
            version: version.clone(),
            word,
            by: self.actor.clone(),
            reason,
        };
        if self.change(target, event).await? {
            Ok(word_sentence(target, &version, word))
        } else {
            unchanged(&history, &version, word)
        }
    }

    /// Freezes for a reason; unfreezes without one.
    async fn freeze(&self, target: Option<TargetKey>, reason: Option<String>) -> Result<String, DeskError> {
        let off = reason.is_some();
        if let Some(target) = target {
            let event = Event::Off {
                off,
                by: self.actor.clone(),
                reason: reason.unwrap_or_default(),
            };
            let changed = self.change(&target, event).await?;
            return Ok(frozen_sentence(Some(&target), off) + if changed { "" } else { SO_ALREADY });
        }
        let since = self.clock.now();
        let freeze = reason.map(|reason| Freeze {
            since,
            by: self.actor.clone(),
            reason,
        });
        self.fleet
            .lock()
            .await
            .set_frozen(freeze)
            .await
            .map_err(|error| failed(&error))?;
        Ok(frozen_sentence(None, off))
    }
}

impl Desk for StoreDesk {
    fn status(&self) -> BoxFuture<'_, Result<Vec<TargetStatus>, DeskError>> {
        Box::pin(async {
            let fleet = self.fleet.lock().await;
            let (now, mode, frozen) = (self.clock.now(), fleet.mode(), fleet.frozen());
            let (mut all, mut histories) = (Vec::new(), Vec::new());
            for policy in &self.policies {
                let found = self.store.load(&policy.key()).await.map_err(|error| failed(&error))?;
                let history = found.map_or_else(|| TargetHistory::new(policy.key()), |(history, _)| history);
                all.push(explain::status(
                    &history,
                    policy,
                    policy.mode.min(mode),
                    None,
                    None,
                    frozen,
                    now,
                ));
                histories.push(history);
            }
            explain::show_proven_elsewhere(&mut all, &histories);
            Ok(all)
        })
    }

    fn record(&self, id: RolloutId) -> BoxFuture<'_, Result<Option<Record>, DeskError>> {
        Box::pin(async move { self.store.record(id).await.map_err(|error| failed(&error)) })
    }

    fn records<'a>(&'a self, target: &'a TargetKey, limit: usize) -> BoxFuture<'a, Result<Vec<Record>, DeskError>> {
        Box::pin(async move { self.store.records(target, limit).await.map_err(|error| failed(&error)) })
    }

    fn releases<'a>(&'a self, service: &'a Service) -> BoxFuture<'a, Result<Vec<ReleaseStatus>, DeskError>> {
        Box::pin(recording::releases(&self.store, service))
    }

    fn act(&self, command: Command) -> BoxFuture<'_, Result<String, DeskError>> {
        Box::pin(async move {
            match command {
                Command::Word {
                    target,
                    version,
                    word,
                    reason,
                } => self.word(&target, &version, word, reason).await,
                Command::Record { target, manifest } => {
                    let retention = self.fleet.lock().await.retention();
                    recording::record(&self.store, &target, &manifest, &self.actor, retention, self.clock.now()).await
                }
                Command::Approve { .. } => Err(DeskError::Failed(
                    "no controller's socket is here to hear it: start `lastgood run` first; with the store `kubernetes:` there is none yet".to_owned(),
                )),
                Command::Freeze { target, reason } => self.freeze(target, Some(reason)).await,
                Command::Unfreeze { target } => self.freeze(target, None).await,
            }
        })
    }
}
