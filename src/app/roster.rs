//! Which targets are guarded: one guard a policy, started, told of new policies, stopped, and started again after an internal error.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{Mutex, mpsc, oneshot, watch as channel},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::{
    clusters::Clusters,
    courier::Sinks,
    desk::{Handle, Handles},
    fleet::{FleetState, own},
    guard::{Guard, GuardError, Order, Outside},
    origin,
    orphans::Orphans,
};
use crate::{
    engine::Event,
    policy::Policy,
    ports::{Clock, HistoryError, Images, MetricSource, PlatformError, SharedHistory},
    record::{Action, Deed},
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
    /// The cluster, for those that are in it.
    pub clusters: Clusters,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The channels.
    pub sinks: Arc<Sinks>,
    /// The registries of images.
    pub images: Arc<dyn Images>,
    /// All services together.
    pub fleet: Arc<Mutex<FleetState>>,
    /// Own metrics.
    pub figures: Figures,
    /// The guards as desks know them.
    pub handles: Handles,
}

impl Shared {
    /// Tells the guard which policy is in force, for the audit. It is told again at the next reading where it has no time now.
    fn tell_policy(&self, key: &TargetKey, file: &Path, policy: &Policy) {
        let event = Event::PolicyIs {
            policy: Box::new(policy.clone()),
            home: self.clusters.home(),
            by: origin::owner(file),
            file: file.display().to_string(),
        };
        let handle = self.handles.read().ok().and_then(|handles| handles.get(key).cloned());
        if let Some(handle) = handle {
            // Nobody waits for the answer.
            let (answer, _) = oneshot::channel();
            let _ = handle.orders.try_send(Order { event, answer });
        }
    }

    /// Notes that a policy is gone. What cannot be noted is in the log.
    async fn note_gone(&self, key: &TargetKey, file: &Path) {
        let deed = Deed {
            why: format!("{} is gone, or another one guards the same", file.display()),
            ..own(Action::Policy, &format!("{key} is no longer guarded"))
        };
        let now = self.clock.now();
        if let Err(error) = self.fleet.lock().await.note_deed(deed, now).await {
            tracing::error!(%error, "that a policy is gone could not be noted in the audit");
        }
    }
}

struct Running {
    file: PathBuf,
    policy: Arc<Policy>,
    policies: channel::Sender<Arc<Policy>>,
    /// Cancelled: it ends as soon as an act that has begun is over; then it begins anew, or is gone where `leaving`.
    stop: CancellationToken,
    leaving: bool,
    task: JoinHandle<Result<(), GuardError>>,
    fell: Option<(Moment, String)>,
}

/// The guards that run.
pub struct Roster {
    shared: Shared,
    running: BTreeMap<TargetKey, Running>,
    orphans: Orphans,
}

impl Roster {
    /// No guard yet.
    pub fn new(shared: Shared) -> Self {
        Self {
            shared,
            running: BTreeMap::new(),
            orphans: Orphans::default(),
        }
    }

    /// Makes the guards match the accepted policies; those of the files in `kept`, which are rejected, go on with what they had. A guard that is in the middle of an
    /// act is not waited for: [`Roster::revive`] takes care of it afterwards.
    ///
    /// # Errors
    /// When a target's history cannot be read.
    pub async fn apply(&mut self, accepted: Vec<PolicyFile>, kept: &[PathBuf]) -> Result<(), GuardError> {
        let wanted: Vec<TargetKey> = accepted.iter().map(|file| file.policy.key()).collect();
        for (key, running) in &mut self.running {
            if !wanted.contains(key) && !kept.contains(&running.file) {
                tracing::info!(target_key = %key, "no longer guarded: its policy is gone, or another one guards the same");
                if !running.leaving {
                    self.shared.note_gone(key, &running.file).await;
                }
                running.leaving = true;
                running.stop.cancel();
            }
        }
        for PolicyFile { path: file, policy } in accepted {
            let key = policy.key();
            let policy = Arc::new(policy);
            let Some(running) = self.running.get_mut(&key) else {
                self.start(file, policy).await?;
                continue;
            };
            running.leaving = false;
            self.shared.tell_policy(&key, &file, &policy);
            if running.policy.target != policy.target {
                running.stop.cancel();
            }
            if !running.stop.is_cancelled() {
                running.policies.send_replace(policy.clone());
            }
            (running.file, running.policy) = (file, policy);
        }
        Ok(())
    }

