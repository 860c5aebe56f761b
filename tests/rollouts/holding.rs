//! Holds: a rolling update that stands still until something is found out, beside people who do as they like.

use std::{collections::BTreeSet, future::Future, time::Duration};

use lastgood::{
    record::{GoesOn, Record},
    words::{Outcome, Verdict},
};
use serde_json::{Value, json};

use crate::{
    costs::{self, Unguarded},
    plane::{Plane, skipped, until},
    scene::{NEXT, Scene, Staging, TENFOLD, behaves, run},
};

/// A quarter of the pods.
pub fn quarter() -> Staging {
    Staging {
        watch: "for: 150s, proveAfter: 45s, hold: 25%, holdMax: 120s",
        metric: TENFOLD,
        ..Staging::default()
    }
}

/// lastgood is killed, as by a power cut.
fn dies(scene: &Scene) {
    *scene.lastgood.lock().expect("a process") = None;
}

/// Another lastgood begins with what the one before left.
fn begins_again(scene: &Scene) {
    *scene.lastgood.lock().expect("a process") = Some(run(&scene.directory, NEXT));
}

/// The policy's file is gone, and lastgood is told to look.
fn unguards(scene: &Scene) {
    std::fs::remove_file(scene.directory.path().join("policies/shop.yaml")).expect("removed");
    let mut lastgood = scene.lastgood.lock().expect("a process");
    lastgood.as_mut().expect("it runs").signal(rustix::process::Signal::HUP);
}

const HELD: &str = "lastgood.dev/held";

pub fn bad() -> Value {
    behaves(0.40, 0.010)
}

pub fn good() -> Value {
    behaves(0.005, 0.010)
}

/// The record of `version` once it is held.
pub async fn held(scene: &Scene, version: &str) -> Record {
    let is_held = |record: &Record| record.hold.as_ref().is_some_and(|hold| hold.outcome == Some(Outcome::Held));
    scene.record(version, "it is held", is_held).await
}

/// The record of `version` once its hold ended.
pub async fn goes_on(scene: &Scene, version: &str) -> Record {
    let ended = |record: &Record| {
        record
            .hold
            .as_ref()
            .is_some_and(|hold| hold.outcome == Some(Outcome::Released))
    };
    scene.record(version, "it goes on", ended).await
}

pub fn why(record: &Record) -> Option<&GoesOn> {
    record.hold.as_ref()?.goes_on.as_ref()
}

/// Whether it is paused, and by whom its annotation says.
pub async fn paused(scene: &Scene) -> (bool, bool) {
    let object = scene.object().await;
    (
        object["spec"]["paused"] == true,
        object["metadata"]["annotations"][HELD].is_string(),
    )
}

fn image(pod: &Value) -> &str {
    let image = pod["spec"]["containers"][0]["image"].as_str().unwrap_or_default();
    image.rsplit(':').next().unwrap_or_default()
}

/// All pods run `version`, and are ready.
pub async fn runs_everywhere(scene: &Scene, version: &str) {
    until("all pods run it", async || {
        let pods = scene.plane.pods(scene.namespace, "shop").await;
        let ready = |pod: &Value| {
            let conditions = pod["status"]["conditions"].as_array();
            conditions.is_some_and(|all| all.iter().any(|one| one["type"] == "Ready" && one["status"] == "True"))
        };
        pods.len() == 4 && pods.iter().all(|pod| image(pod) == version && ready(pod))
    })
    .await;
}

