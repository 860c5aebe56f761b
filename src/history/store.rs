//! The SQL: one connection, used by one thread. Every change is one immediate transaction, durable before it returns.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::{
    document::{AUDIT_FORMAT, CONTENT_FORMAT, RECORD_FORMAT, Row, StoredHistory},
    fault,
    files::Lock,
};
use crate::{
    ports::HistoryError,
    record::{AuditEntry, CONTROLLER_FORMAT, FORMAT},
};

/// An open store.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    connection: Connection,
    /// None: opened for reading only.
    lock: Option<Lock>,
    /// Why nothing is asked of the connection any more.
    over: Option<HistoryError>,
}

impl Store {
    pub(super) fn new(path: &Path, connection: Connection, lock: Option<Lock>) -> Self {
        Self {
            path: path.to_owned(),
            connection,
            lock,
            over: None,
        }
    }

    pub(super) fn targets(&mut self) -> Result<Vec<String>, HistoryError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT target FROM history ORDER BY target")?
                .query_map([], |row| row.get(0))?
                .collect()
        })
    }

    pub(super) fn history(&mut self, target: &str) -> Result<Option<Row>, HistoryError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT revision, format, document FROM history WHERE target = ?1")?
                .query_row([target], row)
                .optional()
        })
    }

    /// Stores the history and its records at the expected revision; none: nothing is stored yet. Returns the new revision, or none on a conflict.
    pub(super) fn commit(&mut self, history: &StoredHistory, expected: Option<i64>) -> Result<Option<i64>, HistoryError> {
        self.write(|transaction| {
            let revision = match expected {
                None => transaction
                    .prepare_cached(
                        "INSERT INTO history (target, revision, format, document) VALUES (?1, 1, ?2, ?3)
                         ON CONFLICT DO NOTHING RETURNING revision",
                    )?
                    .query_row(params![history.target, FORMAT, history.document], |row| row.get(0)),
                Some(expected) => {
                    forget_versions(transaction, history, expected)?;
                    transaction
                        .prepare_cached(
                            "UPDATE history SET revision = revision + 1, format = ?3, document = ?4
                         WHERE target = ?1 AND revision = ?2 RETURNING revision",
                        )?
                        .query_row(params![history.target, expected, FORMAT, history.document], |row| row.get(0))
                }
            }
            .optional()?;
            if revision.is_some() {
                keep_records(transaction, history)?;
                keep_audit(transaction, &history.audit)?;
                forget_records(transaction, history)?;
            }
            Ok(revision)
        })
    }

    pub(super) fn record(&mut self, rollout: &str) -> Result<Option<(u32, String)>, HistoryError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT format, document FROM record WHERE rollout = ?1")?
                .query_row([rollout], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
    }

    pub(super) fn records(&mut self, target: &str, limit: usize) -> Result<Vec<(u32, String)>, HistoryError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT format, document FROM record WHERE target = ?1 ORDER BY seen_at_ms DESC, rollout DESC LIMIT ?2",
                )?
                .query_map(params![target, limit], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
    }

    pub(super) fn controller(&mut self) -> Result<Option<Row>, HistoryError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT revision, format, document FROM controller")?
                .query_row([], row)
                .optional()
        })
    }

    /// As [`Store::commit`], for the controller's own state.
    pub(super) fn commit_controller(
        &mut self,
        document: &str,
        audit: &[AuditEntry],
        expected: Option<i64>,
    ) -> Result<Option<i64>, HistoryError> {
        self.write(|transaction| {
            let revision = match expected {
                None => transaction
                    .prepare_cached(
                        "INSERT INTO controller (only, revision, format, document) VALUES (1, 1, ?1, ?2)
                         ON CONFLICT DO NOTHING RETURNING revision",
                    )?
                    .query_row(params![CONTROLLER_FORMAT, document], |row| row.get(0)),
                Some(expected) => transaction
                    .prepare_cached(
                        "UPDATE controller SET revision = revision + 1, format = ?2, document = ?3
                         WHERE revision = ?1 RETURNING revision",
                    )?
                    .query_row(params![expected, CONTROLLER_FORMAT, document], |row| row.get(0)),
            }
            .optional()?;
            if revision.is_some() {
                keep_audit(transaction, audit)?;
            }
            Ok(revision)
        })
    }

    /// The entries of one chain, or of all, in order; as they are, whatever they hold.
    pub(super) fn audit(&mut self, chain: Option<&str>) -> Result<Vec<(String, u64, String, String)>, HistoryError> {
        self.read(|connection| {
            connection
                .prepare_cached(
                    "SELECT chain, seq, hash, document FROM audit WHERE ?1 IS NULL OR chain = ?1 ORDER BY chain, seq",
                )?
                .query_map([chain], |row| {
                    let seq: i64 = row.get(1)?;
                    Ok((row.get(0)?, u64::try_from(seq).unwrap_or(0), row.get(2)?, row.get(3)?))
                })?
                .collect()
        })
    }

    pub(super) fn keep(&mut self, target: &str, name: &str, fingerprint: &str, document: &str) -> Result<(), HistoryError> {
        self.write(|transaction| {
            transaction
                .prepare_cached(
                    "INSERT INTO content (target, name, fingerprint, format, document) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![target, name, fingerprint, CONTENT_FORMAT, document])
        })
        .map(drop)
    }

    pub(super) fn kept(&mut self, target: &str, name: &str) -> Result<Vec<(String, String)>, HistoryError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT fingerprint, document FROM content WHERE target = ?1 AND name = ?2 ORDER BY rowid")?
                .query_map([target, name], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
    }

    pub(super) fn all_kept(&mut self, target: &str) -> Result<Vec<(String, String, String)>, HistoryError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT name, fingerprint, document FROM content WHERE target = ?1 ORDER BY rowid")?
                .query_map([target], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect()
        })
    }

    fn read<T>(&mut self, ask: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, HistoryError> {
        self.usable()?;
        let answer = ask(&self.connection);
        answer.map_err(|error| self.failed(&error))
    }

    /// The immediate transaction takes the write lock before it reads, so what it compares with is still true when it sets.
    fn write<T>(&mut self, change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> Result<T, HistoryError> {
        self.usable()?;
        if self.lock.is_none() {
            return Err(HistoryError::Unavailable(format!(
                "the store {} was opened for reading only; ask the running lastgood through its socket",
                self.path.display()
            )));
        }
        let done = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .and_then(|transaction| {
                let answer = change(&transaction)?;
                transaction.commit()?;
                Ok(answer)
            });
        done.map_err(|error| self.failed(&error))
    }

    fn usable(&self) -> Result<(), HistoryError> {
        self.over.clone().map_or(Ok(()), Err)
    }

    fn failed(&mut self, error: &rusqlite::Error) -> HistoryError {
        let error = fault::of(&self.path, error);
        if fault::is_final(&error) {
            self.over = Some(error.clone());
        }
        error
    }
}

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        revision: row.get(0)?,
        format: row.get(1)?,
        document: row.get(2)?,
    })
}

