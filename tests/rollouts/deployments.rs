//! Deployments: seen, judged by their pods, put back.

use lastgood::{
    judge::Comparison,
    words::{Outcome, Standing, Verdict},
};

use crate::{
    plane::skipped,
    scene::{Scene, behaves},
};

#[tokio::test]
async fn a_release_with_errors_is_convicted_beside_the_old_pods_and_the_template_is_put_back() {
    let Some(scene) = Scene::set("Deployment", "errors").await else {
        return skipped("deployments::a_release_with_errors_is_convicted_beside_the_old_pods_and_the_template_is_put_back");
    };
    let before = scene.object().await;
    scene.ships("v2", &behaves(0.30, 0.010)).await;
    let record = scene.closed("v2").await;
    assert_eq!(record.verdict, Some(Verdict::Regression), "{record:#?}\n{}", scene.log());
    assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}\n{}", scene.log());
    let evidence = record.evidence.expect("evidence");
    assert_eq!(evidence.compare, Comparison::Concurrent);
    assert_eq!(scene.image().await, "v1");
    let after = scene.object().await;
    assert_eq!(
        before["spec"], after["spec"],
        "the template is as it was, byte for byte, and nothing else changed"
    );
    assert_eq!(scene.standing("v2").await, Some(Standing::Quarantined));
    println!("{}\n{:?}", scene.command(&["explain", "shop"]), scene.clients.met());
}

#[tokio::test]
async fn a_good_release_is_proven_and_left_alone() {
    let Some(scene) = Scene::set("Deployment", "good").await else {
        return skipped("deployments::a_good_release_is_proven_and_left_alone");
    };
    scene.ships("v2", &behaves(0.005, 0.010)).await;
    let record = scene.closed("v2").await;
    assert_ne!(record.verdict, Some(Verdict::Regression), "{record:#?}");
    assert_eq!(scene.image().await, "v2");
    println!("{}\n{:?}", scene.command(&["explain", "shop"]), record.verdict);
}