/// The names of all pods of `version` that there ever were while `story` is told.
pub async fn pods_meanwhile<T>(scene: &Scene, version: &str, story: impl Future<Output = T>) -> (BTreeSet<String>, T) {
    let mut names = BTreeSet::new();
    let looks = async {
        loop {
            for pod in scene.plane.pods(scene.namespace, "shop").await {
                if image(&pod) == version {
                    names.insert(pod["metadata"]["name"].as_str().unwrap_or_default().to_owned());
                }
            }
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    };
    let told = tokio::select! {
        told = story => told,
        () = looks => unreachable!("it never ends"),
    };
    (names, told)
}

/// What lastgood wrote to the workloads of a namespace, as the API server noted it.
pub fn patches(plane: &Plane, namespace: &str) -> Vec<Value> {
    plane
        .audited(|line| line.contains("fieldManager=lastgood"))
        .filter(|event| event["objectRef"]["namespace"] == namespace && event["verb"] == "patch")
        .filter(|event| {
            event["requestURI"]
                .as_str()
                .is_some_and(|uri| uri.contains("fieldManager=lastgood"))
        })
        .filter(|event| {
            event["responseStatus"]["code"] == 200 && !event["requestURI"].as_str().unwrap_or_default().contains("dryRun")
        })
        .map(|event| event["requestObject"].clone())
        .collect()
}

pub fn writes(patch: &Value, operation: &str, path: &str) -> bool {
    let operations = patch.as_array().into_iter().flatten();
    operations
        .into_iter()
        .any(|one| one["op"] == operation && one["path"] == path)
}

pub async fn a_bad_release_never_gets_more_than_its_held_pods_and_goes_back_and_on_in_one_write() {
    let Some(scene) = Scene::staged("Deployment", "held-bad", quarter()).await else {
        return skipped("holding::a_bad_release_never_gets_more_than_its_held_pods_and_goes_back_and_on_in_one_write");
    };
    let before = scene.object().await;
    let mut unguarded = Unguarded::beside(&scene).await;
    unguarded.ships(&scene, "v2", &bad(), costs::image).await;
    let (pods, record) = pods_meanwhile(&scene, "v2", scene.closed("v2")).await;
    assert_eq!(record.verdict, Some(Verdict::Regression), "{record:#?}\n{}", scene.log());
    assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}\n{}", scene.log());
    let hold = record.hold.clone().expect("a hold");
    assert_eq!(
        (hold.pods, hold.of, why(&record)),
        (2, 4, Some(&GoesOn::Reverted)),
        "{record:#?}"
    );
    assert!((1..=2).contains(&pods.len()), "{pods:?} of v2");
    let after = scene.object().await;
    assert_eq!(before["spec"], after["spec"]);
    assert_eq!(after["metadata"]["annotations"][HELD], Value::Null);
    let written = patches(&scene.plane, "held-bad");
    let held = |patch: &&Value| writes(patch, "add", "/spec/paused");
    let back = |patch: &&Value| writes(patch, "replace", "/spec/template");
    assert_eq!(written.iter().filter(held).count(), 1, "{written:#?}");
    let back: Vec<&Value> = written.iter().filter(back).collect();
    assert!(back.len() == 1 && writes(back[0], "remove", "/spec/paused"), "{written:#?}");
    println!("{}", scene.command(&["explain", "shop"]));
    unguarded
        .note("40 % errors, held at 25 %", costs::Saved::Failed, &scene)
        .await;
}

pub async fn a_good_release_is_held_goes_on_and_is_proven() {
    let Some(scene) = Scene::staged("Deployment", "held-good", quarter()).await else {
        return skipped("holding::a_good_release_is_held_goes_on_and_is_proven");
    };
    scene.ships("v2", &good()).await;
    let record = held(&scene, "v2").await;
    assert_eq!(paused(&scene).await, (true, true), "{}", scene.log());
    let entry = |record: &Record, happened: &str| {
        let mut entries = record.timeline.iter();
        let found = entries.find(|entry| serde_json::to_value(&entry.what).expect("JSON")["happened"] == happened);
        found.map(|entry| entry.at)
    };
    println!("seen {:?}, held {:?}", entry(&record, "seen"), entry(&record, "held"));
    println!("{}", scene.command(&["status", "shop"]));
    let record = goes_on(&scene, "v2").await;
    assert_eq!(why(&record), Some(&GoesOn::Healthy), "{record:#?}\n{}", scene.log());
    runs_everywhere(&scene, "v2").await;
    assert_eq!(paused(&scene).await, (false, false));
    let record = scene.closed("v2").await;
    assert_eq!(
        (record.verdict, record.outcome),
        (Some(Verdict::Healthy), None),
        "{record:#?}"
    );
    assert_eq!(scene.standing("v2").await, Some(lastgood::words::Standing::Proven));
    println!("{}", scene.command(&["explain", "shop"]));
}

