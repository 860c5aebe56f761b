//! A guard whose store refuses, or was changed by someone else: nothing that was said or done is lost, and nobody is told twice.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicI64, AtomicU8, AtomicU32, Ordering},
};

use futures::{FutureExt, future::BoxFuture};

use super::*;
use crate::{
    engine::Look,
    explain::specimen,
    history::Sqlite,
    ports::{AlertFault, AlertSink, Contents, History, MetricFault, PlatformError},
    question::{Answer, Question},
    record::{
        ActResult, Alert, AlertKind, ControllerState, Delivery, ImageOnly, Intent, Observation, Record, SeenObject, StoredAudit,
    },
    settings,
    words::{Actor, GapReason, RolloutId, TargetKey, Version, VersionName},
};

const WELL: u8 = 0;
const FULL: u8 = 1;
const LOST: u8 = 2;

/// A real store that refuses as it is told.
struct Stubborn(Sqlite, AtomicU8);

impl Stubborn {
    fn refused(&self) -> Result<(), HistoryError> {
        match self.1.load(Ordering::SeqCst) {
            WELL => Ok(()),
            FULL => Err(HistoryError::Unavailable("the disk is full".to_owned())),
            _ => Err(HistoryError::Untrusted("the disk failed".to_owned())),
        }
    }
}

impl History for Stubborn {
    fn targets(&self) -> BoxFuture<'_, Result<Vec<TargetKey>, HistoryError>> {
        self.0.targets()
    }
    fn load<'a>(&'a self, target: &'a TargetKey) -> BoxFuture<'a, Result<Option<(TargetHistory, Revision)>, HistoryError>> {
        self.0.load(target)
    }
    fn commit<'a>(
        &'a self,
        history: &'a TargetHistory,
        expected: Option<&'a Revision>,
    ) -> BoxFuture<'a, Result<Revision, HistoryError>> {
        async move {
            self.refused()?;
            self.0.commit(history, expected).await
        }
        .boxed()
    }
    fn record(&self, id: RolloutId) -> BoxFuture<'_, Result<Option<Record>, HistoryError>> {
        self.0.record(id)
    }
    fn records<'a>(&'a self, target: &'a TargetKey, limit: usize) -> BoxFuture<'a, Result<Vec<Record>, HistoryError>> {
        self.0.records(target, limit)
    }
    fn audit<'a>(&'a self, chain: Option<&'a str>) -> BoxFuture<'a, Result<StoredAudit, HistoryError>> {
        self.0.audit(chain)
    }
    fn load_controller(&self) -> BoxFuture<'_, Result<(ControllerState, Option<Revision>), HistoryError>> {
        self.0.load_controller()
    }
    fn commit_controller<'a>(
        &'a self,
        state: &'a ControllerState,
        expected: Option<&'a Revision>,
    ) -> BoxFuture<'a, Result<Revision, HistoryError>> {
        async move {
            self.refused()?;
            self.0.commit_controller(state, expected).await
        }
        .boxed()
    }
}

impl Contents for Stubborn {
    fn keep<'a>(
        &'a self,
        target: &'a TargetKey,
        version: &'a Version,
        document: &'a str,
    ) -> BoxFuture<'a, Result<(), HistoryError>> {
        self.0.keep(target, version, document)
    }
    fn kept<'a>(
        &'a self,
        target: &'a TargetKey,
        name: &'a VersionName,
    ) -> BoxFuture<'a, Result<Vec<(Version, String)>, HistoryError>> {
        self.0.kept(target, name)
    }
    fn all_kept<'a>(&'a self, target: &'a TargetKey) -> BoxFuture<'a, Result<Vec<(Version, String)>, HistoryError>> {
        self.0.all_kept(target)
    }
}

/// A host on which nothing moves, and where nobody can look what became of an intent.
struct Still(Version);

impl Platform for Still {
    fn observe(&self) -> BoxFuture<'_, Result<Observation, PlatformError>> {
        let seen = Observation {
            at: specimen::at(0),
            version: Some(self.0.clone()),
            moved_at: None,
            process: None,
            remarks: Vec::new(),
            pods: Vec::new(),
            wanted: 0,
            lacking: None,
            object: SeenObject::None,
            deadline: Duration::ZERO,
            rolling: None,
        };
        async move { Ok(seen) }.boxed()
    }
    fn identify<'a>(&'a self, _: &'a VersionName) -> BoxFuture<'a, Result<Option<Version>, PlatformError>> {
        async { Ok(None) }.boxed()
    }
    fn changed(&self) -> BoxFuture<'_, ()> {
        std::future::pending().boxed()
    }
    fn revert<'a>(&'a self, _: &'a Intent) -> BoxFuture<'a, Result<ActResult, PlatformError>> {
        std::future::pending().boxed()
    }
    fn activate<'a>(&'a self, _: &'a Intent) -> BoxFuture<'a, ActResult> {
        std::future::pending().boxed()
    }
    fn look<'a>(&'a self, _: &'a Intent) -> BoxFuture<'a, Result<Look, PlatformError>> {
        async { Err(PlatformError("permission denied".to_owned())) }.boxed()
    }
    fn rehearse<'a>(&'a self, _: Option<&'a Version>, _: Option<&'a ImageOnly>) -> BoxFuture<'a, Vec<Unready>> {
        async { Vec::new() }.boxed()
    }
}

