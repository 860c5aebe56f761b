//! The running controller's desk: people's words go to the guards as events.

use std::{collections::BTreeMap, sync::Arc};

use futures::future::BoxFuture;
use tokio::sync::{Mutex, oneshot};

use super::{
    Handle, Handles, LOOKED, NOTED, SO_ALREADY, approving, beside, failed, forgetting, freeze_all, frozen_sentence, goes_on,
    going_back, log_unnoted, note_of_all, noted, recording, refused, trail, unchanged, unknown_target, version_of,
    way::{self, Ready},
    word_sentence,
};
use crate::{
    app::{
        fleet::FleetState,
        guard::{Heard, Order},
        origin,
    },
    engine::Event,
    explain::{self, ReleaseStatus, TargetStatus, Way},
    manifest::Manifest,
    ports::{Clock, Command, Desk, DeskError, Images, SharedHistory, Trail},
    record::{Deed, Ordered, Record},
    words::{Actor, RolloutId, Service, TargetKey, VersionName},
};

/// The running controller's desk for one person.
pub(super) struct LiveDesk {
    pub handles: Handles,
    pub fleet: Arc<Mutex<FleetState>>,
    pub store: SharedHistory,
    pub images: Arc<dyn Images>,
    pub clock: Arc<dyn Clock>,
    pub actor: Actor,
}

impl LiveDesk {
    fn handles(&self) -> BTreeMap<TargetKey, Handle> {
        self.handles.read().map(|handles| handles.clone()).unwrap_or_default()
    }

    fn handle(&self, target: &TargetKey) -> Result<Handle, DeskError> {
        let handles = self.handles();
        handles
            .get(target)
            .cloned()
            .ok_or_else(|| unknown_target(target, handles.keys()))
    }

    async fn tell(&self, handle: &Handle, event: Event) -> Result<Heard, DeskError> {
        let (answer, answered) = oneshot::channel();
        let gone = || DeskError::Failed("the guard of this target has ended: see the controller's log".to_owned());
        handle.orders.send(Order { event, answer }).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }

    async fn approve(&self, rollout: Option<RolloutId>, service: Option<Service>) -> Result<String, DeskError> {
        let open = |handle: Handle| {
            let record = handle.snapshot.borrow().history.open.clone()?;
            approving::waits(&record, rollout, service.as_ref()).then_some((handle, record))
        };
        let waiting = self.handles().into_values().filter_map(open).collect();
        let (handle, record) = approving::only(waiting, |(_, record)| record)?;
        let after = self
            .tell(
                &handle,
                Event::Approved {
                    rollout: record.id,
                    by: self.actor.clone(),
                },
            )
            .await?
            .history;
        let now = after.open.iter().chain(&after.closed).find(|other| other.id == record.id);
        match now {
            Some(now) => approving::answered(now),
            None => Err(DeskError::Failed("the rollout is gone from its history".to_owned())),
        }
    }

    async fn go_back(
        &self,
        target: &TargetKey,
        from: &VersionName,
        to: &VersionName,
        reason: String,
    ) -> Result<String, DeskError> {
        let handle = self.handle(target)?;
        let history = handle.snapshot.borrow().history.clone();
        let policy = handle.snapshot.borrow().policy.clone();
        let ready = way::ready(&*handle.platform, &history, &policy, to).await?;
        let left = way::left(&history, from, &ready.version)?;
        let (hindered, _) = way::tried((&*handle.platform, &*self.images), &history, &policy, &ready).await;
        way::unhindered(&hindered)?;
        let Ready { version: to, image } = ready;
        let by = self.actor.clone();
        let event = Event::GoBack {
            from: left,
            to: to.clone(),
            ordered: Ordered { by, reason, image },
        };
        let heard = self.tell(&handle, event).await?;
        if heard.changed {
            Ok(going_back(target, from, &to))
        } else {
            Err(way::why_not(&heard.history, from, &to))
        }
    }

    /// Notes a deed, in the chain of the target where it has a guard.
    async fn note(&self, target: Option<TargetKey>, deed: Deed) -> Result<(), DeskError> {
        match target.as_ref().and_then(|target| self.handle(target).ok()) {
            Some(handle) => self.tell(&handle, Event::Noted(deed)).await.map(drop),
            None => note_of_all(&self.fleet, beside(target, deed), self.clock.now()).await,
        }
    }

    async fn done(&self, command: Command) -> Result<String, DeskError> {
        match command {
            Command::Word {
                target,
                version,
                word,
                reason,
            } => {
                let handle = self.handle(&target)?;
                let history = handle.snapshot.borrow().history.clone();
                let version = version_of(&history, &version)?;
                let event = Event::Person {
                    version: version.clone(),
                    word,
                    by: self.actor.clone(),
                    reason,
                };
                let heard = self.tell(&handle, event).await?;
                if heard.changed {
                    Ok(word_sentence(&target, &version, word))
                } else {
                    unchanged(&heard.history, &version, word)
                }
            }
            Command::GoBack {
                target,
                from,
                to,
                reason,
            } => self.go_back(&target, &from, &to, reason).await,
            Command::Record { target, manifest } => self.record_release(&target, manifest).await,
            Command::Approve { rollout, service } => self.approve(rollout, service).await,
            Command::Forget { target, reason } => self.forget(&target, reason).await,
            Command::GoOn { target, reason } => self.go_on(&target, reason).await,
            Command::Freeze { target, reason } => self.freeze(target, Some(reason)).await,
            Command::Unfreeze { target } => self.freeze(target, None).await,
            // Its guard looks by itself.
            Command::Brought { target, .. } => self.handle(&target).map(|_| LOOKED.to_owned()),
            Command::Note(note) => {
                let (target, deed) = noted(note, &self.actor, origin::socket());
                self.note(Some(target), deed).await.map(|()| NOTED.to_owned())
            }
        }
    }

