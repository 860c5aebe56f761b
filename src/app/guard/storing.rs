//! Events in, durable steps out: what cannot be stored is not done, and what will not be told again waits.

use std::{sync::Arc, time::Duration};

use tokio::sync::OwnedMutexGuard;

use super::{
    Fed, Guard, GuardError, LONG_AGO,
    durable::{convicts, durable_step},
};
use crate::{
    app::{
        fleet::{FleetState, takes_from_budget},
        origin,
    },
    engine::{self, Context, Effect, Event},
    ports::{HistoryError, Revision, crash},
    record::{TargetHistory, Unready},
    words::{Moment, RolloutId},
};

/// How often it is tried to store what could not be stored.
const PAY: Duration = Duration::from_secs(1);
/// A tick that comes so late comes after a sleep.
const SLEPT: Duration = Duration::from_secs(60);
/// How often in a row someone else may change the history before this guard waits.
const MOST_CONFLICTS: u32 = 5;

impl Guard {
    pub(super) async fn resume(&mut self) -> Result<(), GuardError> {
        let now = self.outside.clock.now();
        let fleet = self.outside.fleet.clone().lock_owned().await;
        let view = fleet.view(&self.history.target, now);
        let origin = origin::controller();
        let context = Context {
            origin: &origin,
            policy: &self.policy,
            fleet: &view,
            fresh: fresh(),
        };
        let transition = engine::resume(&self.history, &context, now);
        self.store(transition, fleet).await?;
        self.publish().await;
        Ok(())
    }

    /// Feeds one event to the state machine, stores what follows, then begins the effects. Where someone else changed the history first,
    /// their change is taken over and the event is told to what is there now.
    pub(super) async fn feed(&mut self, event: Event) -> Result<Fed, GuardError> {
        for _ in 0..MOST_CONFLICTS {
            let refused = match self.try_feed(&event).await {
                Ok(fed) => return Ok(fed),
                Err(HistoryError::Conflict(who)) => {
                    tracing::warn!(target_key = %self.history.target, %who, "someone else changed the history: it is loaded again");
                    match self.reload().await {
                        Ok(()) => continue,
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            return match refused {
                HistoryError::Unavailable(because) => Ok(self.not_stored(event, because)),
                error => Err(error.into()),
            };
        }
        Ok(self.not_stored(event, "the history is changed by someone else again and again".to_owned()))
    }

    async fn try_feed(&mut self, event: &Event) -> Result<Fed, HistoryError> {
        let now = self.outside.clock.now();
        let mut fleet = self.outside.fleet.clone().lock_owned().await;
        if convicts(event, &self.history) {
            fleet.convict(&self.history.target, now).await?;
        }
        let view = fleet.view(&self.history.target, now);
        let origin = origin::of(event);
        let context = Context {
            origin: &origin,
            policy: &self.policy,
            fleet: &view,
            fresh: fresh(),
        };
        let transition = engine::step(&self.history, &context, event, now);
        self.store(transition, fleet).await
    }

    /// The store refused: nothing is done, and what will not be told again is told once more later.
    fn not_stored(&mut self, event: Event, because: String) -> Fed {
        if self.store_down.is_none() {
            tracing::error!(target_key = %self.history.target, %because, "the store refuses; nothing is done until it takes commits");
        }
        self.outside.figures.store_up(false);
        self.store_down = Some(Unready {
            name: "store_unavailable".to_owned(),
            because: because.clone(),
        });
        self.owed.owe(event);
        Fed::NotStored(because)
    }

    async fn reload(&mut self) -> Result<(), HistoryError> {
        let found = self.outside.store.load(&self.history.target).await?;
        self.take_over(found).await;
        Ok(())
    }

    /// Goes on with what someone else stored.
    pub(super) async fn take_over(&mut self, found: Option<(TargetHistory, Revision)>) {
        let before = self.history.clone();
        self.revision = found.map(|(history, revision)| {
            self.history = Arc::new(history);
            revision
        });
        self.forgets(&before).await;
        self.outside.fleet.lock().await.note(&self.history);
        self.theirs_since = None;
        // An intent that is not of this guard's own making is looked at, as after a restart; a person's order is theirs to do first.
        match self.intent_under_way() {
            Some(intent) if intent.ordered.is_some() => self.theirs_since = Some(self.outside.clock.now()),
            Some(intent) if !self.busy => self.begin(Effect::Look(intent)),
            _ => {}
        }
    }

    /// Where all was forgotten that was known of versions, the platform remembers none either, and keeps anew what it sees.
    async fn forgets(&self, before: &TargetHistory) {
        if self.history.versions.is_empty() && !before.versions.is_empty() {
            self.outside.platform.forget().await;
        }
    }

    /// Stores a step that was decided on what `fleet` says. Others may decide meanwhile, unless it takes from the budget over all of them.
    async fn store(&mut self, transition: engine::Transition, fleet: OwnedMutexGuard<FleetState>) -> Result<Fed, HistoryError> {
        let changed = transition.history != *self.history;
        if changed {
            let kept = takes_from_budget(&self.history, &transition.history).then_some(fleet);
            let step = durable_step(&self.history, &transition.history);
            crash::point(step.0);
            let revision = self.outside.store.commit(&transition.history, self.revision.as_ref()).await?;
            crash::point(step.1);
            self.outside.figures.store_up(true);
            self.store_down = None;
            self.revision = Some(revision);
            self.count_ends(&transition.history);
            self.announce(engine::news(&self.history, &transition.history));
            let before = std::mem::replace(&mut self.history, Arc::new(transition.history));
            match kept {
                Some(mut fleet) => fleet.note(&self.history),
                None => self.outside.fleet.lock().await.note(&self.history),
            }
            self.forgets(&before).await;
        }
        for effect in transition.effects {
            self.begin(effect);
        }
        Ok(if changed { Fed::Stored } else { Fed::Unchanged })
    }

    /// Tells again what could not be stored, after a look: a newer rollout by a person wins over a verdict that waited.
    pub(super) async fn pay(&mut self) -> Result<(), GuardError> {
        let now = self.outside.clock.now();
        if self.owed.is_empty() || !now.is_due(self.paid_at, PAY) {
            return Ok(());
        }
        self.paid_at = now;
        self.look().await?;
        for event in self.owed.take() {
            self.feed(event).await?;
        }
        Ok(())
    }

    /// After a machine slept, or its clock was set forward, the end of a watch has passed unseen: it is judged before it is ended, as
    /// after a restart.
    pub(super) async fn awake(&mut self, now: Moment) -> Result<(), GuardError> {
        let slept = now.since(self.ticked_at) >= SLEPT && self.ticked_at > LONG_AGO;
        if !slept || self.busy {
            return Ok(());
        }
        match self.resume().await {
            Err(GuardError::Store(HistoryError::Unavailable(_) | HistoryError::Conflict(_))) => Ok(()),
            done => done,
        }
    }
}

fn fresh() -> RolloutId {
    RolloutId::new(uuid::Uuid::now_v7())
}
