//! What is refused at the door, and what each refusal says to do next.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
};

use lastgood::{
    history::Sqlite,
    ports::{Contents as _, History as _, HistoryError},
    record::{ControllerState, StoredAudit, TargetHistory},
};
use rstest::rstest;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::sample;

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

/// A store with something in every table, closed.
async fn written(path: &Path) {
    let store = Sqlite::open(path).expect("a store");
    let target = sample::target("myapp");
    store.commit(&sample::history(&target), None).await.expect("committed");
    store
        .commit_controller(&ControllerState::default(), None)
        .await
        .expect("committed");
    store.keep(&target, &sample::version("v1"), "{}").await.expect("kept");
}

fn sql(path: &Path, statement: &str) {
    let connection = Connection::open(path).expect("opened by hand");
    let changed = connection.execute(statement, []).expect("changed by hand");
    assert_ne!(changed, 0);
}

fn refusal(path: &Path) -> HistoryError {
    Sqlite::open(path).expect_err("refused")
}

#[tokio::test]
async fn c10_a_store_of_a_newer_schema_is_refused_for_writing_and_for_reading() {
    let directory = directory();
    let path = directory.path().join("history.db");
    written(&path).await;
    sql(
        &path,
        "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) VALUES (999, 'future', '2030-01-01T00:00:00Z', '0')",
    );
    for refused in [refusal(&path), Sqlite::open_read_only(&path).expect_err("refused")] {
        let sentence = refused.to_string();
        assert!(
            sentence.contains("written by a newer lastgood (format 999, this one knows up to 2)")
                && sentence.contains("run that version"),
            "{sentence}"
        );
    }
}

#[rstest]
#[case::history("UPDATE history SET format = 999")]
#[case::record("UPDATE record SET format = 999")]
#[case::content("UPDATE content SET format = 999")]
#[case::controller("UPDATE controller SET format = 999")]
#[case::audit("UPDATE audit SET format = 999")]
#[tokio::test]
async fn c10_a_document_of_a_newer_format_is_refused(#[case] statement: &str) {
    let directory = directory();
    let path = directory.path().join("history.db");
    written(&path).await;
    sql(&path, statement);
    let refused = refusal(&path);
    assert!(
        matches!(
            refused,
            HistoryError::Newer {
                found: 999,
                known: 1,
                ..
            }
        ),
        "{refused:?}"
    );
}

#[tokio::test]
async fn c07_a_damaged_file_is_refused() {
    let directory = directory();
    let path = directory.path().join("history.db");
    written(&path).await;
    let mut bytes = fs::read(&path).expect("read");
    for byte in bytes.iter_mut().skip(4096 + 64).step_by(97) {
        *byte ^= 0x55;
    }
    fs::write(&path, bytes).expect("damaged");
    let refused = refusal(&path);
    assert!(matches!(refused, HistoryError::Damaged(_)), "{refused:?}");
    assert!(refused.to_string().contains("restore a backup"), "{refused}");
}

#[test]
fn a_file_of_something_else_is_refused_and_left_alone() {
    let directory = directory();
    let text = directory.path().join("notes.txt");
    fs::write(&text, "not a database, but long enough to be looked at as one: ".repeat(50)).expect("written");
    assert!(refusal(&text).to_string().contains("is no SQLite database"));
    let foreign = directory.path().join("foreign.db");
    let connection = Connection::open(&foreign).expect("opened");
    connection.execute_batch("CREATE TABLE invoice (id INTEGER)").expect("made");
    drop(connection);
    assert!(refusal(&foreign).to_string().contains("another program's database"));
    let connection = Connection::open(&foreign).expect("opened");
    let tables: u32 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .expect("counted");
    assert_eq!(tables, 1);
}

