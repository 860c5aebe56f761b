//! One target's guard: a task that takes everything that happens to the target in turn, stores each step, then acts.

mod chores;
mod durable;
mod effects;
mod judged;
mod snapshot;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::sync::{Mutex, mpsc, oneshot, watch as channel};
use tokio_util::sync::CancellationToken;

use super::{
    courier::Sinks,
    fleet::FleetState,
    judging::{Judging, Report},
};
use crate::{
    engine::{self, Context, Event},
    judge::Evidence,
    policy::Policy,
    ports::{Clock, HistoryError, MetricSource, Platform, Revision, SharedHistory, crash},
    record::{DataFault, Phase, TargetHistory, Unready},
    web::Figures,
    words::{Moment, RolloutId},
};
use durable::{convicts, durable_step, must_not_be_lost};
pub use snapshot::Snapshot;

/// How often time is told to the state machine.
const TICK: Duration = Duration::from_millis(250);
/// How often the platform is looked at without a doorbell.
const SLOW_LOOK: Duration = Duration::from_secs(5);
/// How often it is looked at while a rollout waits for its process.
const QUICK_LOOK: Duration = Duration::from_millis(500);

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
    /// All services together.
    pub fleet: Arc<Mutex<FleetState>>,
    /// Own metrics.
    pub figures: Figures,
}

