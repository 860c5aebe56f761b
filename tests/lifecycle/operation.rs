//! Running it: reloads, health and own metrics, an ending in mid-watch, an endpoint that is down, a store from the future.

use std::{os::unix::fs::PermissionsExt as _, path::Path, process::Command, time::Duration};

use futures::FutureExt as _;
use lastgood::{
    app::{
        clock::SystemClock,
        watch::{Progress, Watch},
    },
    demo::ScrapeTarget,
    engine::Stage,
    history::Sqlite,
    judge::Evidence,
    policy::Mode,
    ports::{Clock, History},
    prometheus::{Options, Prometheus},
    record::{Happened, Phase, Record, TargetHistory},
    words::Outcome,
};
use rustix::process::Signal;

use crate::{
    rig::{LONG, Plan, Scene, failing, good, lastgood, policy, settings, together},
    rollouts::{in_mid_watch, with_v1_proven},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn n01_c14_an_endpoint_that_is_down_a_policy_that_is_bad_and_health() {
    together([
        (
            "n01",
            n01_an_endpoint_that_is_down_delays_no_revert_and_is_told_once_when_it_is_back().boxed(),
        ),
        (
            "c14",
            c14_a_bad_policy_keeps_what_was_in_force_and_says_so_until_a_good_one_comes().boxed(),
        ),
        (
            "k26",
            k26_of_two_policies_for_one_target_neither_acts_and_both_say_so().boxed(),
        ),
        (
            "health",
            health_readiness_and_metrics_are_what_probes_and_prometheus_understand().boxed(),
        ),
    ])
    .await;
}

async fn n01_an_endpoint_that_is_down_delays_no_revert_and_is_told_once_when_it_is_back() {
    let mut scene = with_v1_proven(Plan {
        hook_down: true,
        ..Plan::default()
    })
    .await;
    scene.deploy("v2", &failing(0.3)).await;
    let record = scene.record("v2", LONG, |record| record.phase == Phase::Closed).await;
    assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}");
    let at = |wanted: fn(&Happened) -> bool| {
        let entry = record.timeline.iter().find(|entry| wanted(&entry.what));
        entry.expect("it happened").at
    };
    let judged = at(|what| matches!(what, Happened::Judged { .. }));
    let acted = at(|what| matches!(what, Happened::Acted { .. }));
    assert!(acted.since(judged) < Duration::from_secs(3), "{record:#?}");
    assert!(scene.alerted().is_empty(), "{:?}", scene.alerted());
    scene.hook.open();
    for (kind, version) in [("reverted", "v2"), ("verified", "v2")] {
        scene.told(kind, version).await;
    }
    scene
        .stored_as("nothing waits any more", |stored| stored.outbox.is_empty())
        .await;
    for (kind, version) in [("reverted", "v2"), ("verified", "v2")] {
        assert_eq!(scene.ids(kind, version).len(), 1, "{kind}: {:?}", scene.alerted());
    }
}

