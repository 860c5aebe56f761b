//! Everything below a plain user's paths: the whole scene as somebody who is nobody on this machine.

use std::{os::unix::fs::chown, process::Command};

/// The test that is run again as another user, and that user's and group's number.
const STORY: &str = "rollouts::a_bad_release_is_reverted_verified_and_explained";
const NOBODY: u32 = 65534;

#[test]
fn a_plain_user_runs_all_of_it_with_everything_below_their_own_paths() {
    if !rustix::process::geteuid().is_root() {
        println!(
            "skipped: a_plain_user_runs_all_of_it_with_everything_below_their_own_paths: only root can become another user; all other tests ran as a plain one"
        );
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    chown(directory.path(), Some(NOBODY), Some(NOBODY)).expect("another owner");
    let output = Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--no-new-privs"])
        .arg(std::env::current_exe().expect("this test"))
        .args([STORY, "--exact", "--nocapture"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", directory.path())
        .env("TMPDIR", directory.path())
        .current_dir("/")
        .output()
        .expect("setpriv");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
