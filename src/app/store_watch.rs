//! Whether the store still takes commits: tried before something has to be stored, so that a full disk is not found out in the incident.

use std::time::Duration;

use super::roster::Shared;
use crate::{
    ports::HistoryError,
    record::{AlertKind, Unready},
    words::Moment,
};

/// How often it is written; it is read at each look, so that one that cannot be trusted any more is noticed at once, whoever met it.
const WRITE: Duration = Duration::from_secs(30);
/// How often while it refuses.
const WRITE_AGAIN: Duration = Duration::from_secs(5);

/// What is known of the store.
#[derive(Debug)]
pub(super) struct StoreWatch {
    written_at: Moment,
    down: Option<String>,
}

impl Default for StoreWatch {
    fn default() -> Self {
        Self {
            written_at: Moment::from_millis(0),
            down: None,
        }
    }
}

impl StoreWatch {
    /// Looks; returns why the store refuses, if it does. That it does, and that it does no more, is told without it.
    ///
    /// # Errors
    /// When it refuses for good.
    pub async fn look(&mut self, shared: &Shared, now: Moment) -> Result<Option<String>, HistoryError> {
        let pause = if self.down.is_some() { WRITE_AGAIN } else { WRITE };
        let write = now.is_due(self.written_at, pause);
        if write {
            self.written_at = now;
        }
        let mut fleet = shared.fleet.lock().await;
        let down = match fleet.probe(write).await {
            // Reading says nothing of a disk that is full.
            Ok(()) if !write => return Ok(self.down.clone()),
            Ok(()) | Err(HistoryError::Conflict(_)) => None,
            Err(HistoryError::Unavailable(because)) => Some(because),
            Err(error) => return Err(error),
        };
        if down.is_some() != self.down.is_some() {
            let reason = |because: &String| Unready {
                name: "store_unavailable".to_owned(),
                because: because.clone(),
            };
            let unready = down.iter().map(reason).collect();
            fleet.alert_unstored(AlertKind::NotReady { unready }, now);
        }
        shared.figures.store_up(down.is_none());
        self.down.clone_from(&down);
        Ok(down)
    }
}
