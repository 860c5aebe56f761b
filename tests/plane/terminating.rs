//! A namespace that is being deleted: nothing in it is written to, and what cannot be kept there any more is said.

use std::{collections::BTreeMap, sync::Arc};

use lastgood::{
    decide::Brake,
    engine::Look,
    kubernetes::Objects,
    policy::{KubernetesTarget, WorkloadKind},
    ports::{History as _, HistoryError, Platform as _},
    record::{ActResult, SeenObject, TargetHistory},
};
use serde_json::json;

use crate::{
    guarded::{Guarded, connected},
    histories::defined,
    rig::{shared, skipped, until},
    sample,
};

/// What keeps an object of a namespace that is deleted.
const KEPT: &str = "lastgood.dev/kept-by-a-test";

fn finalizers(names: &[&str]) -> String {
    json!({"metadata": {"finalizers": names}}).to_string()
}

#[tokio::test]
async fn k12_a_workload_of_a_namespace_that_is_deleted_is_not_written_to_and_is_gone_in_the_end() {
    let Some(guarded) = Guarded::rolled_out("leaving").await else {
        return skipped("terminating::k12_a_workload_of_a_namespace_that_is_deleted_is_not_written_to_and_is_gone_in_the_end");
    };
    let kept = finalizers(&[KEPT]);
    guarded
        .kubectl(&["patch", "deployment", "idle", "--type=merge", "--patch", &kept])
        .await;
    guarded.kubectl(&["delete", "namespace", "leaving", "--wait=false"]).await;
    until("its deletion has begun", async || {
        let path = "jsonpath={.metadata.deletionTimestamp}";
        !guarded
            .kubectl(&["get", "deployment", "idle", "--output", path])
            .await
            .is_empty()
    })
    .await;
    // Its ReplicaSets may have gone before it: then nothing is known to run.
    let told = guarded.reverted().await;
    let braked = matches!(&told, ActResult::Braked { by: Brake::Leaving, found } if found.contains("it is being deleted"));
    assert!(braked || told == ActResult::Superseded { runs: None }, "{told:?}");
    assert_eq!(guarded.template_changes(), 0);
    let look = guarded.workload.look(&guarded.intent()).await;
    assert!(matches!(look, Ok(Look::NotBegun | Look::Other { runs: None })), "{look:?}");

    let none = finalizers(&[]);
    guarded
        .kubectl(&["patch", "deployment", "idle", "--type=merge", "--patch", &none])
        .await;
    until("it is gone", async || {
        let seen = guarded.workload.observe().await;
        matches!(seen, Ok(observation) if matches!(observation.object, SeenObject::Gone { .. }))
    })
    .await;
    assert_eq!(guarded.reverted().await, ActResult::Gone);
    assert_eq!(guarded.workload.look(&guarded.intent()).await, Ok(Look::Gone));
    assert_eq!(guarded.template_changes(), 0);
}

#[tokio::test]
async fn k12_a_history_of_a_namespace_that_is_deleted_is_said_to_be_lost_and_others_are_kept() {
    let Some(plane) = shared().await else {
        return skipped("terminating::k12_a_history_of_a_namespace_that_is_deleted_is_said_to_be_lost_and_others_are_kept");
    };
    defined(&plane).await;
    // Something of another's that does not let the namespace go.
    let stays = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "stays", "finalizers": [KEPT]}});
    plane.apply("lost", &[stays]).await;
    plane.apply("stays", &[]).await;
    let cluster = connected(plane.file("credentials/admin.kubeconfig")).await;
    let store = Arc::new(Objects::new(cluster, "stays"));
    let mut revisions = BTreeMap::new();
    for namespace in ["lost", "stays"] {
        let target = sample::target(namespace);
        let workload = KubernetesTarget {
            namespace: namespace.to_owned(),
            kind: WorkloadKind::Deployment,
            name: "shop".to_owned(),
            container: None,
        };
        store.place(target.clone(), &workload);
        let history = TargetHistory::new(target);
        let revision = store.commit(&history, None).await.expect("stored");
        revisions.insert(namespace, (history, revision));
    }
    plane
        .kubectl("default", &["delete", "namespace", "lost", "--wait=false"])
        .await;
    until("the history is gone", async || {
        store.load(&sample::target("lost")).await == Ok(None)
    })
    .await;
    let (lost, revision) = &revisions["lost"];
    let moved = store.commit(lost, Some(revision)).await;
    assert!(
        matches!(moved, Err(HistoryError::Conflict(_))),
        "it was there when it was read: {moved:?}"
    );
    let told = store.commit(lost, None).await;
    assert!(
        matches!(&told, Err(HistoryError::Unavailable(because)) if because.contains("the namespace lost is being deleted")
            && because.ends_with("remove their policies")),
        "{told:?}"
    );
    let (stays, revision) = &revisions["stays"];
    store.commit(stays, Some(revision)).await.expect("others are kept");
    let none = finalizers(&[]);
    plane
        .kubectl("lost", &["patch", "configmap", "stays", "--type=merge", "--patch", &none])
        .await;
}
