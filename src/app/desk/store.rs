//! The desk of the store itself: for the commands that need no controller.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use tokio::sync::Mutex;

use super::{
    LOOKED, NOTED, SO_ALREADY, approving, beside,
    errand::Errand,
    failed, forgetting, freeze_all, frozen_sentence, goes_on, going_back, log_unnoted, note_of_all, noted, recording, refused,
    trail, unchanged, unknown_target, version_of,
    way::{self, Ready},
    word_sentence,
};
use crate::{
    app::{Clusters, courier::Sinks, fleet::FleetState, origin},
    engine::{Event, PersonWord},
    explain::{self, ReleaseStatus, TargetStatus, Way},
    policy::Policy,
    ports::{Clock, Command, Desk, DeskError, Images, SharedHistory, Trail},
    record::{Activation, CONTROLLER_CHAIN, Deed, Ordered, Record, TargetHistory},
    words::{Actor, Moment, RolloutId, Service, TargetKey, VersionName},
};

/// So long the controller has to answer a yes: a lease that changes hands takes less.
const ANSWER: Duration = Duration::from_secs(20);
/// Between two looks whether it has.
const LOOK: Duration = Duration::from_millis(200);

/// The desk of the store itself: for the commands that need no controller.
pub struct StoreDesk {
    /// What survives.
    pub store: SharedHistory,
    /// The policies that can be read.
    pub policies: Vec<Policy>,
    /// All services together.
    pub fleet: Mutex<FleetState>,
    /// The registries of images.
    pub images: Arc<dyn Images>,
    /// The cluster of the settings, for targets in it.
    pub clusters: Clusters,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where what is done is told; or why that waits for a controller.
    pub sinks: Result<Arc<Sinks>, String>,
    /// Who asks.
    pub actor: Actor,
}

impl StoreDesk {
    async fn load(&self, target: &TargetKey) -> Result<TargetHistory, DeskError> {
        let found = self.store.load(target).await.map_err(|error| failed(&error))?;
        let targets = self.store.targets().await.map_err(|error| failed(&error))?;
        found
            .map(|(history, _)| history)
            .ok_or_else(|| unknown_target(target, targets.iter()))
    }

    fn policy(&self, target: &TargetKey) -> Result<&Policy, DeskError> {
        self.policies.iter().find(|policy| policy.key() == *target).ok_or_else(|| {
            DeskError::Unknown(format!(
                "no policy for {target} can be read: see `lastgood check` and `policies` in the settings"
            ))
        })
    }

    /// Whether something had to be stored. Where a controller that shares the store changed it first, the event is told to what is there then.
    async fn change(&self, target: &TargetKey, event: Event) -> Result<bool, DeskError> {
        self.errand(target).await?.tell(&event).await
    }

    /// Leaves a yes in the history, where the controller that leads finds it, and waits until it has answered.
    async fn approve(&self, rollout: Option<RolloutId>, service: Option<&Service>) -> Result<String, DeskError> {
        let all = self.store.all().await.map_err(|error| failed(&error))?;
        let waiting = all.into_iter().filter_map(|(history, _)| {
            let record = history.open.filter(|open| approving::waits(open, rollout, service))?;
            Some((history.target, record))
        });
        let (target, record) = approving::only(waiting.collect(), |(_, record)| record)?;
        let event = Event::Agreed {
            rollout: record.id,
            by: self.actor.clone(),
        };
        self.change(&target, event).await?;
        let asked = self.clock.now();
        while self.clock.now().since(asked) < ANSWER {
            let history = self.load(&target).await?;
            let mut records = history.open.iter().chain(history.closed.iter().rev());
            match records.find(|other| other.id == record.id) {
                Some(now) if approving::waits(now, None, None) => tokio::time::sleep(LOOK).await,
                Some(now) => return approving::answered(now),
                None => return Err(DeskError::Failed("the rollout is gone from its history".to_owned())),
            }
        }
        Err(DeskError::Failed(format!(
            "your yes is stored, and no controller has acted on it within {} s: look whether one runs",
            ANSWER.as_secs()
        )))
    }

