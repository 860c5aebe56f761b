//! What people do in the middle of it, and that they win.

use std::{process::Command, time::Duration};

use lastgood::{
    ports::{Command as Word, Desk},
    record::{Phase, RolloutKind},
    words::{Outcome, Standing, Verdict},
};

use crate::{
    rig::{Plan, Scene, failing, good, lastgood},
    rollouts::with_v1_proven,
};

const LONG: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_ships_v3_over_a_bad_v2_wins() {
    // So little evidence that v2 is still being judged when v3 comes.
    let scene = with_v1_proven(Plan {
        rate: 4.0,
        errors: 0.05,
        ..Plan::default()
    })
    .await;
    scene.deploy("v2", &failing(0.12)).await;
    scene
        .record("v2", LONG, |record| matches!(record.phase, Phase::Watching { .. }))
        .await;
    scene.deploy("v3", &failing(0.05)).await;
    let third = scene
        .record("v3", LONG, |record| matches!(record.phase, Phase::Watching { .. }))
        .await;
    let second = scene.record("v2", LONG, |record| record.phase == Phase::Closed).await;
    assert_eq!(second.outcome, Some(Outcome::Superseded), "{second:#?}");
    assert_eq!(
        third.baseline.map(|(version, _)| version.name.to_string()),
        Some("v1".to_owned())
    );
    assert_eq!(scene.releases.points_to().expect("a link"), "v3");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bad_version_shipped_again_is_announced_and_not_fought_over() {
    let scene = with_v1_proven(Plan::default()).await;
    scene.deploy("v2", &failing(0.3)).await;
    scene
        .record("v2", LONG, |record| record.outcome == Some(Outcome::Verified))
        .await;
    scene.releases.switch("v2").expect("switched");
    scene.service.activate().await.expect("activated");
    scene
        .record("v2", LONG, |record| {
            record.kind == RolloutKind::Return && record.outcome == Some(Outcome::Contested)
        })
        .await;
    assert_eq!(
        scene.releases.points_to().expect("a link"),
        "v2",
        "a person's word is not fought"
    );
    scene.told("contested", "v2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_that_switches_with_ln_sfn_is_one_rollout() {
    let scene = with_v1_proven(Plan::default()).await;
    let plan = Plan::default();
    scene.releases.publish("v2", &good(&plan)).expect("published");
    let status = Command::new("ln")
        .args(["-sfn", "releases/v2", "current"])
        .current_dir(scene.root())
        .status()
        .expect("ln");
    assert!(status.success());
    scene.service.activate().await.expect("activated");
    scene
        .record("v2", LONG, |record| matches!(record.phase, Phase::Watching { .. }))
        .await;
    assert_eq!(scene.records().await.len(), 2, "first sight and v2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_writes_into_its_own_directory_stays_itself() {
    let mut scene = with_v1_proven(Plan::default()).await;
    let plan = Plan::default();
    scene
        .deploy(
            "v2",
            &lastgood::demo::Behavior {
                writes: true,
                ..good(&plan)
            },
        )
        .await;
    scene
        .record("v2", LONG, |record| matches!(record.phase, Phase::Watching { .. }))
        .await;
    scene.kill_lastgood();
    scene.start_lastgood(&[]);
    crate::rollouts::until_standing(&mut scene, "v2", Standing::Proven).await;
    assert_eq!(
        scene.records().await.len(),
        2,
        "first sight and v2, before the restart and after it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposed_revert_waits_for_a_person() {
    let scene = with_v1_proven(Plan {
        mode: "propose",
        ..Plan::default()
    })
    .await;
    scene.deploy("v2", &failing(0.3)).await;
    let record = scene
        .record("v2", LONG, |record| matches!(record.phase, Phase::AwaitingApproval { .. }))
        .await;
    assert_eq!(scene.releases.points_to().expect("a link"), "v2");
    let output = command(&scene, &["approve", &record.id.to_string()]);
    assert!(output.status.success(), "{output:?}");
    let record = scene.record("v2", LONG, |record| record.phase == Phase::Closed).await;
    assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}");
    assert!(record.intent.and_then(|intent| intent.approved_by).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_means_told_and_not_touched() {
    let scene = with_v1_proven(Plan::default()).await;
    let frozen = scene
        .desk()
        .expect("a desk")
        .act(Word::Freeze {
            target: None,
            reason: "a migration".to_owned(),
        })
        .await;
    assert!(frozen.is_ok(), "{frozen:?}");
    scene.deploy("v2", &failing(0.3)).await;
    let record = scene.record("v2", LONG, |record| record.phase == Phase::Closed).await;
    assert_eq!(
        (record.verdict, record.outcome),
        (Some(Verdict::Regression), Some(Outcome::Refused))
    );
    let text = lastgood::explain::text(&record, lastgood::explain::Language::En);
    assert!(text.contains("a migration"), "{text}");
    assert_eq!(scene.releases.points_to().expect("a link"), "v2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_that_waits_is_told_by_the_exit_code() {
    let scene = with_v1_proven(Plan::default()).await;
    scene.deploy("v2", &failing(0.3)).await;
    let output = command(&scene, &["wait", "app", "--to", "v2", "--timeout", "60s"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let output = command(&scene, &["wait", "app", "--to", "v9", "--timeout", "1s"]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let output = command(&scene, &["wait", "nobody", "--timeout", "1s"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

fn command(scene: &Scene, arguments: &[&str]) -> std::process::Output {
    Command::new(lastgood())
        .args(arguments)
        .arg("--config")
        .arg(scene.settings())
        .output()
        .expect("lastgood")
}
