//! A guard on a host where nothing moves, and a real store that refuses as it is told.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicI64, AtomicU8, AtomicU32, Ordering},
};

use futures::{FutureExt, future::BoxFuture};

use super::super::*;
use crate::{
    app::fleet::FleetState,
    engine::Look,
    explain::specimen,
    history::Sqlite,
    ports::{AlertFault, AlertSink, Contents, History, MetricFault, PlatformError},
    question::{Answer, Question},
    record::{ActResult, Alert, ControllerState, ImageOnly, Intent, Observation, Record, SeenObject, StoredAudit},
    settings,
    words::{Actor, GapReason, RolloutId, TargetKey, Version, VersionName},
};

pub const WELL: u8 = 0;
pub const FULL: u8 = 1;
pub const LOST: u8 = 2;
pub const SILENT: u8 = 3;

/// A real store that refuses as it is told.
pub struct Stubborn(Sqlite, AtomicU8);

impl Stubborn {
    async fn refused(&self) -> Result<(), HistoryError> {
        match self.1.load(Ordering::SeqCst) {
            WELL => Ok(()),
            // It answers nothing for as long as it is asked.
            SILENT => std::future::pending().await,
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
            self.refused().await?;
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
            self.refused().await?;
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

pub struct Hands(pub AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Moment {
        Moment::from_millis(self.0.load(Ordering::SeqCst))
    }
}

pub struct Rig {
    pub guard: Guard,
    pub store: Arc<Stubborn>,
    pub clock: Arc<Hands>,
    pub sent: Arc<AtomicU32>,
    _directory: tempfile::TempDir,
}

/// A guard of a target with this history.
pub async fn rig(mut history: TargetHistory) -> Rig {
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
    pub fn store_is(&self, how: u8) {
        self.store.1.store(how, Ordering::SeqCst);
    }

    /// A person switches it off; what they are told.
    pub async fn off(&mut self) -> Result<Heard, DeskError> {
        let (answer, answered) = oneshot::channel();
        let _ = self.guard.order(Order { event: off(), answer }).await;
        answered.await.expect("an answer")
    }

    pub async fn deliver(&mut self) {
        let now = self.clock.now();
        self.guard.deliver(now);
        if self.guard.delivering {
            let message = self.guard.inbox.recv().await.expect("a message");
            self.guard.receive(message).await.expect("received");
        }
    }
}

pub fn quiet() -> TargetHistory {
    let mut history = specimen::history(None);
    history.outbox.clear();
    history
}

/// A person switches it off.
pub fn off() -> Event {
    Event::Off {
        off: true,
        by: Actor("alice".to_owned()),
        reason: "moving house".to_owned(),
    }
}
