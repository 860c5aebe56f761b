//! What people do in the middle of it, and that they win.

use std::{process::Command, time::Duration};

use futures::FutureExt as _;
use lastgood::{
    app::clock::SystemClock,
    demo::Behavior,
    ports::Clock as _,
    record::{Phase, RolloutKind},
    words::{Outcome, Standing},
};

use crate::{
    rig::{LONG, Plan, Scene, failing, good, policy, together},
    rollouts::{standing, with_v1_proven},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn people_win() {
    together([
        ("v3 over a bad v2", a_person_who_ships_v3_over_a_bad_v2_wins().boxed()),
        (
            "v3 over a crash",
            a_person_who_ships_v3_while_lastgood_lies_dead_in_the_act_wins().boxed(),
        ),
        (
            "v2 again",
            the_same_bad_version_shipped_again_is_announced_and_not_fought_over().boxed(),
        ),
        (
            "ln -sfn",
            a_script_that_uses_ln_sfn_and_a_release_that_writes_are_one_rollout().boxed(),
        ),
        ("wait", a_pipeline_that_waits_is_told_by_the_exit_code().boxed()),
        ("numbers", a_person_who_goes_back_sees_how_both_versions_did().boxed()),
    ])
    .await;
}

async fn a_person_who_ships_v3_over_a_bad_v2_wins() {
    // So little evidence that v2 is still being judged when v3 comes.
    let scene = with_v1_proven(Plan {
        rate: 4.0,
        errors: 0.05,
        ..Plan::default()
    })
    .await;
    let plan = scene.plan().clone();
    scene.deploy("v2", &failing(0.12)).await;
    scene
        .record("v2", LONG, |record| matches!(record.phase, Phase::Watching { .. }))
        .await;
    scene.deploy("v3", &good(&plan)).await;
    let third = scene
        .record("v3", LONG, |record| matches!(record.phase, Phase::Watching { .. }))
        .await;
    let second = scene.record("v2", LONG, |record| record.phase == Phase::Closed).await;
    assert_eq!(second.outcome, Some(Outcome::Superseded), "{second:#?}");
    assert_eq!(
        third.baseline.map(|(version, _)| version.name.to_string()),
        Some("v1".to_owned())
    );
    assert_eq!(scene.points_to(), "v3");
}

async fn a_person_who_ships_v3_while_lastgood_lies_dead_in_the_act_wins() {
    let mut scene = with_v1_proven(Plan::default()).await;
    let plan = scene.plan().clone();
    for (number, point) in ["intent.after", "host.link", "host.exchanged", "host.synced"]
        .into_iter()
        .enumerate()
    {
        let (bad, newer) = (format!("bad-{number}"), format!("newer-{number}"));
        scene.stop_lastgood().await;
        scene.start_lastgood(&[("LASTGOOD_CRASH_AT", point)]);
        scene.deploy(&bad, &failing(0.3)).await;
        scene.killed(point).await;
        scene.deploy(&newer, &good(&plan)).await;
        scene.start_lastgood(&[]);
        let record = scene.record(&bad, LONG, |record| record.phase == Phase::Closed).await;
        assert_eq!(record.outcome, Some(Outcome::Superseded), "{point}: {record:#?}");
        scene
            .record(&newer, LONG, |record| {
                matches!(record.phase, Phase::Watching { .. }) && record.plan.is_some()
            })
            .await;
        assert_eq!(scene.points_to(), newer, "{point}");
        scene.nothing_is_left().await;
        assert!(scene.ids("reverted", &bad).is_empty(), "{point}: {:?}", scene.alerted());
    }
}

async fn the_same_bad_version_shipped_again_is_announced_and_not_fought_over() {
    let mut scene = with_v1_proven(Plan::default()).await;
    scene.deploy("v2", &failing(0.3)).await;
    scene
        .record("v2", LONG, |record| record.outcome == Some(Outcome::Verified))
        .await;
    scene.releases.switch("v2").expect("switched");
    scene.service.activate().await.expect("activated");
    scene
        .record("v2", LONG, |record| {
            record.kind == RolloutKind::Return && record.outcome == Some(Outcome::Contested)
        })
        .await;
    assert_eq!(scene.points_to(), "v2", "a person's word is not fought");
    scene.told("contested", "v2").await;
}

async fn a_script_that_uses_ln_sfn_and_a_release_that_writes_are_one_rollout() {
    let mut scene = with_v1_proven(Plan {
        watch: "{for: 15s, proveAfter: 8s}",
        ..Plan::default()
    })
    .await;
    let writes = Behavior {
        writes: true,
        ..good(scene.plan())
    };
    scene.releases.publish("v2", &writes).expect("published");
    let status = Command::new("ln")
        .args(["-sfn", "releases/v2", "current"])
        .current_dir(scene.root())
        .status()
        .expect("ln");
    assert!(status.success());
    scene.service.activate().await.expect("activated");
    scene
        .record("v2", LONG, |record| matches!(record.phase, Phase::Watching { .. }))
        .await;
    scene.kill_lastgood();
    scene.start_lastgood(&[]);
    scene.told("proven", "v2").await;
    standing(&scene, "v2", Standing::Proven).await;
    assert_eq!(
        scene.records().await.len(),
        2,
        "first sight and v2, before the restart and after it"
    );
}

/// Error rate and latency of both versions, from a real Prometheus: within three seconds before they are asked, beside the act with `--yes`.
async fn a_person_who_goes_back_sees_how_both_versions_did() {
    let mut scene = Scene::set(Plan::default()).await;
    let command = scene.service.activate_command();
    let metrics = "  metrics:\n    - name: latency\n      histogram: 'http_request_duration_seconds{job=\"app\"}'\n";
    let with_latency = policy(scene.root(), scene.plan(), &command).replace("  metrics:\n", metrics);
    scene.write_policy(&with_latency.replace("{for: 30s, proveAfter: 6s}", "{for: 30s, proveAfter: 6s, step: 1s}"));
    scene.start_lastgood(&[]);
    scene.record("v1", LONG, |record| record.phase == Phase::Closed).await;
    // The person comes first.
    assert!(
        scene
            .command(&["freeze", "app", "--reason", "a person looks"])
            .await
            .status
            .success()
    );
    let slow = Behavior {
        median: 0.2,
        ..failing(0.4)
    };
    scene.deploy("v2", &slow).await;
    let number = |value: &serde_json::Value| value.as_f64().unwrap_or_default();
    let enough = |lately: &serde_json::Value| (0..2).all(|side| (0..2).all(|metric| counted(&lately[side][metric]) >= 100.0));
    let deadline = SystemClock.now().plus(LONG);
    let (took, lately) = loop {
        let (took, lately) = planned(&scene).await;
        if enough(&lately) {
            break (took, lately);
        }
        assert!(SystemClock.now() < deadline, "both versions were never counted: {lately}");
    };
    println!(
        "error rate and latency of both versions, from Prometheus: {} ms, {lately}",
        took.as_millis()
    );
    assert!(
        took.as_secs() < 10,
        "three seconds at most, and what a busy machine adds: {took:?}"
    );
    let errors = [0, 1].map(|side| number(&lately[side][1]["bad"]) / number(&lately[side][1]["total"]));
    assert!((0.25..0.55).contains(&errors[0]) && errors[1] < 0.06, "{lately}");
    let half = [0, 1].map(|side| number(&lately[side][0]["half"]));
    assert!(half[0] >= 0.1 && half[1] < 0.1, "{lately}");
    let output = scene
        .command(&["rollback", "app", "--to", "v1", "--yes", "--reason", "too slow"])
        .await;
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert_eq!(scene.points_to(), "v1");
    for shown in ["errors: ", "latency: half of "] {
        assert_eq!(told.matches(shown).count(), 2, "{told}");
    }
}

/// What was counted of a metric.
fn counted(metric: &serde_json::Value) -> f64 {
    let of = |key: &str| metric[key].as_f64();
    of("total").or_else(|| of("events")).unwrap_or_default()
}

/// How long a plan to go back to v1 takes, and what it says of both versions.
async fn planned(scene: &Scene) -> (Duration, serde_json::Value) {
    let began = SystemClock.now();
    let output = scene
        .command(&["rollback", "app", "--to", "v1", "--dry-run", "-o", "json"])
        .await;
    assert!(output.status.success(), "{output:?}");
    let took = SystemClock.now().since(began);
    let plan: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    (took, plan["lately"].clone())
}

async fn a_pipeline_that_waits_is_told_by_the_exit_code() {
    let scene = with_v1_proven(Plan::default()).await;
    scene.deploy("v2", &failing(0.3)).await;
    let wait = async |arguments: &[&str]| scene.command(&[&["wait"], arguments].concat()).await;
    let output = wait(&["app", "--to", "v2", "--timeout", "60s"]).await;
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let output = wait(&["app", "--to", "v9", "--timeout", "1s"]).await;
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let output = wait(&["nobody", "--timeout", "1s"]).await;
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}