/// A Prometheus that is down.
struct Silent;

impl MetricSource for Silent {
    fn instant<'a>(&'a self, _: &'a Question, _: Moment) -> BoxFuture<'a, Result<Answer, MetricFault>> {
        async { Err(down()) }.boxed()
    }
    fn range<'a>(
        &'a self,
        _: &'a Question,
        _: Moment,
        _: Moment,
        _: Duration,
    ) -> BoxFuture<'a, Result<Vec<Answer>, MetricFault>> {
        async { Err(down()) }.boxed()
    }
}

fn down() -> MetricFault {
    MetricFault {
        reason: GapReason::QueryFailed,
        because: "down".to_owned(),
    }
}

/// A channel that counts.
struct Counting(Arc<AtomicU32>);

impl AlertSink for Counting {
    fn send<'a>(&'a self, _: &'a Alert) -> BoxFuture<'a, Result<(), AlertFault>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        async { Ok(()) }.boxed()
    }
}

struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Moment {
        Moment::from_millis(self.0.load(Ordering::SeqCst))
    }
}

struct Rig {
    guard: Guard,
    store: Arc<Stubborn>,
    clock: Arc<Hands>,
    sent: Arc<AtomicU32>,
    _directory: tempfile::TempDir,
}

/// A guard of a target with this history.
async fn rig(mut history: TargetHistory) -> Rig {
    let directory = tempfile::tempdir().expect("a directory");
    let sqlite = Sqlite::open(&directory.path().join("history.db")).expect("a store");
    let store = Arc::new(Stubborn(sqlite, AtomicU8::new(WELL)));
    let file = directory.path().join("lastgood.toml");
    std::fs::write(&file, "").expect("settings");
    let settings = settings::load(Some(&file), &BTreeMap::new()).expect("settings");
    let policy = specimen::policies::policy();
    history.target = policy.key();
    history.current = Some(specimen::good());
    store.commit(&history, None).await.expect("stored");
    let sent = Arc::new(AtomicU32::new(0));
    let ops: Arc<dyn AlertSink> = Arc::new(Counting(sent.clone()));
    let clock = Arc::new(Hands(AtomicI64::new(specimen::at(0).millis())));
    let outside = Outside {
        platform: Arc::new(Still(specimen::good())),
        source: Arc::new(Silent),
        lag: Duration::ZERO,
        store: store.clone(),
        clock: clock.clone(),
        images: Arc::new(crate::registry::Registries::default()),
        sinks: Arc::new(Sinks::new([("ops".parse().expect("a channel"), ops)].into())),
        fleet: Arc::new(Mutex::new(
            FleetState::load(&settings, store.clone()).await.expect("the fleet"),
        )),
        figures: Figures::default(),
    };
    let (guard, _) = Guard::load(outside, Arc::new(policy)).await.expect("a guard");
    Rig {
        guard,
        store,
        clock,
        sent,
        _directory: directory,
    }
}

impl Rig {
    fn store_is(&self, how: u8) {
        self.store.1.store(how, Ordering::SeqCst);
    }

    /// A person switches it off; what they are told.
    async fn off(&mut self) -> Result<Heard, DeskError> {
        let (answer, answered) = oneshot::channel();
        let event = Event::Off {
            off: true,
            by: Actor("alice".to_owned()),
            reason: "moving house".to_owned(),
        };
        let _ = self.guard.order(Order { event, answer }).await;
        answered.await.expect("an answer")
    }

    async fn deliver(&mut self) {
        let now = self.clock.now();
        self.guard.deliver(now);
        if self.guard.delivering {
            let message = self.guard.inbox.recv().await.expect("a message");
            self.guard.receive(message).await.expect("received");
        }
    }
}

fn quiet() -> TargetHistory {
    let mut history = specimen::history(None);
    history.outbox.clear();
    history
}

#[tokio::test]
async fn c05_a_word_that_could_not_be_stored_is_not_said_to_be_in_force() {
    let mut rig = rig(quiet()).await;
    rig.store_is(FULL);
    assert_eq!(rig.off().await, Err(DeskError::Failed("the disk is full".to_owned())));
    let shown = rig.guard.snapshots.borrow().history.clone();
    assert!(shown.unready.iter().any(|unready| unready.name == "store_unavailable"));
    rig.store_is(WELL);
    assert!(rig.off().await.expect("stored").history.off.is_some());
    assert!(!rig.off().await.expect("heard").changed, "it was so already");
    let shown = rig.guard.snapshots.borrow().history.clone();
    assert!(shown.unready.iter().all(|unready| unready.name != "store_unavailable"));
}

