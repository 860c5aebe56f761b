//! Which targets are guarded: one guard a policy, started, told of new policies, stopped, and started again after an internal error.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex, mpsc, watch as channel},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::{
    courier::Sinks,
    desk::{Handle, Handles},
    fleet::FleetState,
    guard::{Guard, GuardError, Outside},
};
use crate::{
    host::Host,
    policy::{Policy, Target},
    ports::{Clock, MetricSource, SharedHistory},
    settings::policies::PolicyFile,
    web::Figures,
    words::{Moment, TargetKey},
};

/// How long a guard that ended by an internal error rests before it is started again.
const REST: Duration = Duration::from_secs(5);

/// What all guards share.
#[derive(Clone)]
pub struct Shared {
    /// Where counts come from.
    pub source: Arc<dyn MetricSource>,
    /// How much later than scraped samples may be stored.
    pub lag: Duration,
    /// What survives.
    pub store: SharedHistory,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The channels.
    pub sinks: Arc<Sinks>,
    /// All services together.
    pub fleet: Arc<Mutex<FleetState>>,
    /// Own metrics.
    pub figures: Figures,
    /// The guards as desks know them.
    pub handles: Handles,
}

struct Running {
    file: PathBuf,
    policy: Arc<Policy>,
    policies: channel::Sender<Arc<Policy>>,
    stop: CancellationToken,
    task: JoinHandle<Result<(), GuardError>>,
    fell_at: Option<Moment>,
}

/// The guards that run.
pub struct Roster {
    shared: Shared,
    running: BTreeMap<TargetKey, Running>,
}

impl Roster {
    /// No guard yet.
    pub const fn new(shared: Shared) -> Self {
        Self {
            shared,
            running: BTreeMap::new(),
        }
    }

    /// Makes the guards match the accepted policies; those of rejected files go on with what they had.
    ///
    /// # Errors
    /// When a target's history cannot be read.
    pub async fn apply(&mut self, accepted: Vec<PolicyFile>, rejected: &[PathBuf]) -> Result<(), GuardError> {
        let wanted: Vec<TargetKey> = accepted.iter().map(|file| file.policy.key()).collect();
        let gone: Vec<TargetKey> = self
            .running
            .iter()
            .filter(|(key, running)| !wanted.contains(key) && !rejected.contains(&running.file))
            .map(|(key, _)| key.clone())
            .collect();
        for key in gone {
            tracing::info!(target_key = %key, "no longer guarded: its policy is gone");
            self.stop_one(&key).await;
        }
        for PolicyFile { path: file, policy } in accepted {
            let key = policy.key();
            match self.running.get_mut(&key) {
                Some(running) if running.policy.target == policy.target => {
                    running.policy = Arc::new(policy);
                    running.file = file;
                    running.policies.send_replace(running.policy.clone());
                }
                Some(_) => {
                    self.stop_one(&key).await;
                    self.start(file, Arc::new(policy)).await?;
                }
                None => self.start(file, Arc::new(policy)).await?,
            }
        }
        Ok(())
    }

    async fn start(&mut self, file: PathBuf, policy: Arc<Policy>) -> Result<(), GuardError> {
        let key = policy.key();
        let shared = &self.shared;
        let Target::Host(target) = &policy.target;
        let contents = shared.store.clone();
        let outside = Outside {
            platform: Arc::new(Host::new(key.clone(), target.clone(), contents, shared.clock.clone())),
            source: shared.source.clone(),
            lag: shared.lag,
            store: shared.store.clone(),
            clock: shared.clock.clone(),
            sinks: shared.sinks.clone(),
            fleet: shared.fleet.clone(),
            figures: shared.figures.clone(),
        };
        let (guard, snapshot) = Guard::load(outside, policy.clone()).await?;
        // People type slowly: a few words at once are plenty.
        let (orders, ordered) = mpsc::channel(8);
        let (policies, changed) = channel::channel(policy.clone());
        let stop = CancellationToken::new();
        let task = tokio::spawn(guard.run(ordered, changed, stop.clone()));
        if let Ok(mut handles) = shared.handles.write() {
            handles.insert(key.clone(), Handle { snapshot, orders });
        }
        tracing::info!(target_key = %key, file = %file.display(), mode = ?policy.mode, "guarded");
        self.running.insert(
            key,
            Running {
                file,
                policy,
                policies,
                stop,
                task,
                fell_at: None,
            },
        );
        Ok(())
    }

    /// Starts guards again that ended by an internal error: one that falls does not take the others with it.
    ///
    /// # Errors
    /// When the store refuses for good: then the controller ends, loudly.
    pub async fn revive(&mut self, now: Moment) -> Result<(), GuardError> {
        let fallen: Vec<TargetKey> = self
            .running
            .iter()
            .filter(|(_, running)| running.task.is_finished())
            .map(|(key, _)| key.clone())
            .collect();
        for key in fallen {
            let Some(running) = self.running.get_mut(&key) else { continue };
            match running.fell_at {
                None => {
                    running.fell_at = Some(now);
                    match (&mut running.task).await {
                        Ok(Err(error)) => return Err(error),
                        Ok(Ok(())) => tracing::error!(target_key = %key, "the guard ended by itself; it is started again"),
                        Err(error) => {
                            tracing::error!(target_key = %key, %error, "internal error in the guard; it is started again")
                        }
                    }
                }
                Some(at) if now.since(at) >= REST => {
                    let (file, policy) = (running.file.clone(), running.policy.clone());
                    self.running.remove(&key);
                    self.start(file, policy).await?;
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Why the controller is not ready, a sentence a target; empty: it is.
    pub fn unready(&self) -> Vec<String> {
        let fell = self.running.iter().filter(|(_, running)| running.fell_at.is_some());
        fell.map(|(key, _)| format!("{key}: the guard fell by an internal error and is started again"))
            .collect()
    }

    async fn stop_one(&mut self, key: &TargetKey) {
        let Some(running) = self.running.remove(key) else { return };
        running.stop.cancel();
        if running.fell_at.is_none() {
            let _ = running.task.await;
        }
        self.shared.figures.forget(key);
        if let Ok(mut handles) = self.shared.handles.write() {
            handles.remove(key);
        }
    }

    /// Stops every guard; acts that have begun are finished.
    pub async fn stop(&mut self) {
        for running in self.running.values() {
            running.stop.cancel();
        }
        for key in self.running.keys().cloned().collect::<Vec<_>>() {
            self.stop_one(&key).await;
        }
    }
}
