//! What of a workload the account of lastgood may change: RBAC says which workloads, the admission policy which fields.

use serde_json::{Value, json};

use crate::{
    controllers::ACCOUNT,
    rig::{Plane, until},
    workloads::workload,
};

/// What the API server says to a merge patch of the Deployment `fields` by the account, tried without being done.
async fn tried(plane: &Plane, patch: &Value) -> Result<String, String> {
    let patch = patch.to_string();
    let words = [
        "patch",
        "deployment",
        "fields",
        "--type=merge",
        "--dry-run=server",
        "--as",
        ACCOUNT,
        "--patch",
        &patch,
    ];
    plane.try_kubectl("admin", "shop", &words, "").await
}

fn template(change: &Value) -> Value {
    json!({"spec": {"template": change}})
}

/// On a plane where lastgood is installed.
pub async fn the_account_changes_templates_and_its_own_marks_and_nothing_else(plane: &Plane) {
    let idle = workload(
        "Deployment",
        "fields",
        &json!({"image": "idle:v1", "command": ["sleep", "600"]}),
    );
    plane.apply("shop", &[idle]).await;
    until("the policy is in force", async || {
        tried(plane, &json!({"spec": {"replicas": 7}})).await.is_err()
    })
    .await;
    let other = json!([{"name": "fields", "image": "idle:v0"}]);
    for allowed in [
        template(&json!({"spec": {"containers": other}})),
        template(&json!({"metadata": {"annotations": {"checksum/config": "1"}}})),
        template(&json!({"spec": {"containers": other, "serviceAccountName": "other"}})),
        json!({"spec": {"paused": true}, "metadata": {"annotations": {"lastgood.dev/held": "{}"}}}),
    ] {
        let said = tried(plane, &allowed).await;
        said.unwrap_or_else(|error| panic!("{allowed}: {error}"));
    }
    for (denied, because) in [
        (json!({"spec": {"replicas": 7}}), "only the pod template"),
        (json!({"spec": {"minReadySeconds": 7}}), "only the pod template"),
        (json!({"spec": {"revisionHistoryLimit": 0}}), "only the pod template"),
        (json!({"metadata": {"labels": {"team": "theirs"}}}), "no labels"),
        (
            json!({"metadata": {"finalizers": ["example.com/stay"]}}),
            "no labels, owners or finalizers",
        ),
        (
            json!({"metadata": {"annotations": {"example.com/x": "1"}}}),
            "only its own annotations",
        ),
        (
            json!({"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": null}}}),
            "only its own annotations",
        ),
        (
            template(&json!({"spec": {"serviceAccountName": "other"}})),
            "only along with its image",
        ),
    ] {
        let error = tried(plane, &denied).await.expect_err(&format!("it may do {denied}"));
        assert!(error.contains(because), "{denied}: {error}");
    }
    plane
        .kubectl("shop", &["scale", "deployment", "fields", "--replicas=1"])
        .await;
    plane
        .kubectl("shop", &["delete", "deployment", "fields", "--wait=false"])
        .await;
}
