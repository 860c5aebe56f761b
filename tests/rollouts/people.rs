//! People beside lastgood: theirs is the last word, and what lastgood writes is the template alone.

use std::time::Duration;

use lastgood::{
    app::clock::SystemClock,
    ports::Clock as _,
    record::{ActResult, Happened, Record, RolloutKind},
    words::{Outcome, Verdict},
};
use serde_json::json;

use crate::{
    clients::admin,
    plane::{skipped, until},
    scene::{Scene, behaves},
    written::template_changes_in,
};

pub async fn k13_a_newer_release_of_a_person_wins_over_the_one_that_is_judged() {
    let Some(scene) = Scene::set("Deployment", "newer").await else {
        return skipped("people::k13_a_newer_release_of_a_person_wins_over_the_one_that_is_judged");
    };
    // Bad enough to be convicted, had it been let on.
    scene.ships("v2", &behaves(0.02, 0.010)).await;
    scene
        .record("v2", "v2 is watched", |record| record.activation.is_some())
        .await;
    scene.ships("v3", &behaves(0.0, 0.010)).await;
    let record = scene.closed("v2").await;
    assert_eq!(record.outcome, Some(Outcome::Superseded), "{record:#?}");
    assert_eq!(template_changes_in(&scene.plane, scene.namespace), 0);
    let record = scene
        .record("v3", "v3 is watched", |record| record.activation.is_some())
        .await;
    assert_eq!(
        record.baseline.map(|(version, _)| version.name.to_string()).as_deref(),
        Some("v1")
    );
    assert_eq!(scene.image().await, "v3");
}

pub async fn k14_a_persons_undo_is_a_return_and_not_judged() {
    let Some(scene) = Scene::set("Deployment", "undone").await else {
        return skipped("people::k14_a_persons_undo_is_a_return_and_not_judged");
    };
    scene.ships("v2", &behaves(0.0, 0.010)).await;
    scene
        .record("v2", "v2 is watched", |record| record.activation.is_some())
        .await;
    scene.plane.kubectl("undone", &["rollout", "undo", "deployment/shop"]).await;
    let record = scene.closed("v2").await;
    assert_eq!(record.outcome, Some(Outcome::ReturnedByPerson), "{record:#?}");
    let back = scene
        .record("v1", "v1 is back", |record| {
            record.kind == RolloutKind::Return && record.closed_at.is_some()
        })
        .await;
    assert_ne!(back.verdict, Some(Verdict::Regression));
}

pub async fn a_person_goes_back_by_one_command_and_is_not_judged() {
    let Some(scene) = Scene::set("Deployment", "back").await else {
        return skipped("people::a_person_goes_back_by_one_command_and_is_not_judged");
    };
    let before = scene.object().await;
    scene.ships("v2", &behaves(0.0, 0.010)).await;
    scene
        .record("v2", "v2 is watched", |record| record.activation.is_some())
        .await;
    let said = scene.command(&[
        "rollback",
        "--service",
        "shop",
        "--to",
        "v1",
        "--env",
        "prod",
        "--reason",
        "it looks odd",
        "--yes",
    ]);
    assert_eq!(
        scene.object().await["spec"]["template"],
        before["spec"]["template"],
        "{said}\n{}",
        scene.log()
    );
    let record = scene.closed("v2").await;
    assert_eq!(record.outcome, Some(Outcome::ReturnedByPerson), "{said}\n{record:#?}");
    let back = scene
        .record("v1", "v1 is back", |record| {
            record.kind == RolloutKind::Return && record.closed_at.is_some()
        })
        .await;
    assert_ne!(back.verdict, Some(Verdict::Regression));
    println!("{said}\n{}", scene.command(&["audit", "--service", "shop"]));
    how_long_it_takes_to_the_accepted_patch(&scene).await;
}

/// From the start of the command to the answer that its patch is accepted. The bound is loose: other stories and their cluster share two cores;
/// the figure of a quiet machine is in docs/speed-kubernetes.md.
async fn how_long_it_takes_to_the_accepted_patch(scene: &Scene) {
    let mut took = vec![back_within(scene, "v2").await];
    for newer in ["v3", "v4"] {
        scene.ships(newer, &behaves(0.0, 0.010)).await;
        scene.record(newer, "it is seen", |_| true).await;
        took.push(back_within(scene, "v2").await);
    }
    took.sort();
    println!(
        "rollback in a cluster, from the start of the command to the accepted patch: median {} ms, slowest {} ms",
        took[1].as_millis(),
        took[2].as_millis()
    );
    assert!(took[1].as_secs() < 5, "{took:?}");
}

async fn back_within(scene: &Scene, to: &str) -> Duration {
    let began = SystemClock.now();
    let (code, said) = scene.types(&["rollback", "shop", "--to", to, "--yes", "--quiet"]).await;
    assert_eq!(code, Some(0), "{to}: {said}\n{}", scene.log());
    let newest = scene.records().await.into_iter().find(|record| record.to.name.as_str() == to);
    let newest = newest.expect("its record");
    let accepted = newest.timeline.iter().find_map(|entry| match &entry.what {
        Happened::Acted {
            result: ActResult::Applied { moved_at, .. },
        } => Some(*moved_at),
        _ => None,
    });
    accepted.expect("accepted").since(began)
}