pub async fn k17_what_a_person_paused_stays_paused() {
    let Some(scene) = Scene::staged("Deployment", "held-paused", quarter()).await else {
        return skipped("holding::k17_what_a_person_paused_stays_paused");
    };
    // So that the person is first.
    dies(&scene);
    scene.ships("v2", &good()).await;
    until("v2 has a pod", async || {
        scene
            .plane
            .pods(scene.namespace, "shop")
            .await
            .iter()
            .any(|pod| image(pod) == "v2")
    })
    .await;
    scene
        .plane
        .kubectl(scene.namespace, &["rollout", "pause", "deployment/shop"])
        .await;
    begins_again(&scene);
    let refused = |record: &Record| {
        record
            .hold
            .as_ref()
            .is_some_and(|hold| hold.outcome == Some(Outcome::Refused))
    };
    scene.record("v2", "a person has it", refused).await;
    let healthy = |record: &Record| record.verdict == Some(Verdict::Healthy);
    scene.record("v2", "it is healthy", healthy).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(paused(&scene).await, (true, false), "theirs, also when it is healthy");
    scene
        .plane
        .kubectl(scene.namespace, &["rollout", "resume", "deployment/shop"])
        .await;
    runs_everywhere(&scene, "v2").await;
    assert_eq!(
        patches(&scene.plane, "held-paused"),
        Vec::<Value>::new(),
        "nothing was written"
    );
}

pub async fn a_persons_resume_is_final() {
    let Some(scene) = Scene::staged("Deployment", "held-resumed", quarter()).await else {
        return skipped("holding::a_persons_resume_is_final");
    };
    scene.ships("v2", &good()).await;
    held(&scene, "v2").await;
    scene
        .plane
        .kubectl(scene.namespace, &["rollout", "resume", "deployment/shop"])
        .await;
    let record = goes_on(&scene, "v2").await;
    assert_eq!(why(&record), Some(&GoesOn::Resumed), "{record:#?}\n{}", scene.log());
    runs_everywhere(&scene, "v2").await;
    assert_eq!(paused(&scene).await, (false, false), "and nothing of the hold is left");
    let written = patches(&scene.plane, "held-resumed");
    let held = |patch: &&Value| writes(patch, "add", "/spec/paused");
    assert_eq!(written.iter().filter(held).count(), 1, "held once: {written:#?}");
}

pub async fn a_persons_word_lets_it_go_on() {
    let Some(scene) = Scene::staged("Deployment", "held-word", quarter()).await else {
        return skipped("holding::a_persons_word_lets_it_go_on");
    };
    assert_eq!(scene.command(&["hold", "list", "-o", "name"]), "");
    scene.ships("v2", &good()).await;
    let record = held(&scene, "v2").await;
    let table = scene.command(&["hold", "list"]);
    assert!(table.contains("2 of 4") && table.contains(&record.id.to_string()), "{table}");
    let list: Value = serde_json::from_str(&scene.command(&["hold", "list", "-o", "json"])).expect("JSON");
    let item = &list["items"][0];
    assert_eq!(
        (&list["kind"], &item["workload"]["in_force"]),
        (&json!("HoldList"), &json!(true)),
        "{list:#}"
    );
    let said = scene.command(&["hold", "resume", "shop", "--yes", "--reason", "it is the database"]);
    assert!(said.contains("v2 of shop goes on"), "{said}");
    assert_eq!(paused(&scene).await, (false, false), "{said}\n{}", scene.log());
    let record = goes_on(&scene, "v2").await;
    assert!(
        matches!(why(&record), Some(GoesOn::Person { reason, .. }) if reason == "it is the database"),
        "{record:#?}"
    );
    let again = scene.command(&["hold", "resume", "shop", "--yes"]);
    assert!(again.contains("nothing is held"), "{again}");
    let audit = scene.command(&["audit", "--service", "shop"]);
    assert!(
        audit.contains("it is the database") && audit.contains("held at 2 of 4 pods"),
        "{audit}"
    );
    println!("{table}\n{said}\n{audit}");
}