    async fn word(
        &self,
        target: &TargetKey,
        version: &VersionName,
        word: PersonWord,
        reason: String,
    ) -> Result<String, DeskError> {
        let history = self.load(target).await?;
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

    async fn errand<'a>(&'a self, target: &TargetKey) -> Result<Errand<'a>, DeskError> {
        let policy = self.policy(target)?;
        let found = self.store.load(target).await.map_err(|error| failed(&error))?;
        let (history, revision) = match found {
            Some((history, revision)) => (history, Some(revision)),
            None => (TargetHistory::new(target.clone()), None),
        };
        // One of its own: here nobody else watches the target.
        let platform = self.clusters.platform(policy, &self.store, &self.clock).await;
        let platform = platform.map_err(|error| DeskError::Failed(error.0))?;
        Ok(Errand {
            store: &self.store,
            fleet: &self.fleet,
            clock: &self.clock,
            policy,
            platform,
            history,
            revision,
        })
    }

    async fn go_back(
        &self,
        target: &TargetKey,
        from: &VersionName,
        to: &VersionName,
        reason: String,
    ) -> Result<String, DeskError> {
        let mut errand = self.errand(target).await?;
        let unfinished = way::unfinished(&errand.history, to);
        errand.arrive().await?;
        if unfinished.is_some_and(|rollout| way::is_done(&errand.history, rollout)) {
            return self.told(&mut errand, format!("{target}: what was begun is finished")).await;
        }
        let ready = way::ready(&*errand.platform, &errand.history, errand.policy, to).await?;
        let left = way::left(&errand.history, from, &ready.version)?;
        let (hindered, _) = way::tried((&*errand.platform, &*self.images), &errand.history, errand.policy, &ready).await;
        way::unhindered(&hindered)?;
        let Ready { version: to, image } = ready;
        let by = self.actor.clone();
        let event = Event::GoBack {
            from: left,
            to: to.clone(),
            ordered: Ordered { by, reason, image },
        };
        if !errand.tell(&event).await? {
            return Err(way::why_not(&errand.history, from, &to));
        }
        self.told(&mut errand, going_back(target, from, &to)).await
    }

    /// Looks at what a command brought, and notes when that began to serve.
    async fn brought(&self, target: &TargetKey, activated: Option<Moment>) -> Result<String, DeskError> {
        let mut errand = self.errand(target).await?;
        errand.look().await?;
        if let (Some(at), Some(open)) = (activated, &errand.history.open) {
            let (rollout, known_by) = (open.id, "deploy".to_owned());
            let activation = Activation {
                at,
                known_by,
                fresh_counters: false,
            };
            errand.tell(&Event::Activated { rollout, activation }).await?;
        }
        self.told(&mut errand, LOOKED.to_owned()).await
    }

    async fn go_on(&self, target: &TargetKey, reason: String) -> Result<String, DeskError> {
        let mut errand = self.errand(target).await?;
        let said = goes_on(&errand.history)?;
        let by = self.actor.clone();
        errand.tell(&Event::GoOn { by, reason }).await?;
        match errand.history.hold.as_ref().and_then(|hold| hold.detail.as_ref()) {
            Some(because) => Err(DeskError::Failed(because.clone())),
            None => Ok(said),
        }
    }

    /// Where a policy names the target, as its guard would; else in the store itself.
    async fn forget(&self, target: &TargetKey, reason: String) -> Result<String, DeskError> {
        if self.policy(target).is_err() {
            let who = (&self.actor, origin::command_line());
            return forgetting::forget(&self.store, target, who, &reason, self.clock.now()).await;
        }
        let mut errand = self.errand(target).await?;
        let said = forgetting::forgotten(&errand.history)?;
        let by = self.actor.clone();
        if errand.tell(&Event::Forget { by, reason }).await? {
            Ok(said)
        } else {
            forgetting::forgotten(&errand.history)
        }
    }

    /// Sends what there is to tell, and says what was done.
    async fn told(&self, errand: &mut Errand<'_>, said: String) -> Result<String, DeskError> {
        match &self.sinks {
            Ok(sinks) => errand.deliver(sinks).await.map(|()| said),
            Err(because) => Ok(format!("{said}; its alert waits for the controller: {because}")),
        }
    }

    /// What runs is looked at and not stored: nothing has happened yet.
    async fn look_ahead(&self, target: &TargetKey, to: Option<&VersionName>) -> Result<Way, DeskError> {
        let errand = self.errand(target).await?;
        let seen = errand.platform.observe().await.map_err(|error| DeskError::Failed(error.0))?;
        let history = errand.foresee(&Event::Observed(seen)).await;
        way::way((&*errand.platform, &*self.images), &history, errand.policy, to).await
    }

    /// Notes a deed, in the chain of the target where it has a policy.
    async fn note(&self, target: Option<TargetKey>, deed: Deed) -> Result<(), DeskError> {
        match &target {
            Some(target) if self.policy(target).is_ok() => self.change(target, Event::Noted(deed)).await.map(drop),
            _ if !self.clusters.know_controller() => Ok(()),
            _ => note_of_all(&self.fleet, beside(target, deed), self.clock.now()).await,
        }
    }

    async fn done(&self, command: Command) -> Result<String, DeskError> {
        match command {
            Command::Word {
                target,
                version,
                word,
                reason,
            } => self.word(&target, &version, word, reason).await,
            Command::GoBack {
                target,
                from,
                to,
                reason,
            } => self.go_back(&target, &from, &to, reason).await,
            Command::Record { target, manifest } => {
                let retention = self.fleet.lock().await.retention();
                let who = (&self.actor, origin::command_line());
                recording::record(&self.store, &target, &manifest, who, retention, self.clock.now()).await
            }
            Command::Approve { rollout, service } => self.approve(rollout, service.as_ref()).await,
            Command::Forget { target, reason } => self.forget(&target, reason).await,
            Command::GoOn { target, reason } => self.go_on(&target, reason).await,
            Command::Freeze { target, reason } => self.freeze(target, Some(reason)).await,
            Command::Unfreeze { target } => self.freeze(target, None).await,
            Command::Brought { target, activated } => self.brought(&target, activated).await,
            Command::Note(note) => {
                let (target, deed) = noted(note, &self.actor, origin::command_line());
                self.note(Some(target), deed).await.map(|()| NOTED.to_owned())
            }
        }
    }

    /// Freezes for a reason; unfreezes without one.
    async fn freeze(&self, target: Option<TargetKey>, reason: Option<String>) -> Result<String, DeskError> {
        if let Some(target) = target {
            let off = reason.is_some();
            let event = Event::Off {
                off,
                by: self.actor.clone(),
                reason: reason.unwrap_or_default(),
            };
            let changed = self.change(&target, event).await?;
            return Ok(frozen_sentence(Some(&target), off) + if changed { "" } else { SO_ALREADY });
        }
        freeze_all(&self.fleet, &self.actor, reason, origin::command_line(), self.clock.now()).await
    }
}

