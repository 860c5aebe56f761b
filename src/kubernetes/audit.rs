//! The audit in a history's object: the newest entries of its chain, cut at a checkpoint that keeps the end of what was dropped
//! (kubernetes.md, State).

use serde::{Deserialize, Serialize};

use super::{
    document::{fields, readable},
    object::Object,
};
use crate::{
    ports::HistoryError,
    record::{AuditEntry, Chain, Head, StoredAudit},
};

/// Entries that are kept. What is dropped was written as a line of the log when it was added.
const ENTRIES: usize = 100;
/// The largest size of their documents together, in bytes.
const BYTES: usize = 64 * 1024;

/// The audit as it stands in the object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Log {
    /// The end of what was dropped, with its whole hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cut: Option<Head>,
    entries: Vec<AuditEntry>,
}

impl Log {
    fn of(object: &Object) -> Result<Self, HistoryError> {
        let Some(raw) = object.0.get("audit") else {
            return Ok(Self::default());
        };
        Self::deserialize(raw).map_err(|error| {
            let (namespace, name) = (object.namespace(), object.name());
            HistoryError::Damaged(format!(
                "the audit of the history object {namespace}/{name} does not read ({error}); restore it from a backup of the cluster"
            ))
        })
    }

    fn size(&self) -> usize {
        self.entries.iter().map(|entry| entry.document.len()).sum()
    }

    /// Those that are there already stay as they are: whoever changed one is found by its hash.
    fn extend(&mut self, chain: &Chain) {
        let last = self.entries.last().map_or(0, |last| last.seq);
        self.entries
            .extend(chain.newest.iter().filter(|entry| entry.seq > last).cloned());
        while self.entries.len() > ENTRIES || (self.size() > BYTES && self.entries.len() > 1) {
            self.cut_oldest();
        }
    }

    fn cut_oldest(&mut self) {
        self.cut = Some(Head::of(&self.entries.remove(0)));
    }
}

/// Adds what `chain` has that the object has not.
pub(super) fn add(object: &mut Object, chain: &Chain) -> Result<(), HistoryError> {
    let mut log = Log::of(object)?;
    log.extend(chain);
    let raw = readable(&log)?;
    fields(object)?.insert("audit".to_owned(), raw);
    Ok(())
}

/// Drops the oldest entry, so that the object has room; false where only the newest is left.
pub(super) fn shorten(object: &mut Object) -> Result<bool, HistoryError> {
    let mut log = Log::of(object)?;
    if log.entries.len() < 2 {
        return Ok(false);
    }
    log.cut_oldest();
    let raw = readable(&log)?;
    fields(object)?.insert("audit".to_owned(), raw);
    Ok(true)
}

/// The audit of all `objects`, by chain.
pub(super) fn of(objects: &[Object]) -> Result<StoredAudit, HistoryError> {
    let mut stored = StoredAudit::default();
    for object in objects {
        let log = Log::of(object)?;
        stored.entries.extend(log.entries);
        stored.cut.extend(log.cut);
    }
    stored.entries.sort_by(|a, b| a.chain.cmp(&b.chain));
    Ok(stored)
}
