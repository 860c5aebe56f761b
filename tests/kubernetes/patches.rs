//! What a revert writes, applied to objects by the rules of JSON Patch.

use json_patch::Patch;
use lastgood::{
    kubernetes::{
        hold::{HELD, HeldBy},
        object::Object,
        patch::{FENCE, FIELD_MANAGER, Marks, REVERT_ID, disown, revert},
    },
    policy::WorkloadKind::{self, Deployment, StatefulSet},
};
use serde_json::{Value, json};

use crate::rules::patched_by;
use crate::shown::{at, rollout, template, workload};

fn marks() -> Marks {
    Marks {
        rollout: rollout(),
        at: at(45),
        fence: Some(7),
    }
}

fn written(kind: WorkloadKind, workload: &Object, to: &Value) -> Patch {
    revert(kind, workload, to, &marks())
}

/// The object after the patch; none where a test of the patch fails.
fn applied(object: &Object, operations: &Patch) -> Option<Object> {
    let mut after = object.0.clone();
    patched_by(&mut after, operations).then_some(Object(after))
}

fn paths(operations: &Patch) -> Vec<String> {
    operations.0.iter().map(|operation| operation.path().to_string()).collect()
}

#[test]
fn k16_k28_a_revert_changes_the_template_and_our_marks_and_nothing_else() {
    let (v1, v2) = (template("app:v1"), template("app:v2"));
    let bad = workload(&v2, 4);
    let operations = written(Deployment, &bad, &v1);
    let after = applied(&bad, &operations).expect("applied");
    assert_eq!(after.template(), Some(&v1));
    assert_eq!(after.annotation(REVERT_ID), Some(rollout().to_string().as_str()));
    assert_eq!(after.annotation(FENCE), Some("7"));
    let mut expected = bad.0.clone();
    expected["spec"]["template"] = v1;
    expected["metadata"]["annotations"] = after.0["metadata"]["annotations"].clone();
    assert_eq!(after.0, expected);
    let text = serde_json::to_string(&operations).expect("written");
    assert!(!text.contains("replicas") && !text.contains("resourceVersion"), "{text}");
}

#[test]
fn k13_k11_a_revert_fails_on_a_newer_template_and_on_a_recreated_object_and_passes_a_scaled_one() {
    let (v1, v2) = (template("app:v1"), template("app:v2"));
    let operations = written(Deployment, &workload(&v2, 4), &v1);
    assert_eq!(applied(&workload(&template("app:v3"), 4), &operations), None);
    let mut recreated = workload(&v2, 4);
    recreated.0["metadata"]["uid"] = json!("another");
    assert_eq!(applied(&recreated, &operations), None);
    let mut scaled = workload(&v2, 9);
    scaled.0["metadata"]["resourceVersion"] = json!("99");
    let after = applied(&scaled, &operations).expect("applied");
    assert_eq!(after.number("/spec/replicas"), Some(9));
    assert_eq!(applied(&after, &operations), None, "k07: sent twice, it is applied once");
}

fn pausing(template: &Value) -> Object {
    let mut paused = workload(template, 4);
    paused.0["spec"]["paused"] = json!(true);
    paused
}

#[test]
fn what_lastgood_holds_goes_on_in_the_same_patch() {
    let (v1, v2) = (template("app:v1"), template("app:v2"));
    let held = |partition| HeldBy {
        rollout: rollout(),
        until: at(300),
        partition,
        set: partition.map(|_| 3),
    };
    let mut paused = workload(&v2, 4);
    paused.0["spec"]["paused"] = json!(true);
    paused.0["metadata"]["annotations"][HELD] = json!(serde_json::to_string(&held(None)).expect("written"));
    let operations = written(Deployment, &paused, &v1);
    let after = applied(&paused, &operations).expect("applied");
    assert_eq!((after.0["spec"].get("paused"), after.annotation(HELD)), (None, None));
    assert_eq!(
        applied(&pausing(&v2), &written(Deployment, &workload(&v2, 4), &v1)),
        None,
        "k17: paused meanwhile"
    );
    let mut resumed = paused.clone();
    resumed.0["spec"].as_object_mut().expect("a spec").remove("paused");
    assert_eq!(applied(&resumed, &operations), None, "a person's resume is seen first");

    let mut set = workload(&v2, 4);
    set.0["spec"]["updateStrategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 3}});
    assert!(
        !paths(&written(StatefulSet, &set, &v1))
            .iter()
            .any(|path| path.contains("partition"))
    );
    set.0["metadata"]["annotations"][HELD] = json!(serde_json::to_string(&held(Some(0))).expect("written"));
    let after = applied(&set, &written(StatefulSet, &set, &v1)).expect("applied");
    assert_eq!(after.number("/spec/updateStrategy/rollingUpdate/partition"), Some(0));
}

#[test]
fn only_our_own_entries_of_ownership_are_given_up() {
    let mut object = workload(&template("app:v1"), 4);
    assert_eq!(disown(&object), None);
    let entry = |manager: &str| json!({"manager": manager, "operation": "Update"});
    object.0["metadata"]["managedFields"] = json!([entry(FIELD_MANAGER), entry("kubectl"), entry(FIELD_MANAGER), entry("helm")]);
    let operations = disown(&object).expect("something to give up");
    let after = applied(&object, &operations).expect("applied");
    assert_eq!(after.0["metadata"]["managedFields"], json!([entry("kubectl"), entry("helm")]));
    object.0["metadata"]["managedFields"] = json!([entry("helm"), entry("kubectl"), entry("argocd"), entry("x")]);
    assert_eq!(applied(&object, &operations), None, "the entries moved meanwhile");
}