/// A person's word, with the way back for the answer: the history afterwards, or why it could not be stored.
pub struct Order {
    /// The event.
    pub event: Event,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Result<Arc<TargetHistory>, String>>,
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
    owed: VecDeque<Event>,
    looked_at: Moment,
    rehearsed_at: Moment,
    delivering: bool,
    busy: bool,
    finding: bool,
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
        let long_ago = Moment::from_millis(0);
        let guard = Self {
            outside,
            policy,
            history,
            revision,
            judging,
            evidence: None,
            fault: None,
            cannot_look: None,
            owed: VecDeque::new(),
            looked_at: long_ago,
            rehearsed_at: long_ago,
            delivering: false,
            busy: false,
            finding: false,
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
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled(), if !self.busy => return Ok(()),
                Some(message) = self.inbox.recv() => self.receive(message).await?,
                Some(report) = self.reports.recv() => self.report(report).await?,
                Some(order) = orders.recv() => self.order(order).await?,
                Ok(()) = policies.changed() => {
                    self.policy = policies.borrow_and_update().clone();
                    self.publish().await;
                }
                () = platform.changed() => self.look().await?,
                _ = ticker.tick() => self.tick().await?,
            }
        }
    }

    async fn resume(&mut self) -> Result<(), GuardError> {
        let now = self.outside.clock.now();
        let fleet = self.outside.fleet.clone();
        let mut fleet = fleet.lock().await;
        let view = fleet.view(now);
        let context = Context {
            policy: &self.policy,
            fleet: &view,
            fresh: fresh(),
        };
        let transition = engine::resume(&self.history, &context, now);
        self.store(transition, &mut fleet).await?;
        drop(fleet);
        self.publish().await;
        Ok(())
    }

    /// Feeds one event to the state machine, stores what follows, then begins the effects.
    async fn feed(&mut self, event: Event) -> Result<(), GuardError> {
        let now = self.outside.clock.now();
        let fleet = self.outside.fleet.clone();
        let mut fleet = fleet.lock().await;
        if convicts(&event, &self.history) {
            fleet.convict(&self.history.target, now).await?;
        }
        let view = fleet.view(now);
        let context = Context {
            policy: &self.policy,
            fleet: &view,
            fresh: fresh(),
        };
        let transition = engine::step(&self.history, &context, &event, now);
        match self.store(transition, &mut fleet).await {
            Err(HistoryError::Unavailable(error)) => {
                tracing::error!(target_key = %self.history.target, %error, "the store refuses; nothing is done until it takes commits");
                self.outside.figures.store_up(false);
                if must_not_be_lost(&event) {
                    self.owed.push_back(event);
                }
                Ok(())
            }
            Err(HistoryError::Conflict(error)) => {
                tracing::warn!(target_key = %self.history.target, %error, "loading the history again");
                self.reload().await
            }
            Err(error) => Err(error.into()),
            Ok(()) => Ok(()),
        }
    }

    async fn reload(&mut self) -> Result<(), GuardError> {
        if let Some((history, revision)) = self.outside.store.load(&self.history.target).await? {
            self.history = Arc::new(history);
            self.revision = Some(revision);
        }
        Ok(())
    }

    async fn store(&mut self, transition: engine::Transition, fleet: &mut FleetState) -> Result<(), HistoryError> {
        if transition.history != *self.history {
            let step = durable_step(&self.history, &transition.history);
            crash::point(step.0);
            let revision = self.outside.store.commit(&transition.history, self.revision.as_ref()).await?;
            crash::point(step.1);
            self.outside.figures.store_up(true);
            self.revision = Some(revision);
            self.count_ends(&transition.history);
            self.history = Arc::new(transition.history);
            fleet.note(&self.history);
        }
        for effect in transition.effects {
            self.begin(effect);
        }
        Ok(())
    }

    fn count_ends(&self, after: &TargetHistory) {
        let before = self.history.open.as_ref().map(|open| open.id);
        let ended = after.closed.last().filter(|closed| before == Some(closed.id));
        if let Some(ended) = ended {
            let how = ended
                .outcome
                .map(|outcome| outcome.as_str())
                .or_else(|| ended.verdict.map(|verdict| verdict.as_str()));
            self.outside.figures.ended(how.unwrap_or("unjudged"));
        }
    }

    async fn order(&mut self, order: Order) -> Result<(), GuardError> {
        let before = self.history.clone();
        let answer = match self.feed(order.event).await {
            Ok(()) if Arc::ptr_eq(&before, &self.history) => Err("nothing changed".to_owned()),
            Ok(()) => Ok(self.history.clone()),
            Err(error) => Err(error.to_string()),
        };
        let _ = order.answer.send(answer);
        self.publish().await;
        Ok(())
    }

    async fn look(&mut self) -> Result<(), GuardError> {
        self.looked_at = self.outside.clock.now();
        match self.outside.platform.observe().await {
            Ok(observation) => {
                self.cannot_look = None;
                self.feed(Event::Observed(observation)).await?;
            }
            Err(error) => {
                let unready = Unready {
                    name: "cannot_look".to_owned(),
                    because: error.to_string(),
                };
                if self.cannot_look.as_ref() != Some(&unready) {
                    tracing::error!(target_key = %self.history.target, %error, "cannot tell what runs");
                    self.cannot_look = Some(unready);
                    self.rehearsed_at = Moment::from_millis(0);
                }
            }
        }
        self.publish().await;
        Ok(())
    }

    async fn tick(&mut self) -> Result<(), GuardError> {
        for event in std::mem::take(&mut self.owed) {
            self.feed(event).await?;
        }
        let now = self.outside.clock.now();
        let waiting = matches!(
            self.history.open.as_ref().map(|open| &open.phase),
            Some(Phase::WaitingForActivation { .. })
        );
        if now.since(self.looked_at) >= if waiting { QUICK_LOOK } else { SLOW_LOOK } {
            self.look().await?;
        }
        // The answer under way may hold the last steps of a watch, which time alone must not end before it is there.
        if !self.judging.asks() {
            self.feed(Event::Tick).await?;
        }
        self.find_activation();
        if let Err(error) = self.judging.turn(&self.history, self.outside.clock.now()) {
            tracing::error!(target_key = %self.history.target, %error, "cannot judge");
        }
        self.rehearse(now);
        self.deliver(now);
        self.publish().await;
        Ok(())
    }
}

fn fresh() -> RolloutId {
    RolloutId::new(uuid::Uuid::now_v7())
}
