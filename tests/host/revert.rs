//! Putting the last good version back, with a command: what it does, what it refuses, what it says.

use std::{fs, path::Path, time::Duration};

use lastgood::{engine::Look, policy::Activate, ports::Platform, record::ActResult};

use crate::rig::{Site, applied, command, intent, quiet, shell};

#[tokio::test]
async fn a_revert_moves_the_link_and_runs_the_command_beside_it() {
    let site = Site::new(shell(
        r#"printf '%s %s %s %s %s' "$LASTGOOD_SERVICE" "$LASTGOOD_FROM" "$LASTGOOD_TO" "$LASTGOOD_RELEASE" "$(readlink current)"; echo done >&2"#,
    ));
    let intent = site.bad_v2().await;
    let result = site.host.revert(&intent).await.expect("told");
    let release = site.target.releases.join("v1");
    assert_eq!(
        applied(&result),
        format!(
            "`sh` succeeded; stdout: myapp v2 v1 {} releases/v1; stderr: done",
            release.display()
        )
    );
    assert_eq!(site.seen().await, intent.to);
    assert_eq!(site.beside(), ["current", "releases"]);
    let moved = site.host.observe().await.expect("an observation").moved_at;
    assert!(
        matches!(result, ActResult::Applied { moved_at, activated_at, .. } if Some(moved_at) == moved && activated_at >= moved_at)
    );
}

#[tokio::test]
async fn the_new_link_is_relative_or_absolute_as_the_one_it_replaces() {
    let site = Site::new(quiet());
    let intent = site.bad_v2().await;
    let releases = site.target.releases.display().to_string();
    for (old, new) in [
        ("releases/v2".to_owned(), "releases/v1".to_owned()),
        ("./releases/v2/".to_owned(), "./releases/v1".to_owned()),
        (format!("{releases}/v2"), format!("{releases}/v1")),
        ("releases/latest".to_owned(), "releases/v1".to_owned()),
        (format!("{releases}/latest"), format!("{releases}/v1")),
    ] {
        if old.ends_with("latest") {
            let _ = std::os::unix::fs::symlink("v2", site.target.releases.join("latest"));
        }
        site.switch(&old);
        applied(&site.host.revert(&intent).await.expect("told"));
        assert_eq!(site.text(), Path::new(&new), "instead of {old}");
    }
}

#[tokio::test]
async fn b03_a_release_that_was_pruned_is_refused() {
    let site = Site::new(quiet());
    let intent = site.bad_v2().await;
    fs::remove_dir_all(site.target.releases.join("v1")).expect("pruned");
    let result = site.host.revert(&intent).await.expect("told");
    assert!(
        matches!(&result, ActResult::Refused { found } if found.contains("releases/v1` ") || found.contains("releases/v1`:")),
        "{result:?}"
    );
    assert_eq!(site.text(), Path::new("releases/v2"));
}

#[tokio::test]
async fn b03_a_half_copied_release_is_refused_with_the_names_of_what_it_lacks() {
    let site = Site::new(quiet());
    let intent = site.bad_v2().await;
    let directory = site.target.releases.join("v1");
    fs::remove_file(directory.join("bin/app")).expect("removed");
    fs::write(directory.join("config"), "ver").expect("cut off");
    let result = site.host.revert(&intent).await.expect("told");
    let expected = "is incomplete: missing: `bin/app`; shorter than they were: `config`; unpack it again";
    assert!(
        matches!(&result, ActResult::Refused { found } if found.ends_with(expected)),
        "{result:?}"
    );
    assert_eq!(site.text(), Path::new("releases/v2"));
    let unready = site.host.rehearse(Some(&intent.to), None).await;
    assert_eq!(
        unready.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(),
        ["release_not_restorable"]
    );
}

#[tokio::test]
async fn b03_files_that_the_service_wrote_or_changed_are_told_and_do_not_refuse() {
    let site = Site::new(quiet());
    let intent = site.bad_v2().await;
    let directory = site.target.releases.join("v1");
    fs::write(directory.join("app.log"), "x").expect("a log");
    fs::write(directory.join("config"), "version = v1, edited\n").expect("an edit");
    let result = site.host.revert(&intent).await.expect("told");
    assert!(
        applied(&result).ends_with("releases/v1` is not as it was first seen: changed: `config`"),
        "{result:?}"
    );
}

