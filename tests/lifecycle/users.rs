//! Everything below a plain user's paths: the main job, as somebody who is nobody on this machine.

use std::{os::unix::fs::chown, process::Command};

use crate::rollouts::a_bad_release_is_reverted_verified_and_explained;

const STORY: &str = "users::a_plain_user_has_a_bad_release_reverted_with_everything_below_their_own_paths";
const NOBODY: u32 = 65534;

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_user_has_a_bad_release_reverted_with_everything_below_their_own_paths() {
    if rustix::process::geteuid().is_root() {
        tokio::task::spawn_blocking(again_as_nobody)
            .await
            .expect("the story as nobody");
    } else {
        a_bad_release_is_reverted_verified_and_explained().await;
    }
}

/// Root becomes nobody and runs this very test again, where nobody may enter the checkout.
fn again_as_nobody() {
    let enters = Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "test", "-x"])
        .arg(std::env::current_exe().expect("this test"))
        .status();
    if !enters.is_ok_and(|status| status.success()) {
        eprintln!("skipped: {STORY}: nobody may not enter this checkout");
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
