//! What is seen of a workload, and when.

use std::time::Duration;

use lastgood::{
    ports::Platform as _,
    record::{Hindrance, SeenPod, Waiting},
    words::Pod,
};
use serde_json::json;
use tokio::time::timeout;

use crate::{
    rig::Site,
    shown::{at, template},
};

/// Far longer than a bell takes, far shorter than the slow look.
const SOON: Duration = Duration::from_secs(10);

const PODS: &str = "/api/v1/namespaces/shop/pods";

#[tokio::test]
async fn a_rollout_rings_and_a_stranger_does_not() {
    let site = Site::rolled_out().await;
    while timeout(Duration::from_millis(300), site.workload.changed()).await.is_ok() {}
    site.api.does(|objects| {
        objects.put(
            PODS,
            json!({"metadata": {"name": "stranger", "namespace": "shop", "ownerReferences": [
            {"apiVersion": "v1", "kind": "Thing", "name": "x", "uid": "of-another", "controller": true}]}}),
        )
    });
    let rung = timeout(Duration::from_millis(300), site.workload.changed()).await;
    assert!(rung.is_err(), "a stranger's pod");
    site.ships("app:v3");
    timeout(SOON, site.workload.changed()).await.expect("rung");
    let runs = site.runs().await.expect("v3 runs");
    assert_eq!(runs.name.as_str(), "v3");
}

#[tokio::test]
async fn a_return_is_the_version_that_it_was_and_a_restart_is_none() {
    let site = Site::rolled_out().await;
    site.ships("app:v1");
    assert_eq!(site.runs().await, Some(site.v1.clone()));
    let mut restarted = template("app:v1");
    restarted["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/restartedAt": "2026-11-24T12:00:00Z"});
    site.changes(|object| object["spec"]["template"] = restarted);
    assert_eq!(site.runs().await, Some(site.v1.clone()));
}

#[tokio::test]
async fn pods_are_seen_with_their_version_and_what_they_wait_for() {
    let site = Site::rolled_out().await;
    let owner = |name: &str| {
        let uid = site.api.does(|objects| {
            let set = objects.get(&crate::controllers::shop("replicasets"), name).expect("a set");
            set["metadata"]["uid"].clone()
        });
        json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": name, "uid": uid, "controller": true}])
    };
    let pod = |name: &str, set: &str, status: serde_json::Value| {
        json!({
            "metadata": {
                "name": name, "namespace": "shop", "uid": format!("uid-{name}"), "creationTimestamp": at(0).to_string(),
                "ownerReferences": owner(set),
            },
            "spec": {"containers": [{"name": "app"}]},
            "status": status,
        })
    };
    let ready = json!({"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": at(5).to_string()}]});
    let missing = json!({"containerStatuses": [{"restartCount": 0, "state": {"waiting": {
        "reason": "ErrImagePull", "message": "failed to pull: not found"}}}]});
    let pods = [pod("a", "myapp-hash1", ready), pod("b", "myapp-hash2", missing)];
    while timeout(Duration::from_millis(300), site.workload.changed()).await.is_ok() {}
    site.api.does(|objects| {
        for pod in pods {
            objects.put(PODS, pod);
        }
    });
    let mut seen = site.workload.observe().await.expect("observed");
    while seen.pods.len() < 2 {
        timeout(SOON, site.workload.changed()).await.expect("rung");
        seen = site.workload.observe().await.expect("observed");
    }
    let expected = |name: &str, version: &lastgood::words::Version, ready_at, waiting| SeenPod {
        pod: Pod(format!("shop/{name}").into()),
        uid: format!("uid-{name}"),
        version: Some(version.clone()),
        created_at: at(0),
        ready_at,
        leaving: false,
        restarts: 0,
        waiting,
        image: None,
    };
    let missing = Hindrance {
        what: Waiting::ImageNotFound,
        said: "failed to pull: not found".to_owned(),
    };
    assert_eq!(
        seen.pods,
        [
            expected("a", &site.v1, Some(at(5)), None),
            expected("b", &site.v2, None, Some(missing)),
        ]
    );
    assert_eq!(seen.wanted, 4);
}