    async fn go_on(&self, target: &TargetKey, reason: String) -> Result<String, DeskError> {
        let handle = self.handle(target)?;
        let said = goes_on(&handle.snapshot.borrow().history.clone())?;
        let by = self.actor.clone();
        let changed = self.tell(&handle, Event::GoOn { by, reason }).await?.changed;
        Ok(said + if changed { "" } else { SO_ALREADY })
    }

    /// Through the guard, so that it knows; a target without one is forgotten in the store itself.
    async fn forget(&self, target: &TargetKey, reason: String) -> Result<String, DeskError> {
        let Ok(handle) = self.handle(target) else {
            let who = (&self.actor, origin::socket());
            return forgetting::forget(&self.store, target, who, &reason, self.clock.now()).await;
        };
        let said = forgetting::forgotten(&handle.snapshot.borrow().history.clone())?;
        let by = self.actor.clone();
        let heard = self.tell(&handle, Event::Forget { by, reason }).await?;
        if heard.changed {
            Ok(said)
        } else {
            forgetting::forgotten(&heard.history)
        }
    }

    /// Through the guard, so that it knows; a target without one is written to the store itself.
    async fn record_release(&self, target: &TargetKey, manifest: Box<Manifest>) -> Result<String, DeskError> {
        let Ok(handle) = self.handle(target) else {
            let retention = self.fleet.lock().await.retention();
            let who = (&self.actor, origin::socket());
            return recording::record(&self.store, target, &manifest, who, retention, self.clock.now()).await;
        };
        let before = handle.snapshot.borrow().history.clone();
        let said = recording::recorded(&before, &manifest)?;
        let event = Event::Recorded {
            manifest: manifest.clone(),
            by: self.actor.clone(),
        };
        let heard = self.tell(&handle, event).await?;
        if heard.changed {
            Ok(said)
        } else {
            // The snapshot may be older than what the guard knows.
            recording::recorded(&heard.history, &manifest)
        }
    }

    async fn freeze(&self, target: Option<TargetKey>, reason: Option<String>) -> Result<String, DeskError> {
        let Some(target) = target else {
            return freeze_all(&self.fleet, &self.actor, reason, origin::socket(), self.clock.now()).await;
        };
        let handle = self.handle(&target)?;
        let off = reason.is_some();
        let event = Event::Off {
            off,
            by: self.actor.clone(),
            reason: reason.unwrap_or_default(),
        };
        let changed = self.tell(&handle, event).await?.changed;
        Ok(frozen_sentence(Some(&target), off) + if changed { "" } else { SO_ALREADY })
    }
}

impl Desk for LiveDesk {
    fn status(&self) -> BoxFuture<'_, Result<Vec<TargetStatus>, DeskError>> {
        Box::pin(async {
            let now = self.clock.now();
            // Asked now: a guard may not have looked since a person froze all.
            let frozen = self.fleet.lock().await.frozen().cloned();
            let (mut all, mut histories) = (Vec::new(), Vec::new());
            for handle in self.handles().into_values() {
                let seen = handle.snapshot.borrow().clone();
                let (evidence, fault) = (seen.evidence.as_ref(), seen.fault.as_ref());
                all.push(explain::status(
                    &seen.history,
                    &seen.policy,
                    seen.mode,
                    evidence,
                    fault,
                    frozen.as_ref(),
                    now,
                ));
                histories.push(seen.history);
            }
            explain::show_proven_elsewhere(&mut all, &histories);
            Ok(all)
        })
    }

    fn record(&self, id: RolloutId) -> BoxFuture<'_, Result<Option<Record>, DeskError>> {
        Box::pin(async move { self.store.record(id).await.map_err(|error| failed(&error)) })
    }

    fn records<'a>(&'a self, target: &'a TargetKey, limit: usize) -> BoxFuture<'a, Result<Vec<Record>, DeskError>> {
        Box::pin(async move {
            self.handle(target)?;
            self.store.records(target, limit).await.map_err(|error| failed(&error))
        })
    }

    fn way<'a>(&'a self, target: &'a TargetKey, to: Option<&'a VersionName>) -> BoxFuture<'a, Result<Way, DeskError>> {
        Box::pin(async move {
            let handle = self.handle(target)?;
            let seen = handle.snapshot.borrow().clone();
            way::way((&*handle.platform, &*self.images), &seen.history, &seen.policy, to).await
        })
    }

    fn trail<'a>(&'a self, chain: Option<&'a str>) -> BoxFuture<'a, Result<Trail, DeskError>> {
        Box::pin(trail(&self.store, chain))
    }

    fn releases<'a>(&'a self, service: &'a Service) -> BoxFuture<'a, Result<Vec<ReleaseStatus>, DeskError>> {
        Box::pin(recording::releases(&self.store, service))
    }

    fn act(&self, command: Command) -> BoxFuture<'_, Result<String, DeskError>> {
        Box::pin(async move {
            let asked = command.clone();
            let done = self.done(command).await;
            if let Err(because) = &done
                && let Some((target, deed)) = refused(&asked, because, &self.actor, origin::socket())
            {
                log_unnoted(self.note(target, deed).await);
            }
            done
        })
    }
}
