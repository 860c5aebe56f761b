//! Objects as an API server shows them.

use lastgood::{
    kubernetes::object::Object,
    words::{Moment, RolloutId},
};
use serde_json::{Value, json};

/// The uid of the sample's Deployment.
pub const UID: &str = "d0000000-0000-4000-8000-000000000001";

/// A template with one container, `app`.
pub fn template(image: &str) -> Value {
    json!({
        "metadata": {"labels": {"app": "myapp"}},
        "spec": {
            "containers": [{"name": "app", "image": image, "ports": [{"containerPort": 8080}], "resources": {}}],
            "restartPolicy": "Always",
            "volumes": [{"name": "scratch", "emptyDir": {}}],
        },
    })
}

/// A workload of `replicas` pods.
pub fn workload(template: &Value, replicas: u32) -> Object {
    Object(json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "myapp", "namespace": "shop", "uid": UID, "generation": 3, "resourceVersion": "41",
            "annotations": {"deployment.kubernetes.io/revision": "2"},
        },
        "spec": {"replicas": replicas, "template": template, "unknownToThisBuild": {"kept": true}},
        "status": {"observedGeneration": 3},
    }))
}

/// A ReplicaSet of the sample's Deployment, as its controller makes them.
pub fn replica_set(number: u64, template: &Value) -> Object {
    let mut template = template.clone();
    template["metadata"]["labels"]["pod-template-hash"] = json!(format!("hash{number}"));
    Object(json!({
        "metadata": {
            "name": format!("myapp-hash{number}"), "namespace": "shop", "uid": format!("rs-{number}"),
            "creationTimestamp": at(i64::try_from(number).expect("small") * 60).to_string(),
            "labels": {"app": "myapp", "pod-template-hash": format!("hash{number}")},
            "annotations": {"deployment.kubernetes.io/revision": number.to_string()},
            "ownerReferences": [{"kind": "Deployment", "name": "myapp", "uid": UID, "controller": true}],
        },
        "spec": {"replicas": 2, "template": template},
    }))
}

/// A ControllerRevision of a StatefulSet, as its controller makes them.
pub fn controller_revision(name: &str, number: u64, template: &Value) -> Object {
    let mut data = template.clone();
    data["$patch"] = json!("replace");
    Object(json!({
        "metadata": {
            "name": name, "uid": format!("cr-{name}"), "creationTimestamp": at(0).to_string(),
            "labels": {"controller-revision-hash": name.trim_start_matches("myapp-")},
        },
        "data": {"spec": {"template": data}},
        "revision": number,
    }))
}

/// The moment `seconds` after the sample's beginning, whole seconds as the API server stamps.
pub fn at(seconds: i64) -> Moment {
    Moment::from_millis(1_764_000_000_000 + 1000 * seconds)
}

/// The id of a rollout.
pub fn rollout() -> RolloutId {
    "0199f3a0-0000-7000-8000-000000000001".parse().expect("an id")
}
