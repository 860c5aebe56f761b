//! What a guard does outside once it is stored, and what comes back.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;

use super::{Guard, GuardError, Message};
use crate::{
    app::images::{self, Found},
    engine::{Effect, Event},
    manifest::ImageReference,
    ports::{Platform, crash},
    record::{ActResult, HoldResult, Intent},
    words::RolloutId,
};

/// How long to wait before a look at an intent is tried again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

impl Guard {
    pub(super) fn begin(&mut self, effect: Effect) {
        let (Effect::Revert(intent) | Effect::Activate(intent) | Effect::Look(intent)) = &effect else {
            self.begin_hold(effect);
            return;
        };
        let intent = intent.clone();
        let (platform, post) = (self.outside.platform.clone(), self.post.clone());
        let (images, needed) = (self.outside.images.clone(), self.needed(&effect));
        self.busy = true;
        self.acting = !matches!(effect, Effect::Look(_));
        tokio::spawn(async move {
            if let Found::Gone(gone) = images::look(&*images, needed.as_ref()).await {
                let refused = Event::Acted {
                    rollout: intent.rollout,
                    result: ActResult::Refused { found: gone.because },
                };
                let _ = post.send(Message::Happened(Box::new(refused))).await;
                return;
            }
            // In a task of its own: of an act that broke nobody knows what it did, so it is looked at.
            let ended = tokio::spawn(done(platform.clone(), effect)).await;
            let event = match ended {
                Ok(Some(event)) => Some(event),
                Ok(None) => looked(platform, &intent, &post).await,
                Err(error) => {
                    tracing::error!(%error, rollout = %intent.rollout, "internal error in an act; what became of it is looked at");
                    looked(platform, &intent, &post).await
                }
            };
            if let Some(event) = event {
                let _ = post.send(Message::Happened(Box::new(event))).await;
            }
        });
    }

    /// The image that a revert puts back, if it is to be looked for: a person's order was looked at before it was given.
    fn needed(&self, effect: &Effect) -> Option<ImageReference> {
        match effect {
            Effect::Revert(intent) if intent.ordered.is_none() => {
                self.history.needed_image(&self.policy.target, &intent.to).cloned()
            }
            _ => None,
        }
    }

    /// One at a time: whatever is asked for meanwhile is asked for again.
    fn begin_hold(&mut self, effect: Effect) {
        if self.holding {
            return;
        }
        self.holding = true;
        let (platform, post) = (self.outside.platform.clone(), self.post.clone());
        tokio::spawn(async move {
            let rollout = match &effect {
                Effect::Hold(hold, _) | Effect::LetGo(hold) => hold.rollout,
                Effect::Revert(intent) | Effect::Activate(intent) | Effect::Look(intent) => intent.rollout,
            };
            let broken = |error: tokio::task::JoinError| {
                let error = format!("internal error: {error}");
                let result = HoldResult::Unknown { error };
                Some(Event::HoldTried { rollout, result })
            };
            let event = tokio::spawn(done(platform, effect)).await.unwrap_or_else(broken);
            if let Some(event) = event {
                let _ = post.send(Message::Happened(Box::new(event))).await;
            }
        });
    }

    pub(super) async fn receive(&mut self, message: Message) -> Result<(), GuardError> {
        match message {
            Message::Happened(event) => {
                if matches!(*event, Event::Acted { .. } | Event::Looked { .. }) {
                    (self.busy, self.acting) = (false, false);
                }
                if let Event::Marked { kind, result, .. } = &*event {
                    self.marking.tried(*kind, result, self.outside.clock.now());
                }
                if matches!(*event, Event::HoldTried { .. }) {
                    self.holding = false;
                }
                self.feed(*event).await?;
            }
            Message::Delivered(events) => {
                self.delivering = false;
                for event in events {
                    if matches!(event, Event::NotDelivered { .. }) {
                        self.outside.figures.alert_failed();
                    }
                    self.feed(event).await?;
                }
            }
        }
        self.publish().await;
        Ok(())
    }
}

/// Acts; none: nothing is to be done but to look, at once or because nobody can tell what the act did.
pub(in crate::app) async fn done(platform: Arc<dyn Platform>, effect: Effect) -> Option<Event> {
    let (rollout, result) = match effect {
        Effect::Revert(intent) => {
            crash::point("act.before");
            let reverted = platform.revert(&intent).await;
            crash::point("act.after");
            let told = reverted.inspect_err(|error| {
                tracing::warn!(%error, rollout = %intent.rollout, "nobody can tell what the act did; it is looked at");
            });
            (intent.rollout, told.ok()?)
        }
        Effect::Activate(intent) => {
            crash::point("act.before");
            let result = platform.activate(&intent).await;
            crash::point("act.after");
            (intent.rollout, result)
        }
        Effect::Look(_) => return None,
        Effect::Hold(hold, share) => return Some(held(hold.rollout, platform.hold(&hold, share).await)),
        Effect::LetGo(hold) => return Some(held(hold.rollout, platform.let_go(&hold).await)),
    };
    Some(Event::Acted { rollout, result })
}

fn held(rollout: RolloutId, result: HoldResult) -> Event {
    if let HoldResult::Failed { error } | HoldResult::Unknown { error } = &result {
        tracing::warn!(%error, %rollout, "a hold");
    }
    Event::HoldTried { rollout, result }
}

/// Looks what became of the intent, until it can be told; none: nobody waits for it any more.
async fn looked(platform: Arc<dyn Platform>, intent: &Intent, post: &mpsc::Sender<Message>) -> Option<Event> {
    loop {
        match platform.look(intent).await {
            Ok(look) => {
                let rollout = intent.rollout;
                return Some(Event::Looked { rollout, look });
            }
            Err(error) => {
                tracing::warn!(%error, rollout = %intent.rollout, "cannot look what became of the intent; trying again");
                tokio::select! {
                    () = tokio::time::sleep(LOOK_AGAIN) => {}
                    () = post.closed() => return None,
                }
            }
        }
    }
}
