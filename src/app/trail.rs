//! The audit beyond the store: once an entry is stored, it is a line of lastgood's own log (and so of the journal), and of whatever the
//! settings name. A process that is killed right after a commit may not write it; the chain in the store has it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    time::Duration,
};

use futures::{future::BoxFuture, stream::BoxStream};
use tokio::sync::oneshot;

use crate::{
    ports::{Contents, History, HistoryError, Revision, SharedHistory},
    record::{CONTROLLER_CHAIN, Chain, ControllerState, Record, StoredAudit, TargetHistory},
    settings::AuditSettings,
    trail::{Journald, LineFile, Lines, SOCKET, Syslog},
    words::{RolloutId, TargetKey, Version, VersionName},
};

/// So long a commit waits for its lines to be written, so that a command does not end before they are.
const WRITTEN: Duration = Duration::from_millis(500);
/// The same of the last ones, when the process ends.
const LAST_WRITTEN: Duration = Duration::from_secs(2);
/// Lines that wait for a place that hangs.
const WAITING: usize = 10_000;

/// The same store, whose audit is written to the log and to what `settings` name, too.
#[must_use]
pub fn told(store: SharedHistory, settings: &AuditSettings) -> SharedHistory {
    Arc::new(Told {
        store,
        ends: Mutex::default(),
        writer: Writer::start(settings),
    })
}

/// A store that tells what is added to its chains.
struct Told {
    store: SharedHistory,
    /// How long each chain was when it was last read or written here: what a commit has beyond that is its own.
    ends: Mutex<BTreeMap<String, u64>>,
    writer: Option<Writer>,
}

impl Told {
    fn read(&self, name: &str, chain: &Chain) {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let end = ends.entry(name.to_owned()).or_default();
        *end = chain.seq.max(*end);
    }

    async fn written(&self, name: &str, chain: &Chain) {
        let before = {
            let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
            ends.insert(name.to_owned(), chain.seq).unwrap_or_default()
        };
        let mut lines = Vec::new();
        for entry in chain.newest.iter().filter(|entry| entry.seq > before) {
            tracing::info!(target: "lastgood::audit", entry = %entry.document, hash = %entry.hash, "audit");
            lines.push(entry.to_line());
        }
        if let Some(writer) = self.writer.as_ref().filter(|_| !lines.is_empty()) {
            writer.write(lines).await;
        }
    }
}

/// A thread that writes lines: a disk, a syslog or a journal that hangs holds up nothing else.
struct Writer {
    lines: Option<mpsc::SyncSender<Batch>>,
    /// Batches that are not written yet: behind a place that hangs nobody waits.
    pending: Arc<AtomicUsize>,
    /// Ends with the thread.
    ended: Mutex<mpsc::Receiver<()>>,
}

impl Drop for Writer {
    /// A command that ends gives its last lines a little more time.
    fn drop(&mut self) {
        drop(self.lines.take());
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = ended.recv_timeout(LAST_WRITTEN);
    }
}

type Batch = (Vec<String>, oneshot::Sender<()>);

impl Writer {
    /// None where the settings name nothing to write to.
    fn start(settings: &AuditSettings) -> Option<Self> {
        let mut places: Vec<Place> = Vec::new();
        if let Some(path) = &settings.file {
            places.push(Place::new(Box::new(LineFile::new(path.clone()))));
        }
        if let Some(path) = &settings.syslog {
            places.push(Place::new(Box::new(Syslog::new(path.clone()))));
        }
        if settings.journald {
            places.push(Place::new(Box::new(Journald::new(SOCKET.into()))));
        }
        if places.is_empty() {
            return None;
        }
        let (lines, waiting) = mpsc::sync_channel::<Batch>(WAITING);
        let pending = Arc::new(AtomicUsize::new(0));
        let left = pending.clone();
        let (alive, ended) = mpsc::channel();
        let work = move || {
            let _alive: mpsc::Sender<()> = alive;
            for (lines, done) in waiting {
                for line in &lines {
                    places.iter_mut().for_each(|place| place.add(line));
                }
                left.fetch_sub(1, Ordering::Relaxed);
                let _ = done.send(());
            }
        };
        let started = std::thread::Builder::new().name("audit".to_owned()).spawn(work);
        if let Err(error) = started {
            tracing::error!(%error, "the audit is in the store alone: no thread can be started to write it elsewhere");
            return None;
        }
        Some(Self {
            lines: Some(lines),
            pending,
            ended: Mutex::new(ended),
        })
    }