impl Desk for StoreDesk {
    fn status(&self) -> BoxFuture<'_, Result<Vec<TargetStatus>, DeskError>> {
        Box::pin(async {
            // At once: one after another takes a cluster with hundreds of services seconds.
            let stored = self.store.all().await.map_err(|error| failed(&error))?;
            let mut stored: BTreeMap<TargetKey, TargetHistory> = stored
                .into_iter()
                .map(|(history, _)| (history.target.clone(), history))
                .collect();
            let fleet = self.fleet.lock().await;
            let (now, mode, frozen) = (self.clock.now(), fleet.mode(), fleet.frozen());
            let (mut all, mut histories) = (Vec::new(), Vec::new());
            for policy in &self.policies {
                let key = policy.key();
                let history = stored.remove(&key).unwrap_or_else(|| TargetHistory::new(key));
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

    fn way<'a>(&'a self, target: &'a TargetKey, to: Option<&'a VersionName>) -> BoxFuture<'a, Result<Way, DeskError>> {
        Box::pin(self.look_ahead(target, to))
    }

    fn trail<'a>(&'a self, chain: Option<&'a str>) -> BoxFuture<'a, Result<Trail, DeskError>> {
        Box::pin(async move {
            let mut trail = trail(&self.store, chain).await?;
            if !self.clusters.know_controller() {
                trail.heads.retain(|head| head.chain != CONTROLLER_CHAIN);
            }
            Ok(trail)
        })
    }

    fn releases<'a>(&'a self, service: &'a Service) -> BoxFuture<'a, Result<Vec<ReleaseStatus>, DeskError>> {
        Box::pin(recording::releases(&self.store, service))
    }

    fn act(&self, command: Command) -> BoxFuture<'_, Result<String, DeskError>> {
        Box::pin(async move {
            let asked = command.clone();
            let done = self.done(command).await;
            // What the API server forbids it notes itself, and whoever may not write may not note it here.
            let unnoted = |because: &DeskError| matches!(because, DeskError::Failed(_)) && self.clusters.keep_histories();
            if let Err(because) = done.as_ref()
                && !unnoted(because)
                && let Some((target, deed)) = refused(&asked, because, &self.actor, origin::command_line())
            {
                log_unnoted(self.note(target, deed).await);
            }
            done
        })
    }
}
