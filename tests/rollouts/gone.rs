//! A workload that is deleted while its release is judged, and made again.

use lastgood::{
    record::{Phase, RolloutKind},
    words::{Outcome, Standing},
};

use crate::{
    plane::skipped,
    scene::{Scene, behaves, workload},
};

pub async fn k11_a_deployment_deleted_in_mid_watch_ends_its_rollout_and_keeps_what_is_known() {
    let Some(scene) = Scene::set("Deployment", "deletion").await else {
        return skipped("gone::k11_a_deployment_deleted_in_mid_watch_ends_its_rollout_and_keeps_what_is_known");
    };
    scene.ships("v2", &behaves(0.005, 0.010)).await;
    let watched = scene
        .record("v2", "v2 is watched", |record| matches!(record.phase, Phase::Watching { .. }))
        .await;
    scene
        .plane
        .kubectl(scene.namespace, &["delete", "deployment", "shop", "--wait"])
        .await;
    let gone = scene.closed("v2").await;
    assert_eq!((gone.id, gone.outcome), (watched.id, Some(Outcome::Gone)), "{}", scene.log());
    let said = scene.command(&["explain", "shop"]);
    assert!(said.contains("its workload was deleted, or made again"), "{said}");
    let mut again = workload("Deployment", scene.namespace);
    again["spec"]["template"]["spec"]["containers"][0]["image"] = format!("{}/shop:v2", scene.namespace).into();
    scene.plane.apply(scene.namespace, &[again]).await;
    let judged = scene
        .record("v2", "it is judged from the beginning", |record| {
            record.id != watched.id && record.kind == RolloutKind::Release && matches!(record.phase, Phase::Watching { .. })
        })
        .await;
    assert_eq!(judged.baseline.expect("v1 is remembered").0.name.as_str(), "v1");
    assert_eq!(scene.standing("v2").await, Some(Standing::Unproven));
}
