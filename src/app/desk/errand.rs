//! One target's state machine where no controller runs: each step is stored, then what it asks for is done, until nothing is left to do.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::{sync::Mutex, time::timeout};

use super::failed;
use crate::{
    app::{
        courier::{Sinks, deliver},
        fleet::FleetState,
        guard::{done, durable_step},
        origin, trail,
    },
    engine::{self, Context, Effect, Event, Transition},
    policy::Policy,
    ports::{Clock, DeskError, Platform, Revision, SharedHistory, crash},
    record::TargetHistory,
    words::RolloutId,
};

/// So long a person waits for the channels to take what there is to tell; what they did not take is told by the next controller.
const TELLING: Duration = Duration::from_secs(5);

/// One errand at one target, with the store to itself.
pub(super) struct Errand<'a> {
    pub store: &'a SharedHistory,
    pub fleet: &'a Mutex<FleetState>,
    pub clock: &'a Arc<dyn Clock>,
    pub policy: &'a Policy,
    pub platform: Arc<dyn Platform>,
    pub history: TargetHistory,
    pub revision: Option<Revision>,
}

impl Errand<'_> {
    /// Takes up what a process that was killed had begun, then looks what runs now.
    ///
    /// # Errors
    /// When the store refuses, or nobody can tell what runs.
    pub async fn arrive(&mut self) -> Result<(), DeskError> {
        let resumed = self.transition(engine::resume).await;
        self.follow(resumed).await?;
        let seen = self.platform.observe().await.map_err(|error| DeskError::Failed(error.0))?;
        self.tell(&Event::Observed(seen)).await.map(drop)
    }

    /// Tells the state machine one event, and does what follows. Whether anything had to be stored.
    ///
    /// # Errors
    /// When the store refuses; nothing more is done then.
    pub async fn tell(&mut self, event: &Event) -> Result<bool, DeskError> {
        let transition = self
            .transition(|history, context, now| engine::step(history, context, event, now))
            .await;
        self.follow(transition).await
    }

    /// What the history would be after `event`; nothing is stored or done.
    pub async fn foresee(&self, event: &Event) -> TargetHistory {
        let step = self.transition(|history, context, now| engine::step(history, context, event, now));
        step.await.history
    }

    async fn transition(
        &self,
        step: impl FnOnce(&TargetHistory, &Context<'_>, crate::words::Moment) -> Transition,
    ) -> Transition {
        let now = self.clock.now();
        let fleet = self.fleet.lock().await.view(&self.history.target, now);
        let origin = origin::command_line();
        let context = Context {
            origin: &origin,
            policy: self.policy,
            fleet: &fleet,
            fresh: RolloutId::new(uuid::Uuid::now_v7()),
        };
        step(&self.history, &context, now)
    }

    async fn follow(&mut self, transition: Transition) -> Result<bool, DeskError> {
        let mut effects: VecDeque<Effect> = VecDeque::new();
        let changed = self.keep(transition, &mut effects).await?;
        while let Some(effect) = effects.pop_front() {
            let (Effect::Revert(intent) | Effect::Activate(intent) | Effect::Look(intent)) = &effect;
            let intent = intent.clone();
            let event = match done(self.platform.clone(), effect).await {
                Some(event) => event,
                None => Event::Looked {
                    rollout: intent.rollout,
                    look: self
                        .platform
                        .look(&intent)
                        .await
                        .map_err(|error| DeskError::Failed(error.0))?,
                },
            };
            let next = self
                .transition(|history, context, now| engine::step(history, context, &event, now))
                .await;
            self.keep(next, &mut effects).await?;
        }
        Ok(changed)
    }

    async fn keep(&mut self, transition: Transition, effects: &mut VecDeque<Effect>) -> Result<bool, DeskError> {
        let changed = transition.history != self.history;
        if changed {
            let step = durable_step(&self.history, &transition.history);
            crash::point(step.0);
            let stored = self.store.commit(&transition.history, self.revision.as_ref()).await;
            self.revision = Some(stored.map_err(|error| failed(&error))?);
            crash::point(step.1);
            trail::log(&self.history.audit, &transition.history.audit);
            self.history = transition.history;
        }
        effects.extend(transition.effects);
        Ok(changed)
    }

    /// Sends what there is to tell; what cannot be sent now stays for the next controller.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn deliver(&mut self, sinks: &Arc<Sinks>) -> Result<(), DeskError> {
        let now = self.clock.now();
        if !sinks.any_due(&self.history.outbox, now) {
            return Ok(());
        }
        let sent = timeout(TELLING, deliver(sinks.clone(), self.history.outbox.clone(), now)).await;
        for event in sent.unwrap_or_default() {
            self.tell(&event).await?;
        }
        Ok(())
    }
}
