//! Which version runs, and that it stays the same one whatever the service writes.

use std::{fs, os::unix::fs::symlink, time::Duration};

use lastgood::{ports::Platform, record::Observation};
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use crate::rig::{Site, intent, now, quiet, temporary};

async fn refusal(site: &Site) -> String {
    site.host.observe().await.expect_err("no version can be told").0
}

#[tokio::test]
async fn a_version_is_the_name_of_its_directory_and_the_digest_of_its_files() {
    let site = Site::new(quiet());
    let v1 = site.run("v1").await;
    let v2 = site.run("v2").await;
    assert_eq!((v1.name.as_str(), v2.name.as_str()), ("v1", "v2"));
    assert_ne!(v1.fingerprint, v2.fingerprint);
    site.switch(site.target.releases.join("v1"));
    assert_eq!(
        site.seen().await,
        v1,
        "an absolute link to the same directory is the same version"
    );
}

#[tokio::test]
async fn a_service_that_writes_caches_and_logs_into_its_own_directory_stays_the_same_version() {
    let site = Site::new(quiet());
    let v1 = site.run("v1").await;
    let directory = site.target.releases.join("v1");
    fs::create_dir(directory.join("cache")).expect("a cache");
    fs::write(directory.join("cache/a"), "warm").expect("a cached thing");
    fs::write(directory.join("app.log"), "started\n").expect("a log");
    let seen = site.host.observe().await.expect("an observation");
    assert_eq!(seen.version, Some(v1.clone()));
    assert_eq!(seen.remarks, Vec::<String>::new());
    let later = site.restarted().observe().await.expect("an observation");
    assert_eq!(later.version, Some(v1), "after a restart of lastgood too");
}

#[tokio::test]
async fn what_a_service_wrote_before_it_was_first_seen_is_not_part_of_the_release() {
    let site = Site::new(quiet());
    let directory = site.release("v1");
    site.switch("releases/v1");
    let log = directory.join("app.log");
    fs::write(&log, "a long line of a service that ran for months\n").expect("a log");
    // Later than the link, whatever the clock's grain.
    let later = fs::symlink_metadata(&site.target.current)
        .expect("the link")
        .modified()
        .expect("its time")
        + std::time::Duration::from_secs(1);
    fs::File::options()
        .append(true)
        .open(&log)
        .expect("the log")
        .set_modified(later)
        .expect("a time");
    let v1 = site.seen().await;
    let v2 = site.run("v2").await;
    fs::write(&log, "rotated\n").expect("a shorter log");
    let result = site.host.revert(&intent(1, &v2, &v1)).await.expect("told");
    assert_eq!(crate::rig::applied(&result), "`true` succeeded; without output");
}

#[tokio::test]
async fn a_listed_file_that_changed_is_told_and_makes_no_other_version() {
    let site = Site::new(quiet());
    let v1 = site.run("v1").await;
    fs::write(site.target.releases.join("v1/config"), "version = vX\n").expect("an edit in place");
    let seen: Observation = site.host.observe().await.expect("an observation");
    assert_eq!(seen.version, Some(v1));
    assert_eq!(seen.remarks, ["`v1` is not as it was first seen: changed: `config`"]);
}

#[tokio::test]
async fn a_release_that_is_unpacked_again_is_the_same_version_and_a_rebuild_is_another() {
    let site = Site::new(quiet());
    let v1 = site.run("v1").await;
    fs::remove_dir_all(site.target.releases.join("v1")).expect("pruned");
    site.release("v1");
    assert_eq!(site.seen().await, v1);
    fs::remove_dir_all(site.target.releases.join("v1")).expect("pruned");
    let rebuilt = site.release("v1");
    fs::write(rebuilt.join("config"), "version = v1, rebuilt\n").expect("another build");
    let other = site.seen().await;
    assert_eq!(other.name, v1.name);
    assert_ne!(other.fingerprint, v1.fingerprint);
}