#[tokio::test]
async fn another_build_under_the_name_of_the_last_good_one_is_not_put_back() {
    let site = Site::new(quiet());
    let intent = site.bad_v2().await;
    fs::remove_dir_all(site.target.releases.join("v1")).expect("removed");
    fs::write(site.release("v1").join("config"), "version = v1, rebuilt\n").expect("another build");
    let result = site.host.revert(&intent).await.expect("told");
    assert!(
        matches!(&result, ActResult::Refused { found } if found.contains("another build of that name")),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_persons_newer_rollout_stays() {
    let site = Site::new(quiet());
    let intent = site.bad_v2().await;
    let v3 = site.run("v3").await;
    assert_eq!(
        site.host.revert(&intent).await.expect("told"),
        ActResult::Superseded { runs: Some(v3.clone()) }
    );
    assert_eq!(
        site.host.activate(&intent).await,
        ActResult::Superseded { runs: Some(v3.clone()) }
    );
    assert_eq!(site.host.look(&intent).await, Ok(Look::Other { runs: Some(v3) }));
    assert_eq!(site.text(), Path::new("releases/v3"));
}

#[tokio::test]
async fn a_command_that_fails_is_told_with_its_output() {
    let site = Site::new(shell("echo no such worker; exit 7"));
    let intent = site.bad_v2().await;
    let result = site.host.revert(&intent).await.expect("told");
    let expected = "the activation command `sh` failed (exit status: 7); stdout: no such worker; run it by hand in";
    assert!(
        matches!(&result, ActResult::NotActivated { error, .. } if error.starts_with(expected)),
        "{result:?}"
    );
    assert_eq!(site.text(), Path::new("releases/v1"), "never flipped back");
}

#[tokio::test]
async fn a_command_that_hangs_is_ended_with_all_that_it_started() {
    let hanging = |script: &str| Activate::Command {
        command: ["sh", "-c", script].map(str::to_owned).to_vec(),
        timeout: Duration::from_millis(500),
    };
    let site = Site::new(hanging("sleep 600 & echo $! > child; trap '' TERM; wait; sleep 600"));
    let intent = site.bad_v2().await;
    let result = site.host.revert(&intent).await.expect("told");
    assert!(
        matches!(&result, ActResult::NotActivated { error, .. } if error.contains("was not done within 0.5 s and was ended")),
        "{result:?}"
    );
    let child = fs::read_to_string(site.app.join("child")).expect("the child's id");
    // Gone, or dead and not yet collected by whoever inherits it.
    let state = fs::read_to_string(format!("/proc/{}/stat", child.trim())).unwrap_or_else(|_| ") Z".to_owned());
    assert!(state.contains(") Z"), "{state}");
}

#[tokio::test]
async fn a_command_that_leaves_a_daemon_behind_does_not_wait_for_it_and_does_not_end_it() {
    let site = Site::new(shell("sleep 600 & echo $! > daemon; echo started"));
    let intent = site.bad_v2().await;
    assert_eq!(
        applied(&site.host.revert(&intent).await.expect("told")),
        "`sh` succeeded; stdout: started"
    );
    let daemon = fs::read_to_string(site.app.join("daemon"))
        .expect("its id")
        .trim()
        .parse()
        .expect("a number");
    let daemon = rustix::process::Pid::from_raw(daemon).expect("an id");
    rustix::process::kill_process(daemon, rustix::process::Signal::KILL).expect("it still runs");
}

#[tokio::test]
async fn the_last_four_kibibytes_of_a_long_output_are_kept_raw() {
    let site = Site::new(shell(
        r"i=0; while [ $i -lt 2000 ]; do echo 0123456789; i=$((i+1)); done; printf '\033[31mred'",
    ));
    let intent = site.bad_v2().await;
    let result = site.host.revert(&intent).await.expect("told");
    let detail = applied(&result);
    assert!(detail.ends_with("\u{1b}[31mred"), "{detail:?}");
    assert!((4096..4200).contains(&detail.len()), "{}", detail.len());
}

#[tokio::test]
async fn a_rehearsal_moves_nothing_and_names_a_command_that_is_not_there() {
    let site = Site::new(command(&["no-such-program-anywhere"]));
    let intent = site.bad_v2().await;
    let before = std::fs::symlink_metadata(&site.target.current)
        .expect("the link")
        .modified()
        .expect("its time");
    let unready = site.host.rehearse(Some(&intent.to), None).await;
    assert_eq!(unready.len(), 1, "{unready:?}");
    assert_eq!(unready[0].name, "command_not_found");
    assert!(
        unready[0]
            .because
            .contains("`no-such-program-anywhere` is no executable file"),
        "{unready:?}"
    );
    assert_eq!(site.beside(), ["current", "releases"]);
    let after = std::fs::symlink_metadata(&site.target.current)
        .expect("the link")
        .modified()
        .expect("its time");
    assert_eq!(before, after);
    assert_eq!(site.seen().await, intent.from);
}

#[tokio::test]
async fn another_holder_of_the_lock_is_waited_for() {
    let site = Site::new(quiet());
    let intent = site.bad_v2().await;
    let releases = fs::File::open(&site.target.releases).expect("the releases");
    rustix::fs::flock(&releases, rustix::fs::FlockOperation::LockExclusive).expect("the lock");
    let (result, ()) = tokio::join!(site.host.revert(&intent), async {
        tokio::time::sleep(Duration::from_millis(120)).await;
        assert_eq!(
            site.text(),
            Path::new("releases/v2"),
            "nothing moves while a script holds the lock"
        );
        drop(releases);
    });
    applied(&result.expect("told"));
}

#[tokio::test]
async fn two_reverts_in_a_row_leave_the_second_superseded() {
    let site = Site::new(quiet());
    let first = site.bad_v2().await;
    applied(&site.host.revert(&first).await.expect("told"));
    let again = intent(2, &first.from, &first.to);
    assert_eq!(
        site.host.revert(&again).await.expect("told"),
        ActResult::Superseded { runs: Some(first.to) }
    );
}
