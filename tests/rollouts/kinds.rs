//! StatefulSets and DaemonSets: revisions are ControllerRevisions, and pods of a StatefulSet keep their names.

use lastgood::words::{Outcome, Verdict};

use crate::{
    costs::{Saved, Unguarded, image},
    plane::skipped,
    scene::{Scene, behaves},
};

pub async fn a_statefulset_is_judged_by_its_pods_though_they_keep_their_names_and_put_back() {
    let Some(scene) = Scene::set("StatefulSet", "ordered").await else {
        return skipped("kinds::a_statefulset_is_judged_by_its_pods_though_they_keep_their_names_and_put_back");
    };
    let mut unguarded = Unguarded::beside(&scene).await;
    unguarded.ships(&scene, "v2", &behaves(0.40, 0.010), image).await;
    let record = scene.closed("v2").await;
    assert_eq!(record.verdict, Some(Verdict::Regression), "{record:#?}\n{}", scene.log());
    assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}\n{}", scene.log());
    assert_eq!(scene.image().await, "v1");
    unguarded.note("40 % errors, StatefulSet", Saved::Failed, &scene).await;
}

pub async fn a_daemonset_is_judged_by_its_pods_and_put_back() {
    let Some(scene) = Scene::set("DaemonSet", "everywhere").await else {
        return skipped("kinds::a_daemonset_is_judged_by_its_pods_and_put_back");
    };
    let mut unguarded = Unguarded::beside(&scene).await;
    unguarded.ships(&scene, "v2", &behaves(0.40, 0.010), image).await;
    let record = scene.closed("v2").await;
    assert_eq!(record.verdict, Some(Verdict::Regression), "{record:#?}\n{}", scene.log());
    assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}\n{}", scene.log());
    assert_eq!(scene.image().await, "v1");
    unguarded.note("40 % errors, DaemonSet", Saved::Failed, &scene).await;
}

pub async fn a_pod_of_a_statefulset_that_never_starts_blocks_the_way_back_and_the_command_to_type_is_told() {
    let Some(scene) = Scene::set("StatefulSet", "blocked").await else {
        return skipped("kinds::a_pod_of_a_statefulset_that_never_starts_blocks_the_way_back_and_the_command_to_type_is_told");
    };
    scene.sets_image("missing.example/shop:v2").await;
    let record = scene.closed("v2").await;
    assert_eq!(record.outcome, Some(Outcome::Stuck), "{record:#?}\n{}", scene.log());
    assert_eq!(scene.image().await, "v1", "the template is back");
    scene.says("`kubectl delete pod shop-3 -n blocked`").await;
    let blocking = scene.plane.pods(scene.namespace, "shop").await;
    let images = blocking.iter().map(|pod| pod["spec"]["containers"][0]["image"].clone());
    assert_eq!(
        images.filter(|image| image == "missing.example/shop:v2").count(),
        1,
        "and one pod stays"
    );
    scene.plane.kubectl(scene.namespace, &["delete", "pod", "shop-3"]).await;
    let status = ["rollout", "status", "statefulset/shop", "--timeout=280s"];
    scene.plane.kubectl(scene.namespace, &status).await;
}
