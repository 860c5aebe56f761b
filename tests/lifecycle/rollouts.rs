//! What lastgood does with good, bad and invisible releases.

use std::time::Duration;

use futures::FutureExt as _;
use lastgood::{
    record::{Phase, Record, RolloutKind},
    words::{Outcome, Standing, Verdict},
};

use crate::{
    operation::ended_in_mid_watch_it_goes_on_with_the_same_evidence,
    rig::{LONG, Plan, Scene, failing, good, together},
};

/// The scene after v1 was seen, soaked and proven.
pub async fn with_v1_proven(plan: Plan) -> Scene {
    let mut scene = Scene::set(plan).await;
    scene.start_lastgood(&[]);
    let proven = scene.record("v1", LONG, |record| record.phase == Phase::Closed).await;
    assert_eq!(proven.kind, RolloutKind::FirstSight);
    standing(&scene, "v1", Standing::Proven).await;
    scene
}

/// Checks that `version` runs, with this standing.
pub async fn standing(scene: &Scene, version: &str, standing: Standing) {
    let runs = scene.status().await.and_then(|status| status.runs).expect("something runs");
    assert_eq!((runs.version.name.as_str(), runs.standing), (version, standing));
}

/// Whether a step of the watch was stored: then it is in the middle of it.
pub fn in_mid_watch(record: &Record) -> bool {
    matches!(record.phase, Phase::Watching { .. }) && record.evidence.as_ref().is_some_and(|evidence| evidence.used > 0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn bad_releases_are_reverted_and_good_ones_are_not() {
    together([
        ("no error before", after_a_baseline_without_a_single_error().boxed()),
        (
            "little history",
            with_ten_seconds_of_history_a_bad_release_is_reverted().boxed(),
        ),
    ])
    .await;
}

async fn after_a_baseline_without_a_single_error() {
    let mut scene = with_v1_proven(Plan {
        errors: 0.0,
        watch: "{for: 20s, proveAfter: 8s}",
        ..Plan::default()
    })
    .await;
    let plan = scene.plan().clone();
    scene.deploy("v2", &failing(0.2)).await;
    let second = scene.record("v2", LONG, |record| record.phase == Phase::Closed).await;
    assert_eq!(second.outcome, Some(Outcome::Verified), "{second:#?}");
    scene.deploy("v3", &good(&plan)).await;
    scene.told("proven", "v3").await;
    standing(&scene, "v3", Standing::Proven).await;
    let last_good = scene.status().await.and_then(|status| status.last_good);
    assert_eq!(last_good.expect("a last good version").version.name.as_str(), "v3");
}

async fn with_ten_seconds_of_history_a_bad_release_is_reverted() {
    let mut scene = Scene::set(Plan {
        watch: "{for: 40s, proveAfter: 30s}",
        ..Plan::default()
    })
    .await;
    scene.start_lastgood(&[]);
    scene.record("v1", LONG, in_mid_watch).await;
    scene.deploy("v2", &failing(0.9)).await;
    let record = scene.record("v2", LONG, |record| record.phase == Phase::Closed).await;
    assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}");
    let (version, standing) = record.baseline.expect("something to go back to");
    assert_eq!((version.name.as_str(), standing), ("v1", Standing::Assumed));
    assert_eq!(scene.points_to(), "v1");
}

/// The main job, told to its end.
pub async fn a_bad_release_is_reverted_verified_and_explained() {
    let mut scene = with_v1_proven(Plan::default()).await;
    scene.deploy("v2", &failing(0.3)).await;
    let record = scene.record("v2", LONG, |record| record.phase == Phase::Closed).await;
    assert_eq!(record.verdict, Some(Verdict::Regression), "{record:#?}");
    assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}");
    assert_eq!(scene.points_to(), "v1");
    assert!(
        record.decided_after().is_some_and(|after| after < Duration::from_secs(30)),
        "{record:#?}"
    );
    let text = lastgood::explain::text(&record, lastgood::explain::Language::En);
    for said in ["v2", "v1", "quarantined", "http_requests_total"] {
        assert!(text.contains(said), "`{said}` is not said:\n{text}");
    }
    scene.told("reverted", "v2").await;
    let alerts = scene.hook.received();
    let reverted = alerts.iter().find(|alert| alert["alert"]["kind"] == "reverted");
    let said = reverted.and_then(|alert| alert["text"].as_str()).unwrap_or_default();
    assert!(said.contains("lastgood release allow app v2"), "what to type:\n{said}");
    scene.told("verified", "v2").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn p13_a_prometheus_or_a_lastgood_that_is_away_in_mid_watch_convicts_nobody() {
    together([
        (
            "Prometheus dies",
            prometheus_that_dies_in_mid_watch_convicts_nobody_and_the_next_rollout_is_judged().boxed(),
        ),
        (
            "lastgood is ended",
            ended_in_mid_watch_it_goes_on_with_the_same_evidence().boxed(),
        ),
    ])
    .await;
}

async fn prometheus_that_dies_in_mid_watch_convicts_nobody_and_the_next_rollout_is_judged() {
    let mut scene = with_v1_proven(Plan {
        watch: "{for: 16s, proveAfter: 8s}",
        errors: 0.05,
        rate: 8.0,
        ..Plan::default()
    })
    .await;
    let plan = scene.plan().clone();
    scene.deploy("v2", &good(&plan)).await;
    scene.record("v2", LONG, in_mid_watch).await;
    scene.prometheus.kill();
    let record = scene.record("v2", LONG, |record| record.phase == Phase::Closed).await;
    assert_eq!(record.verdict, Some(Verdict::Blind), "{record:#?}");
    assert_eq!(scene.points_to(), "v2");
    assert!(!record.fault.expect("why it was blind").because.is_empty());
    scene.told("blind", "v2").await;
    assert!(scene.runs());
    scene.prometheus.restart().await.expect("Prometheus");
    scene.prometheus.scraped().await.expect("scrapes again");
    scene.deploy("v3", &failing(0.9)).await;
    let record = scene.record("v3", LONG, |record| record.phase == Phase::Closed).await;
    assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}");
    let known_by = record.activation.expect("an activation").known_by;
    assert_eq!(known_by, "process_start_time", "the search for the process began anew");
}
