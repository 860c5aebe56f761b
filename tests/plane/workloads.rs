//! Workloads: their pods are processes of this machine, and fail as pods of a real cluster do.

use std::path::Path;

use serde_json::{Value, json};

use crate::rig::{Plane, shared, skipped, until};

/// A workload of `kind` whose pods have one container.
pub fn workload(kind: &str, name: &str, container: &Value) -> Value {
    let mut container = container.clone();
    container["name"] = name.into();
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {
                    "labels": {"app": name},
                    "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "8080", "prometheus.io/path": "/metrics"},
                },
                "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
            },
        },
    });
    if kind != "DaemonSet" {
        object["spec"]["replicas"] = 3.into();
    }
    if kind == "StatefulSet" {
        object["spec"]["serviceName"] = name.into();
    }
    object
}

/// The demo service, ready when it answers.
pub fn service(image: &str) -> Value {
    json!({
        "image": image,
        "ports": [{"containerPort": 8080, "name": "http"}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 1},
    })
}

/// The process of a pod's only container; none while it does not run.
pub fn process(pod: &Value) -> Option<u32> {
    let identity = pod["status"]["containerStatuses"][0]["containerID"].as_str()?;
    identity.strip_prefix("process://")?.parse().ok()
}

fn runs(process: u32) -> bool {
    Path::new("/proc").join(process.to_string()).exists()
}

/// What a pod's only container waits for: reason and message.
fn waits(pod: &Value) -> (&str, &str) {
    let waiting = &pod["status"]["containerStatuses"][0]["state"]["waiting"];
    (
        waiting["reason"].as_str().unwrap_or_default(),
        waiting["message"].as_str().unwrap_or_default(),
    )
}

/// Waits until some pod is as it shall be.
async fn until_some(plane: &Plane, (namespace, app): (&str, &str), what: &str, is: impl Fn(&Value) -> bool) -> Value {
    let mut found = None;
    until(what, async || {
        found = plane.pods(namespace, app).await.into_iter().find(|pod| is(pod));
        found.is_some()
    })
    .await;
    found.expect("found")
}

#[tokio::test]
async fn a_deployment_is_processes_that_are_scraped_by_pod_and_gone_when_it_is_deleted() {
    let Some(plane) = shared().await else {
        return skipped("workloads::a_deployment_is_processes_that_are_scraped_by_pod_and_gone_when_it_is_deleted");
    };
    plane
        .apply("scraped", &[workload("Deployment", "shop", &service("shop:v1"))])
        .await;
    plane
        .kubectl("scraped", &["rollout", "status", "deployment/shop", "--timeout=280s"])
        .await;
    let pods = plane.pods("scraped", "shop").await;
    let running: Vec<u32> = pods.iter().filter_map(process).collect();
    assert!(running.len() == 3 && running.iter().all(|one| runs(*one)), "{running:?}");
    assert_eq!(
        pods[0]["status"]["containerStatuses"][0]["imageID"],
        pods[1]["status"]["containerStatuses"][0]["imageID"]
    );

    let mut names: Vec<&str> = pods.iter().filter_map(|pod| pod["metadata"]["name"].as_str()).collect();
    names.sort_unstable();
    until("all three pods are scraped", async || {
        let series = plane.query(r#"process_start_time_seconds{namespace="scraped"}"#).await;
        let mut scraped: Vec<&str> = series.iter().filter_map(|one| one["metric"]["pod"].as_str()).collect();
        scraped.sort_unstable();
        scraped == names
    })
    .await;

    plane.kubectl("scraped", &["delete", "deployment/shop"]).await;
    until("all are gone", async || plane.pods("scraped", "shop").await.is_empty()).await;
    assert!(!running.iter().any(|one| runs(*one)), "a pod's process outlived it");
}

#[tokio::test]
async fn a_release_that_crashes_is_restarted_after_longer_and_longer_and_one_that_is_missing_never_starts() {
    let Some(plane) = shared().await else {
        return skipped(
            "workloads::a_release_that_crashes_is_restarted_after_longer_and_longer_and_one_that_is_missing_never_starts",
        );
    };
    let here = ("broken", "shop");
    plane.image("shop:v2", &json!({"starts": false}));
    plane
        .apply("broken", &[workload("Deployment", "shop", &service("shop:v1"))])
        .await;
    plane
        .kubectl("broken", &["rollout", "status", "deployment/shop", "--timeout=280s"])
        .await;

    plane
        .kubectl("broken", &["set", "image", "deployment/shop", "shop=shop:v2"])
        .await;
    let crashed = until_some(&plane, here, "it crashes again and again", |pod| {
        let status = &pod["status"]["containerStatuses"][0];
        status["restartCount"].as_u64() >= Some(2) && waits(pod).0 == "CrashLoopBackOff"
    })
    .await;
    let status = &crashed["status"]["containerStatuses"][0];
    assert_eq!(status["lastState"]["terminated"]["exitCode"], 1, "{status}");
    assert!(
        waits(&crashed).1.contains("restarting failed container=shop pod=shop-"),
        "{status}"
    );

    plane
        .kubectl("broken", &["set", "image", "deployment/shop", "shop=missing.example/shop:v3"])
        .await;
    let missing = until_some(&plane, here, "the missing image is given up", |pod| {
        waits(pod).0 == "ImagePullBackOff"
    })
    .await;
    assert_eq!(
        waits(&missing).1,
        "Back-off pulling image \"missing.example/shop:v3\": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image \
         \"missing.example/shop:v3\": failed to resolve reference \"missing.example/shop:v3\": missing.example/shop:v3: not found"
    );
    let ready = plane.pods("broken", "shop").await;
    let ready = ready
        .iter()
        .filter(|pod| pod["status"]["containerStatuses"][0]["ready"] == true)
        .count();
    assert_eq!(ready, 3, "the old pods serve on");
}

#[tokio::test]
async fn a_statefulset_and_a_daemonset_run_with_the_environment_that_their_pods_name() {
    let Some(plane) = shared().await else {
        return skipped("workloads::a_statefulset_and_a_daemonset_run_with_the_environment_that_their_pods_name");
    };
    let told = json!({
        "image": "agent:v7",
        "command": ["sh", "-c", "echo $GREETING from $POD_NAMESPACE/$POD_NAME of $IMAGE >told; exec sleep 600"],
        "env": [{"name": "GREETING", "value": "hello"}],
        "readinessProbe": {"exec": {"command": ["grep", "-q", "hello from ordered/", "told"]}, "periodSeconds": 1},
    });
    plane
        .apply(
            "ordered",
            &[workload("StatefulSet", "store", &told), workload("DaemonSet", "agent", &told)],
        )
        .await;
    plane
        .kubectl("ordered", &["rollout", "status", "statefulset/store", "--timeout=280s"])
        .await;
    plane
        .kubectl("ordered", &["rollout", "status", "daemonset/agent", "--timeout=280s"])
        .await;
    let mut nodes: Vec<String> = plane
        .pods("ordered", "agent")
        .await
        .iter()
        .map(|pod| pod["spec"]["nodeName"].to_string())
        .collect();
    nodes.sort_unstable();
    nodes.dedup();
    assert_eq!(nodes.len(), 3, "one on each node");
    let mut addresses: Vec<String> = plane
        .pods("ordered", "store")
        .await
        .iter()
        .map(|pod| pod["status"]["podIP"].to_string())
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    assert_eq!(addresses.len(), 3, "each at an address of its own");
}
