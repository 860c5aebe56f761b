//! StatefulSets and DaemonSets: revisions are ControllerRevisions, and pods of a StatefulSet keep their names.

use lastgood::words::{Outcome, Verdict};

use crate::{
    plane::skipped,
    scene::{Scene, behaves},
};

pub async fn a_statefulset_is_judged_by_its_pods_though_they_keep_their_names_and_put_back() {
    let Some(scene) = Scene::set("StatefulSet", "ordered").await else {
        return skipped("kinds::a_statefulset_is_judged_by_its_pods_though_they_keep_their_names_and_put_back");
    };
    scene.ships("v2", &behaves(0.40, 0.010)).await;
    let record = scene.closed("v2").await;
    assert_eq!(record.verdict, Some(Verdict::Regression), "{record:#?}\n{}", scene.log());
    assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}\n{}", scene.log());
    assert_eq!(scene.image().await, "v1");
}

pub async fn a_daemonset_is_judged_by_its_pods_and_put_back() {
    let Some(scene) = Scene::set("DaemonSet", "everywhere").await else {
        return skipped("kinds::a_daemonset_is_judged_by_its_pods_and_put_back");
    };
    scene.ships("v2", &behaves(0.40, 0.010)).await;
    let record = scene.closed("v2").await;
    assert_eq!(record.verdict, Some(Verdict::Regression), "{record:#?}\n{}", scene.log());
    assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}\n{}", scene.log());
    assert_eq!(scene.image().await, "v1");
}
