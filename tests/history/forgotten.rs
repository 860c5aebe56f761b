//! What a history no longer knows goes from the store with it; what it does not know yet stays.

use lastgood::{
    history::Sqlite,
    ports::{Contents as _, History as _},
    record::TargetHistory,
};

use crate::sample;

#[tokio::test]
async fn what_is_needed_to_restore_a_version_goes_with_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Sqlite::open(&directory.path().join("history.db")).expect("a store");
    let (target, other) = (sample::target("myapp"), sample::target("other"));
    let first = sample::history(&target);
    let revision = store.commit(&first, None).await.expect("a commit");
    let [old, kept] = [&first.versions[0].version, &first.versions[1].version];
    let fresh = sample::version("v9");
    for (target, version) in [(&target, old), (&target, kept), (&target, &fresh), (&other, old)] {
        store.keep(target, version, "listing").await.expect("kept");
    }
    let found = async |target, version: &lastgood::words::Version| {
        let kept = store.kept(target, &version.name).await.expect("read");
        kept.iter().any(|(found, _)| found == version)
    };

    let same = store.commit(&first, Some(&revision)).await.expect("a commit");
    assert!(found(&target, old).await, "nothing was dropped");
    let mut next = first.clone();
    next.versions.remove(0);
    store.commit(&next, Some(&same)).await.expect("a commit");
    assert!(!found(&target, old).await);
    assert!(found(&target, kept).await);
    assert!(
        found(&target, &fresh).await,
        "seen by the platform, and not yet by the history"
    );
    assert!(found(&other, old).await, "another target's");
}

#[tokio::test]
async fn records_of_rollouts_go_by_their_age_and_open_ones_never() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Sqlite::open(&directory.path().join("history.db")).expect("a store");
    let target = sample::target("myapp");
    let mut history = sample::history(&target);
    let revision = store.commit(&history, None).await.expect("a commit");
    let closed_at = history.closed[4].closed_at.expect("closed");
    history.closed = TargetHistory::new(target.clone()).closed;
    history.records_since = Some(closed_at);
    store.commit(&history, Some(&revision)).await.expect("a commit");
    let records = store.records(&target, 100).await.expect("read");
    assert!(records.iter().any(|record| record.closed_at.is_none()), "the open one");
    assert!(records.iter().any(|record| record.closed_at == Some(closed_at)));
    assert!(records.iter().all(|record| record.closed_at.is_none_or(|at| at >= closed_at)));
    assert_eq!(records.len(), 7, "of ten closed ones and an open one, four are gone");
}
