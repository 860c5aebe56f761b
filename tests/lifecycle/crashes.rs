//! c01: the real process is killed at each durable step of a revert, started again, and everything happens once.

use std::{collections::BTreeSet, time::Duration};

use lastgood::{
    ports::crash::POINTS,
    record::{Happened, Phase, Record},
    words::{Outcome, Verdict},
};

use crate::{
    rig::{Plan, Scene, failing},
    rollouts::with_v1_proven,
};

const LONG: Duration = Duration::from_secs(90);

/// One scene visits many points: each bad version is judged by a lastgood that dies at one of them.
async fn visit(points: &[&'static str]) -> BTreeSet<&'static str> {
    let mut scene = with_v1_proven(Plan {
        revert: "{verifyFor: 5s}",
        ..Plan::default()
    })
    .await;
    let mut hit = BTreeSet::new();
    for (number, point) in points.iter().enumerate() {
        let version = format!("bad-{number}");
        scene.stop_lastgood().await;
        scene.start_lastgood(&[("LASTGOOD_CRASH_AT", point)]);
        scene
            .until("the controller answers or died", LONG, |scene| {
                scene.desk().is_some() || !scene.runs()
            })
            .await;
        scene.deploy(&version, &failing(0.3)).await;
        scene.until(&format!("killed at {point}"), LONG, |scene| !scene.runs()).await;
        hit.insert(*point);
        scene.start_lastgood(&[]);
        let record = scene.record(&version, LONG, |record| record.phase == Phase::Closed).await;
        everything_happened_once(&scene, point, &version, &record);
        println!("c01: killed at {point}, and {version} was reverted once");
    }
    hit
}

fn everything_happened_once(scene: &Scene, point: &str, version: &str, record: &Record) {
    assert_eq!(record.verdict, Some(Verdict::Regression), "{point}: {record:#?}");
    assert!(matches!(record.outcome, Some(Outcome::Verified)), "{point}: {record:#?}");
    assert_eq!(scene.releases.points_to().expect("a link"), "v1", "{point}");
    let acted = record
        .timeline
        .iter()
        .filter(|entry| matches!(entry.what, Happened::Acted { .. }))
        .count();
    assert!(acted <= 1, "{point}: acted {acted} times: {record:#?}");
    let ids: Vec<String> = scene
        .alerts
        .lock()
        .expect("alerts")
        .iter()
        .filter(|alert| alert["rollout"]["to"]["name"] == version)
        .map(|alert| alert["id"].as_str().unwrap_or_default().to_owned())
        .collect();
    let reverted = ids.iter().filter(|id| id.ends_with("/reverted")).count();
    // A crash between sending and storing that it was sent may send once more, under the same id.
    let allowed = if matches!(point, "alert.after" | "delivered.before") {
        2
    } else {
        1
    };
    assert!(
        (1..=allowed).contains(&reverted),
        "{point}: the revert was told {reverted} times: {ids:?}"
    );
    let leftovers: Vec<_> = std::fs::read_dir(scene.root())
        .expect("a directory")
        .filter_map(Result::ok)
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with(".current"))
        .collect();
    assert!(leftovers.is_empty(), "{point}: {leftovers:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn c01_killed_at_each_durable_step_everything_happens_once() {
    let visited: Vec<&'static str> = POINTS.iter().copied().filter(|point| !point.starts_with("other")).collect();
    let quarter = visited.len().div_ceil(4);
    let mut scenes = tokio::task::JoinSet::new();
    for points in visited.chunks(quarter) {
        let points = points.to_vec();
        scenes.spawn(async move { visit(&points).await });
    }
    let mut hit = BTreeSet::new();
    while let Some(ended) = scenes.join_next().await {
        hit.extend(ended.expect("a scene"));
    }
    let missed: Vec<_> = visited.iter().filter(|point| !hit.contains(*point)).collect();
    assert!(missed.is_empty(), "never hit: {missed:?}");
}
