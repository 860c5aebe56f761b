//! What lastgood does with good, bad and invisible releases.

use std::time::Duration;

use lastgood::{
    record::{Phase, RolloutKind},
    words::{Outcome, Standing, Verdict},
};

use crate::rig::{Plan, Scene, failing, good};

const LONG: Duration = Duration::from_secs(90);

/// The scene after v1 was seen, soaked and proven.
pub async fn with_v1_proven(plan: Plan) -> Scene {
    let mut scene = Scene::set(plan).await;
    scene.start_lastgood(&[]);
    scene
        .record("v1", LONG, |record| record.kind == RolloutKind::FirstSight)
        .await;
    until_standing(&mut scene, "v1", Standing::Proven).await;
    scene
}

/// Waits until the version that runs is `version`, with this standing.
pub async fn until_standing(scene: &mut Scene, version: &str, standing: Standing) {
    let deadline = std::time::Duration::from_secs(120);
    let mut left = deadline.as_millis() / 200;
    loop {
        let runs = scene.status().await.and_then(|status| status.runs);
        if runs
            .as_ref()
            .is_some_and(|runs| runs.version.name.as_str() == version && runs.standing == standing)
        {
            return;
        }
        left -= 1;
        assert!(
            left > 0,
            "{version} is not {standing} within {deadline:?}: {runs:?}\nlog:\n{}",
            scene.log()
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_release_is_reverted_verified_and_explained() {
    let scene = with_v1_proven(Plan::default()).await;
    scene.deploy("v2", &failing(0.3)).await;
    let record = scene.record("v2", LONG, |record| record.phase == Phase::Closed).await;
    assert_eq!(record.verdict, Some(Verdict::Regression), "{record:#?}");
    assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}");
    assert_eq!(scene.releases.points_to().expect("a link"), "v1");
    assert!(
        record.decided_after().is_some_and(|after| after < Duration::from_secs(30)),
        "{record:#?}"
    );
    let text = lastgood::explain::text(&record, lastgood::explain::Language::En);
    for said in ["v2", "v1", "release allow", "http_requests_total"] {
        assert!(text.contains(said), "`{said}` is not said:\n{text}");
    }
    scene.told("reverted", "v2").await;
    scene.told("verified", "v2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_release_becomes_the_last_good_one() {
    let mut scene = with_v1_proven(Plan::default()).await;
    let plan = Plan::default();
    scene.deploy("v2", &good(&plan)).await;
    until_standing(&mut scene, "v2", Standing::Proven).await;
    let status = scene.status().await.expect("a status");
    let last_good = status.last_good.expect("a last good version");
    assert_eq!(last_good.version.name.as_str(), "v2");
    assert!(
        scene.alerted().iter().all(|(kind, _)| kind != "reverted"),
        "{:?}",
        scene.alerted()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn p13_prometheus_that_dies_in_mid_watch_convicts_nobody() {
    let mut scene = with_v1_proven(Plan {
        watch: "{for: 20s, proveAfter: 10s}",
        ..Plan::default()
    })
    .await;
    let plan = Plan::default();
    scene.prometheus.kill();
    scene.deploy("v2", &good(&plan)).await;
    let record = scene.record("v2", LONG * 2, |record| record.phase == Phase::Closed).await;
    assert_eq!(record.verdict, Some(Verdict::Blind), "{record:#?}");
    assert_eq!(scene.releases.points_to().expect("a link"), "v2");
    let fault = record.fault.expect("why it was blind");
    assert!(!fault.because.is_empty());
    scene.told("blind", "v2").await;
    assert!(scene.runs());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_bad_releases_within_an_hour_find_the_budget_spent() {
    let scene = with_v1_proven(Plan {
        reverts_per_hour: 1,
        ..Plan::default()
    })
    .await;
    scene.deploy("v2", &failing(0.3)).await;
    scene
        .record("v2", LONG, |record| record.outcome == Some(Outcome::Verified))
        .await;
    scene.deploy("v3", &failing(0.4)).await;
    let record = scene.record("v3", LONG, |record| record.phase == Phase::Closed).await;
    assert_eq!(record.outcome, Some(Outcome::Refused), "{record:#?}");
    assert_eq!(scene.releases.points_to().expect("a link"), "v3", "no budget, no revert");
    scene.told("refused", "v3").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn observe_judges_and_tells_and_touches_nothing() {
    let scene = with_v1_proven(Plan {
        mode: "observe",
        ..Plan::default()
    })
    .await;
    scene.deploy("v2", &failing(0.3)).await;
    let record = scene.record("v2", LONG, |record| record.phase == Phase::Closed).await;
    assert_eq!(
        (record.verdict, record.outcome),
        (Some(Verdict::Regression), Some(Outcome::Refused)),
        "{record:#?}"
    );
    assert_eq!(scene.releases.points_to().expect("a link"), "v2");
}
