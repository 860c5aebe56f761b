//! What keeps lastgood from acting, said every time.

use futures::FutureExt as _;
use lastgood::{
    ports::{Command as Word, Desk},
    record::Phase,
    words::{Outcome, Verdict},
};

use crate::{
    rig::{LONG, Plan, Scene, failing, together},
    rollouts::with_v1_proven,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_guard_keeps_lastgood_from_acting_and_it_is_said() {
    together([
        ("observe", observe_judges_and_tells_and_touches_nothing().boxed()),
        ("frozen", frozen_means_told_and_not_touched().boxed()),
        ("propose", a_proposed_revert_waits_for_a_person().boxed()),
        ("budget", a_budget_that_is_spent_stays_spent_after_a_restart().boxed()),
    ])
    .await;
}

/// A bad v2 was told of and is left in place.
async fn told_and_not_touched(scene: &mut Scene) -> lastgood::record::Record {
    scene.deploy("v2", &failing(0.3)).await;
    let record = scene.record("v2", LONG, |record| record.phase == Phase::Closed).await;
    assert_eq!(
        (record.verdict, record.outcome),
        (Some(Verdict::Regression), Some(Outcome::Refused)),
        "{record:#?}"
    );
    assert_eq!(scene.points_to(), "v2");
    scene.told("refused", "v2").await;
    record
}

async fn observe_judges_and_tells_and_touches_nothing() {
    let mut scene = with_v1_proven(Plan {
        mode: "observe",
        ..Plan::default()
    })
    .await;
    told_and_not_touched(&mut scene).await;
}

async fn frozen_means_told_and_not_touched() {
    let mut scene = with_v1_proven(Plan::default()).await;
    let freeze = Word::Freeze {
        target: None,
        reason: "a migration".to_owned(),
    };
    scene.desk().expect("a desk").act(freeze).await.expect("frozen");
    let record = told_and_not_touched(&mut scene).await;
    let text = lastgood::explain::text(&record, lastgood::explain::Language::En);
    assert!(text.contains("a migration"), "{text}");
}

async fn a_proposed_revert_waits_for_a_person() {
    let mut scene = with_v1_proven(Plan {
        mode: "propose",
        ..Plan::default()
    })
    .await;
    scene.deploy("v2", &failing(0.3)).await;
    let record = scene
        .record("v2", LONG, |record| matches!(record.phase, Phase::AwaitingApproval { .. }))
        .await;
    assert_eq!(scene.points_to(), "v2");
    scene.told("proposed", "v2").await;
    let output = scene.command(&["approve", &record.id.to_string()]).await;
    assert!(output.status.success(), "{output:?}");
    let record = scene.record("v2", LONG, |record| record.phase == Phase::Closed).await;
    assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}");
    assert!(record.intent.and_then(|intent| intent.approved_by).is_some());
    assert_eq!(scene.points_to(), "v1");
}

async fn a_budget_that_is_spent_stays_spent_after_a_restart() {
    let mut scene = with_v1_proven(Plan {
        reverts_per_hour: 1,
        ..Plan::default()
    })
    .await;
    scene.deploy("v2", &failing(0.3)).await;
    scene
        .record("v2", LONG, |record| record.outcome == Some(Outcome::Verified))
        .await;
    scene.kill_lastgood();
    scene.start_lastgood(&[]);
    scene.deploy("v3", &failing(0.4)).await;
    let record = scene.record("v3", LONG, |record| record.phase == Phase::Closed).await;
    assert_eq!(record.outcome, Some(Outcome::Refused), "{record:#?}");
    assert_eq!(scene.points_to(), "v3", "no budget, no revert");
    scene.told("refused", "v3").await;
}
