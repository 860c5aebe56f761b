//! The doorbell of one workload: what rings in the watches and concerns it, and a slow look for all that no watch tells.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::{Interval, MissedTickBehavior, interval},
};

use super::watches::Rung;

/// How often it rings of itself: with every look the workload is read anew, so a dead watch hides a rollout for no longer (K02).
const SLOW: Duration = Duration::from_secs(30);

/// Rings when the workload, one of its revisions or one of its pods may have changed.
pub(super) struct Doorbell {
    rung: broadcast::Receiver<Rung>,
    slow: Interval,
    concerns: Concerns,
}

/// The uids of a workload and of its revisions. Beside the doorbell, as one may wait for it while another one looks.
#[derive(Clone, Default)]
pub(super) struct Concerns(Arc<Mutex<BTreeSet<String>>>);

impl Concerns {
    /// Rings for these from now on.
    pub fn set(&self, uids: impl Iterator<Item = String>) {
        *self.lock() = uids.filter(|uid| !uid.is_empty()).collect();
    }

    fn include(&self, rung: &Rung) -> bool {
        match rung {
            Rung::Everything => true,
            Rung::History { .. } => false,
            Rung::Object { uid, owner } => {
                let uids = self.lock();
                uids.contains(uid) || owner.as_ref().is_some_and(|owner| uids.contains(owner))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Doorbell {
    /// One that rings at once the first time. Needs the async runtime.
    pub fn new(rung: broadcast::Receiver<Rung>, concerns: Concerns) -> Self {
        let mut slow = interval(SLOW);
        slow.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { rung, slow, concerns }
    }

    /// Resolves when something may have changed. No change is lost between two calls.
    pub async fn rings(&mut self) {
        loop {
            tokio::select! {
                rung = self.rung.recv() => match rung {
                    Ok(rung) if self.concerns.include(&rung) => break,
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => break,
                    // The cluster is gone with its watches: only time is left.
                    Err(RecvError::Closed) => {
                        self.slow.tick().await;
                        return;
                    }
                },
                _ = self.slow.tick() => break,
            }
        }
        // One look sees whatever has happened by now.
        while self.rung.try_recv().is_ok() {}
    }
}
