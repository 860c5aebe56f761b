//! The audit in lastgood's own log, and so in the journal: one line an entry, once it is stored. The table in the store is the truth: a
//! process that is killed right after a commit may not log it.

use crate::record::Chain;

/// Logs what `after` has beyond `before`.
pub fn log(before: &Chain, after: &Chain) {
    for entry in after.newest.iter().filter(|entry| entry.seq > before.seq) {
        tracing::info!(target: "lastgood::audit", entry = %entry.document, hash = %entry.hash, "audit");
    }
}
