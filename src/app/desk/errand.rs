//! One target's state machine where no controller runs: each step is stored, then what it asks for is done, until nothing is left to do.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::{sync::Mutex, time::timeout};

use super::{MOST_CONFLICTS, contended, failed, pause};
use crate::{
    app::{
        courier::{Sinks, deliver},
        fleet::FleetState,
        guard::{done, durable_step},
        origin,
    },
    engine::{self, Context, Effect, Event, Transition},
    policy::Policy,
    ports::{Clock, DeskError, HistoryError, Platform, Revision, SharedHistory, crash},
    record::TargetHistory,
    words::{Moment, RolloutId},
};

/// So long a person waits for the channels to take what there is to tell; what they did not take is told by the next controller.
const TELLING: Duration = Duration::from_secs(5);

/// One errand at one target.
pub(in crate::app) struct Errand<'a> {
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
        self.follow(engine::resume).await?;
        self.look().await
    }

    /// Looks what runs now.
    ///
    /// # Errors
    /// When the store refuses, or nobody can tell.
    pub async fn look(&mut self) -> Result<(), DeskError> {
        let seen = self.platform.observe().await.map_err(|error| DeskError::Failed(error.0))?;
        self.tell(&Event::Observed(seen)).await.map(drop)
    }

    /// Tells the state machine one event, and does what follows. Whether anything had to be stored.
    ///
    /// # Errors
    /// When the store refuses; nothing more is done then.
    pub async fn tell(&mut self, event: &Event) -> Result<bool, DeskError> {
        self.follow(|history, context, now| engine::step(history, context, event, now))
            .await
    }

    /// What the history would be after `event`; nothing is stored or done.
    pub async fn foresee(&self, event: &Event) -> TargetHistory {
        let step = self.transition(|history, context, now| engine::step(history, context, event, now));
        step.await.history
    }

    async fn transition(&self, step: impl Fn(&TargetHistory, &Context<'_>, Moment) -> Transition) -> Transition {
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

    async fn follow(&mut self, step: impl Fn(&TargetHistory, &Context<'_>, Moment) -> Transition) -> Result<bool, DeskError> {
        let mut effects: VecDeque<Effect> = VecDeque::new();
        let changed = self.keep(step, &mut effects).await?;
        while let Some(effect) = effects.pop_front() {
            let intent = match &effect {
                Effect::Revert(intent) | Effect::Activate(intent) | Effect::Look(intent) => Some(intent.clone()),
                Effect::Hold(..) | Effect::LetGo(_) => None,
            };
            let event = match (done(self.platform.clone(), effect).await, intent) {
                (Some(event), _) => event,
                (None, Some(intent)) => Event::Looked {
                    rollout: intent.rollout,
                    look: self
                        .platform
                        .look(&intent)
                        .await
                        .map_err(|error| DeskError::Failed(error.0))?,
                },
                (None, None) => continue,
            };
            self.keep(
                |history, context, now| engine::step(history, context, &event, now),
                &mut effects,
            )
            .await?;
        }
        Ok(changed)
    }

    /// Stores what `step` makes of the history. Where a controller that shares the store changed it first, its change is taken over and
    /// the step is made from there.
    async fn keep(
        &mut self,
        step: impl Fn(&TargetHistory, &Context<'_>, Moment) -> Transition,
        effects: &mut VecDeque<Effect>,
    ) -> Result<bool, DeskError> {
        for met in 0..MOST_CONFLICTS {
            let transition = self.transition(&step).await;
            let changed = transition.history != self.history;
            if changed {
                let points = durable_step(&self.history, &transition.history);
                crash::point(points.0);
                match self.store.commit(&transition.history, self.revision.as_ref()).await {
                    Ok(revision) => self.revision = Some(revision),
                    Err(HistoryError::Conflict(_)) => {
                        pause(met).await;
                        self.reload().await?;
                        continue;
                    }
                    Err(error) => return Err(failed(&error)),
                }
                crash::point(points.1);
                self.history = transition.history;
            }
            effects.extend(transition.effects);
            return Ok(changed);
        }
        Err(contended(&self.history.target))
    }

    async fn reload(&mut self) -> Result<(), DeskError> {
        let found = self.store.load(&self.history.target).await.map_err(|error| failed(&error))?;
        self.revision = found.map(|(history, revision)| {
            self.history = history;
            revision
        });
        Ok(())
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
