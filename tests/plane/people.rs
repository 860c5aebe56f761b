//! Who may do what, and what the API server notes of it.

use serde_json::json;

use crate::{
    rig::{shared, skipped, until},
    workloads::workload,
};

#[tokio::test]
async fn users_have_the_rights_that_roles_give_them_and_the_audit_log_tells_who_changed_a_workload() {
    let Some(plane) = shared().await else {
        return skipped("people::users_have_the_rights_that_roles_give_them_and_the_audit_log_tells_who_changed_a_workload");
    };
    let idle = workload(
        "Deployment",
        "idle",
        &json!({"image": "idle:v1", "command": ["sleep", "600"]}),
    );
    plane.apply("owned", std::slice::from_ref(&idle)).await;
    let denied = plane
        .try_kubectl("person", "owned", &["get", "deployments"], "")
        .await
        .expect_err("no role yet");
    assert!(denied.contains("Forbidden"), "{denied}");
    plane
        .kubectl(
            "owned",
            &["create", "rolebinding", "person", "--clusterrole=edit", "--user=person"],
        )
        .await;
    until("the binding counts", async || {
        plane
            .try_kubectl("person", "owned", &["get", "deployments"], "")
            .await
            .is_ok()
    })
    .await;
    let scaled = plane
        .try_kubectl("person", "owned", &["set", "env", "deployment/idle", "GREETING=hello"], "")
        .await;
    scaled.expect("an editor may");
    let token = plane.kubectl("owned", &["create", "token", "default"]).await;
    assert_eq!(token.trim().split('.').count(), 3, "a token of a service account");

    let patched = plane
        .audited(|line| line.contains("\"person\""))
        .find(|event| {
            let object = &event["objectRef"];
            event["verb"] == "patch"
                && event["user"]["username"] == "person"
                && (&object["namespace"], &object["name"]) == (&json!("owned"), &json!("idle"))
        })
        .expect("the change is noted");
    let request = &patched["requestObject"]["spec"]["template"]["spec"]["containers"][0]["env"][0];
    assert_eq!(*request, json!({"name": "GREETING", "value": "hello"}));
}
