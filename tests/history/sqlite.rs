//! SQLite keeps the contract of every back end.

use lastgood::history::Sqlite;

use crate::contract::{holds, survives};

#[tokio::test]
async fn sqlite_keeps_the_contract() {
    let directory = tempfile::tempdir().expect("a directory");
    holds(
        &Sqlite::open(&directory.path().join("history.db")).expect("a store"),
        usize::MAX,
    )
    .await;
}

#[tokio::test]
async fn sqlite_survives_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    survives(|| Box::new(Sqlite::open(&directory.path().join("history.db")).expect("a store"))).await;
}