#[tokio::test]
async fn only_the_files_that_release_json_lists_make_the_version() {
    let site = Site::new(quiet());
    let mut seen = Vec::new();
    for unlisted in ["one", "two"] {
        let _ = fs::remove_dir_all(site.target.releases.join("v1"));
        let directory = site.release("v1");
        fs::write(directory.join("release.json"), r#"{"files":["bin/app",{"path":"config"}]}"#).expect("a manifest");
        fs::write(directory.join("unlisted"), unlisted).expect("a file");
        site.switch("releases/v1");
        seen.push(site.seen().await);
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test]
async fn a_manifest_whose_list_leads_outside_is_not_used_and_that_is_told() {
    let site = Site::new(quiet());
    let directory = site.release("v1");
    fs::write(directory.join("release.json"), r#"{"files":["../../secret"]}"#).expect("a manifest");
    site.switch("releases/v1");
    let remarks = site.host.observe().await.expect("an observation").remarks;
    assert!(
        remarks[0].ends_with("release.json` has no list `files` of relative paths: all files are listed instead"),
        "{remarks:?}"
    );
}

#[tokio::test]
async fn a_directory_of_over_ten_thousand_files_is_known_by_name_and_inode_and_that_is_told() {
    let site = Site::new(quiet());
    let directory = site.release("v1");
    for number in 0..10_001 {
        symlink("x", directory.join(number.to_string())).expect("a file");
    }
    site.switch("releases/v1");
    let seen = site.host.observe().await.expect("an observation");
    assert!(
        seen.remarks[0].contains("holds over 10000 files or 1 GiB"),
        "{:?}",
        seen.remarks
    );
    fs::write(directory.join("more"), "x").expect("a file");
    assert_eq!(site.seen().await, seen.version.expect("a version"));
}

#[tokio::test]
async fn a_missing_link_is_a_moment_and_no_error() {
    let site = Site::new(quiet());
    let seen = site.host.observe().await.expect("an observation");
    assert_eq!((seen.version, seen.moved_at), (None, None));
}

#[tokio::test]
async fn b06_a_link_that_leaves_the_releases_dangles_or_is_none_is_refused_with_what_to_do() {
    let site = Site::new(quiet());
    site.release("v1");
    symlink("/etc", site.target.releases.join("v9")).expect("a way out");
    for (to, found) in [
        ("/etc", "outside of"),
        ("releases/../..", "outside of"),
        ("releases/v9", "outside of"),
        ("releases/v8", "does not exist"),
        ("releases/v1/bin", "right in there, one a version"),
        ("releases", "right in there, one a version"),
        ("current", "in a circle"),
    ] {
        site.switch(to);
        let error = refusal(&site).await;
        assert!(error.contains(found), "{to}: {error}");
    }
    fs::remove_file(&site.target.current).expect("removed");
    fs::create_dir(&site.target.current).expect("a directory in its place");
    assert!(refusal(&site).await.contains("is not a symlink; make it one"));
}

#[tokio::test]
async fn b06_a_release_to_put_back_that_became_a_link_out_is_refused() {
    let site = Site::new(quiet());
    let intent = site.bad_v2().await;
    fs::remove_dir_all(site.target.releases.join("v1")).expect("removed");
    symlink("/etc", site.target.releases.join("v1")).expect("a way out");
    let result = site.host.revert(&intent).await.expect("told");
    assert!(
        matches!(&result, lastgood::record::ActResult::Refused { found } if found.contains("releases/v1")),
        "{result:?}"
    );
    assert_eq!(site.text().to_str(), Some("releases/v2"));
    assert!(!site.beside().contains(&temporary(&intent)));
}

#[tokio::test]
async fn a_link_that_kept_its_old_time_moved_when_it_was_put_there() {
    let site = Site::new(quiet());
    site.run("v1").await;
    let before = now();
    site.release("v2");
    let aside = site.app.join("current.new");
    symlink("releases/v2", &aside).expect("a link");
    let days_ago = Timespec {
        tv_sec: before.millis() / 1000 - 3 * 24 * 3600,
        tv_nsec: 0,
    };
    let times = Timestamps {
        last_access: days_ago,
        last_modification: days_ago,
    };
    utimensat(CWD, &aside, &times, AtFlags::SYMLINK_NOFOLLOW).expect("an old time, as `rsync -a` keeps it");
    fs::rename(&aside, &site.target.current).expect("a switch");
    let seen = site.host.observe().await.expect("an observation");
    // The clock of file systems ticks a little behind.
    let moved_at = seen.moved_at.expect("a time").plus(Duration::from_millis(20));
    assert!(moved_at >= before, "{moved_at} lies before {before}");
}
