//! Counts of a workload's pods as a real Prometheus scrapes them: too few of them, and one of them in two ways.

use std::time::Duration;

use lastgood::{
    app::watch::prepare,
    count::{PodArms, PodLife, Tally},
    judge::{Comparison, Evidence},
    policy::{Arms, KubernetesTarget, MetricKind, Policy, StepSetting, Target, WorkloadKind},
    ports::MetricSource,
    question::question,
    record::ArmPod,
    words::{Arm, GapReason, Pod, Step, Verdict},
};

use crate::{
    rig::{Exporter, Page, SCRAPE, Server, now},
    rollout::{follow, follow_until, history, judged, latency, policy, record, watch},
    scraped::{steps, sum, truth},
};

/// A policy over all jobs of this name, `NAME-1` and so on.
fn of_jobs(name: &str) -> Policy {
    let mut policy = policy(name);
    if let MetricKind::Ratio(ratio) = &mut policy.metrics[0].kind {
        for query in [&mut ratio.bad, &mut ratio.total] {
            *query = query.replace(&format!("job=\"{name}\""), &format!("job=~\"{name}-.\""));
        }
    }
    policy
}

/// The same policy for a Deployment `name` of the namespace `shop`.
pub fn in_cluster(mut policy: Policy, name: &str) -> Policy {
    policy.target = Target::Kubernetes(KubernetesTarget {
        namespace: "shop".to_owned(),
        kind: WorkloadKind::Deployment,
        name: name.to_owned(),
        container: None,
    });
    policy.arms = Arms::Pod {
        pod_label: "pod".to_owned(),
        namespace_label: "namespace".to_owned(),
    };
    policy
}

#[tokio::test]
async fn a_pod_that_is_scraped_twice_is_named_and_never_counted_double() {
    let page = || Page {
        traffic: [13, 2],
        ..Page::new()
    };
    let once = Exporter::serve(page()).await;
    let (one, two) = (Exporter::serve(page()).await, Exporter::serve(page()).await);
    let server = Server::start(&[("once", &once), ("twice", &one), ("twice", &two)]).await;
    for exporter in [&once, &one, &two] {
        exporter.scraped(2).await;
    }
    let began = now();
    two.scraped(5).await;
    let of = |job: &str| {
        let mut policy = policy(job);
        policy.metrics.push(latency(job));
        in_cluster(policy, job)
    };
    let (counted, scrapes) = steps(&server, &of("once"), began).await;
    assert_eq!(sum(&counted), truth(&once.page(), scrapes));
    let (counted, _) = steps(&server, &of("twice"), began).await;
    for metric in counted.iter().flat_map(|step| &step.metrics) {
        let told = metric
            .gaps
            .first()
            .map(|gap| (gap.reason, gap.detail.contains("2 scrape targets of one pod")));
        assert_eq!(
            (told, metric.baseline.len()),
            (Some((GapReason::SeveralInstances, true)), 0),
            "{metric:?}"
        );
    }
    let mut picked = of("twice");
    picked.metrics.truncate(1);
    if let MetricKind::Ratio(ratio) = &mut picked.metrics[0].kind {
        for query in [&mut ratio.bad, &mut ratio.total] {
            *query = query.replace('{', &format!("{{instance=\"{}\",", two.address));
        }
    }
    let (counted, scrapes) = steps(&server, &picked, began).await;
    assert_eq!(sum(&counted), truth(&two.page(), scrapes), "the query picks one");
}

#[tokio::test]
async fn p03_a_side_of_which_half_the_pods_are_scraped_is_not_counted_and_says_which_one_is_missing() {
    let jobs = ["p03-1", "p03-2", "p03-3", "p03-4", "p03-5", "p03-6"];
    let mut exporters = Vec::new();
    for _ in jobs {
        let page = Page {
            traffic: [13, 2],
            ..Page::new()
        };
        exporters.push(Exporter::serve(page).await);
    }
    let targets: Vec<_> = jobs.into_iter().zip(&exporters).collect();
    let server = Server::start(&targets).await;
    for exporter in &exporters {
        exporter.scraped(2).await;
    }
    let began = now();
    exporters[0].scraped(3).await;
    let refused = now();
    for exporter in &exporters[..3] {
        exporter.page().mute = true;
    }
    exporters[5].scraped(6).await;
    let policy = in_cluster(of_jobs("p03"), "p03");
    let life = |job: &str| {
        let life = PodLife {
            arm: Arm::Candidate,
            created_at: began.minus(Duration::from_secs(60)),
            ready_at: Some(began.minus(Duration::from_secs(60))),
            gone_at: None,
        };
        (Pod(format!("shop/{job}-0").into()), life)
    };
    let question = question(&policy);
    let first = began.plus(SCRAPE).aligned_down(SCRAPE);
    let last = now().minus(Duration::from_millis(600)).aligned_down(SCRAPE);
    let answers = server.source().range(&question, first, last, SCRAPE).await.expect("answers");
    let mut tally = Tally::pods(&policy, SCRAPE, first, PodArms::of(jobs.map(life)));
    let steps: Vec<Step> = answers.iter().filter_map(|answer| tally.take(&question, answer)).collect();
    let whole: Vec<&Step> = steps.iter().filter(|step| step.at < refused).collect();
    assert!(
        !whole.is_empty() && whole.iter().all(|step| step.metrics[0].candidate.len() == 6),
        "{whole:?}"
    );
    let half = &steps.last().expect("a step").metrics[0];
    assert_eq!(half.candidate, [], "the three that are scraped may be the lucky ones");
    let gap = &half.gaps[0];
    assert_eq!(
        (gap.reason, gap.detail.as_str()),
        (GapReason::Coverage, "3 of 6 ready pods were scraped freshly")
    );
    assert_eq!(gap.pod.as_ref().map(|pod| &*pod.0), Some("shop/p03-1-0"));
}

