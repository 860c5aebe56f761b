//! Opening a store: SQLite new enough, the file whole, its schema known, every format known; or a refusal that says what to do.

use std::{path::Path, time::Duration};

use refinery::{Migration, Runner};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use super::{
    document::{self, AUDIT_FORMAT, CONTENT_FORMAT, RECORD_FORMAT},
    fault, files,
    store::Store,
};
use crate::{
    ports::HistoryError,
    record::{CONTROLLER_FORMAT, FORMAT},
};

/// SQLite below 3.51.3 may lose commits when the write-ahead log is reset (failures.md, C08).
const OLDEST_SQLITE: i32 = 3_051_003;
/// How long another program, a backup say, may hold the file before that is an error.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Opens the store for the one lastgood that writes to it.
pub(super) fn for_writing(path: &Path) -> Result<Store, HistoryError> {
    new_enough(rusqlite::version_number())?;
    files::prepare(path)?;
    let lock = files::lock(path)?;
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let broken = |error: rusqlite::Error| fault::of(path, &error);
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))
        .map_err(broken)?;
    if mode != "wal" {
        return Err(HistoryError::Unavailable(format!(
            "the file system of the store {} knows no write-ahead log; name a file on a local disk in store.url",
            path.display()
        )));
    }
    connection.pragma_update(None, "synchronous", "full").map_err(broken)?;
    whole(path, &connection)?;
    known_schema(path, &connection)?;
    migrations()
        .and_then(|runner| runner.run(&mut connection))
        .map_err(|error| migration_failed(path, &error))?;
    known_formats(path, &connection)?;
    Ok(Store::new(path, connection, Some(lock)))
}

/// Opens the store beside the one that writes to it; every change is refused.
pub(super) fn for_reading(path: &Path) -> Result<Store, HistoryError> {
    new_enough(rusqlite::version_number())?;
    if !path.exists() {
        return Err(HistoryError::Unavailable(format!(
            "there is no store at {}; start `lastgood run` once, or name the right file in store.url",
            path.display()
        )));
    }
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let found = known_schema(path, &connection)?;
    if found < newest_schema()? {
        return Err(HistoryError::Unavailable(format!(
            "the store {} was written by an older lastgood (schema {found}); start `lastgood run` of this version once",
            path.display()
        )));
    }
    known_formats(path, &connection)?;
    Ok(Store::new(path, connection, None))
}

fn new_enough(sqlite: i32) -> Result<(), HistoryError> {
    if sqlite >= OLDEST_SQLITE {
        return Ok(());
    }
    Err(HistoryError::Unavailable(format!(
        "this lastgood was built with SQLite {}.{}.{}, which may lose commits; build it with 3.51.3 or newer",
        sqlite / 1_000_000,
        sqlite / 1000 % 1000,
        sqlite % 1000
    )))
}

fn connect(path: &Path, how: OpenFlags) -> Result<Connection, HistoryError> {
    let broken = |error: rusqlite::Error| fault::of(path, &error);
    let connection = Connection::open_with_flags(path, how | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(broken)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(broken)?;
    connection.pragma_update(None, "trusted_schema", false).map_err(broken)?;
    Ok(connection)
}

fn whole(path: &Path, connection: &Connection) -> Result<(), HistoryError> {
    let found: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| fault::of(path, &error))?;
    if found == "ok" {
        return Ok(());
    }
    Err(HistoryError::Damaged(format!(
        "{} ({found}); move it away and restore a backup, or begin anew without it",
        path.display()
    )))
}

fn migrations() -> Result<Runner, refinery::Error> {
    let first = Migration::unapplied("V1__first", include_str!("migrations/V1__first.sql"))?;
    let audit = Migration::unapplied("V2__audit", include_str!("migrations/V2__audit.sql"))?;
    Ok(Runner::new(&[first, audit]).set_grouped(true))
}

fn newest_schema() -> Result<u32, HistoryError> {
    let runner = migrations().map_err(|error| HistoryError::Damaged(error.to_string()))?;
    let newest = runner.get_migrations().iter().map(Migration::version).max();
    Ok(newest.and_then(|version| u32::try_from(version).ok()).unwrap_or(0))
}

/// The schema that was found; 0 in an empty file. A newer one is refused, and so is another program's database.
fn known_schema(path: &Path, connection: &Connection) -> Result<u32, HistoryError> {
    let broken = |error: rusqlite::Error| fault::of(path, &error);
    let tables: u32 = connection
        .query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'table'", [], |row| {
            row.get(0)
        })
        .map_err(broken)?;
    if tables == 0 {
        return Ok(0);
    }
    let ours: Option<u32> = connection
        .query_row(
            "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'refinery_schema_history'",
            [],
            |row| row.get(0),
        )
        .optional()
        .map_err(broken)?;
    if ours.is_none() {
        return Err(HistoryError::Damaged(format!(
            "{} is another program's database; name another file in store.url",
            path.display()
        )));
    }
    let found = connection
        .query_row("SELECT coalesce(max(version), 0) FROM refinery_schema_history", [], |row| {
            row.get(0)
        })
        .map_err(broken)?;
    document::known(
        &format!("the schema of the store {}", path.display()),
        newest_schema()?,
        found,
    )?;
    Ok(found)
}

fn known_formats(path: &Path, connection: &Connection) -> Result<(), HistoryError> {
    let stored = [
        ("history", "target", FORMAT),
        ("record", "rollout", RECORD_FORMAT),
        ("content", "name", CONTENT_FORMAT),
        ("controller", "'state'", CONTROLLER_FORMAT),
        ("audit", "chain", AUDIT_FORMAT),
    ];
    for (table, name, known) in stored {
        let newest: Option<(String, u32)> = connection
            .query_row(
                &format!("SELECT {name}, format FROM {table} ORDER BY format DESC LIMIT 1"),
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()
            .map_err(|error| fault::of(path, &error))?;
        if let Some((name, found)) = newest {
            document::known(&format!("{table} {name} in the store {}", path.display()), known, found)?;
        }
    }
    Ok(())
}

/// refinery hides SQLite's error inside its own.
fn migration_failed(path: &Path, error: &refinery::Error) -> HistoryError {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(sqlite) = inner.downcast_ref::<rusqlite::Error>() {
            return fault::of(path, sqlite);
        }
        source = inner.source();
    }
    HistoryError::Damaged(format!("{} ({error}); restore a backup of it", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c08_a_sqlite_that_may_lose_commits_is_refused() {
        assert_eq!(new_enough(rusqlite::version_number()), Ok(()));
        assert_eq!(new_enough(3_051_003), Ok(()));
        let refusal = new_enough(3_051_002).expect_err("too old").to_string();
        assert!(refusal.contains("SQLite 3.51.2"), "{refusal}");
    }

    #[test]
    fn the_newest_schema_is_that_of_the_last_migration() {
        assert_eq!(newest_schema(), Ok(2));
    }
}
