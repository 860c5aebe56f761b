//! What `kubectl apply` meets after lastgood has patched the workload: no conflict, and what was told to stay behind stays behind.

use std::time::Duration;

use lastgood::{record::Phase, words::Outcome};
use serde_json::{Value, json};

use crate::{
    plane::{Plane, shared, skipped, until},
    scene::{CLIENT_SIDE, SERVER_SIDE, Scene, behaves, workload},
    written::template_changes_in,
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

/// What an owner made is judged, told with `step`, and not written to, though `reconciles` writes the bad version every two seconds.
async fn left_to_its_owner(scene: &Scene, step: &str, reconciles: &[&str], v2: &Value) {
    let bot = async {
        loop {
            let applied = scene
                .plane
                .try_kubectl("admin", scene.namespace, reconciles, &v2.to_string())
                .await;
            applied.unwrap_or_else(|error| panic!("{v2}: {error}"));
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    };
    let story = async {
        let record = scene.closed("v2").await;
        assert_eq!(record.outcome, Some(Outcome::Refused), "{record:#?}");
        scene.says(step).await;
    };
    tokio::select! {
        () = story => {}
        () = bot => unreachable!("it never ends"),
    }
    assert_eq!(scene.image().await, "v2", "it is left there");
    assert_eq!(template_changes_in(&scene.plane, scene.namespace), 0);
}

pub async fn k15_a_workload_of_argo_cd_is_told_about_with_the_step_to_take_and_left_alone() {
    let namespace = "owned";
    let as_written = |image: &str| {
        let mut object = file(namespace, image, false);
        object["metadata"]["annotations"] = json!({"argocd.argoproj.io/tracking-id": "shop-app:apps/Deployment:owned/shop"});
        object
    };
    let reconciles = [
        "apply",
        "--server-side",
        "--field-manager=argocd-controller",
        "--force-conflicts",
        "--filename",
        "-",
    ];
    let v1 = as_written(&format!("{namespace}/shop:v1"));
    let Some(scene) = Scene::with("Deployment", namespace, &v1, &reconciles).await else {
        return skipped("applies::k15_a_workload_of_argo_cd_is_told_about_with_the_step_to_take_and_left_alone");
    };
    let step = "revert the commit in its git repository, or, with automatic sync off, `argocd app rollback shop-app`";
    left_to_its_owner(&scene, step, &reconciles, &as_written("missing.example/shop:v2")).await;
}

pub async fn k15_a_workload_of_flux_is_told_about_with_the_step_to_take_and_left_alone() {
    let namespace = "flux-owned";
    let as_written = |image: &str| {
        let mut object = file(namespace, image, false);
        object["metadata"]["labels"] =
            json!({"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"});
        object
    };
    let reconciles = [
        "apply",
        "--server-side",
        "--field-manager=kustomize-controller",
        "--force-conflicts",
        "--filename",
        "-",
    ];
    let v1 = as_written(&format!("{namespace}/shop:v1"));
    let Some(scene) = Scene::with("Deployment", namespace, &v1, &reconciles).await else {
        return skipped("applies::k15_a_workload_of_flux_is_told_about_with_the_step_to_take_and_left_alone");
    };
    let step = "revert the commit in git, then `flux reconcile kustomization apps -n flux-system --with-source`";
    left_to_its_owner(&scene, step, &reconciles, &as_written("missing.example/shop:v2")).await;
}

pub async fn k15_a_workload_of_an_operator_is_told_about_with_its_owner_to_edit_and_left_alone() {
    let namespace = "operated";
    let Some(plane) = shared().await else {
        return skipped("applies::k15_a_workload_of_an_operator_is_told_about_with_its_owner_to_edit_and_left_alone");
    };
    let uid = an_operators_object(&plane, namespace).await;
    let as_written = |image: &str| {
        let mut object = file(namespace, image, false);
        object["metadata"]["ownerReferences"] = json!([{
            "apiVersion": "example.dev/v1", "kind": "Shop", "name": "corner", "uid": uid, "controller": true,
            "blockOwnerDeletion": true,
        }]);
        object
    };
    let reconciles = [
        "apply",
        "--server-side",
        "--field-manager=shop-operator",
        "--force-conflicts",
        "--filename",
        "-",
    ];
    let v1 = as_written(&format!("{namespace}/shop:v1"));
    let Some(scene) = Scene::with("Deployment", namespace, &v1, &reconciles).await else {
        return skipped("applies::k15_a_workload_of_an_operator_is_told_about_with_its_owner_to_edit_and_left_alone");
    };
    let step =
        "it is made by Shop corner, which writes its own template back; go back there: `kubectl edit shop corner -n operated`";
    left_to_its_owner(&scene, step, &reconciles, &as_written("missing.example/shop:v2")).await;
}

/// The uid of an object of a kind that only its operator knows.
async fn an_operators_object(plane: &Plane, namespace: &str) -> String {
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "shops.example.dev"},
        "spec": {
            "group": "example.dev", "scope": "Namespaced",
            "names": {"plural": "shops", "singular": "shop", "kind": "Shop"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}}],
        },
    });
    plane.apply(namespace, &[definition]).await;
    let asks = ["get", "shops.example.dev", "--output", "name"];
    until("there are shops", async || {
        plane.try_kubectl("admin", namespace, &asks, "").await.is_ok()
    })
    .await;
    let corner = json!({"apiVersion": "example.dev/v1", "kind": "Shop", "metadata": {"name": "corner"}});
    plane.apply(namespace, &[corner]).await;
    let uid = ["get", "shop", "corner", "--output", "jsonpath={.metadata.uid}"];
    plane.kubectl(namespace, &uid).await
}
