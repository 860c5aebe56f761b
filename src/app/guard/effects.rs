//! What a guard does outside once it is stored, and what comes back.

use std::time::Duration;

use super::{Guard, GuardError, Message};
use crate::{
    engine::{Effect, Event},
    ports::crash,
};

/// How long to wait before a look at an intent is tried again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

impl Guard {
    pub(super) fn begin(&mut self, effect: Effect) {
        let (platform, post, clock) = (self.outside.platform.clone(), self.post.clone(), self.outside.clock.clone());
        // A look may take as long as the host cannot tell; nobody waits for it to end lastgood.
        self.busy = !matches!(effect, Effect::Look(_));
        tokio::spawn(async move {
            let event = match effect {
                Effect::Revert(intent) => {
                    crash::point("act.before");
                    let result = platform.revert(&intent).await;
                    crash::point("act.after");
                    Event::Acted {
                        rollout: intent.rollout,
                        result,
                    }
                }
                Effect::Activate(intent) => {
                    crash::point("act.before");
                    let result = platform.activate(&intent).await;
                    crash::point("act.after");
                    Event::Acted {
                        rollout: intent.rollout,
                        result,
                    }
                }
                Effect::Look(intent) => loop {
                    match platform.look(&intent).await {
                        Ok(look) => {
                            break Event::Looked {
                                rollout: intent.rollout,
                                look,
                            };
                        }
                        Err(error) => {
                            tracing::warn!(%error, rollout = %intent.rollout, at = %clock.now(), "cannot look what became of the intent; trying again");
                            tokio::time::sleep(LOOK_AGAIN).await;
                        }
                    }
                },
            };
            let _ = post.send(Message::Happened(Box::new(event))).await;
        });
    }

    pub(super) async fn receive(&mut self, message: Message) -> Result<(), GuardError> {
        match message {
            Message::Happened(event) => {
                if matches!(*event, Event::Acted { .. }) {
                    self.busy = false;
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
