//! That a switch is noticed, whoever makes it and however, and that nothing else is.

use std::{fs, process::Command, time::Duration};

use lastgood::ports::Platform;
use tokio::time::timeout;

use crate::rig::{Site, applied, quiet};

/// Far below the ten seconds of the slow look.
const SOON: Duration = Duration::from_secs(5);

/// A service at v1 whose doorbell has rung the first time.
async fn listening() -> Site {
    let site = Site::new(quiet());
    site.run("v1").await;
    site.release("v2");
    timeout(SOON, site.host.changed())
        .await
        .expect("it rings at once when it is armed");
    site
}

#[tokio::test]
async fn a_script_that_switches_with_ln_is_noticed() {
    let site = listening().await;
    let switched = Command::new("ln")
        .args(["-sfn", "releases/v2"])
        .arg(&site.target.current)
        .status()
        .expect("ln");
    assert!(switched.success());
    timeout(SOON, site.host.changed()).await.expect("noticed");
    assert_eq!(site.seen().await.name.as_str(), "v2");
}

#[tokio::test]
async fn a_link_that_is_removed_and_made_again_is_noticed_and_missing_meanwhile() {
    let site = listening().await;
    fs::remove_file(&site.target.current).expect("removed");
    timeout(SOON, site.host.changed()).await.expect("noticed");
    assert_eq!(site.host.observe().await.expect("an observation").version, None);
    std::os::unix::fs::symlink("releases/v2", &site.target.current).expect("a link");
    timeout(SOON, site.host.changed()).await.expect("noticed");
    assert_eq!(site.seen().await.name.as_str(), "v2");
}

#[tokio::test]
async fn a_rename_over_the_link_and_an_exchange_are_noticed() {
    let site = listening().await;
    site.switch("releases/v2");
    timeout(SOON, site.host.changed()).await.expect("noticed");
    let v2 = site.seen().await;
    site.switch("releases/v1");
    timeout(SOON, site.host.changed()).await.expect("noticed");
    let v1 = site.seen().await;
    applied(&site.host.revert(&crate::rig::intent(1, &v1, &v2)).await.expect("told"));
    timeout(SOON, site.host.changed()).await.expect("noticed");
}

#[tokio::test]
async fn what_else_happens_beside_the_link_rings_nothing() {
    let site = listening().await;
    fs::write(site.app.join("notes"), "x").expect("a file");
    fs::rename(site.app.join("notes"), site.app.join("current.bak")).expect("renamed");
    fs::create_dir(site.target.releases.join(".incoming-v3")).expect("a release under way");
    let rung = timeout(Duration::from_millis(300), site.host.changed()).await;
    assert!(rung.is_err(), "no event is of the link");
    site.switch("releases/v2");
    timeout(SOON, site.host.changed()).await.expect("the giving up lost no event");
}

#[tokio::test]
async fn a_directory_that_is_moved_away_and_replaced_is_watched_again() {
    let site = listening().await;
    let aside = site.app.with_extension("aside");
    fs::rename(&site.app, &aside).expect("moved away");
    timeout(SOON, site.host.changed()).await.expect("noticed");
    fs::rename(&aside, &site.app).expect("moved back");
    // Not there when it was to be armed again: the slow look finds it.
    timeout(Duration::from_secs(15), site.host.changed())
        .await
        .expect("the slow look");
    site.switch("releases/v2");
    timeout(SOON, site.host.changed()).await.expect("noticed");
}
