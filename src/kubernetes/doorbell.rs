//! The doorbell of one workload: what rings in the watches and concerns it, and a slow look for all that no watch tells.

use std::{
    collections::BTreeSet,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::{Interval, MissedTickBehavior, Sleep, interval, sleep},
};

use super::watches::Rung;

/// How often it rings of itself: with every look the workload is read anew, so a dead watch hides a rollout for no longer (K02).
const SLOW: Duration = Duration::from_secs(30);
/// So long changes of pods are gathered: a rollout of hundreds changes thousands of times, and each look may be one more write of the history.
const GATHERED: Duration = Duration::from_millis(200);

/// Rings when the workload, one of its revisions or one of its pods may have changed.
pub(super) struct Doorbell {
    rung: broadcast::Receiver<Rung>,
    slow: Interval,
    /// Runs while pods have changed that were not looked at yet.
    gathered: Option<Pin<Box<Sleep>>>,
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
            Rung::Object { uid, owner } => self.lock().contains(uid) || self.control(owner.as_ref()),
            Rung::Pod { owner } => self.control(owner.as_ref()),
        }
    }

    fn control(&self, owner: Option<&String>) -> bool {
        owner.is_some_and(|owner| self.lock().contains(owner))
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
        Self {
            rung,
            slow,
            gathered: None,
            concerns,
        }
    }

    /// Resolves when something may have changed. No change is lost between two calls.
    pub async fn rings(&mut self) {
        loop {
            tokio::select! {
                rung = self.rung.recv() => match rung {
                    Ok(rung) if !self.concerns.include(&rung) => {}
                    Ok(Rung::Pod { .. }) => {
                        self.gathered.get_or_insert_with(|| Box::pin(sleep(GATHERED)));
                    }
                    Ok(_) => break,
                    Err(RecvError::Lagged(_)) => break,
                    // The cluster is gone with its watches: only time is left.
                    Err(RecvError::Closed) => {
                        self.slow.tick().await;
                        return;
                    }
                },
                () = gathered(&mut self.gathered) => break,
                _ = self.slow.tick() => break,
            }
        }
        // One look sees whatever has happened by now.
        self.gathered = None;
        while self.rung.try_recv().is_ok() {}
    }
}

/// When what pods changed has been gathered; never, where none did.
async fn gathered(changes: &mut Option<Pin<Box<Sleep>>>) {
    match changes {
        Some(time) => time.await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn revision() -> Rung {
        Rung::Object {
            uid: "revision".to_owned(),
            owner: Some("workload".to_owned()),
        }
    }

    fn pod_of(owner: &str) -> Rung {
        Rung::Pod {
            owner: Some(owner.to_owned()),
        }
    }

    #[tokio::test]
    async fn changes_of_pods_are_gathered_and_a_new_revision_rings_at_once() {
        let (ring, rung) = broadcast::channel(8);
        let concerns = Concerns::default();
        concerns.set(["workload".to_owned(), "revision".to_owned()].into_iter());
        let mut doorbell = Doorbell::new(rung, concerns);
        doorbell.rings().await;
        let mut rings = |changes: Vec<Rung>| {
            for change in changes {
                ring.send(change).expect("it listens");
            }
            doorbell.rings().now_or_never().is_some()
        };
        assert!(!rings(vec![pod_of("another")]));
        assert!(!rings(vec![pod_of("revision"), pod_of("revision")]), "more may follow");
        assert!(rings(vec![revision()]), "and one look sees them all");
        assert!(!rings(Vec::new()));
        assert!(!rings(vec![pod_of("workload")]));
        doorbell.rings().await;
        assert!(doorbell.rings().now_or_never().is_none());
    }
}
