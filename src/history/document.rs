//! Documents: what is stored, as JSON with a format beside it. Nothing is stored that could not be read back.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    ports::HistoryError,
    record::{AuditEntry, CONTROLLER_FORMAT, ControllerState, FORMAT, Record, TargetHistory},
    words::TargetKey,
};

/// The format of a row of `record` that this binary writes.
pub(super) const RECORD_FORMAT: u32 = 1;
/// The format of a row of `content` that this binary writes.
pub(super) const CONTENT_FORMAT: u32 = 1;

/// The format of a row of `audit` that this binary writes.
pub(super) const AUDIT_FORMAT: u32 = 1;

/// A history, ready to be stored.
#[derive(Debug)]
pub(super) struct StoredHistory {
    pub target: String,
    pub document: String,
    pub records: Vec<StoredRecord>,
    pub audit: Vec<AuditEntry>,
    /// How many versions the document knows.
    pub versions: i64,
    /// Records that were closed before this are dropped.
    pub records_since_ms: Option<i64>,
}

/// A record, ready to be stored.
#[derive(Debug)]
pub(super) struct StoredRecord {
    pub rollout: String,
    pub seen_at_ms: i64,
    pub closed_at_ms: Option<i64>,
    pub document: String,
}

/// A document as a row holds it.
#[derive(Debug)]
pub(super) struct Row {
    pub revision: i64,
    pub format: u32,
    pub document: String,
}

pub(super) fn history(history: &TargetHistory) -> Result<StoredHistory, HistoryError> {
    let what = format!("the history of {}", history.target);
    let records = history
        .closed
        .iter()
        .chain(&history.open)
        .map(record)
        .collect::<Result<_, _>>()?;
    Ok(StoredHistory {
        target: history.target.to_string(),
        document: write(&what, history)?,
        records,
        audit: history.audit.newest.clone(),
        versions: i64::try_from(history.versions.len()).unwrap_or(i64::MAX),
        records_since_ms: history.records_since.map(crate::words::Moment::millis),
    })
}

fn record(record: &Record) -> Result<StoredRecord, HistoryError> {
    Ok(StoredRecord {
        rollout: record.id.to_string(),
        seen_at_ms: record.seen_at.millis(),
        closed_at_ms: record.closed_at.map(crate::words::Moment::millis),
        document: write(&format!("the record of rollout {}", record.id), record)?,
    })
}

pub(super) fn controller(state: &ControllerState) -> Result<String, HistoryError> {
    write("the controller's own state", state)
}

pub(super) fn read_history(target: &TargetKey, row: &Row) -> Result<TargetHistory, HistoryError> {
    read(&format!("the history of {target}"), FORMAT, row.format, &row.document)
}

pub(super) fn read_record(format: u32, document: &str) -> Result<Record, HistoryError> {
    read("the record of a rollout", RECORD_FORMAT, format, document)
}

pub(super) fn read_controller(row: &Row) -> Result<ControllerState, HistoryError> {
    read("the controller's own state", CONTROLLER_FORMAT, row.format, &row.document)
}

/// Refuses a format that this binary does not know.
pub(super) fn known(what: &str, known: u32, found: u32) -> Result<(), HistoryError> {
    if found <= known {
        Ok(())
    } else {
        Err(HistoryError::Newer {
            what: what.to_owned(),
            found,
            known,
        })
    }
}

/// A document that its own reader refuses (an infinite number, say) must never reach the disk: the target would be lost at the next start.
fn write<T: Serialize + DeserializeOwned>(what: &str, value: &T) -> Result<String, HistoryError> {
    let unfit = |error: serde_json::Error| {
        HistoryError::Damaged(format!(
            "{what} was not stored, because it could not be read back ({error}); please report this"
        ))
    };
    let document = serde_json::to_string(value).map_err(unfit)?;
    serde_json::from_str::<T>(&document).map_err(unfit)?;
    Ok(document)
}

fn read<T: DeserializeOwned>(what: &str, newest: u32, format: u32, document: &str) -> Result<T, HistoryError> {
    known(what, newest, format)?;
    serde_json::from_str(document)
        .map_err(|error| HistoryError::Damaged(format!("{what} does not read ({error}); restore a backup of the store")))
}
