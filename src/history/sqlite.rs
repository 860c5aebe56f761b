//! The port over the store: one thread owns the connection and is fed by a bounded channel, so no caller ever waits for a disk on an
//! async thread.

use std::{path::Path, sync::Arc, thread::JoinHandle};

use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::{document, open, store::Store};
use crate::{
    ports::{Contents, History, HistoryError, Revision},
    record::{AuditEntry, ControllerState, Record, StoredAudit, TargetHistory},
    words::{Fingerprint, RolloutId, TargetKey, Version, VersionName},
};

/// Callers that wait while the disk is slow; more than that wait to be queued.
const QUEUE: usize = 64;

type Job = Box<dyn FnOnce(&mut Store) + Send>;

/// The store in one SQLite file.
///
/// A future that is dropped may or may not have stored its change: load again before deciding anything.
/// Dropping this waits until the last change is done, then closes the file and lets the lock go.
#[derive(Debug)]
pub struct Sqlite {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    path: Arc<Path>,
}

impl Sqlite {
    /// Opens the store at `path`, makes it where it is missing, brings an older schema up to date, and holds it: one lastgood at a time.
    /// The directory is made if its own parent exists. Both are for the owner alone. Blocks while it checks the file.
    ///
    /// # Errors
    /// When it is in use by another lastgood, missing and not to be made, not writable, damaged, or written by a newer lastgood.
    pub fn open(path: &Path) -> Result<Self, HistoryError> {
        Self::start(path, open::for_writing(path)?)
    }

    /// Opens the store at `path` to look, also while a lastgood holds it; every change is refused.
    ///
    /// # Errors
    /// When it is missing, not readable, damaged, or of another schema than this lastgood's.
    pub fn open_read_only(path: &Path) -> Result<Self, HistoryError> {
        Self::start(path, open::for_reading(path)?)
    }

    fn start(path: &Path, mut store: Store) -> Result<Self, HistoryError> {
        let (jobs, mut queue) = mpsc::channel::<Job>(QUEUE);
        let thread = std::thread::Builder::new()
            .name("history".to_owned())
            .spawn(move || {
                while let Some(job) = queue.blocking_recv() {
                    job(&mut store);
                }
            })
            .map_err(|error| {
                HistoryError::Unavailable(format!("no thread for the store ({error}); raise the limit of threads"))
            })?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
            path: path.into(),
        })
    }

    async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&mut Store) -> Result<T, HistoryError> + Send + 'static,
    ) -> Result<T, HistoryError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |store| {
            // Nobody waits for the answer when the caller was dropped.
            let _ = reply.send(ask(store));
        });
        let sent = match &self.jobs {
            Some(jobs) => jobs.send(job).await.is_ok(),
            None => false,
        };
        if !sent {
            return Err(self.ended());
        }
        answer.await.unwrap_or_else(|_| Err(self.ended()))
    }

    fn ended(&self) -> HistoryError {
        HistoryError::Untrusted(format!(
            "the thread of the store {} ended; restart lastgood and report this",
            self.path.display()
        ))
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // It ended by a panic: said already to whoever asked.
            let _ = thread.join();
        }
    }
}

/// A revision that this store never gave cannot be the stored one.
fn number(revision: Option<&Revision>) -> Option<i64> {
    revision.map(|revision| revision.0.parse().unwrap_or(-1))
}