async fn c14_a_bad_policy_keeps_what_was_in_force_and_says_so_until_a_good_one_comes() {
    let mut scene = with_v1_proven(Plan::default()).await;
    let plan = Plan {
        mode: "observe",
        ..scene.plan().clone()
    };
    let observing = policy(scene.root(), &plan, &scene.service.activate_command());
    scene.write_policy(&observing.replace("watch:", "wacth:"));
    scene.signal(Signal::HUP);
    scene
        .until("told of the rejected policy", LONG, |scene| {
            let told = scene
                .hook
                .received()
                .into_iter()
                .find(|alert| alert["alert"]["kind"] == "policy_rejected");
            told.filter(|alert| alert["text"].as_str().is_some_and(|text| text.contains("wacth")))
        })
        .await;
    let figures = asked(&scene, "metrics").await.1;
    assert!(figures.contains("lastgood_config_last_reload_successful 0"), "{figures}");
    assert_eq!(scene.status().await.expect("a status").mode, Mode::Enforce);

    scene.write_policy(&observing);
    scene.signal(Signal::HUP);
    for _ in 0..200 {
        if scene.status().await.is_some_and(|status| status.mode == Mode::Observe) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(scene.status().await.expect("a status").mode, Mode::Observe);
    let figures = asked(&scene, "metrics").await.1;
    assert!(figures.contains("lastgood_config_last_reload_successful 1"), "{figures}");
}

async fn k26_of_two_policies_for_one_target_neither_acts_and_both_say_so() {
    let mut scene = with_v1_proven(Plan::default()).await;
    let own = policy(scene.root(), scene.plan(), &scene.service.activate_command());
    let second = scene.root().join("policies/second.yaml");
    std::fs::write(&second, own.replace("{name: app}", "{name: other}")).expect("a policy");
    scene.signal(Signal::HUP);
    scene
        .until("both files are named", LONG, |scene| {
            let told = scene.hook.received();
            let texts = told.iter().filter_map(|alert| alert["text"].as_str());
            let named = |text: &&str| text.contains("app.yaml: ") && text.contains("second.yaml: ");
            texts.filter(named).any(|text| text.contains("neither is used")).then_some(())
        })
        .await;
    assert!(guarded(&scene, false).await, "nobody acts");
    std::fs::remove_file(&second).expect("removed");
    scene.signal(Signal::HUP);
    assert!(guarded(&scene, true).await, "it is clear again which is meant");
}

/// Whether the service comes to be guarded, or not guarded, soon.
async fn guarded(scene: &Scene, wanted: bool) -> bool {
    for _ in 0..200 {
        if scene.status().await.is_some() == wanted {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

/// What the running controller answers to a path on its own port: the status and the text.
async fn asked(scene: &Scene, path: &str) -> (u16, String) {
    let answer = reqwest::get(format!("http://{}/{path}", address(scene)))
        .await
        .expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("text"))
}

/// Where the controller that was started last listens, as it says itself.
fn address(scene: &Scene) -> std::net::SocketAddr {
    let log = scene.log();
    let said = log.lines().rev().find_map(|line| line.split_once("lastgood runs address="));
    let (_, rest) = said.unwrap_or_else(|| panic!("it says where it listens:\n{log}"));
    rest.split_whitespace()
        .next()
        .expect("an address")
        .parse()
        .expect("an address")
}

async fn health_readiness_and_metrics_are_what_probes_and_prometheus_understand() {
    let mut scene = with_v1_proven(Plan::default()).await;
    assert_eq!(asked(&scene, "healthz").await, (200, "ok\n".to_owned()));
    assert_eq!(asked(&scene, "readyz").await, (200, "ready\n".to_owned()));
    let (_, figures) = asked(&scene, "metrics").await;
    for said in [
        "lastgood_ready{env=\"prod\",service=\"app\"} 1",
        "lastgood_store_up 1",
        "lastgood_rollouts_total{",
    ] {
        assert!(figures.contains(said), "`{said}` is not in\n{figures}");
    }
    // The strictest reader is Prometheus itself, which takes it as OpenMetrics.
    let jobs = [("app", scene.service.address()), ("lastgood", address(&scene))];
    let targets = jobs.map(|(job, address)| ScrapeTarget {
        job: job.to_owned(),
        address,
    });
    scene.prometheus.scrape(targets.to_vec()).expect("scraped");
    let url = format!(
        "{}/api/v1/query?query=lastgood_steps_judged_total%7Bjob=%22lastgood%22%7D%3E0",
        scene.prometheus.url()
    );
    for _ in 0..200 {
        let answer = reqwest::get(&url).await.expect("an answer");
        if answer.text().await.expect("text").contains("\"value\"") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("Prometheus cannot read\n{figures}");
}

/// SIGTERM in mid-watch ends it well and soon; started again, it goes on with the evidence that Prometheus's history gives.
pub async fn ended_in_mid_watch_it_goes_on_with_the_same_evidence() {
    let mut scene = with_v1_proven(Plan {
        watch: "{for: 40s, proveAfter: 40s}",
        rate: 10.0,
        ..Plan::default()
    })
    .await;
    let behavior = good(scene.plan());
    scene.deploy("v2", &behavior).await;
    scene.record("v2", LONG, in_mid_watch).await;
    let before = evidence(&scene, 1).await;
    let (status, took) = scene.stop_lastgood().await;
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert!(!scene.root().join("lastgood.sock").exists(), "the socket is left");
    scene.start_lastgood(&[]);
    let after = evidence(&scene, before.steps + 2).await;
    let record = scene.record("v2", LONG, in_mid_watch).await;
    let judged = judged_anew(&scene, &record).await;
    for live in [before, after] {
        let same = judged.iter().find(|evidence| evidence.at == live.at).expect("the same step");
        assert_eq!(read_back(same), live);
    }
}

/// The evidence that `status` shows, once it holds so many steps.
async fn evidence(scene: &Scene, steps: u32) -> Evidence {
    for _ in 0..600 {
        let rollout = scene.status().await.and_then(|status| status.rollout);
        if let Some(evidence) = rollout.and_then(|rollout| rollout.evidence)
            && evidence.steps >= steps
        {
            return evidence;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no evidence of {steps} steps within 30 s\nlog:\n{}", scene.log());
}

/// Every step of the watch, judged from what Prometheus has kept.
async fn judged_anew(scene: &Scene, record: &Record) -> Vec<Evidence> {
    let source = Prometheus::new(Options::at(&scene.prometheus.url())).expect("a source");
    let mut watch = Watch::resume(record, Stage::Watch).expect("a watch");
    let progress = watch.advance(&source, SystemClock.now()).await;
    let judged = progress.into_iter().filter_map(|progress| match progress {
        Progress::Judged(evidence) => Some(evidence),
        Progress::Data(_) => None,
    });
    judged.collect()
}

/// As it is after the way through JSON that the other one went.
fn read_back(evidence: &Evidence) -> Evidence {
    let text = serde_json::to_string(evidence).expect("JSON");
    serde_json::from_str(&text).expect("evidence")
}

#[tokio::test]
async fn c10_a_store_of_a_newer_lastgood_ends_it_with_a_sentence_and_nothing_is_changed() {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path();
    let config = root.join("lastgood.toml");
    std::fs::write(
        &config,
        settings(root, "url = \"http://127.0.0.1:9\"", "url = \"http://127.0.0.1:9/alerts\""),
    )
    .expect("settings");
    std::fs::create_dir_all(root.join("policies")).expect("a directory");
    std::fs::create_dir_all(root.join("releases/v1")).expect("a release");
    std::os::unix::fs::symlink("releases/v1", root.join("current")).expect("a link");
    std::fs::write(
        root.join("policies/app.yaml"),
        policy(root, &Plan::default(), &["true".to_owned()]),
    )
    .expect("a policy");
    let store = root.join("history.db");
    from_the_future(&store).await;
    let before = stored(root);
    let output = Command::new(lastgood())
        .arg("run")
        .arg("--config")
        .arg(&config)
        .output()
        .expect("lastgood");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    for part in [
        "written by a newer lastgood (format 999, this one knows up to 1)",
        "run that version",
    ] {
        assert!(said.contains(part), "`{part}` is not said: {said}");
    }
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(stored(root), before);
    assert!(!root.join("lastgood.sock").exists());
}

async fn from_the_future(path: &Path) {
    let store = Sqlite::open(path).expect("a store");
    let history = TargetHistory::new("prod/app".parse().expect("a key"));
    store.commit(&history, None).await.expect("stored");
    drop(store);
    let connection = rusqlite::Connection::open(path).expect("a store");
    connection.execute("UPDATE history SET format = 999", []).expect("changed");
}

/// All that the store holds, and where `current` points to.
fn stored(root: &Path) -> (Vec<String>, std::path::PathBuf, u32) {
    let path = root.join("history.db");
    let connection = rusqlite::Connection::open(&path).expect("a store");
    let mut rows = Vec::new();
    for table in ["history", "record", "content", "controller", "refinery_schema_history"] {
        let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).expect("a table");
        let columns = statement.column_count();
        let found = statement
            .query_map([], |row| {
                let values = (0..columns).map(|column| row.get::<_, rusqlite::types::Value>(column));
                Ok(format!("{table}: {:?}", values.collect::<Result<Vec<_>, _>>()?))
            })
            .expect("rows");
        rows.extend(found.map(|row| row.expect("a row")));
    }
    let mode = std::fs::metadata(&path).expect("a file").permissions().mode();
    (rows, std::fs::read_link(root.join("current")).expect("a link"), mode)
}