#[tokio::test]
async fn c05_an_alert_that_was_delivered_on_a_full_disk_is_delivered_once() {
    let mut history = quiet();
    let mut alert = specimen::alert(AlertKind::NotReady { unready: Vec::new() }, None);
    alert.deliveries = vec![Delivery {
        channel: "ops".parse().expect("a channel"),
        attempts: 0,
        next_at: specimen::at(0),
        last_error: None,
    }];
    history.outbox = vec![alert];
    let mut rig = rig(history).await;
    rig.store_is(FULL);
    for _ in 0..20 {
        rig.deliver().await;
    }
    assert_eq!(rig.sent.load(Ordering::SeqCst), 1);
    rig.store_is(WELL);
    rig.guard.pay().await.expect("paid");
    assert_eq!(rig.guard.history.outbox, []);
    let (stored, _) = rig.store.load(&rig.guard.history.target).await.expect("read").expect("there");
    assert_eq!(stored.outbox, []);
}

#[tokio::test]
async fn a_change_of_someone_else_is_taken_over_and_the_word_is_said_again() {
    let mut rig = rig(quiet()).await;
    let mut theirs = TargetHistory::clone(&rig.guard.history);
    theirs.reverts.push(specimen::at(-1));
    let revision = rig.guard.revision.clone();
    rig.store.commit(&theirs, revision.as_ref()).await.expect("theirs");
    let after = rig.off().await.expect("stored").history;
    assert!(after.off.is_some());
    assert_eq!(after.reverts, theirs.reverts);
}

#[tokio::test]
async fn c06_a_store_that_cannot_be_trusted_ends_the_guard_also_when_a_person_met_it() {
    let mut rig = rig(quiet()).await;
    rig.store_is(LOST);
    let (answer, answered) = oneshot::channel();
    let event = Event::Off {
        off: true,
        by: Actor("alice".to_owned()),
        reason: "moving house".to_owned(),
    };
    assert!(rig.guard.order(Order { event, answer }).await.is_err());
    assert!(matches!(answered.await, Ok(Err(DeskError::Failed(_)))));
}

#[tokio::test]
async fn an_intent_that_nobody_can_look_at_does_not_keep_the_controller_from_ending() {
    let mut record = specimen::convicted(crate::decide::Decision::AlertOnly);
    record.phase = Phase::Reverting;
    record.outcome = None;
    record.intent = Some(Intent {
        rollout: record.id,
        from: record.to.clone(),
        to: specimen::good(),
        at: specimen::at(0),
        approved_by: None,
        uid: None,
        ordered: None,
    });
    let mut history = quiet();
    history.open = Some(record);
    let rig = rig(history).await;
    let (_orders, ordered) = mpsc::channel(1);
    let (_policies, changed) = channel::channel(rig.guard.policy.clone());
    let shutdown = CancellationToken::new();
    shutdown.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(20), rig.guard.run(ordered, changed, shutdown)).await;
    assert!(ended.expect("it ends").is_ok());
}

#[tokio::test]
async fn an_intent_of_its_own_does_not_spend_the_budget_that_it_needs() {
    let mut record = specimen::convicted(crate::decide::Decision::AlertOnly);
    record.outcome = None;
    record.intent = Some(Intent {
        rollout: record.id,
        from: record.to.clone(),
        to: specimen::good(),
        at: specimen::at(0),
        approved_by: None,
        uid: None,
        ordered: None,
    });
    let mut history = quiet();
    history.open = Some(record);
    history.reverts.clear();
    let rig = rig(history).await;
    let fleet = rig.guard.outside.fleet.lock().await;
    let spent = |target: &TargetKey| fleet.view(target, specimen::at(10)).reverts_last_hour;
    assert_eq!(
        spent(&rig.guard.history.target),
        0,
        "after a crash it decides on this very intent"
    );
    assert_eq!(spent(&"prod/other".parse().expect("a target")), 1);
}

#[tokio::test]
async fn c11_a_watch_whose_end_passed_while_the_machine_slept_is_judged_before_it_is_ended() {
    let mut history = quiet();
    history.open = Some(specimen::watching());
    let mut rig = rig(history).await;
    rig.guard.tick().await.expect("a tick");
    let day = i64::try_from(Duration::from_secs(24 * 3600).as_millis()).expect("few");
    rig.clock.0.fetch_add(day, Ordering::SeqCst);
    rig.guard.tick().await.expect("a tick");
    assert!(rig.guard.history.open.is_some(), "what Prometheus kept of it is judged first");
    rig.clock.0.fetch_add(day / 24, Ordering::SeqCst);
    rig.guard.ticked_at = rig.clock.now();
    rig.guard.tick().await.expect("a tick");
    assert!(rig.guard.history.open.is_none(), "and then it ends");
}
