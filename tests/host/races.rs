//! A person and lastgood at the same time (B05), and a reader who never finds the link missing (B02).

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use lastgood::{ports::Platform, record::ActResult};

use crate::rig::{Site, applied, intent, quiet};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b02_a_hundred_thousand_readers_during_reverts_never_find_the_link_missing() {
    const READS: usize = 100_000;
    const REVERTS: usize = 10;
    let site = Site::new(quiet());
    let there = site.bad_v2().await;
    let back = intent(2, &there.to, &there.from);
    let (read, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let reader = {
        let (current, read, done) = (site.target.current.clone(), Arc::clone(&read), Arc::clone(&done));
        thread::spawn(move || -> io::Result<()> {
            while !done.load(Ordering::Relaxed) {
                fs::read_link(&current)?;
                read.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        })
    };
    let mut reverts = 0;
    while (read.load(Ordering::Relaxed) < READS || reverts < REVERTS) && !reader.is_finished() {
        applied(&site.host.revert(&there).await.expect("told"));
        applied(&site.host.revert(&back).await.expect("told"));
        reverts += 2;
    }
    done.store(true, Ordering::Relaxed);
    reader.join().expect("the reader").expect("always a link");
    assert!(reverts >= REVERTS, "{reverts} reverts while it read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b05_a_person_who_switches_at_the_same_time_always_wins() {
    const RACES: usize = 300;
    let site = Site::new(quiet());
    let bad = site.bad_v2().await;
    site.run("v3").await;
    let mut won = [0; 2];
    for race in 0..RACES {
        site.switch("releases/v2");
        let (current, aside) = (site.target.current.clone(), site.app.join("current.new"));
        // A spin of another length each time moves the switch over all of the revert.
        let person = thread::spawn(move || {
            for _ in 0..race * 40 {
                std::hint::spin_loop();
                thread::yield_now();
            }
            symlink("releases/v3", &aside).expect("a link");
            fs::rename(&aside, &current).expect("a switch");
        });
        let result = site.host.revert(&bad).await.expect("told");
        person.join().expect("the person");
        assert_eq!(site.text(), Path::new("releases/v3"), "race {race}: {result:?}");
        match result {
            ActResult::Applied { .. } => won[0] += 1,
            ActResult::Superseded { .. } => won[1] += 1,
            other => panic!("race {race}: {other:?}"),
        }
        assert_eq!(site.beside(), ["current", "releases"]);
    }
    eprintln!(
        "b05: of {RACES} races lastgood was first in {} and the person in {}",
        won[0], won[1]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b05_a_person_who_switches_again_and_again_keeps_the_newest_change() {
    const RACES: usize = 60;
    let site = Site::new(quiet());
    let bad = site.bad_v2().await;
    site.run("v3").await;
    site.run("v4").await;
    for race in 0..RACES {
        site.switch("releases/v2");
        let (current, aside) = (site.target.current.clone(), site.app.join("current.new"));
        let person = thread::spawn(move || {
            for turn in 0..=200 {
                let to = if turn % 2 == 0 { "releases/v3" } else { "releases/v4" };
                symlink(to, &aside).expect("a link");
                fs::rename(&aside, &current).expect("a switch");
            }
            symlink("releases/v4", &aside).expect("a link");
            fs::rename(&aside, &current).expect("a switch");
        });
        let result = site.host.revert(&bad).await.expect("told");
        person.join().expect("the person");
        assert_eq!(site.text(), Path::new("releases/v4"), "race {race}: {result:?}");
    }
}
