//! A process killed in mid-commit: whatever was acknowledged is there, whole.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Stdio},
};

use lastgood::{history::Sqlite, ports::History as _, record::TargetHistory};

use crate::{child, sample};

/// Ends the process also when the story fails.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A history that tells how many commits made it.
fn after(commits: i64) -> TargetHistory {
    let mut history = sample::history(&sample::target("crash"));
    history.reverts = vec![sample::at(commits)];
    history
}

/// The child: commits for ever, and says each commit once it is acknowledged.
#[tokio::test]
async fn child_commits_until_it_is_killed() {
    let Some(path) = child::store() else { return };
    let store = Sqlite::open(&path).expect("a store");
    let found = store.load(&sample::target("crash")).await.expect("loaded");
    let mut revision = found.map(|(_, revision)| revision);
    loop {
        let done: i64 = revision.as_ref().map_or(0, |revision| revision.0.parse().expect("a number"));
        let next = store.commit(&after(done + 1), revision.as_ref()).await.expect("committed");
        println!("\nacknowledged {}", next.0);
        std::io::stdout().flush().expect("flushed");
        revision = Some(next);
    }
}

#[tokio::test]
async fn c01_after_kill_9_in_mid_commit_the_last_acknowledged_commit_is_there() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("history.db");
    for wait_for in [1, 2, 5, 9, 14, 20] {
        let mut command = child::command(&[], "crash::child_commits_until_it_is_killed", &path);
        let mut child = Killed(command.stdout(Stdio::piped()).spawn().expect("a child"));
        let output = BufReader::new(child.0.stdout.take().expect("its output"));
        let mut acknowledged = output.lines().map_while(Result::ok).filter_map(|line| {
            let number = line.strip_prefix("acknowledged ")?;
            number.parse::<i64>().ok()
        });
        let mut last = acknowledged.nth(wait_for - 1).expect("so many commits");
        child.0.kill().expect("killed");
        last = acknowledged.last().unwrap_or(last);
        drop(child);

        let store = Sqlite::open(&path).expect("opens after a crash");
        let (history, revision) = store
            .load(&sample::target("crash"))
            .await
            .expect("loaded")
            .expect("there is one");
        let stored: i64 = revision.0.parse().expect("a number");
        assert!(
            stored == last || stored == last + 1,
            "acknowledged {last}, found {stored}: only the commit in flight may be more"
        );
        assert_eq!(history, after(stored));
        let open = history.open.expect("an open rollout");
        assert_eq!(store.record(open.id).await, Ok(Some(open)));
    }
}
