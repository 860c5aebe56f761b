//! Disks that are full or fail, for real: a tiny tmpfs in a mount namespace of its own, and a limit on the size of files.

use std::{fs, path::Path};

use lastgood::{
    history::Sqlite,
    ports::{History, HistoryError, Revision},
    record::TargetHistory,
};

use crate::{child, sample};

/// Commits ever larger histories until that fails. Returns the last that was acknowledged, and the failure.
async fn fill(store: &dyn History) -> (TargetHistory, Revision, HistoryError) {
    let target = sample::target("disk");
    let mut history = TargetHistory::new(target.clone());
    let mut revision = store.commit(&history, None).await.expect("an empty history fits");
    for number in 0.. {
        let mut next = history.clone();
        next.closed.push(sample::record(&target, number));
        match store.commit(&next, Some(&revision)).await {
            Ok(stored) => (history, revision) = (next, stored),
            Err(error) => return (history, revision, error),
        }
    }
    unreachable!("no disk is endless")
}

/// The child, on a tmpfs of 1 MiB with a ballast of 200 KiB.
#[tokio::test]
async fn child_fills_a_small_disk() {
    let Some(path) = child::store() else { return };
    let ballast = path.with_file_name("ballast");
    fs::write(&ballast, vec![0; 200 * 1024]).expect("a ballast");
    let store = Sqlite::open(&path).expect("a store");
    let (history, revision, error) = fill(&store).await;
    let HistoryError::Unavailable(sentence) = &error else {
        panic!("a full disk is no reason to exit: {error:?}")
    };
    assert!(sentence.contains("is full") && sentence.contains("free space"), "{sentence}");
    // Nothing half done: neither the history nor the record that came with it.
    let target = sample::target("disk");
    assert_eq!(store.load(&target).await, Ok(Some((history.clone(), revision.clone()))));
    assert_eq!(store.records(&target, 9999).await.expect("read").len(), history.closed.len());
    // It goes on by itself once there is room.
    fs::remove_file(&ballast).expect("room");
    let mut next = history;
    next.off = Some(sample::freeze());
    let after = store.commit(&next, Some(&revision)).await.expect("there is room again");
    drop(store);
    let again = Sqlite::open(&path).expect("reopened");
    assert_eq!(again.load(&target).await, Ok(Some((next, after))));
    println!("\nthe story was told to its end");
}

#[test]
fn c05_on_a_full_disk_nothing_is_half_stored_and_it_goes_on_once_there_is_room() {
    let directory = tempfile::tempdir().expect("a directory");
    let mount = "mount -t tmpfs -o size=1m tmpfs \"$(dirname \"$LASTGOOD_TEST_STORE\")\" || exit 77; exec \"$0\" \"$@\"";
    // In a user namespace where we are not root; the mount ends with its namespace, however the child ends.
    let mut wrapper = vec!["unshare", "--mount"];
    if !rustix::process::geteuid().is_root() {
        wrapper.extend(["--user", "--map-root-user"]);
    }
    wrapper.extend(["sh", "-c", mount]);
    let output = child::command(
        &wrapper,
        "disk::child_fills_a_small_disk",
        &directory.path().join("history.db"),
    )
    .output()
    .expect("unshare of util-linux");
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(77) || complained.contains("unshare failed") {
        println!("skipped: c05_on_a_full_disk: this machine lets nobody mount a tmpfs: {complained}");
        return;
    }
    assert!(
        output.status.success() && said.contains("told to its end"),
        "{said}{complained}"
    );
}

/// The child, whose files may not grow over 512 KiB: each write beyond is an I/O error.
#[tokio::test]
async fn child_writes_to_a_failing_disk() {
    let Some(path) = child::store() else { return };
    let store = Sqlite::open(&path).expect("a store");
    let (history, revision, error) = fill(&store).await;
    assert!(matches!(error, HistoryError::Untrusted(_)), "{error:?}");
    // Never again: not even a question that would succeed.
    let target = sample::target("disk");
    assert_eq!(store.load(&target).await, Err(error.clone()));
    assert_eq!(store.commit(&history, Some(&revision)).await, Err(error));
    println!("\nacknowledged {} with {}", revision.0, history.closed.len());
}

#[tokio::test]
async fn c06_after_an_io_error_nothing_is_tried_again_and_a_restart_finds_the_last_commit() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("history.db");
    let wrapper = ["sh", "-c", "trap '' XFSZ; ulimit -f 1024; exec \"$0\" \"$@\""];
    let output = child::command(&wrapper, "disk::child_writes_to_a_failing_disk", &path)
        .output()
        .expect("a shell");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let (revision, records) = acknowledged(&said);
    assert_eq!(found(&path).await, (revision, records));
}

fn acknowledged(said: &str) -> (String, usize) {
    let line = said.lines().find_map(|line| line.strip_prefix("acknowledged "));
    let (revision, records) = line
        .and_then(|line| line.split_once(" with "))
        .expect("the child's last words");
    (revision.to_owned(), records.parse().expect("a number"))
}

async fn found(path: &Path) -> (String, usize) {
    let store = Sqlite::open(path).expect("opens after the failure");
    let target = sample::target("disk");
    let (history, revision) = store.load(&target).await.expect("read").expect("there is one");
    let records = store.records(&target, 9999).await.expect("read");
    assert_eq!(records.len(), history.closed.len());
    (revision.0, records.len())
}