#[test]
fn a_second_lastgood_is_refused_and_told_who_holds_the_store() {
    let directory = directory();
    let path = directory.path().join("history.db");
    let first = Sqlite::open(&path).expect("a store");
    let sentence = refusal(&path).to_string();
    let holder = format!("in use by another lastgood (pid {})", std::process::id());
    assert!(sentence.contains(&holder), "{sentence}");
    drop(first);
    assert!(Sqlite::open(&path).is_ok());
}

#[tokio::test]
async fn a_reader_beside_the_writer_sees_each_commit_and_changes_nothing() {
    let directory = directory();
    let path = directory.path().join("history.db");
    let missing = Sqlite::open_read_only(&path).expect_err("nothing there yet").to_string();
    assert!(missing.contains("start `lastgood run` once"), "{missing}");
    let writer = Sqlite::open(&path).expect("a store");
    let reader = Sqlite::open_read_only(&path).expect("beside the writer");
    let history = TargetHistory::new(sample::target("myapp"));
    let revision = writer.commit(&history, None).await.expect("committed");
    assert_eq!(
        reader.load(&history.target).await,
        Ok(Some((history.clone(), revision.clone())))
    );
    let refused = reader.commit(&history, Some(&revision)).await;
    assert!(
        matches!(&refused, Err(HistoryError::Unavailable(why)) if why.contains("for reading only")),
        "{refused:?}"
    );
    assert_eq!(reader.load(&history.target).await, Ok(Some((history, revision))));
}

#[test]
fn the_store_and_its_directory_are_for_their_owner_alone() {
    let directory = directory();
    let path = directory.path().join("lastgood/history.db");
    let _store = Sqlite::open(&path).expect("its directory is made");
    let mode = |path: &Path| fs::metadata(path).expect("there").mode() & 0o777;
    assert_eq!(mode(path.parent().expect("a directory")), 0o700);
    for file in ["history.db", "history.db-wal", "history.db-shm", "history.db.lock"] {
        assert_eq!(mode(&path.with_file_name(file)), 0o600, "{file}");
    }
}

#[test]
fn a_directory_that_is_missing_is_named_and_not_built_from_a_mistyped_path() {
    let directory = directory();
    let path = directory.path().join("var/libb/lastgood/history.db");
    let sentence = refusal(&path).to_string();
    assert!(
        sentence.contains("var/libb/lastgood, is missing") && sentence.contains("store.url"),
        "{sentence}"
    );
    assert!(!directory.path().join("var").exists());
}

#[test]
fn a_file_that_may_not_be_written_is_named_with_what_to_do() {
    if rustix::process::geteuid().is_root() {
        // Permission bits mean nothing to root: a directory in the file's place is as unwritable for it.
        let directory = directory();
        let path = directory.path().join("history.db");
        fs::create_dir(&path).expect("in its place");
        let sentence = refusal(&path).to_string();
        assert!(
            sentence.contains("cannot be written") && sentence.contains("write permission"),
            "{sentence}"
        );
        return;
    }
    let directory = directory();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o500)).expect("closed");
    let sentence = refusal(&directory.path().join("history.db")).to_string();
    assert!(
        sentence.contains("cannot be written") && sentence.contains("write permission"),
        "{sentence}"
    );
}

#[tokio::test]
async fn a_store_of_the_schema_before_is_brought_up_to_date_and_keeps_what_it_has() {
    let directory = directory();
    let path = directory.path().join("history.db");
    written(&path).await;
    sql(&path, "DELETE FROM refinery_schema_history WHERE version = 2");
    let by_hand = Connection::open(&path).expect("opened by hand");
    by_hand.execute_batch("DROP TABLE audit").expect("dropped by hand");
    drop(by_hand);
    let refused = Sqlite::open_read_only(&path).expect_err("refused").to_string();
    assert!(refused.contains("was written by an older lastgood (schema 1)"), "{refused}");
    let store = Sqlite::open(&path).expect("opened");
    assert_eq!(store.audit(None).await, Ok(StoredAudit::default()));
    assert_eq!(store.targets().await.map(|targets| targets.len()), Ok(1));
}
