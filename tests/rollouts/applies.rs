//! What `kubectl apply` meets after lastgood has patched the workload: no conflict, and what was told to stay behind stays behind.

use lastgood::{record::Phase, words::Outcome};
use serde_json::{Value, json};

use crate::{
    plane::skipped,
    scene::{CLIENT_SIDE, SERVER_SIDE, Scene, behaves, workload},
};

/// A version as it is in people's files; v1 alone has a variable.
fn file(namespace: &str, image: &str, old: bool) -> Value {
    let mut object = workload("Deployment", namespace);
    let container = &mut object["spec"]["template"]["spec"]["containers"][0];
    container["image"] = image.into();
    if old {
        container["env"] = json!([{"name": "OLD", "value": "secret"}]);
    }
    object
}

async fn the_next_release_meets_no_conflict(namespace: &'static str, apply: &[&str], test: &str) {
    let v1 = file(namespace, &format!("{namespace}/shop:v1"), true);
    let Some(scene) = Scene::with("Deployment", namespace, &v1, apply).await else {
        return skipped(test);
    };
    let applies = async |object: &Value| {
        let said = scene.plane.try_kubectl("admin", namespace, apply, &object.to_string()).await;
        said.unwrap_or_else(|error| panic!("{object}: {error}"))
    };
    applies(&file(namespace, "missing.example/shop:v2", false)).await;
    let record = scene.closed("v2").await;
    assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}\n{}", scene.log());
    let env = async || scene.object().await["spec"]["template"]["spec"]["containers"][0]["env"][0]["name"].clone();
    assert_eq!((scene.image().await.as_str(), env().await), ("v1", json!("OLD")));
    scene
        .says("leaves them behind, remove them by hand then: spec.containers[shop].env")
        .await;
    assert!(!scene.log().contains("secret"), "values are not told");
    scene.plane.image(&format!("{namespace}/shop:v3"), &behaves(0.005, 0.010));
    applies(&file(namespace, &format!("{namespace}/shop:v3"), false)).await;
    scene
        .record("v3", "v3 is watched", |record| matches!(record.phase, Phase::Watching { .. }))
        .await;
    assert_eq!(
        (scene.image().await.as_str(), env().await),
        ("v3", json!("OLD")),
        "it was left behind, as told"
    );
}

pub async fn a_client_side_apply_after_a_revert_meets_no_conflict() {
    let test = "applies::a_client_side_apply_after_a_revert_meets_no_conflict";
    the_next_release_meets_no_conflict("client-side", CLIENT_SIDE, test).await;
}

pub async fn a_server_side_apply_after_a_revert_meets_no_conflict() {
    let test = "applies::a_server_side_apply_after_a_revert_meets_no_conflict";
    the_next_release_meets_no_conflict("server-side", SERVER_SIDE, test).await;
}

pub async fn k15_a_workload_of_argo_cd_is_told_about_with_the_step_to_take_and_left_alone() {
    let namespace = "owned";
    let mut v1 = file(namespace, &format!("{namespace}/shop:v1"), false);
    v1["metadata"]["annotations"] = json!({"argocd.argoproj.io/tracking-id": "shop-app:apps/Deployment:owned/shop"});
    let Some(scene) = Scene::with("Deployment", namespace, &v1, CLIENT_SIDE).await else {
        return skipped("applies::k15_a_workload_of_argo_cd_is_told_about_with_the_step_to_take_and_left_alone");
    };
    scene.sets_image("missing.example/shop:v2").await;
    let record = scene.closed("v2").await;
    assert_eq!(record.outcome, Some(Outcome::Refused), "{record:#?}");
    scene
        .says("revert the commit in its git repository, or, with automatic sync off, `argocd app rollback shop-app`")
        .await;
    assert_eq!(scene.image().await, "v2", "it is left there");
}