pub async fn k13_a_newer_release_behind_a_hold_is_rolled_out_and_held_itself() {
    let Some(scene) = Scene::staged("Deployment", "held-newer", quarter()).await else {
        return skipped("holding::k13_a_newer_release_behind_a_hold_is_rolled_out_and_held_itself");
    };
    scene.ships("v2", &good()).await;
    held(&scene, "v2").await;
    scene.ships("v3", &good()).await;
    let record = scene.closed("v2").await;
    assert_eq!(record.outcome, Some(Outcome::Superseded), "{record:#?}\n{}", scene.log());
    assert_eq!(why(&record), Some(&GoesOn::Newer), "{record:#?}");
    held(&scene, "v3").await;
    goes_on(&scene, "v3").await;
    runs_everywhere(&scene, "v3").await;
}

pub async fn the_next_lastgood_goes_on_with_what_the_one_that_was_killed_held() {
    let Some(scene) = Scene::staged("Deployment", "held-killed", quarter()).await else {
        return skipped("holding::the_next_lastgood_goes_on_with_what_the_one_that_was_killed_held");
    };
    scene.ships("v2", &bad()).await;
    let before = held(&scene, "v2").await;
    dies(&scene);
    let object = scene.object().await;
    let note: Value = serde_json::from_str(object["metadata"]["annotations"][HELD].as_str().expect("a note")).expect("JSON");
    let until = before.hold.expect("a hold").until;
    assert_eq!(
        (&note["rollout"], &note["until"]),
        (&json!(before.id), &json!(until)),
        "it carries until when"
    );
    let list = scene.command(&["hold", "list"]);
    assert!(list.contains(&before.id.to_string()), "without a controller: {list}");
    begins_again(&scene);
    let (pods, record) = pods_meanwhile(&scene, "v2", scene.closed("v2")).await;
    assert_eq!(record.id, before.id);
    assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}\n{}", scene.log());
    assert_eq!(why(&record), Some(&GoesOn::Reverted), "{record:#?}");
    assert!(pods.len() <= 2, "{pods:?} of v2");
    assert_eq!((scene.image().await.as_str(), paused(&scene).await), ("v1", (false, false)));
}

pub async fn a_policy_that_is_gone_holds_nothing() {
    let Some(scene) = Scene::staged("Deployment", "held-gone", quarter()).await else {
        return skipped("holding::a_policy_that_is_gone_holds_nothing");
    };
    scene.ships("v2", &good()).await;
    held(&scene, "v2").await;
    unguards(&scene);
    until("it goes on", async || paused(&scene).await == (false, false)).await;
    runs_everywhere(&scene, "v2").await;
}

pub async fn a_statefulset_is_held_by_its_partition_and_put_back() {
    let Some(scene) = Scene::staged("StatefulSet", "held-ordered", quarter()).await else {
        return skipped("holding::a_statefulset_is_held_by_its_partition_and_put_back");
    };
    scene.ships("v2", &bad()).await;
    held(&scene, "v2").await;
    let partition = "/spec/updateStrategy/rollingUpdate/partition";
    assert_eq!(scene.object().await.pointer(partition), Some(&json!(3)));
    let (pods, record) = pods_meanwhile(&scene, "v2", scene.closed("v2")).await;
    assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}\n{}", scene.log());
    assert_eq!(why(&record), Some(&GoesOn::Reverted), "{record:#?}");
    assert_eq!(pods.into_iter().collect::<Vec<_>>(), ["shop-3"]);
    let object = scene.object().await;
    assert_eq!(
        (object.pointer(partition), scene.image().await.as_str()),
        (Some(&json!(0)), "v1")
    );
    let written = patches(&scene.plane, "held-ordered");
    let back = |patch: &&Value| writes(patch, "replace", "/spec/template");
    let back: Vec<&Value> = written.iter().filter(back).collect();
    assert!(back.len() == 1 && writes(back[0], "replace", partition), "{written:#?}");
}
