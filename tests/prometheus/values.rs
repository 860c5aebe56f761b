//! A value of a workload's pods beside each other, as a real Prometheus scrapes them.

use std::{fmt::Write as _, time::Duration};

use lastgood::{
    app::watch::prepare,
    judge::{Comparison, Evidence},
    policy::{Metric, MetricKind, OnRegression, Policy, ValueMetric},
    record::ArmPod,
    words::{Arm, Moment, Pod, Verdict},
};

use crate::{
    pods::in_cluster,
    rig::{Exporter, Page, SCRAPE, Server, now},
    rollout::{follow, history, judged, policy, record, watch},
};

/// What a process that needs nothing says it has.
const USUAL: u64 = 1000;
/// How healthy pods differ is learnt from half an hour.
const PAST: usize = 2000;
const OLD: [&str; 4] = ["level-1", "level-2", "level-3", "level-4"];

/// Of the old pods and these new ones: as if no other rollout were beside it.
fn memory(new: &str) -> Policy {
    let mut policy = in_cluster(policy("level"), "level");
    policy.metrics = vec![Metric {
        name: "memory".to_owned(),
        kind: MetricKind::Value(ValueMetric {
            query: format!("resident_bytes{{job=~\"level-[1-4{new}]\"}}"),
            tolerate_more: 0.3,
            warmup: Duration::ZERO,
            threshold: None,
        }),
        on_regression: OnRegression::Revert,
    }];
    policy
}

/// The old pods' scrapes up to `until`: each needs what the others do, give or take 2 % from one scrape to the next.
fn past(old: &[(&str, &Exporter)], until: Moment) -> String {
    let mut text = String::new();
    let begun = until.seconds() - PAST as f64;
    let mut family = |name: &str, of: &dyn Fn(usize) -> f64| {
        writeln!(text, "# TYPE {name} gauge").expect("a line");
        for (pod, (job, exporter)) in old.iter().enumerate() {
            let labels = format!(
                "job=\"{job}\",instance=\"{}\",namespace=\"shop\",pod=\"{job}-0\",exported_namespace=\"theirs\",exported_pod=\"{job}-1\"",
                exporter.address
            );
            for t in 0..PAST {
                let at = begun + t as f64;
                writeln!(text, "{name}{{{labels}}} {} {at:.3}", of(t * (pod + 3))).expect("a line");
            }
        }
    };
    family("resident_bytes", &|t| USUAL as f64 * (1.0 + 0.02 * (t as f64).sin()));
    family("process_start_time_seconds", &|_| begun - 60.0);
    family("scrape_duration_seconds", &|_| 0.001);
    family("up", &|_| 1.0);
    text + "# EOF\n"
}

/// A rollout of two pods beside the old ones, followed for so many scrapes. They were made with the server, and are scraped before they are
/// ready.
async fn beside(server: &Server, new: &str, made: Moment, switched: Moment, scrapes: u32) -> Evidence {
    let policy = memory(new);
    let began = made.minus(Duration::from_secs(PAST as u64));
    let mut record = record(&policy, switched, true);
    let pod = |job: &str, arm: Arm, created_at: Moment, ready_at: Moment| ArmPod {
        pod: Pod(format!("shop/{job}-0").into()),
        uid: job.to_owned(),
        arm,
        created_at,
        ready_at: Some(ready_at),
        gone_at: None,
    };
    record.pods = OLD.map(|job| pod(job, Arm::Baseline, began, began)).to_vec();
    let new = new.chars().map(|number| format!("level-{number}"));
    record.pods.extend(new.map(|job| pod(&job, Arm::Candidate, made, switched)));
    let (source, history) = (server.source(), history(&policy, began, switched));
    let prepared = prepare(&source, &policy, &history, &record, now()).await.expect("prepared");
    let mut watch = watch(&mut record, &prepared);
    let told = judged(&follow(&mut watch, &source, switched.plus(SCRAPE * scrapes)).await);
    told.last().expect("evidence").clone()
}

#[tokio::test]
async fn new_pods_that_need_three_times_as_much_as_the_old_ones_are_found_and_others_are_not() {
    let of = |needs: u64| {
        Exporter::serve(Page {
            traffic: [0, 0],
            counted: [needs - USUAL, 0],
            ..Page::new()
        })
    };
    let mut exporters = Vec::new();
    for needs in [USUAL, USUAL, USUAL, USUAL, USUAL, USUAL, 3 * USUAL, 3 * USUAL] {
        exporters.push(of(needs).await);
    }
    let jobs = OLD.into_iter().chain(["level-5", "level-6", "level-7", "level-8"]);
    let targets: Vec<_> = jobs.zip(&exporters).collect();
    let made = now();
    let server = Server::remembering(&past(&targets[..4], made), &targets).await;
    exporters[0].scraped(3).await;
    let switched = now();
    let (alike, needy) = tokio::join!(
        beside(&server, "56", made, switched, 12),
        beside(&server, "78", made, switched, 12)
    );
    assert_eq!(alike.compare, Comparison::Concurrent);
    assert_ne!(alike.verdict, Some(Verdict::Regression), "{alike:?}");
    assert_eq!(needy.verdict, Some(Verdict::Regression), "{needy:?}");
    let value = needy.metrics[0].value.as_ref().expect("a value");
    let level = |level: Option<f64>| level.map(f64::round);
    assert_eq!((level(value.candidate), level(value.beside)), (Some(3000.0), Some(1000.0)));
}