#[tokio::test]
async fn pods_are_known_by_the_labels_that_arms_name() {
    let page = Page {
        traffic: [13, 2],
        ..Page::new()
    };
    let exporter = Exporter::serve(page).await;
    let server = Server::start(&[("mapped-1", &exporter)]).await;
    exporter.scraped(2).await;
    let began = now();
    exporter.scraped(4).await;
    let mut policy = in_cluster(of_jobs("mapped"), "mapped");
    if let Target::Kubernetes(target) = &mut policy.target {
        target.namespace = "theirs".to_owned();
    }
    policy.arms = Arms::Pod {
        pod_label: "exported_pod".to_owned(),
        namespace_label: "exported_namespace".to_owned(),
    };
    let (counted, scrapes) = steps(&server, &policy, began).await;
    assert_eq!(sum(&counted), truth(&exporter.page(), scrapes));
    let pods = counted.iter().flat_map(|step| &step.metrics[0].baseline);
    let names: std::collections::BTreeSet<_> = pods.map(|counted| counted.pod.0.to_string()).collect();
    assert_eq!(names, std::collections::BTreeSet::from(["theirs/mapped-1-1".to_owned()]));
}

/// From now on each of them has so many good and bad requests at each scrape.
fn serve(exporters: &[Exporter], traffic: [u64; 2]) {
    for exporter in exporters {
        exporter.page().traffic = traffic;
    }
}

#[tokio::test]
async fn p20_an_outage_of_both_versions_convicts_nobody_and_one_of_the_candidate_alone_does() {
    let sides = [
        ("p20-1", Arm::Baseline),
        ("p20-2", Arm::Baseline),
        ("p20-3", Arm::Candidate),
        ("p20-4", Arm::Candidate),
    ];
    let mut exporters = Vec::new();
    for _ in sides {
        let page = Page {
            traffic: [40, 1],
            ..Page::new()
        };
        exporters.push(Exporter::serve(page).await);
    }
    let targets: Vec<_> = sides.into_iter().map(|(job, _)| job).zip(&exporters).collect();
    // Two seconds, as what is scraped late by a busy machine must not be a whole scrape late.
    let scrape = SCRAPE * 2;
    let server = Server::every(scrape, &targets).await;
    let began = now();
    exporters[0].scraped(8).await;
    let mut policy = in_cluster(of_jobs("p20"), "p20");
    policy.watch.step = StepSetting::Every(scrape);
    let switched = now();
    let mut record = record(&policy, switched, true);
    record.pods = sides
        .map(|(job, arm)| {
            let since = if arm == Arm::Candidate { switched } else { began };
            ArmPod {
                pod: Pod(format!("shop/{job}-0").into()),
                uid: job.to_owned(),
                arm,
                created_at: since,
                ready_at: Some(since),
                gone_at: None,
            }
        })
        .to_vec();
    let (source, history) = (server.source(), history(&policy, began, switched));
    let prepared = prepare(&source, &policy, &history, &record, now()).await.expect("prepared");
    let mut watch = watch(&mut record, &prepared);
    let mut told = judged(&follow(&mut watch, &source, now().plus(scrape * 4)).await);
    // A database that both need, say.
    serve(&exporters, [1, 40]);
    let counted = |evidence: &Evidence| evidence.metrics[0].candidate[0] > 200.0;
    told.extend(judged(&follow_until(&mut watch, &source, counted).await));
    serve(&exporters, [40, 1]);
    told.extend(judged(&follow(&mut watch, &source, now().plus(scrape * 3)).await));
    for evidence in &told {
        assert_ne!(evidence.verdict, Some(Verdict::Regression), "{evidence:?}");
    }
    let last = told.last().expect("evidence");
    assert_eq!(last.compare, Comparison::Concurrent);
    assert!(last.metrics[0].candidate[0] > 200.0, "it was counted: {last:?}");
    serve(&exporters[2..], [1, 40]);
    let told = judged(&follow(&mut watch, &source, now().plus(scrape * 8)).await);
    let last = told.last().expect("evidence");
    assert_eq!(last.verdict, Some(Verdict::Regression), "{last:?}");
}
