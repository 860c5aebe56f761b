//! What others write into the history that this guard has: people, where the store is one that they share with it.

use std::time::Duration;

use super::{Guard, GuardError};
use crate::{
    engine::{Effect, Event},
    ports::HistoryError,
    record::{Intent, Phase},
    words::Moment,
};

/// So long whoever stored an order is left to do it; then this guard looks what became of it.
const THEIRS: Duration = Duration::from_secs(10);

impl Guard {
    /// Takes over what someone else stored. Where the store cannot be read now, the next commit finds out.
    pub(super) async fn hear(&mut self) -> Result<(), GuardError> {
        let found = match self.outside.store.load(&self.history.target).await {
            Ok(found) => found,
            Err(HistoryError::Unavailable(because)) => {
                tracing::warn!(target_key = %self.history.target, %because, "cannot read what someone else may have stored");
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        if found.as_ref().map(|(_, revision)| revision) != self.revision.as_ref() {
            self.take_over(found).await;
            self.publish().await;
        }
        Ok(())
    }

    /// Looks what became of someone else's order that is not done by now.
    pub(super) fn look_after(&mut self, now: Moment) {
        if self.busy || self.theirs_since.is_none_or(|since| !now.is_due(since, THEIRS)) {
            return;
        }
        self.theirs_since = None;
        if let Some(intent) = self.intent_under_way() {
            self.begin(Effect::Look(intent));
        }
    }

    /// A yes that a person left in the history is one to act on.
    pub(super) async fn answer(&mut self) -> Result<(), GuardError> {
        let agreed = self
            .history
            .open
            .as_ref()
            .and_then(|open| Some((open.id, open.agreed.clone()?)));
        if let Some((rollout, by)) = agreed {
            self.feed(Event::Approved { rollout, by }).await?;
        }
        Ok(())
    }

    /// The act that is not over, by this guard or by someone else.
    pub(super) fn intent_under_way(&self) -> Option<Intent> {
        let open = self.history.open.as_ref().filter(|open| open.phase == Phase::Reverting)?;
        open.intent.clone()
    }
}