fn set(revision: Option<i64>, what: impl FnOnce() -> String) -> Result<Revision, HistoryError> {
    match revision {
        Some(revision) => Ok(Revision(revision.to_string())),
        None => Err(HistoryError::Conflict(what())),
    }
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, HistoryError> {
    text.parse()
        .map_err(|error: T::Err| HistoryError::Damaged(format!("{error}; restore a backup of the store")))
}

impl History for Sqlite {
    fn targets(&self) -> BoxFuture<'_, Result<Vec<TargetKey>, HistoryError>> {
        Box::pin(async move {
            let targets = self.ask(Store::targets).await?;
            targets.iter().map(|target| parsed(target)).collect()
        })
    }

    fn load<'a>(&'a self, target: &'a TargetKey) -> BoxFuture<'a, Result<Option<(TargetHistory, Revision)>, HistoryError>> {
        Box::pin(async move {
            let key = target.to_string();
            let Some(row) = self.ask(move |store| store.history(&key)).await? else {
                return Ok(None);
            };
            Ok(Some((
                document::read_history(target, &row)?,
                Revision(row.revision.to_string()),
            )))
        })
    }

    fn commit<'a>(
        &'a self,
        history: &'a TargetHistory,
        expected: Option<&'a Revision>,
    ) -> BoxFuture<'a, Result<Revision, HistoryError>> {
        Box::pin(async move {
            let stored = document::history(history)?;
            let expected = number(expected);
            let revision = self.ask(move |store| store.commit(&stored, expected)).await?;
            set(revision, || history.target.to_string())
        })
    }

    fn record(&self, id: RolloutId) -> BoxFuture<'_, Result<Option<Record>, HistoryError>> {
        Box::pin(async move {
            let found = self.ask(move |store| store.record(&id.to_string())).await?;
            found
                .map(|(format, document)| document::read_record(format, &document))
                .transpose()
        })
    }

    fn records<'a>(&'a self, target: &'a TargetKey, limit: usize) -> BoxFuture<'a, Result<Vec<Record>, HistoryError>> {
        Box::pin(async move {
            let key = target.to_string();
            let found = self.ask(move |store| store.records(&key, limit)).await?;
            found
                .iter()
                .map(|(format, document)| document::read_record(*format, document))
                .collect()
        })
    }

    fn load_controller(&self) -> BoxFuture<'_, Result<(ControllerState, Option<Revision>), HistoryError>> {
        Box::pin(async move {
            let Some(row) = self.ask(Store::controller).await? else {
                return Ok((ControllerState::default(), None));
            };
            Ok((document::read_controller(&row)?, Some(Revision(row.revision.to_string()))))
        })
    }

    fn commit_controller<'a>(
        &'a self,
        state: &'a ControllerState,
        expected: Option<&'a Revision>,
    ) -> BoxFuture<'a, Result<Revision, HistoryError>> {
        Box::pin(async move {
            let document = document::controller(state)?;
            let expected = number(expected);
            let audit = state.audit.newest.clone();
            let revision = self
                .ask(move |store| store.commit_controller(&document, &audit, expected))
                .await?;
            set(revision, || "the controller".to_owned())
        })
    }

    fn audit<'a>(&'a self, chain: Option<&'a str>) -> BoxFuture<'a, Result<StoredAudit, HistoryError>> {
        Box::pin(async move {
            let wanted = chain.map(str::to_owned);
            let found = self.ask(move |store| store.audit(wanted.as_deref())).await?;
            let entries = found.into_iter().map(|(chain, seq, hash, document)| AuditEntry {
                chain,
                seq,
                document,
                // One that is none any more was changed: nothing has the hash of all zeros.
                hash: hash.parse().unwrap_or_else(|_| Fingerprint::from_sha256(&[0; 32])),
            });
            Ok(StoredAudit {
                entries: entries.collect(),
                cut: Vec::new(),
            })
        })
    }
}

impl Contents for Sqlite {
    fn keep<'a>(
        &'a self,
        target: &'a TargetKey,
        version: &'a Version,
        document: &'a str,
    ) -> BoxFuture<'a, Result<(), HistoryError>> {
        let (target, name) = (target.to_string(), version.name.to_string());
        let (fingerprint, document) = (version.fingerprint.to_string(), document.to_owned());
        Box::pin(self.ask(move |store| store.keep(&target, &name, &fingerprint, &document)))
    }

    fn kept<'a>(
        &'a self,
        target: &'a TargetKey,
        name: &'a VersionName,
    ) -> BoxFuture<'a, Result<Vec<(Version, String)>, HistoryError>> {
        Box::pin(async move {
            let (key, called) = (target.to_string(), name.to_string());
            let found = self.ask(move |store| store.kept(&key, &called)).await?;
            found
                .into_iter()
                .map(|(fingerprint, document)| {
                    let version = Version {
                        name: name.clone(),
                        fingerprint: parsed(&fingerprint)?,
                    };
                    Ok((version, document))
                })
                .collect()
        })
    }

    fn all_kept<'a>(&'a self, target: &'a TargetKey) -> BoxFuture<'a, Result<Vec<(Version, String)>, HistoryError>> {
        Box::pin(async move {
            let key = target.to_string();
            let found = self.ask(move |store| store.all_kept(&key)).await?;
            found
                .into_iter()
                .map(|(name, fingerprint, document)| {
                    let version = Version {
                        name: parsed(&name)?,
                        fingerprint: parsed(&fingerprint)?,
                    };
                    Ok((version, document))
                })
                .collect()
        })
    }
}
