//! Releases that never start: convicted by their pods, without a metric; and what is the cluster's fault, which convicts nobody.

use lastgood::{
    record::{NotStarted, Waiting},
    words::{Outcome, Standing, Verdict},
};
use serde_json::json;

use crate::{
    costs::{Saved, Unguarded, image},
    plane::{shared, skipped, until},
    scene::{CLIENT_SIDE, Scene, behaves, workload},
    written::template_changes_in,
};

pub async fn k24_an_image_that_does_not_exist_is_put_back_and_one_that_cannot_be_fetched_now_is_told() {
    let Some(scene) = Scene::set("Deployment", "images").await else {
        return skipped("startup::k24_an_image_that_does_not_exist_is_put_back_and_one_that_cannot_be_fetched_now_is_told");
    };
    scene.sets_image("away.example/shop:v2").await;
    let record = scene
        .record("v2", "it is seen what it waits for", |record| record.hindered.is_some())
        .await;
    let hindered = record.hindered.expect("seen");
    assert_eq!(hindered.by.what, Waiting::RegistryAway);
    // One more than are wanted, and one in the place of an old one.
    assert!((1..=2).contains(&hindered.pods), "{hindered:?}");
    scene.says("v2 does not start: its image cannot be fetched").await;
    let record = scene.record("v2", "it is left alone", |_| true).await;
    assert_eq!((record.verdict, &record.startup), (None, &None));
    let status = scene.command(&["explain", "shop"]);
    assert!(
        status.contains("none of its pods was ready yet: its image cannot be fetched"),
        "{status}"
    );
    scene.sets_image("missing.example/shop:v3").await;
    let record = scene.closed("v3").await;
    assert_eq!(record.verdict, Some(Verdict::Regression), "{record:#?}\n{}", scene.log());
    assert_eq!(record.startup.as_ref().map(|failure| failure.how), Some(NotStarted::NoImage));
    assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}\n{}", scene.log());
    assert_eq!(scene.image().await, "v1");
    let met = scene.clients.met();
    assert!(met.failed * 20 < met.answered, "the old pods served on: {met:?}");
}

pub async fn k20_a_version_whose_settings_are_gone_is_put_back_has_failed_and_nothing_is_moved_again() {
    let namespace = "pruned";
    let Some(plane) = shared().await else {
        return skipped("startup::k20_a_version_whose_settings_are_gone_is_put_back_has_failed_and_nothing_is_moved_again");
    };
    let settings =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop-of-v1"}, "data": {"GREETING": "hello"}});
    plane.apply(namespace, &[settings]).await;
    let mut v1 = workload("Deployment", namespace);
    let reads = json!([{"configMapRef": {"name": "shop-of-v1"}}]);
    v1["spec"]["template"]["spec"]["containers"][0]["envFrom"] = reads;
    let Some(scene) = Scene::with("Deployment", namespace, &v1, CLIENT_SIDE).await else {
        return;
    };
    scene.plane.kubectl(namespace, &["delete", "configmap", "shop-of-v1"]).await;
    goes_back_to_what_never_starts(&scene, "shop-of-v1").await;
}

pub async fn k19_a_version_whose_image_is_gone_is_put_back_has_failed_and_nothing_is_moved_again() {
    let Some(scene) = Scene::set("Deployment", "collected").await else {
        return skipped("startup::k19_a_version_whose_image_is_gone_is_put_back_has_failed_and_nothing_is_moved_again");
    };
    // Registry and nodes have it no more; what runs of it runs on.
    std::fs::write(scene.plane.file("images/collected_shop_v1.gone"), "").expect("written");
    goes_back_to_what_never_starts(&scene, "pods of v1 do not start: a person is needed").await;
}

/// v2 never starts and is put back, and no new pod of v1 starts either, which is told by `why`.
async fn goes_back_to_what_never_starts(scene: &Scene, why: &str) {
    scene.sets_image("missing.example/shop:v2").await;
    let record = scene.closed("v2").await;
    assert_eq!(
        (record.verdict, record.outcome),
        (Some(Verdict::Regression), Some(Outcome::Failed)),
        "{record:#?}\n{}",
        scene.log()
    );
    scene.says(why).await;
    assert_eq!(scene.image().await, "v1", "it stays where it was put");
    assert_eq!(template_changes_in(&scene.plane, scene.namespace), 1);
    println!("{}", scene.command(&["explain", "shop"]));
}

pub async fn k24_a_crash_loop_is_put_back() {
    let Some(scene) = Scene::set("Deployment", "crashes").await else {
        return skipped("startup::k24_a_crash_loop_is_put_back");
    };
    let mut unguarded = Unguarded::beside(&scene).await;
    unguarded.ships(&scene, "v2", &json!({"starts": false}), image).await;
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
    unguarded.note("a crash loop", Saved::Pods, &scene).await;
}

