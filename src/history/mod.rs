//! What must survive: one history a target in SQLite, changed by compare and set. The only SQL.
//!
//! May touch: `ports`, `record`'s types, SQLite, the files it lies in. Deliberately absent: what a history means, clocks, retries.
//! A write that failed is never tried again here: after [`HistoryError::Untrusted`](crate::ports::HistoryError::Untrusted) nobody
//! can say what the disk holds, so `app` must exit and begin again from what is found then.

mod document;
mod fault;
mod files;
mod open;
mod sqlite;
mod store;

pub use sqlite::Sqlite;

/// The SQLite that is built in: `3.53.2`.
#[must_use]
pub fn sqlite_version() -> &'static str {
    rusqlite::version()
}
