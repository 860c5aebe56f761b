//! What of a workload the account of lastgood may change: RBAC says which workloads, the admission policy which fields.

use serde_json::{Value, json};

use crate::{
    account::ACCOUNT,
    rig::{Plane, until},
    workloads::workload,
    written::COUNTED,
};

/// The kinds that may be guarded.
const KINDS: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

/// What the API server says to a merge patch of the workload `fields` of this kind by the account, tried without being done.
async fn tried(plane: &Plane, kind: &str, patch: &Value) -> Result<String, String> {
    let patch = patch.to_string();
    let words = [
        "patch",
        kind,
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
    let idle = json!({"image": "idle:v1", "command": ["sleep", "600"]});
    plane.apply("shop", &KINDS.map(|kind| workload(kind, "fields", &idle))).await;
    until("the policy is in force", async || {
        tried(plane, "Deployment", &json!({"spec": {"replicas": 7}})).await.is_err()
    })
    .await;
    let other = json!([{"name": "fields", "image": "idle:v0"}]);
    let marked = json!({"lastgood.dev/held": "{}"});
    for kind in KINDS {
        for allowed in [
            template(&json!({"spec": {"containers": other}})),
            template(&json!({"metadata": {"annotations": {"checksum/config": "1"}}})),
            template(&json!({"spec": {"containers": other, "serviceAccountName": "other"}})),
            json!({"spec": {"template": {"spec": {"containers": other}}}, "metadata": {"annotations": marked}}),
        ] {
            let said = tried(plane, kind, &allowed).await;
            said.unwrap_or_else(|error| panic!("{kind}: {allowed}: {error}"));
        }
    }
    for (kind, held) in [
        ("Deployment", json!({"paused": true})),
        ("StatefulSet", json!({"updateStrategy": {"rollingUpdate": {"partition": 2}}})),
    ] {
        let said = tried(plane, kind, &json!({"spec": held, "metadata": {"annotations": marked}})).await;
        said.unwrap_or_else(|error| panic!("{kind}: {held}: {error}"));
    }
    for kind in KINDS {
        it_changes_nothing_else(plane, kind).await;
    }
    // Others may do what it may not.
    plane
        .kubectl("shop", &["scale", "deployment", "fields", "--replicas=1"])
        .await;
    for kind in KINDS {
        plane.kubectl("shop", &["delete", kind, "fields", "--wait=false"]).await;
    }
}

async fn it_changes_nothing_else(plane: &Plane, kind: &str) {
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
            json!({"metadata": {"annotations": {COUNTED: "7"}}}),
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
        let counts = denied["metadata"]["annotations"][COUNTED].is_string();
        if kind == "DaemonSet" && (denied["spec"]["replicas"].is_number() || counts) {
            continue;
        }
        let error = tried(plane, kind, &denied)
            .await
            .expect_err(&format!("{kind}: it may do {denied}"));
        assert!(error.contains(because), "{kind}: {denied}: {error}");
    }
}
