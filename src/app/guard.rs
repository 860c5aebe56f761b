//! One target's guard: a task that takes everything that happens to the target in turn, stores each step, then acts.

pub(in crate::app) mod brought;
mod chores;
mod durable;
mod effects;
mod heard;
mod judged;
mod marks;
mod owed;
mod required;
mod snapshot;
mod storing;

use std::{sync::Arc, time::Duration};

use futures::StreamExt as _;
use tokio::{
    sync::{Mutex, mpsc, oneshot, watch as channel},
    task::AbortHandle,
};
use tokio_util::sync::CancellationToken;

use super::{
    courier::Sinks,
    fleet::FleetState,
    judging::{Judging, Report},
};
use crate::{
    engine::Event,
    judge::Evidence,
    policy::Policy,
    ports::{Clock, DeskError, HistoryError, Images, MetricSource, Platform, PlatformError, Revision, SharedHistory},
    record::{DataFault, Phase, SeenObject, TargetHistory, Unready},
    web::Figures,
    words::{Moment, RolloutId},
};
pub(super) use durable::durable_step;
pub(super) use effects::done;
use marks::Marking;
use owed::Owed;
pub use snapshot::Snapshot;

/// How often time is told to the state machine.
const TICK: Duration = Duration::from_millis(250);
/// How often the platform is looked at without a doorbell.
const SLOW_LOOK: Duration = Duration::from_secs(5);
/// How often it is looked at while a rollout waits for its process.
const QUICK_LOOK: Duration = Duration::from_millis(500);
/// Before anything was done.
const LONG_AGO: Moment = Moment::from_millis(0);

/// What a guard works with. Everything in it is shared.
#[derive(Clone)]
pub struct Outside {
    /// Where the target runs.
    pub platform: Arc<dyn Platform>,
    /// Where its counts come from.
    pub source: Arc<dyn MetricSource>,
    /// How much later than scraped samples may be stored.
    pub lag: Duration,
    /// What survives.
    pub store: SharedHistory,
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
}

/// A person's word, with the way back for the answer.
pub struct Order {
    /// The event.
    pub event: Event,
    /// Where the answer goes; that it could not be stored is [`DeskError::Failed`].
    pub answer: oneshot::Sender<Result<Heard, DeskError>>,
}

/// What a person's word came to.
#[derive(Debug, PartialEq)]
pub struct Heard {
    /// Whether anything had to be stored.
    pub changed: bool,
    /// The history afterwards.
    pub history: Arc<TargetHistory>,
}

/// What became of an event.
enum Fed {
    /// What followed is stored.
    Stored,
    /// Nothing durable followed.
    Unchanged,
    /// The store refused, and says why; nothing was done.
    NotStored(String),
}

enum Message {
    Happened(Box<Event>),
    Delivered(Vec<Event>),
}

/// The guard itself.
pub struct Guard {
    outside: Outside,
    policy: Arc<Policy>,
    history: Arc<TargetHistory>,
    revision: Option<Revision>,
    judging: Judging,
    evidence: Option<Evidence>,
    fault: Option<DataFault>,
    cannot_look: Option<Unready>,
    owed: Owed,
    store_down: Option<Unready>,
    looked_at: Moment,
    rehearsed_at: Moment,
    ticked_at: Moment,
    paid_at: Moment,
    delivering: bool,
    /// An act or a look at an intent is under way.
    busy: bool,
    /// An act is: it is not left alone.
    acting: bool,
    marking: Marking,
    /// An attempt to hold, or to let go, is under way.
    holding: bool,
    /// Since when someone else's order is under way.
    theirs_since: Option<Moment>,
    /// The search for a process that began, and the rollout it is for.
    finding: Option<(RolloutId, AbortHandle)>,
    /// The release for which it was looked up whether it is proven where the policy demands it.
    demanded_of: Option<RolloutId>,
    reports: mpsc::Receiver<Report>,
    inbox: mpsc::Receiver<Message>,
    post: mpsc::Sender<Message>,
    snapshots: channel::Sender<Snapshot>,
}

