//! Admission policies that will not have what lastgood puts back, or make something else of it.

use lastgood::{kubernetes::patch::REVERT_ID, record::ActResult};
use serde_json::{Value, json};

use crate::{
    guarded::Guarded,
    rig::{skipped, until},
};

/// Somebody's admission policy of this kind for updates of the Deployments of the namespace, with these in its `spec` and in that of its binding.
async fn decrees(guarded: &Guarded, kind: &str, spec: &Value, binding_spec: &Value) {
    let of_kind = |kind: &str, common: Value, own: &Value| {
        let mut spec = common;
        let fields = spec.as_object_mut().expect("an object");
        fields.extend(own.as_object().expect("an object").clone());
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": guarded.namespace}, "spec": spec,
        })
    };
    let policy = json!({
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [
            {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["deployments"]},
        ]},
    });
    let binding = json!({
        "policyName": guarded.namespace,
        "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": guarded.namespace}}},
    });
    let objects = [
        of_kind(&format!("{kind}AdmissionPolicy"), policy, spec),
        of_kind(&format!("{kind}AdmissionPolicyBinding"), binding, binding_spec),
    ];
    guarded.plane.apply(guarded.namespace, &objects).await;
}

#[tokio::test]
async fn k27_a_patch_that_a_policy_denies_is_told_and_not_sent_again() {
    let Some(guarded) = Guarded::rolled_out("denied").await else {
        return skipped("refused::k27_a_patch_that_a_policy_denies_is_told_and_not_sent_again");
    };
    let denies = json!({
        "validations": [{"expression": "object.spec.template.spec.containers[0].image != 'idle:v1'", "message": "v1 is forbidden here"}],
    });
    decrees(&guarded, "Validating", &denies, &json!({"validationActions": ["Deny"]})).await;
    until("it is in force", async || {
        let dry = ["set", "image", "deployment/idle", "idle=idle:v1", "--dry-run=server"];
        guarded.plane.try_kubectl("admin", guarded.namespace, &dry, "").await.is_err()
    })
    .await;
    let result = guarded.reverted().await;
    assert!(
        matches!(&result, ActResult::NotMoved { error } if error.contains("v1 is forbidden here") && error.contains("admission policies")),
        "{result:?}"
    );
    assert_eq!((guarded.image().await.as_str(), guarded.template_changes()), ("idle:v2", 0));
    let marked = guarded.kubectl(&["get", "deployment", "idle", "--output", "json"]).await;
    assert!(!marked.contains(REVERT_ID), "nothing of it was stored");
}

#[tokio::test]
async fn k27_a_patch_that_a_policy_rewrites_is_told_and_not_sent_again() {
    let Some(guarded) = Guarded::rolled_out("rewritten").await else {
        return skipped("refused::k27_a_patch_that_a_policy_rewrites_is_told_and_not_sent_again");
    };
    let rewrites = json!({
        "reinvocationPolicy": "Never",
        "matchConditions": [{"name": "v1", "expression": "object.spec.template.spec.containers[0].image == 'idle:v1'"}],
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {
            "expression": "[JSONPatch{op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'idle:v9'}]",
        }}],
    });
    decrees(&guarded, "Mutating", &rewrites, &json!({})).await;
    until("it is in force", async || {
        let dry = [
            "set",
            "image",
            "deployment/idle",
            "idle=idle:v1",
            "--dry-run=server",
            "--output=yaml",
        ];
        guarded.kubectl(&dry).await.contains("idle:v9")
    })
    .await;
    let generation = ["get", "deployment", "idle", "--output", "jsonpath={.metadata.generation}"];
    let before: u64 = guarded.kubectl(&generation).await.parse().expect("a number");
    let result = guarded.reverted().await;
    assert!(
        matches!(&result, ActResult::NotActivated { error, .. } if error.contains("made something else of the template of v1")),
        "{result:?}"
    );
    assert_eq!(guarded.image().await, "idle:v9");
    let after: u64 = guarded.kubectl(&generation).await.parse().expect("a number");
    assert_eq!(after, before + 1, "it was sent once");
}
