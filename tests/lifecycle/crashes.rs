//! c01: the real process is killed at each durable step, in the rollout for which the step is meant, started again, and everything
//! happens once.

mod lives;

use std::collections::BTreeSet;

use lastgood::{
    ports::crash::POINTS,
    record::{Happened, Phase, Record, TargetHistory},
    words::{Outcome, Verdict},
};

use crate::{
    rig::{LONG, Plan, Scene, failing, good, policy},
    rollouts::with_v1_proven,
};
use lives::{BAD, CLOSING, Crash, GOOD, UNHEARD, UNREADY};

/// Kills lastgood at each point of `crashes` in turn, while `version` lives its life, and starts it again at the end.
async fn live(scene: &mut Scene, version: &str, crashes: &[Crash]) -> BTreeSet<&'static str> {
    for crash in crashes {
        (crash.prepare)(scene).await;
        if !scene.runs() {
            scene.start_lastgood(&[("LASTGOOD_CRASH_AT", crash.point)]);
        }
        scene.killed(crash.point).await;
        let stored = scene.stored().await;
        let place = lives::Place {
            link: scene.points_to(),
            leftovers: scene.leftovers(),
        };
        assert!(
            (crash.died)(version, &stored, &place),
            "killed at {}, but not where it was meant: {place:?} {:#?}\nlog:\n{}",
            crash.point,
            stored.open.as_ref().or(stored.closed.last()),
            scene.log()
        );
        println!("c01: killed at {} of {version}", crash.point);
    }
    scene.start_lastgood(&[]);
    crashes.iter().map(|crash| crash.point).collect()
}

/// Waits until nothing is to be told any more, so that the next crash is one of the next rollout, and ends lastgood.
async fn quiet(scene: &mut Scene) {
    let quiet = |stored: &TargetHistory| stored.open.is_none() && stored.outbox.is_empty();
    scene.stored_as("nothing is open, nothing waits", quiet).await;
    scene.stop_lastgood().await;
}

/// Bad versions, one for each life, in one scene.
async fn bad_lives(first: usize, lives: &'static [&'static [Crash]]) -> BTreeSet<&'static str> {
    let mut scene = with_v1_proven(Plan::default()).await;
    let mut hit = BTreeSet::new();
    for (number, crashes) in lives.iter().enumerate() {
        let version = format!("bad-{}", first + number);
        quiet(&mut scene).await;
        scene.start_lastgood(&[("LASTGOOD_CRASH_AT", crashes[0].point)]);
        scene.deploy(&version, &failing(0.5)).await;
        hit.extend(live(&mut scene, &version, crashes).await);
        let record = scene.record(&version, LONG, |record| record.phase == Phase::Closed).await;
        scene.told("verified", &version).await;
        scene.nothing_is_left().await;
        reverted_once(&scene, &version, &record, crashes);
    }
    hit
}

fn reverted_once(scene: &Scene, version: &str, record: &Record, crashes: &[Crash]) {
    let points: Vec<&str> = crashes.iter().map(|crash| crash.point).collect();
    assert_eq!(record.verdict, Some(Verdict::Regression), "{points:?}: {record:#?}");
    assert_eq!(record.outcome, Some(Outcome::Verified), "{points:?}: {record:#?}");
    assert_eq!(scene.points_to(), "v1", "{points:?}");
    for (what, happened) in [
        ("seen", count(record, |what| matches!(what, Happened::Seen))),
        ("activated", count(record, |what| matches!(what, Happened::Activated))),
        ("calibrated", count(record, |what| matches!(what, Happened::Calibrated))),
        ("judged", count(record, |what| matches!(what, Happened::Judged { .. }))),
        ("intended", count(record, |what| matches!(what, Happened::Intended))),
        ("acted", count(record, |what| matches!(what, Happened::Acted { .. }))),
        (
            "reverted",
            count(record, |what| {
                matches!(
                    what,
                    Happened::Settled {
                        outcome: Outcome::Reverted
                    }
                )
            }),
        ),
        ("closed", count(record, |what| matches!(what, Happened::Closed))),
    ] {
        assert_eq!(happened, 1, "{points:?}: {what}: {record:#?}");
    }
    for kind in ["reverted", "verified"] {
        told_once(scene, kind, version, &points);
    }
}

fn count(record: &Record, wanted: fn(&Happened) -> bool) -> usize {
    record.timeline.iter().filter(|entry| wanted(&entry.what)).count()
}

/// One alert of this kind. A crash after it was sent and before that was stored sends it once more, under the same id.
fn told_once(scene: &Scene, kind: &str, version: &str, points: &[&str]) {
    let ids = scene.ids(kind, version);
    let again = points
        .iter()
        .filter(|point| matches!(**point, "alert.after" | "delivered.before"))
        .count();
    let logical: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(logical.len(), 1, "{points:?}: `{kind}` of {version}: {ids:?}");
    assert!(ids.len() <= 1 + again, "{points:?}: `{kind}` of {version}: {ids:?}");
}