    async fn start(&mut self, file: PathBuf, policy: Arc<Policy>) -> Result<(), GuardError> {
        let key = policy.key();
        let shared = &self.shared;
        let platform = shared.clusters.platform(&policy, &shared.store, &shared.clock).await?;
        let outside = Outside {
            platform: platform.clone(),
            source: shared.source.clone(),
            lag: shared.lag,
            store: shared.store.clone(),
            clock: shared.clock.clone(),
            sinks: shared.sinks.clone(),
            images: shared.images.clone(),
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
            handles.insert(
                key.clone(),
                Handle {
                    snapshot,
                    orders,
                    platform,
                },
            );
        }
        shared.tell_policy(&key, &file, &policy);
        tracing::info!(target_key = %key, file = %file.display(), mode = ?policy.mode, "guarded");
        self.running.insert(
            key,
            Running {
                file,
                policy,
                policies,
                stop,
                leaving: false,
                task,
                fell: None,
            },
        );
        Ok(())
    }

    /// Starts guards again that ended, by an internal error or because their target is another one by now: one that falls does not take
    /// the others with it. Those whose policy is gone are let go.
    ///
    /// # Errors
    /// When the store refuses for good: then the controller ends, loudly.
    pub async fn revive(&mut self, now: Moment) -> Result<(), GuardError> {
        let ended: Vec<TargetKey> = self
            .running
            .iter()
            .filter(|(_, running)| running.task.is_finished())
            .map(|(key, _)| key.clone())
            .collect();
        let guarded = self.running.keys().cloned().collect();
        self.orphans.turn(&self.shared, guarded, now);
        for key in ended {
            let Some(running) = self.running.get_mut(&key) else { continue };
            if running.leaving {
                self.stop_one(&key).await;
                self.orphans.look_soon();
                continue;
            }
            let rested = match &running.fell {
                Some((at, _)) => now.is_due(*at, REST),
                None => {
                    let because = fall(&mut running.task).await?;
                    if !running.stop.is_cancelled() {
                        tracing::error!(target_key = %key, %because, "the guard ended; it is started again");
                    }
                    running.fell = Some((now, because));
                    running.stop.is_cancelled()
                }
            };
            if rested {
                let (file, policy) = (running.file.clone(), running.policy.clone());
                self.start_again(&key, file, policy, now).await?;
            }
        }
        Ok(())
    }

    /// A store that cannot be read now may be readable later: the guard stays fallen until then.
    async fn start_again(&mut self, key: &TargetKey, file: PathBuf, policy: Arc<Policy>, now: Moment) -> Result<(), GuardError> {
        match self.start(file, policy).await {
            Err(GuardError::Store(HistoryError::Unavailable(because)) | GuardError::Platform(PlatformError(because))) => {
                if let Some(running) = self.running.get_mut(key) {
                    running.fell = Some((now, because));
                }
                Ok(())
            }
            done => done,
        }
    }

    /// Why the controller is not ready, a sentence a target; empty: it is.
    pub fn unready(&self) -> Vec<String> {
        let fell = self
            .running
            .iter()
            .filter_map(|(key, running)| Some((key, &running.fell.as_ref()?.1)));
        fell.map(|(key, because)| format!("{key}: the guard ended and is started again: {because}"))
            .collect()
    }

    async fn stop_one(&mut self, key: &TargetKey) {
        let Some(running) = self.running.remove(key) else { return };
        running.stop.cancel();
        if running.fell.is_none() {
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

/// Why a guard ended.
///
/// # Errors
/// When the store refuses for good.
async fn fall(task: &mut JoinHandle<Result<(), GuardError>>) -> Result<String, GuardError> {
    match task.await {
        Ok(Err(GuardError::Store(HistoryError::Unavailable(because)))) => Ok(because),
        Ok(Err(error)) => Err(error),
        Ok(Ok(())) => Ok("it ended by itself".to_owned()),
        Err(error) => Ok(format!("internal error: {error}")),
    }
}
