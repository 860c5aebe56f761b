//! Which revision a workload runs, and which version that is.

use lastgood::{
    kubernetes::{
        identity::version,
        object::Object,
        pods::seen,
        revision::{Revision, current, moved_at},
        template::{Catalog, Kept},
    },
    policy::WorkloadKind::{DaemonSet, Deployment, StatefulSet},
    words::Version,
};
use serde_json::{Value, json};

use crate::shown::{UID, at, controller_revision, replica_set, template, workload};

fn deployment(objects: &[Object]) -> Vec<Revision> {
    objects
        .iter()
        .filter_map(|object| Revision::read(Deployment, object))
        .collect()
}

fn restarted(template: &Value) -> Value {
    let mut restarted = template.clone();
    restarted["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/restartedAt": "2026-11-24T12:00:00Z"});
    restarted
}

fn known(revision: &Revision) -> (Version, String) {
    let version = version(&revision.template, None, None, &[]);
    let document = Kept::of(revision, &revision.template).document().expect("a document");
    (version, document)
}

#[test]
fn a_deployment_runs_the_replica_set_whose_template_it_has_and_nothing_until_that_exists() {
    let (v1, v2) = (template("app:v1"), template("app:v2"));
    let revisions = deployment(&[replica_set(1, &v1), replica_set(2, &v2)]);
    let runs = |template: &Value| current(Deployment, &workload(template, 4), &revisions).map(|found| found.number);
    assert_eq!(runs(&v2), Some(2));
    assert_eq!(runs(&v1), Some(1));
    assert_eq!(runs(&template("app:v3")), None);
    assert_eq!(runs(&restarted(&v2)), None, "the restart's own ReplicaSet is not there yet");
    let mut paused = workload(&template("app:v3"), 4);
    paused.0["spec"]["paused"] = json!(true);
    assert_eq!(current(Deployment, &paused, &revisions).map(|found| found.number), Some(2));
}

#[test]
fn a_move_has_a_time_only_where_the_revision_was_made_for_it() {
    let (v1, v2) = (template("app:v1"), template("app:v2"));
    let revisions = deployment(&[replica_set(1, &v1), replica_set(2, &v2)]);
    assert_eq!(moved_at(&revisions[1], &revisions), Some(at(120)));
    assert_eq!(moved_at(&revisions[0], &revisions), None, "gone back to: nobody knows when");
}

#[test]
fn controller_revisions_hold_the_template_and_a_mark_and_are_found_by_the_status_where_defaults_were_added() {
    let (v1, v2) = (template("app:v1"), template("app:v2"));
    let objects = [
        controller_revision("myapp-a1", 1, &v1),
        controller_revision("myapp-b2", 2, &v2),
    ];
    let revisions: Vec<_> = objects
        .iter()
        .filter_map(|object| Revision::read(StatefulSet, object))
        .collect();
    assert_eq!(revisions[0].template, v1);
    assert_eq!(revisions[1].hash, "myapp-b2");
    assert_eq!(Revision::read(DaemonSet, &objects[1]).expect("read").hash, "b2");
    let mut defaulted = workload(&v2, 3);
    defaulted.0["spec"]["template"]["spec"]["newDefault"] = json!("Always");
    defaulted.0["status"]["updateRevision"] = json!("myapp-b2");
    let found = |workload: &Object| current(StatefulSet, workload, &revisions).map(|found| found.name.clone());
    assert_eq!(found(&defaulted).as_deref(), Some("myapp-b2"));
    defaulted.0["metadata"]["generation"] = json!(4);
    assert_eq!(found(&defaulted), None, "the status is that of an older template");
}

#[test]
fn a_restart_makes_a_revision_and_no_version() {
    let v1 = template("app:v1");
    let revisions = deployment(&[replica_set(1, &v1), replica_set(2, &restarted(&v1))]);
    let catalog = Catalog::read(&[known(&revisions[0])]).expect("read");
    let of = |revision| catalog.version(revision, &revisions, &[]);
    assert_eq!(of(&revisions[1]), of(&revisions[0]));
    assert!(of(&revisions[1]).is_some());
}

#[test]
fn new_defaults_of_an_upgraded_server_invent_no_release() {
    let v1 = template("app:v1");
    let before = deployment(&[replica_set(1, &v1)]);
    let catalog = Catalog::read(&[known(&before[0])]).expect("read");
    let mut defaulted = v1.clone();
    defaulted["spec"]["hostUsers"] = json!(true);
    let after = deployment(&[replica_set(1, &defaulted), replica_set(2, &restarted(&defaulted))]);
    for revision in &after {
        assert_eq!(
            catalog.version(revision, &after, &[]).map(|version| version.name.as_str()),
            Some("v1")
        );
    }
    let other = deployment(&[replica_set(3, &template("app:v2"))]);
    assert_eq!(catalog.version(&other[0], &other, &[]), None);
}