/// Why a guard ends.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The store refuses for good.
    #[error(transparent)]
    Store(#[from] HistoryError),
    /// What the target runs on cannot be reached.
    #[error(transparent)]
    Platform(#[from] PlatformError),
}

impl Guard {
    /// Loads the target's history and makes its guard; the receiver shows what it knows from then on.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub async fn load(outside: Outside, policy: Arc<Policy>) -> Result<(Self, channel::Receiver<Snapshot>), GuardError> {
        let key = policy.key();
        let (history, revision) = match outside.store.load(&key).await? {
            Some((history, revision)) => (history, Some(revision)),
            None => (TargetHistory::new(key), None),
        };
        let history = Arc::new(history);
        // One watch at a time reports; one more than the tasks that can post at once.
        let (report, reports) = mpsc::channel(2);
        let (post, inbox) = mpsc::channel(8);
        let snapshot = Snapshot {
            history: history.clone(),
            policy: policy.clone(),
            mode: policy.mode,
            evidence: None,
            fault: None,
            frozen: None,
        };
        let (snapshots, seen) = channel::channel(snapshot);
        let judging = Judging::new(outside.source.clone(), outside.lag, outside.clock.clone(), report);
        let guard = Self {
            outside,
            policy,
            history,
            revision,
            judging,
            evidence: None,
            fault: None,
            cannot_look: None,
            owed: Owed::default(),
            store_down: None,
            looked_at: LONG_AGO,
            rehearsed_at: LONG_AGO,
            ticked_at: LONG_AGO,
            paid_at: LONG_AGO,
            delivering: false,
            busy: false,
            acting: false,
            marking: Marking::default(),
            holding: false,
            theirs_since: None,
            finding: None,
            demanded_of: None,
            reports,
            inbox,
            post,
            snapshots,
        };
        Ok((guard, seen))
    }

    /// Guards the target until `shutdown`. An act that has begun is finished first.
    ///
    /// # Errors
    /// When the store refuses for good.
    pub async fn run(
        mut self,
        mut orders: mpsc::Receiver<Order>,
        mut policies: channel::Receiver<Arc<Policy>>,
        shutdown: CancellationToken,
    ) -> Result<(), GuardError> {
        self.resume().await?;
        let mut ticker = tokio::time::interval(TICK);
        ticker.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let platform = self.outside.platform.clone();
        let mut bell = self.outside.store.rings(&self.history.target);
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled(), if !self.acting => return Ok(()),
                Some(message) = self.inbox.recv() => self.receive(message).await?,
                Some(report) = self.reports.recv() => self.report(report).await?,
                Some(order) = orders.recv() => self.order(order).await?,
                Ok(()) = policies.changed() => {
                    self.policy = policies.borrow_and_update().clone();
                    self.publish().await;
                }
                Some(()) = bell.next() => self.hear().await?,
                () = platform.changed() => self.look().await?,
                _ = ticker.tick() => self.tick().await?,
            }
        }
    }

    fn count_ends(&self, after: &TargetHistory) {
        let before = self.history.open.as_ref().map(|open| open.id);
        let ended = after.closed.last().filter(|closed| before == Some(closed.id));
        if let Some(ended) = ended {
            // A store in the cluster keeps only so many, and cuts them down.
            let record = serde_json::to_string(ended).unwrap_or_default();
            tracing::info!(target: "lastgood::record", %record, "closed");
            let how = ended
                .outcome
                .map(|outcome| outcome.as_str())
                .or_else(|| ended.verdict.map(|verdict| verdict.as_str()));
            self.outside.figures.ended(how.unwrap_or("unjudged"));
        }
    }

    async fn order(&mut self, order: Order) -> Result<(), GuardError> {
        if matches!(order.event, Event::GoBack { .. }) {
            // What they go back from must be what runs now.
            self.look().await?;
        }
        let fed = self.feed(order.event).await;
        let heard = |changed| Heard {
            changed,
            history: self.history.clone(),
        };
        let answer = match &fed {
            Ok(Fed::Stored) => Ok(heard(true)),
            Ok(Fed::Unchanged) => Ok(heard(false)),
            Ok(Fed::NotStored(because)) => Err(DeskError::Failed(because.clone())),
            Err(error) => Err(DeskError::Failed(error.to_string())),
        };
        let _ = order.answer.send(answer);
        self.publish().await;
        fed.map(drop)
    }

    async fn look(&mut self) -> Result<(), GuardError> {
        self.looked_at = self.outside.clock.now();
        match self.outside.platform.observe().await {
            Ok(mut observation) => {
                let gone = match &observation.object {
                    SeenObject::Gone { because } => Some(because.clone()),
                    _ => None,
                };
                self.can_look(gone);
                let brought = self.brought(&mut observation).await;
                self.feed(Event::Observed(observation)).await?;
                if let Some(recorded) = brought {
                    self.feed(recorded).await?;
                }
                self.demand().await?;
            }
            Err(error) => self.can_look(Some(error.to_string())),
        }
        self.publish().await;
        Ok(())
    }

    /// Notes why it cannot be told what runs; none: it can.
    fn can_look(&mut self, not_because: Option<String>) {
        let unready = not_because.map(|because| Unready {
            name: "cannot_look".to_owned(),
            because,
        });
        if unready.is_some() && self.cannot_look != unready {
            let because = unready.as_ref().map(|unready| &*unready.because);
            tracing::error!(target_key = %self.history.target, because, "cannot tell what runs");
            self.rehearsed_at = LONG_AGO;
        }
        self.cannot_look = unready;
    }

    async fn tick(&mut self) -> Result<(), GuardError> {
        self.pay().await?;
        let now = self.outside.clock.now();
        self.look_after(now);
        let waiting = matches!(
            self.history.open.as_ref().map(|open| &open.phase),
            Some(Phase::WaitingForActivation { .. })
        );
        if now.is_due(self.looked_at, if waiting { QUICK_LOOK } else { SLOW_LOOK }) {
            self.look().await?;
        }
        // Time means nothing to a target without an open rollout: most of them, most of the time.
        if self.history.open.is_some() || self.history.hold.is_some() {
            self.awake(now).await?;
            self.answer().await?;
            // The answer under way may hold the last steps of a watch, which time alone must not end before it is there.
            if !self.judging.asks() {
                self.feed(Event::Tick).await?;
            }
        }
        self.ticked_at = now;
        self.find_activation();
        if let Err(error) = self.judging.turn(&self.history, self.outside.clock.now()) {
            tracing::error!(target_key = %self.history.target, %error, "cannot judge");
        }
        self.rehearse(now);
        self.deliver(now);
        self.mark(now).await;
        self.publish().await;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
