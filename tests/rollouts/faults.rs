//! The API server goes away in the middle of a rollout, and loses the answer to the revert when it is back.

use lastgood::words::{Outcome, Verdict};
use reqwest::Method;

use crate::{
    plane::skipped,
    proxy::Fault,
    scene::{Scene, Staging, behaves},
    written::template_changes_in,
};

pub async fn k07_k08_metrics_are_judged_while_the_api_server_is_away_and_a_revert_whose_answer_is_lost_is_made_once() {
    let staging = Staging {
        proxied: true,
        ..Staging::default()
    };
    let Some(scene) = Scene::staged("Deployment", "away", staging).await else {
        return skipped(
            "faults::k07_k08_metrics_are_judged_while_the_api_server_is_away_and_a_revert_whose_answer_is_lost_is_made_once",
        );
    };
    let proxy = scene.proxy.as_ref().expect("a proxy");
    scene.ships("v2", &behaves(0.30, 0.010)).await;
    scene
        .record("v2", "two of its pods are known", |record| {
            record.plan.is_some() && record.ready.is_some_and(|pods| pods.ready == 2)
        })
        .await;
    proxy.swallows(true);
    // What lastgood cannot see would go on: then most pods that it knows of would be gone, and nothing would be judged by the few others.
    scene
        .plane
        .kubectl(scene.namespace, &["rollout", "pause", "deployment/shop"])
        .await;
    let record = scene
        .record("v2", "v2 is convicted", |record| record.verdict == Some(Verdict::Regression))
        .await;
    assert!(record.intent.is_some() && record.outcome.is_none(), "{record:#?}");
    assert_eq!(template_changes_in(&scene.plane, scene.namespace), 0);
    scene
        .plane
        .kubectl(scene.namespace, &["rollout", "resume", "deployment/shop"])
        .await;
    proxy.fails(Method::PATCH, "/deployments/shop", Fault::ReplyDropped);
    proxy.swallows(false);
    let record = scene.closed("v2").await;
    assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}\n{}", scene.log());
    assert_eq!(proxy.to_come(), 0, "the answer was lost");
    assert_eq!(scene.image().await, "v1");
    assert_eq!(template_changes_in(&scene.plane, scene.namespace), 1);
    println!("{}", scene.log());
}