pub async fn k24_a_release_that_is_never_ready_is_put_back_after_its_own_deadline() {
    let Some(scene) = Scene::set("Deployment", "unready").await else {
        return skipped("startup::k24_a_release_that_is_never_ready_is_put_back_after_its_own_deadline");
    };
    scene.patches(&json!({"spec": {"progressDeadlineSeconds": 20}})).await;
    let mut unguarded = Unguarded::beside(&scene).await;
    let never_ready = |name: &str| {
        let mut patch = image(name);
        // Nobody listens there.
        let probe = json!({"httpGet": null, "tcpSocket": {"port": 9}, "periodSeconds": 1});
        patch["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] = probe;
        patch
    };
    unguarded.ships(&scene, "v2", &behaves(0.005, 0.010), never_ready).await;
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
    unguarded.note("never ready, deadline of 20 s", Saved::Pods, &scene).await;
}

pub async fn a_quota_that_allows_no_new_pod_is_told_until_it_does_and_convicts_nobody() {
    let Some(scene) = Scene::set("Deployment", "quota").await else {
        return skipped("startup::a_quota_that_allows_no_new_pod_is_told_until_it_does_and_convicts_nobody");
    };
    let kubectl = async |arguments: &[&str]| scene.plane.kubectl(scene.namespace, arguments).await;
    kubectl(&["create", "quota", "pods", "--hard=pods=4"]).await;
    let used = ["get", "quota", "pods", "--output", "jsonpath={.status.used.pods}"];
    until("the old pods are counted", async || kubectl(&used).await == "4").await;
    // No old pod may go before a new one has come.
    let strategy = json!({"spec": {"strategy": {"rollingUpdate": {"maxUnavailable": 0}}}});
    scene.patches(&strategy).await;
    scene.ships("v2", &behaves(0.005, 0.010)).await;
    scene
        .says("v2 does not start: a quota, a limit or an admission rule forbids its pods")
        .await;
    let record = scene.record("v2", "it is left alone", |_| true).await;
    assert_eq!((record.verdict, record.outcome), (None, None));
    let hindered = record.hindered.expect("seen");
    assert_eq!((hindered.by.what, hindered.pods, hindered.pod), (Waiting::Quota, 0, None));
    assert!(hindered.by.said.contains("exceeded quota: pods"), "{}", hindered.by.said);
    let more = json!({"spec": {"hard": {"pods": "40"}}}).to_string();
    kubectl(&["patch", "quota", "pods", "--patch", &more]).await;
    // The ReplicaSet's controller looks when something changes, and by itself later and later.
    until("a pod is made", async || {
        kubectl(&["annotate", "replicasets", "--all", "--overwrite", "looked=again"]).await;
        scene.plane.pods(scene.namespace, "shop").await.len() > 4
    })
    .await;
    scene
        .says("all pods of v2 are ready; what kept them from starting is over")
        .await;
}

pub async fn a_node_that_is_not_there_and_a_volume_that_nobody_made_are_told_and_convict_nobody() {
    let Some(scene) = Scene::set("Deployment", "nowhere").await else {
        return skipped("startup::a_node_that_is_not_there_and_a_volume_that_nobody_made_are_told_and_convict_nobody");
    };
    let strategy = json!({"spec": {"strategy": {"rollingUpdate": {"maxUnavailable": 0}}}});
    scene.patches(&strategy).await;
    for (version, wish, what, told, said) in [
        (
            "v2",
            json!({"nodeSelector": {"disk": "fast"}}),
            Waiting::Unschedulable,
            "no node takes its pods",
            "node affinity/selector",
        ),
        (
            "v3",
            json!({"nodeSelector": null, "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}),
            Waiting::Volumes,
            "a volume cannot be had",
            r#"persistentvolumeclaim "data" not found"#,
        ),
    ] {
        let image = format!("{}/shop:{version}", scene.namespace);
        scene.plane.image(&image, &behaves(0.005, 0.010));
        let mut spec = wish;
        spec["containers"] = json!([{"name": "shop", "image": image}]);
        scene.patches(&json!({"spec": {"template": {"spec": spec}}})).await;
        scene.says(&format!("{version} does not start: {told}")).await;
        let record = scene.record(version, "it is left alone", |_| true).await;
        assert_eq!((record.verdict, record.outcome), (None, None));
        let hindered = record.hindered.expect("seen");
        assert_eq!(hindered.by.what, what, "{}", hindered.by.said);
        assert!(hindered.by.said.contains(said), "{}", hindered.by.said);
        assert_eq!(scene.image().await, version);
    }
}