pub async fn k22_a_restart_is_no_release_and_a_changed_variable_is_one_that_is_restored_whole() {
    let Some(scene) = Scene::set("Deployment", "variables").await else {
        return skipped("people::k22_a_restart_is_no_release_and_a_changed_variable_is_one_that_is_restored_whole");
    };
    scene
        .plane
        .kubectl("variables", &["rollout", "restart", "deployment/shop"])
        .await;
    scene
        .plane
        .kubectl("variables", &["rollout", "status", "deployment/shop", "--timeout=280s"])
        .await;
    let before = scene.object().await;
    let bad = behaves(0.5, 0.010).to_string();
    let set = format!("BEHAVIOR={bad}");
    scene
        .plane
        .kubectl("variables", &["set", "env", "deployment/shop", &set])
        .await;
    let record = scene
        .record("v1", "the changed variable is convicted", |record| {
            record.kind == RolloutKind::Release && record.closed_at.is_some()
        })
        .await;
    assert_eq!(record.verdict, Some(Verdict::Regression), "{record:#?}\n{}", scene.log());
    assert_eq!(scene.object().await["spec"]["template"], before["spec"]["template"]);
    assert_eq!(releases(&scene).await.len(), 1, "the restart opened none");
    a_changed_checksum_is_a_release_and_restored_too(&scene).await;
}

/// The releases that lastgood has seen, newest first.
async fn releases(scene: &Scene) -> Vec<Record> {
    let mut records = scene.records().await;
    records.retain(|record| record.kind == RolloutKind::Release);
    records
}

/// What is mounted changes with it, and nothing else of the template does.
async fn a_changed_checksum_is_a_release_and_restored_too(scene: &Scene) {
    let wait = ["rollout", "status", "deployment/shop", "--timeout=280s"];
    scene.plane.kubectl(scene.namespace, &wait).await;
    let before = scene.object().await;
    let image = format!("{}/shop:v1", scene.namespace);
    scene.plane.image(&image, &behaves(0.5, 0.010));
    let checksum = json!({"spec": {"template": {"metadata": {"annotations": {"checksum/config": "2"}}}}});
    scene.patches(&checksum).await;
    until("a pod with it is ready", async || {
        let newest = releases(scene).await;
        newest.len() == 2 && newest[0].activation.is_some()
    })
    .await;
    // Who puts the checksum back puts the settings back.
    scene.plane.image(&image, &behaves(0.005, 0.010));
    until("it is over", async || releases(scene).await[0].closed_at.is_some()).await;
    let record = &releases(scene).await[0];
    assert_eq!(
        (record.verdict, record.outcome),
        (Some(Verdict::Regression), Some(Outcome::Verified)),
        "{record:#?}\n{}",
        scene.log()
    );
    assert_eq!(scene.object().await["spec"]["template"], before["spec"]["template"]);
}

pub async fn k16_a_scaler_at_five_hertz_keeps_its_replicas_through_a_revert() {
    let Some(scene) = Scene::set("Deployment", "scaled").await else {
        return skipped("people::k16_a_scaler_at_five_hertz_keeps_its_replicas_through_a_revert");
    };
    scene.ships("v2", &behaves(0.40, 0.010)).await;
    let client = admin(&scene.plane).await;
    let deployments: kube::Api<k8s_openapi::api::apps::v1::Deployment> = kube::Api::namespaced(client, scene.namespace);
    // The last one may be cut off by the end of the story, so both its words and the ones before count.
    let mut said = [4, 4];
    let (began, mut written) = (SystemClock.now(), 0);
    let scales = async {
        let mut ticker = tokio::time::interval(Duration::from_millis(200));
        loop {
            ticker.tick().await;
            said = [said[1], if said[1] == 4 { 5 } else { 4 }];
            let patch = json!({"spec": {"replicas": said[1]}});
            let scaled = deployments
                .patch_scale("shop", &kube::api::PatchParams::default(), &kube::api::Patch::Merge(patch))
                .await;
            scaled.expect("scaled");
            written += 1;
        }
    };
    let record = tokio::select! {
        record = scene.closed("v2") => record,
        () = scales => unreachable!("it never ends"),
    };
    let hertz = f64::from(written) / SystemClock.now().since(began).as_secs_f64();
    assert!(hertz > 4.0, "it scaled {hertz:.1} times a second");
    assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}\n{}", scene.log());
    assert_eq!(scene.image().await, "v1");
    let object = scene.object().await;
    assert!(
        said.iter().any(|said| object["spec"]["replicas"] == *said),
        "its last words: {said:?}"
    );
    let ours = object["metadata"]["managedFields"].as_array().expect("fields").iter();
    let mut ours = ours.filter(|fields| {
        fields["manager"]
            .as_str()
            .is_some_and(|manager| manager.starts_with("lastgood"))
    });
    assert!(
        ours.all(|fields| fields["fieldsV1"]["f:spec"]["f:replicas"].is_null()),
        "lastgood never wrote them"
    );
}