#[test]
fn a_version_is_restored_from_its_newest_revision_and_from_what_is_kept_where_none_is_left() {
    let (v1, v2) = (template("app:v1"), template("app:v2"));
    let revisions = deployment(&[replica_set(1, &v1), replica_set(2, &restarted(&v1)), replica_set(3, &v2)]);
    let (version, document) = known(&revisions[0]);
    let catalog = Catalog::read(&[(version.clone(), document)]).expect("read");
    assert_eq!(catalog.template(&version, &revisions, &[]), Some(restarted(&v1)));
    assert_eq!(
        catalog.template(&version, &revisions[2..], &[]),
        Some(v1),
        "k18: history pruned"
    );
    let unknown = known(&revisions[2]).0;
    assert_eq!(catalog.template(&unknown, &revisions[..2], &[]), None);
}

#[test]
fn a_template_kept_by_a_newer_lastgood_is_refused() {
    let revisions = deployment(&[replica_set(1, &template("app:v1"))]);
    let (version, document) = known(&revisions[0]);
    let newer = document.replace("\"format\": 1", "\"format\": 9");
    let refused = Catalog::read(&[(version, newer)]).expect_err("refused");
    assert!(refused.contains("newer lastgood (format 9"), "{refused}");
}

#[test]
fn k25_pods_belong_to_the_revision_that_made_them_and_strangers_to_nobody() {
    let (v1, v2) = (template("app:v1"), template("app:v2"));
    let deployment_revisions = deployment(&[replica_set(1, &v1), replica_set(2, &v2)]);
    let pod = |name: &str, owner: &str, labels: Value, ready: bool| {
        Object(json!({
            "metadata": {
                "name": name, "namespace": "shop", "uid": format!("uid-{name}"), "creationTimestamp": at(0).to_string(),
                "labels": labels, "ownerReferences": [{"uid": owner, "controller": true}],
            },
            "status": {
                "conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }, "lastTransitionTime": at(9).to_string()}],
                "containerStatuses": [{"restartCount": 2}, {"restartCount": 1}],
            },
        }))
    };
    let pods = [
        pod("b", "rs-2", json!({}), false),
        pod("a", "rs-1", json!({}), true),
        pod("stranger", "rs-of-another", json!({}), true),
        pod("set-0", UID, json!({"controller-revision-hash": "hash2"}), true),
        pod("set-1", UID, json!({"controller-revision-hash": "unknown"}), true),
    ];
    let of = |revision: &Revision| Some(version(&revision.template, None, None, &[]));
    let seen = seen(&workload(&v2, 2), None, pods.iter(), &deployment_revisions, of);
    let told: Vec<_> = seen
        .iter()
        .map(|pod| {
            let name = pod.version.as_ref().map(|version| version.name.as_str());
            (pod.pod.to_string(), name, pod.ready_at, pod.restarts)
        })
        .collect();
    let row = |name: &str, version, ready| (format!("shop/{name}"), version, ready, 3);
    assert_eq!(
        told,
        [
            row("a", Some("v1"), Some(at(9))),
            row("b", Some("v2"), None),
            row("set-0", Some("v2"), Some(at(9))),
            row("set-1", None, Some(at(9))),
        ]
    );
}

#[test]
fn k19_the_image_of_a_pod_is_the_one_that_its_template_pins_else_the_one_that_its_runtime_tells() {
    let [told, pinned] = ["1", "2"].map(|digit| format!("sha256:{}", digit.repeat(64)));
    let seen_as = |image: &str, container: Option<&str>, image_id: &str| {
        let mut template = template(image);
        template["spec"]["containers"]
            .as_array_mut()
            .expect("a list")
            .push(json!({"name": "proxy", "image": "registry.example/proxy:7"}));
        let pod = Object(json!({
            "metadata": {
                "name": "a", "namespace": "shop", "uid": "uid-a", "creationTimestamp": at(0).to_string(),
                "ownerReferences": [{"uid": "rs-1", "controller": true}],
            },
            "status": {"containerStatuses": [
                {"name": "injected", "imageID": format!("mesh@{told}")},
                {"name": "proxy", "imageID": format!("registry.example/proxy@{pinned}")},
                {"name": "app", "imageID": image_id},
            ]},
        }));
        let revisions = deployment(&[replica_set(1, &template)]);
        let of = |revision: &Revision| Some(version(&revision.template, None, None, &[]));
        let seen = seen(&workload(&template, 1), container, [pod].iter(), &revisions, of);
        seen[0].image.as_ref().map(ToString::to_string)
    };
    let id = format!("registry.example/mirror/app@{told}");
    assert_eq!(seen_as("app:v1", None, &id), Some(format!("app:v1@{told}")));
    assert_eq!(
        seen_as("app:v1", None, &format!("docker-pullable://{id}")),
        Some(format!("app:v1@{told}"))
    );
    assert_eq!(
        seen_as(&format!("app:v1@{pinned}"), None, &id),
        Some(format!("app:v1@{pinned}")),
        "a runtime may tell the digest of its own platform's part"
    );
    assert_eq!(
        seen_as("app:v1", Some("proxy"), &id),
        Some(format!("registry.example/proxy:7@{pinned}"))
    );
    // Loaded by hand, or not pulled yet: that is no digest of a registry's.
    assert_eq!(seen_as("app:v1", None, &told), None);
    assert_eq!(seen_as("app:v1", None, ""), None);
}
