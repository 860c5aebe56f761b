//! Native histograms of a real Prometheus: counted to the last request, and judged.

use lastgood::{
    app::watch::sample_once,
    count::Tally,
    policy::{Policy, StepSetting},
    ports::MetricSource,
    question::question,
    words::{GapReason, Increment, Moment, Native, Step, Verdict, Whole},
};

use crate::{
    protobuf::Histogram,
    rig::{Exporter, Page, SCRAPE, Server, modern, now},
    rollout::{faults, follow, judged, latency, policy, replay, rolled_out, watch},
};

/// A policy with nothing but the latency of `job`.
fn latency_of(job: &str) -> Policy {
    let mut policy = policy(job);
    policy.metrics = vec![latency(job)];
    policy
}

async fn serve(native: Histogram) -> Exporter {
    Exporter::serve(Page {
        native: Some(native),
        ..Page::new()
    })
    .await
}

/// All steps since `from`, asked by range and one by one, which is the same.
async fn steps(server: &Server, policy: &Policy, from: Moment) -> Vec<Step> {
    let (question, source) = (question(policy), server.source());
    let first = from.plus(SCRAPE).aligned_down(SCRAPE);
    let last = now().minus(SCRAPE).aligned_down(SCRAPE);
    let answers = source.range(&question, first, last, SCRAPE).await.expect("answers");
    let counted = |answers: &[lastgood::question::Answer]| -> Vec<Step> {
        let mut tally = Tally::baseline(policy, SCRAPE, first);
        answers.iter().filter_map(|answer| tally.take(&question, answer)).collect()
    };
    let mut live = Vec::new();
    for answer in &answers {
        live.push(source.instant(&question, answer.at).await.expect("an answer"));
    }
    let steps = counted(&answers);
    assert_eq!(steps, counted(&live));
    steps
}

fn skipped(name: &str) {
    println!("skipped: native::{name}: no Prometheus 3 is here");
}

fn native(step: &Step) -> &Native {
    match step.metrics[0].baseline.first().map(|pod| &pod.increment) {
        Some(Increment::Native(counts)) => counts,
        _ => panic!("no native histogram: {step:?}"),
    }
}

#[tokio::test]
async fn a_native_histogram_is_counted_in_whole_buckets_across_restarts_and_changes_of_resolution() {
    let Some(program) = modern() else {
        return skipped("a_native_histogram_is_counted_in_whole_buckets_across_restarts_and_changes_of_resolution");
    };
    let exporter = serve(Histogram {
        zero_threshold: 0.001,
        odd: [2, 1],
        ..Histogram::new(3, &[(-27, 40), (-24, 9), (5, 1)])
    })
    .await;
    let server = Server::of(program, &[("native", &exporter)]).await;
    let policy = latency_of("native");
    exporter.scraped(3).await;
    let began = now();
    exporter.scraped(4).await;
    let counted = steps(&server, &policy, began).await;
    assert!(!counted.is_empty());
    for step in &counted {
        let counts = native(step);
        assert_eq!(
            (counts.schema, counts.low, counts.buckets.as_slice()),
            (3, 3, [(-27, 40), (-24, 9), (5, 1)].as_slice())
        );
        assert_eq!(counts.above(0.125, Whole::Up), 1);
    }

    let began = now();
    exporter.page().restart();
    exporter.scraped(2).await;
    exporter.page().native.as_mut().expect("native").halve();
    exporter.scraped(4).await;
    let counted = steps(&server, &policy, began).await;
    let newest = counted.last().expect("a step");
    assert_eq!(
        (native(newest).schema, native(newest).buckets.as_slice()),
        (2, [(-13, 40), (-12, 9), (3, 1)].as_slice())
    );
    for step in &counted {
        let all = native(step).total();
        // The other series has each bucket once; after a restart they are counted once more.
        assert!(all == 53 || all == 56, "{step:?}");
    }

    let seen = sample_once(&server.source(), &policy, now()).await;
    assert_eq!(seen.metrics[0].pods.len(), 1, "{seen:?}");
    assert!(seen.metrics[0].pods[0].total.is_some_and(|total| total > 200.0), "{seen:?}");
    assert_eq!(seen.metrics[0].empty, [] as [&str; 0]);
}

#[tokio::test]
async fn p22_where_a_pod_has_both_the_classic_histogram_is_counted_and_a_gauge_of_that_name_is_none() {
    let Some(program) = modern() else {
        return skipped("p22_where_a_pod_has_both_the_classic_histogram_is_counted_and_a_gauge_of_that_name_is_none");
    };
    let requests = Histogram::new(3, &[(-27, 40)]);
    let both = serve(Histogram {
        classic: true,
        ..requests.clone()
    })
    .await;
    let gauge = serve(Histogram { gauge: true, ..requests }).await;
    let server = Server::of(program, &[("both", &both), ("gauge", &gauge)]).await;
    both.scraped(2).await;
    gauge.scraped(2).await;
    let began = now();
    gauge.scraped(4).await;
    for step in steps(&server, &latency_of("both"), began).await {
        assert_eq!(step.metrics[0].bounds, [0.1, f64::INFINITY]);
        assert_eq!(step.metrics[0].baseline[0].increment, Increment::Buckets(vec![20, 40]));
    }
    let counted = steps(&server, &latency_of("gauge"), began).await;
    let gap = &counted[0].metrics[0].gaps[0];
    assert_eq!(gap.reason, GapReason::NotACount);
    assert!(gap.detail.contains("neither a classic histogram"), "{gap:?}");
}

#[tokio::test]
async fn a_slower_version_is_convicted_by_its_native_histogram_and_history_gives_the_same_evidence() {
    let Some(program) = modern() else {
        return skipped("a_slower_version_is_convicted_by_its_native_histogram_and_history_gives_the_same_evidence");
    };
    let exporter = serve(Histogram::new(3, &[(-27, 400), (-24, 9)])).await;
    let server = Server::of(program, &[("slower", &exporter)]).await;
    let mut policy = latency_of("slower");
    policy.watch.step = StepSetting::Auto;
    let (mut record, prepared) = rolled_out(&server, &exporter, &policy).await;
    let source = server.source();
    let mut live = watch(&mut record, &prepared);
    let progress = follow(&mut live, &source, now().plus(SCRAPE * 2)).await;
    assert_eq!(faults(&progress), []);
    assert_ne!(live.evidence().verdict, Some(Verdict::Regression));

    // Half as coarse, and 2.8 times slower.
    {
        let mut page = exporter.page();
        let native = page.native.as_mut().expect("native");
        native.halve();
        native.traffic = vec![(-7, 400), (-6, 9)];
    }
    let mut seen = judged(&progress);
    for _ in 0..20 {
        let more = follow(&mut live, &source, now().plus(SCRAPE)).await;
        assert_eq!(faults(&more), []);
        seen.extend(judged(&more));
        if live.evidence().verdict == Some(Verdict::Regression) {
            break;
        }
    }
    let evidence = live.evidence();
    assert_eq!(evidence.verdict, Some(Verdict::Regression), "{evidence:?}");
    let bound = &evidence.metrics[0].bounds[0];
    assert!(
        !bound.interpolated && Native::bucket(3, bound.candidate_above).is_some(),
        "{bound:?}"
    );

    let (half, until) = (seen[seen.len() / 2].at, seen[seen.len() - 1].at);
    assert_eq!(replay(&mut record, &prepared, &source, &[until]).await, seen);
    assert_eq!(replay(&mut record, &prepared, &source, &[half, until]).await, seen);
}
