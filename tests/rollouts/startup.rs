//! Releases that never start: convicted by their pods, without a metric; and what is the cluster's fault, which convicts nobody.

use lastgood::{
    record::NotStarted,
    words::{Outcome, Standing, Verdict},
};
use serde_json::json;

use crate::{
    plane::{skipped, until},
    scene::{Scene, behaves},
};

pub async fn k12_an_image_that_does_not_exist_is_put_back_and_one_that_cannot_be_fetched_now_is_not() {
    let Some(scene) = Scene::set("Deployment", "images").await else {
        return skipped("startup::k12_an_image_that_does_not_exist_is_put_back_and_one_that_cannot_be_fetched_now_is_not");
    };
    scene.sets_image("away.example/shop:v2").await;
    until("its pod waits for the registry", async || {
        let waits = |pod: &serde_json::Value| {
            let reason = &pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"];
            reason == "ImagePullBackOff" || reason == "ErrImagePull"
        };
        scene.plane.pods(scene.namespace, "shop").await.iter().any(waits)
    })
    .await;
    let record = scene.record("v2", "v2 is seen", |_| true).await;
    assert_eq!((record.verdict, &record.startup), (None, &None));
    scene.sets_image("missing.example/shop:v3").await;
    let record = scene.closed("v3").await;
    assert_eq!(record.verdict, Some(Verdict::Regression), "{record:#?}\n{}", scene.log());
    assert_eq!(record.startup.as_ref().map(|failure| failure.how), Some(NotStarted::NoImage));
    assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}\n{}", scene.log());
    assert_eq!(scene.image().await, "v1");
    let met = scene.clients.met();
    assert!(met.failed * 20 < met.answered, "the old pods served on: {met:?}");
}

pub async fn k11_a_crash_loop_is_put_back() {
    let Some(scene) = Scene::set("Deployment", "crashes").await else {
        return skipped("startup::k11_a_crash_loop_is_put_back");
    };
    scene.ships("v2", &json!({"starts": false})).await;
    let record = scene.closed("v2").await;
    assert_eq!(
        record.startup.as_ref().map(|failure| failure.how),
        Some(NotStarted::CrashLoop),
        "{record:#?}"
    );
    assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}\n{}", scene.log());
    assert_eq!(scene.image().await, "v1");
    assert_eq!(scene.standing("v2").await, Some(Standing::Quarantined));
    println!("{}", scene.command(&["explain", "shop"]));
}

pub async fn a_release_that_is_never_ready_is_put_back_after_its_own_deadline() {
    let Some(scene) = Scene::set("Deployment", "unready").await else {
        return skipped("startup::a_release_that_is_never_ready_is_put_back_after_its_own_deadline");
    };
    scene.patches(&json!({"spec": {"progressDeadlineSeconds": 20}})).await;
    scene.plane.image("unready/shop:v2", &behaves(0.005, 0.010));
    // Nobody listens there.
    let probe = json!({"httpGet": null, "tcpSocket": {"port": 9}, "periodSeconds": 1});
    let container = json!({"name": "shop", "image": "unready/shop:v2", "readinessProbe": probe});
    scene
        .patches(&json!({"spec": {"template": {"spec": {"containers": [container]}}}}))
        .await;
    let record = scene.closed("v2").await;
    assert_eq!(
        record.startup.as_ref().map(|failure| failure.how),
        Some(NotStarted::NeverReady),
        "{record:#?}\n{}",
        scene.log()
    );
    assert_eq!(scene.image().await, "v1");
    let object = scene.object().await;
    let path = &object["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]["httpGet"]["path"];
    assert_eq!(path, "/healthz", "the probe came back with the template");
}
