//! A crash between any two steps of a revert, and what the next process finds and does (B01).

use std::{fs, os::unix::fs::symlink, path::Path};

use lastgood::{engine::Look, ports::Platform, record::Intent};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::rig::{Site, applied, quiet, shell, temporary};

/// The first step of a revert: the new link beside `current`.
fn prepare(site: &Site, intent: &Intent) {
    symlink("releases/v1", site.app.join(temporary(intent))).expect("a link");
}

/// The second one: the exchange.
fn exchange(site: &Site, intent: &Intent) {
    renameat_with(
        CWD,
        site.app.join(temporary(intent)),
        CWD,
        &site.target.current,
        RenameFlags::EXCHANGE,
    )
    .expect("an exchange");
}

#[tokio::test]
async fn b01_a_crash_after_the_link_was_prepared_has_begun_nothing() {
    let site = Site::new(quiet());
    let intent = site.bad_v2().await;
    prepare(&site, &intent);
    let host = site.restarted();
    assert_eq!(host.look(&intent).await, Ok(Look::NotBegun));
    assert_eq!(site.beside(), ["current", "releases"]);
    applied(&host.revert(&intent).await.expect("told"));
    assert_eq!(site.text(), Path::new("releases/v1"));
}

#[tokio::test]
async fn b01_a_crash_after_the_exchange_has_moved_and_is_only_activated() {
    let site = Site::new(shell("echo once >> activations"));
    let intent = site.bad_v2().await;
    prepare(&site, &intent);
    exchange(&site, &intent);
    let host = site.restarted();
    let look = host.look(&intent).await;
    let moved_at = host.observe().await.expect("an observation").moved_at.expect("a time");
    assert_eq!(look, Ok(Look::Moved { moved_at }));
    assert_eq!(site.beside(), ["current", "releases"]);
    applied(&host.activate(&intent).await);
    assert_eq!(site.seen().await, intent.to);
    assert_eq!(fs::read_to_string(site.app.join("activations")).expect("a file"), "once\n");
}

#[tokio::test]
async fn b01_a_crash_after_the_leftover_was_removed_has_moved() {
    let site = Site::new(quiet());
    let intent = site.bad_v2().await;
    prepare(&site, &intent);
    exchange(&site, &intent);
    fs::remove_file(site.app.join(temporary(&intent))).expect("removed");
    assert!(matches!(site.restarted().look(&intent).await, Ok(Look::Moved { .. })));
}

#[tokio::test]
async fn b01_a_persons_change_that_came_out_before_the_crash_goes_back_in() {
    let site = Site::new(quiet());
    let intent = site.bad_v2().await;
    prepare(&site, &intent);
    let v3 = site.run("v3").await;
    exchange(&site, &intent);
    assert_eq!(site.text(), Path::new("releases/v1"));
    assert_eq!(site.restarted().look(&intent).await, Ok(Look::Other { runs: Some(v3) }));
    assert_eq!(site.text(), Path::new("releases/v3"));
    assert_eq!(site.beside(), ["current", "releases"]);
}

#[tokio::test]
async fn b01_leftovers_of_older_reverts_are_removed_and_nothing_else_is() {
    let site = Site::new(quiet());
    let intent = site.bad_v2().await;
    symlink("releases/v2", site.app.join(".current.lastgood-old")).expect("a leftover");
    symlink("releases/v2", site.app.join(".current.mine")).expect("a link of a person");
    symlink("releases/v2", site.app.join(".other.lastgood-x")).expect("a leftover of another service");
    applied(&site.host.revert(&intent).await.expect("told"));
    assert_eq!(site.beside(), [".current.mine", ".other.lastgood-x", "current", "releases"]);
}

#[tokio::test]
async fn b01_the_bad_version_put_there_again_after_the_intent_is_not_what_was_judged() {
    let site = Site::new(quiet());
    let intent = site.bad_v2().await;
    tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    site.switch("releases/v2");
    let runs = Some(intent.from.clone());
    assert_eq!(site.restarted().look(&intent).await, Ok(Look::Other { runs }));
    assert_eq!(site.text(), Path::new("releases/v2"));
}
