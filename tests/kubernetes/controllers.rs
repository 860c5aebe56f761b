//! What the controllers of a cluster make of its workloads: revisions, found by comparing templates.

use serde_json::{Value, json};

use crate::{api::Objects, sample::at};

/// The collection of the namespace `shop`.
pub fn shop(plural: &str) -> String {
    format!("/apis/apps/v1/namespaces/shop/{plural}")
}

/// Makes the ReplicaSets that Deployments lack, and numbers those that are used again.
pub fn reconcile(objects: &mut Objects) {
    let deployments: Vec<Value> = of(objects, "deployments");
    for deployment in deployments
        .iter()
        .filter(|deployment| deployment["spec"]["paused"] != json!(true))
    {
        let sets: Vec<Value> = of(objects, "replicasets")
            .into_iter()
            .filter(|set| set["metadata"]["ownerReferences"][0]["uid"] == deployment["metadata"]["uid"])
            .collect();
        let newest = sets.iter().map(number).max().unwrap_or(0);
        let template = &deployment["spec"]["template"];
        match sets.iter().find(|set| without_hash(set) == *template) {
            Some(set) if number(set) == newest => {}
            Some(set) => {
                let mut set = set.clone();
                set["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = json!((newest + 1).to_string());
                objects.put(&shop("replicasets"), set);
            }
            None => {
                let set = made(deployment, newest + 1);
                objects.put(&shop("replicasets"), set);
            }
        }
    }
}

fn of(objects: &Objects, plural: &str) -> Vec<Value> {
    let collection = shop(plural);
    let stored = objects.stored.iter().filter(|((stored_in, _), _)| *stored_in == collection);
    stored.map(|(_, object)| object.clone()).collect()
}

fn number(set: &Value) -> u64 {
    let text = set["metadata"]["annotations"]["deployment.kubernetes.io/revision"].as_str();
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn without_hash(set: &Value) -> Value {
    let mut template = set["spec"]["template"].clone();
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.remove("pod-template-hash");
    }
    template
}

fn made(deployment: &Value, number: u64) -> Value {
    let mut template = deployment["spec"]["template"].clone();
    let hash = format!("hash{number}");
    template["metadata"]["labels"]["pod-template-hash"] = json!(hash);
    let name = format!("{}-{hash}", deployment["metadata"]["name"].as_str().expect("a name"));
    json!({
        "metadata": {
            "name": name, "namespace": "shop", "labels": template["metadata"]["labels"],
            "creationTimestamp": at(i64::try_from(number).expect("small") * 60).to_string(),
            "annotations": {"deployment.kubernetes.io/revision": number.to_string()},
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "Deployment", "name": deployment["metadata"]["name"],
                "uid": deployment["metadata"]["uid"], "controller": true,
            }],
        },
        "spec": {"replicas": 1, "template": template},
    })
}
