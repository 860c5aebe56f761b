//! What SQLite's errors mean to the person who reads them, each ending in what to do next.

use std::path::Path;

use rusqlite::{Error, ErrorCode};

use crate::ports::HistoryError;

/// Turns an error of SQLite about the store at `path` into ours.
pub(super) fn of(path: &Path, error: &Error) -> HistoryError {
    let path = path.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => HistoryError::Unavailable(format!(
            "the disk of the store {path} is full ({error}); nothing was stored: free space there"
        )),
        Some(ErrorCode::SystemIoFailure) => HistoryError::Untrusted(format!(
            "the disk of the store {path} failed ({error}); what it holds is known only after a restart: look at the kernel's log, then restart lastgood"
        )),
        Some(ErrorCode::DatabaseCorrupt) => HistoryError::Damaged(format!(
            "{path} ({error}); move it away and restore a backup, or begin anew without it"
        )),
        Some(ErrorCode::NotADatabase) => HistoryError::Damaged(format!(
            "{path} is no SQLite database; move it away and restore a backup, or name another file in store.url"
        )),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => HistoryError::Unavailable(format!(
            "the store {path} cannot be written ({error}); give the user that runs lastgood write permission to it and its directory"
        )),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            HistoryError::Unavailable(format!("another program holds the store {path} ({error}); end that program"))
        }
        _ => HistoryError::Unavailable(format!(
            "the store {path} refused ({error}); look at that file, then try again"
        )),
    }
}

/// Whether nothing may be asked of the connection any more after `error`.
pub(super) const fn is_final(error: &HistoryError) -> bool {
    matches!(error, HistoryError::Untrusted(_) | HistoryError::Damaged(_))
}
