//! Holds that end because nothing was found out in time, and updates that a person has cut short already: those are not held.

use std::time::Duration;

use lastgood::{
    record::GoesOn,
    words::{Outcome, Verdict},
};
use serde_json::{Value, json};

use crate::{
    holding::{bad, goes_on, good, held, patches, paused, pods_meanwhile, quarter, runs_everywhere, why, writes},
    plane::skipped,
    scene::{CLIENT_SIDE, Scene, Staging, workload},
};

pub async fn a_hold_that_finds_nothing_out_goes_on_after_its_time_and_says_so() {
    // A quarter more errors is not found out within twenty seconds.
    let staging = Staging {
        watch: "for: 150s, proveAfter: 120s, hold: 25%, holdMax: 20s",
        ..Staging::default()
    };
    let Some(scene) = Scene::staged("Deployment", "held-long", staging).await else {
        return skipped("going_on::a_hold_that_finds_nothing_out_goes_on_after_its_time_and_says_so");
    };
    scene.ships("v2", &good()).await;
    let before = held(&scene, "v2").await.hold.expect("a hold");
    assert_eq!(paused(&scene).await, (true, true), "{}", scene.log());
    let record = goes_on(&scene, "v2").await;
    assert_eq!(why(&record), Some(&GoesOn::TooLong), "{record:#?}\n{}", scene.log());
    assert_eq!(record.verdict, None, "nothing was found out: {record:#?}");
    let after = record.hold.expect("a hold");
    assert!(after.changed_at >= before.until, "not before its time: {before:?} {after:?}");
    assert!(
        after.changed_at.since(before.until) < Duration::from_secs(5),
        "{before:?} {after:?}"
    );
    scene
        .says("v2 was held at 2 of 4 pods for as long as its policy allows")
        .await;
    runs_everywhere(&scene, "v2").await;
    assert_eq!(paused(&scene).await, (false, false));
    let written = patches(&scene.plane, scene.namespace);
    let holds = |patch: &&Value| writes(patch, "add", "/spec/paused");
    assert_eq!(written.iter().filter(holds).count(), 1, "it is not held again: {written:#?}");
    println!("{}", scene.command(&["explain", "shop"]));
}

pub async fn a_partition_of_a_persons_own_is_never_moved_and_the_pods_above_it_are_judged() {
    let namespace = "partitioned";
    let partition = "/spec/updateStrategy/rollingUpdate/partition";
    let mut v1 = workload("StatefulSet", namespace);
    v1["spec"]["updateStrategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 3}});
    let Some(scene) = Scene::made("StatefulSet", namespace, (&v1, CLIENT_SIDE), quarter()).await else {
        return skipped("going_on::a_partition_of_a_persons_own_is_never_moved_and_the_pods_above_it_are_judged");
    };
    scene.ships("v2", &bad()).await;
    let (pods, record) = pods_meanwhile(&scene, "v2", scene.closed("v2")).await;
    let hold = record.hold.clone().expect("it was to be held");
    assert_eq!(hold.outcome, Some(Outcome::Refused), "{record:#?}\n{}", scene.log());
    assert_eq!(
        (record.verdict, record.outcome),
        (Some(Verdict::Regression), Some(Outcome::Verified)),
        "{record:#?}\n{}",
        scene.log()
    );
    assert_eq!(pods.into_iter().collect::<Vec<_>>(), ["shop-3"]);
    let object = scene.object().await;
    assert_eq!(object.pointer(partition), Some(&json!(3)), "it is theirs");
    assert_eq!(scene.image().await, "v1");
    let written = patches(&scene.plane, namespace);
    let moves = |patch: &&Value| {
        ["add", "replace", "remove"]
            .iter()
            .any(|operation| writes(patch, operation, partition))
    };
    assert_eq!(written.iter().filter(moves).count(), 0, "{written:#?}");
}