    async fn write(&self, lines: Vec<String>) {
        let (done, written) = oneshot::channel();
        let before = self.pending.fetch_add(1, Ordering::Relaxed);
        let sent = self.lines.as_ref().is_some_and(|to| to.try_send((lines, done)).is_ok());
        if !sent {
            self.pending.fetch_sub(1, Ordering::Relaxed);
            tracing::error!(
                "an entry of the audit is in the store alone: too many wait for the file, the syslog or the journal that hangs"
            );
        } else if before == 0 && tokio::time::timeout(WRITTEN, written).await.is_err() {
            tracing::error!(
                "the file, the syslog or the journal that the audit is written to hangs: nothing waits for it, and the store has it all"
            );
        }
    }
}

/// One thing that lines are written to. That it fails is said once, and that it takes them again.
struct Place {
    lines: Box<dyn Lines>,
    lost: u64,
}

impl Place {
    fn new(lines: Box<dyn Lines>) -> Self {
        Self { lines, lost: 0 }
    }

    fn add(&mut self, line: &str) {
        match self.lines.add(line) {
            Ok(()) if self.lost > 0 => {
                tracing::warn!(lost = self.lost, "the audit is written again; what was lost is in the store");
                self.lost = 0;
            }
            Ok(()) => {}
            Err(because) => {
                if self.lost == 0 {
                    tracing::error!("the audit is in the store alone: {because}");
                }
                self.lost += 1;
            }
        }
    }
}

impl Contents for Told {
    fn keep<'a>(
        &'a self,
        target: &'a TargetKey,
        version: &'a Version,
        document: &'a str,
    ) -> BoxFuture<'a, Result<(), HistoryError>> {
        self.store.keep(target, version, document)
    }

    fn kept<'a>(
        &'a self,
        target: &'a TargetKey,
        name: &'a VersionName,
    ) -> BoxFuture<'a, Result<Vec<(Version, String)>, HistoryError>> {
        self.store.kept(target, name)
    }

    fn all_kept<'a>(&'a self, target: &'a TargetKey) -> BoxFuture<'a, Result<Vec<(Version, String)>, HistoryError>> {
        self.store.all_kept(target)
    }
}

impl History for Told {
    fn targets(&self) -> BoxFuture<'_, Result<Vec<TargetKey>, HistoryError>> {
        self.store.targets()
    }

    fn all(&self) -> BoxFuture<'_, Result<Vec<(TargetHistory, Revision)>, HistoryError>> {
        Box::pin(async {
            let all = self.store.all().await?;
            for (history, _) in &all {
                self.read(&history.target.to_string(), &history.audit);
            }
            Ok(all)
        })
    }

    fn rings(&self, target: &TargetKey) -> BoxStream<'static, ()> {
        self.store.rings(target)
    }

    fn load<'a>(&'a self, target: &'a TargetKey) -> BoxFuture<'a, Result<Option<(TargetHistory, Revision)>, HistoryError>> {
        Box::pin(async move {
            let found = self.store.load(target).await?;
            if let Some((history, _)) = &found {
                self.read(&target.to_string(), &history.audit);
            }
            Ok(found)
        })
    }

    fn commit<'a>(
        &'a self,
        history: &'a TargetHistory,
        expected: Option<&'a Revision>,
    ) -> BoxFuture<'a, Result<Revision, HistoryError>> {
        Box::pin(async move {
            let revision = self.store.commit(history, expected).await?;
            self.written(&history.target.to_string(), &history.audit).await;
            Ok(revision)
        })
    }

    fn record(&self, id: RolloutId) -> BoxFuture<'_, Result<Option<Record>, HistoryError>> {
        self.store.record(id)
    }

    fn records<'a>(&'a self, target: &'a TargetKey, limit: usize) -> BoxFuture<'a, Result<Vec<Record>, HistoryError>> {
        self.store.records(target, limit)
    }

    fn load_controller(&self) -> BoxFuture<'_, Result<(ControllerState, Option<Revision>), HistoryError>> {
        Box::pin(async move {
            let found = self.store.load_controller().await?;
            self.read(CONTROLLER_CHAIN, &found.0.audit);
            Ok(found)
        })
    }

    fn commit_controller<'a>(
        &'a self,
        state: &'a ControllerState,
        expected: Option<&'a Revision>,
    ) -> BoxFuture<'a, Result<Revision, HistoryError>> {
        Box::pin(async move {
            let revision = self.store.commit_controller(state, expected).await?;
            self.written(CONTROLLER_CHAIN, &state.audit).await;
            Ok(revision)
        })
    }

    fn audit<'a>(&'a self, chain: Option<&'a str>) -> BoxFuture<'a, Result<StoredAudit, HistoryError>> {
        self.store.audit(chain)
    }
}