/// The next release is watched so.
fn watched(scene: &Scene, watch: &'static str) {
    let plan = Plan {
        watch,
        ..scene.plan().clone()
    };
    scene.write_policy(&policy(scene.root(), &plan, &scene.service.activate_command()));
}

async fn good_life() -> BTreeSet<&'static str> {
    let mut scene = with_v1_proven(Plan {
        errors: 0.02,
        harmful: 20,
        ..Plan::default()
    })
    .await;
    let behavior = good(scene.plan());
    quiet(&mut scene).await;
    watched(&scene, "{for: 3m, proveAfter: 35s}");
    scene.start_lastgood(&[("LASTGOOD_CRASH_AT", GOOD[0].point)]);
    scene.deploy("v2", &behavior).await;
    let hit = live(&mut scene, "v2", GOOD).await;
    scene.told("proven", "v2").await;
    let record = scene.record("v2", LONG, |record| record.fault.is_none()).await;
    assert_eq!(record.verdict, Some(Verdict::Healthy), "{record:#?}");
    assert_eq!(scene.points_to(), "v2");
    let points: Vec<&str> = hit.iter().copied().collect();
    told_once(&scene, "proven", "v2", &points);
    hit
}

/// What is durable beside a rollout: whether lastgood is ready, an endpoint that is down, a person's word; and then the end of one.
async fn beside_a_rollout() -> BTreeSet<&'static str> {
    let mut scene = with_v1_proven(Plan {
        errors: 0.02,
        harmful: 20,
        hook_down: true,
        ..Plan::default()
    })
    .await;
    let mut hit = BTreeSet::new();
    scene.stop_lastgood().await;
    hit.extend(live(&mut scene, "v1", UNHEARD).await);
    scene.hook.open();
    scene.told("proven", "v1").await;
    told_once(&scene, "proven", "v1", &["postponed.after"]);
    quiet(&mut scene).await;
    scene.prometheus.kill();
    hit.extend(live(&mut scene, "v1", UNREADY).await);
    scene
        .until("told that it is not ready", LONG, |scene| {
            scene.alerted().iter().any(|(kind, _)| kind == "not_ready").then_some(())
        })
        .await;
    let not_ready: BTreeSet<String> = scene
        .hook
        .received()
        .iter()
        .filter(|alert| alert["alert"]["kind"] == "not_ready")
        .map(|alert| alert["id"].to_string())
        .collect();
    assert_eq!(not_ready.len(), 1, "{not_ready:?}");
    for (number, point) in ["word.before", "word.after"].into_iter().enumerate() {
        quiet(&mut scene).await;
        scene.start_lastgood(&[("LASTGOOD_CRASH_AT", point)]);
        scene.until("a desk", LONG, |scene| scene.desk()).await;
        let said = scene.command(&["freeze", "app", "--reason", "a migration"]).await;
        assert!(!said.status.success(), "nobody answers: {said:?}");
        scene.killed(point).await;
        assert_eq!(scene.stored().await.off.is_some(), number == 1, "{point}");
        hit.insert(point);
    }
    quiet(&mut scene).await;
    scene.prometheus.restart().await.expect("Prometheus");
    // As long as is waited for anything: on a busy machine data are whole late.
    watched(&scene, "{for: 90s, proveAfter: 6s}");
    scene.start_lastgood(&[]);
    scene.deploy("v2", &good(scene.plan())).await;
    scene.told("proven", "v2").await;
    scene.stop_lastgood().await;
    scene.start_lastgood(&[("LASTGOOD_CRASH_AT", CLOSING[0].point)]);
    hit.extend(live(&mut scene, "v2", CLOSING).await);
    let record = scene.record("v2", LONG, |record| record.phase == Phase::Closed).await;
    assert_eq!(count(&record, |what| matches!(what, Happened::Closed)), 1, "{record:#?}");
    assert_eq!(scene.points_to(), "v2");
    hit
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn c01_killed_at_each_durable_step_everything_happens_once() {
    let mut scenes = tokio::task::JoinSet::new();
    let share = BAD.len().div_ceil(3);
    for (number, lives) in BAD.chunks(share).enumerate() {
        scenes.spawn(bad_lives(number * share, lives));
    }
    scenes.spawn(good_life());
    scenes.spawn(beside_a_rollout());
    let mut hit = BTreeSet::new();
    while let Some(ended) = scenes.join_next().await {
        hit.extend(ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())));
    }
    let missed: Vec<_> = POINTS.iter().filter(|point| !hit.contains(*point)).collect();
    assert!(missed.is_empty(), "never hit: {missed:?}");
}