/// Closed records do not change, so most of these write nothing.
fn keep_records(transaction: &Transaction<'_>, history: &StoredHistory) -> rusqlite::Result<()> {
    let mut keep = transaction.prepare_cached(
        "INSERT INTO record (rollout, target, seen_at_ms, closed_at_ms, format, document) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (rollout) DO UPDATE
            SET seen_at_ms = excluded.seen_at_ms, closed_at_ms = excluded.closed_at_ms,
                format = excluded.format, document = excluded.document
          WHERE document <> excluded.document",
    )?;
    for record in &history.records {
        keep.execute(params![
            record.rollout,
            history.target,
            record.seen_at_ms,
            record.closed_at_ms,
            RECORD_FORMAT,
            record.document
        ])?;
    }
    Ok(())
}

/// Those that are there already stay as they are: whoever changed one is found by its hash.
fn keep_audit(transaction: &Transaction<'_>, entries: &[AuditEntry]) -> rusqlite::Result<()> {
    let mut keep = transaction.prepare_cached(
        "INSERT INTO audit (chain, seq, hash, format, document) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
    )?;
    for entry in entries {
        let seq = i64::try_from(entry.seq).unwrap_or(i64::MAX);
        keep.execute(params![entry.chain, seq, entry.hash.as_str(), AUDIT_FORMAT, entry.document])?;
    }
    Ok(())
}

/// What is needed to restore a version goes with it: of each that the stored document knows and the new one does not. What was kept of a
/// version that no document knows yet stays.
fn forget_versions(transaction: &Transaction<'_>, history: &StoredHistory, expected: i64) -> rusqlite::Result<()> {
    let mut forget = transaction.prepare_cached(
        "DELETE FROM content WHERE target = ?1 AND (name, fingerprint) IN (
            SELECT value ->> '$.version.name', value ->> '$.version.fingerprint'
              FROM history, json_each(history.document, '$.versions')
             WHERE target = ?1 AND revision = ?2 AND json_array_length(history.document, '$.versions') > ?4
            EXCEPT
            SELECT value ->> '$.version.name', value ->> '$.version.fingerprint' FROM json_each(?3, '$.versions'))",
    )?;
    forget.execute(params![history.target, expected, history.document, history.versions])?;
    Ok(())
}

/// Drops the records that are too old; one that the document holds as open is never, however long it is. Of one that was never closed
/// and is in no document any more, its beginning counts.
fn forget_records(transaction: &Transaction<'_>, history: &StoredHistory) -> rusqlite::Result<()> {
    if let Some(since) = history.records_since_ms {
        transaction
            .prepare_cached(
                "DELETE FROM record WHERE target = ?1 AND coalesce(closed_at_ms, seen_at_ms) < ?2
                    AND rollout IS NOT (?3 ->> '$.open.id')",
            )?
            .execute(params![history.target, since, history.document])?;
    }
    Ok(())
}
