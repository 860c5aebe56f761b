//! Counts of real scrapes against a known truth.

use std::time::Duration;

use lastgood::{
    app::watch::{find_activation, sample_once},
    count::Tally,
    policy::{Arms, Metric, MetricKind, OnRegression, Policy, StepSetting, ValueMetric},
    ports::MetricSource,
    question::{PartKind, question},
    words::{GapReason, Increment, Moment, Step},
};

use crate::{
    rig::{Exporter, Page, SCRAPE, Server, now},
    rollout::{latency, policy},
};

/// All steps from `from` until now, by range, and the scrapes that the first and the last of them rest on.
pub async fn steps(server: &Server, policy: &Policy, from: Moment) -> (Vec<Step>, [Moment; 2]) {
    let question = question(policy);
    let StepSetting::Every(step) = policy.watch.step else {
        panic!("{:?}", policy.watch)
    };
    let first = from.plus(step).aligned_down(step);
    let last = now().minus(Duration::from_millis(600)).aligned_down(step);
    let answers = server.source().range(&question, first, last, step).await.expect("answers");
    let stamps: Vec<Moment> = answers
        .iter()
        .map(|answer| {
            let stamp = answer
                .samples
                .iter()
                .find(|sample| question.parts[sample.part].kind == PartKind::Stamp);
            Moment::from_millis((stamp.expect("a scrape").value * 1000.0).round() as i64)
        })
        .collect();
    let mut tally = Tally::baseline(policy, step, first);
    let steps = answers.iter().filter_map(|answer| tally.take(&question, answer)).collect();
    (steps, [stamps[0], stamps[stamps.len() - 1]])
}

/// What truly happened between the scrapes that are stamped so.
pub fn truth(page: &Page, [from, to]: [Moment; 2]) -> [u64; 2] {
    // A scrape is stamped when it starts and answered a moment later.
    let at = |stamp: Moment| {
        page.truth
            .iter()
            .find(|(answered, _)| *answered >= stamp)
            .expect("a scrape")
            .1
    };
    let (from, to) = (at(from), at(to));
    [to[0] - from[0], to[1] - from[1]]
}

/// Good and bad events of all steps; every step must have been counted.
pub fn sum(steps: &[Step]) -> [u64; 2] {
    let mut sum = [0, 0];
    for step in steps {
        match step.metrics[0].baseline.first().map(|pod| &pod.increment) {
            Some(Increment::Ratio { bad, total }) => sum = [sum[0] + total - bad, sum[1] + bad],
            _ => panic!("a gap: {step:?}"),
        }
    }
    sum
}

/// The buckets of the second metric over all steps; every step must have been counted.
fn buckets(steps: &[Step]) -> Vec<u64> {
    let mut sum = vec![0, 0];
    for step in steps {
        match step.metrics[1].baseline.first().map(|pod| &pod.increment) {
            Some(Increment::Buckets(counts)) => sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count),
            _ => panic!("a gap: {step:?}"),
        }
        assert_eq!(step.metrics[1].bounds, [0.1, f64::INFINITY]);
    }
    sum
}

fn reasons(steps: &[Step]) -> Vec<GapReason> {
    steps
        .iter()
        .flat_map(|step| &step.metrics[0].gaps)
        .map(|gap| gap.reason)
        .collect()
}

#[tokio::test]
async fn p05_resets_are_counted_to_the_last_request_where_the_restart_is_known_and_are_gaps_where_not() {
    let busy = |started| Page {
        traffic: [97, 3],
        started,
        ..Page::new()
    };
    let (says, silent) = (Exporter::serve(busy(Some(now()))).await, Exporter::serve(busy(None)).await);
    let server = Server::start(&[("says", &says), ("silent", &silent)]).await;
    says.scraped(2).await;
    silent.scraped(2).await;
    let began = now();
    for (scrapes, traffic) in [(3, [50, 1]), (2, [400, 9]), (3, [1, 0])] {
        says.scraped(scrapes).await;
        for exporter in [&says, &silent] {
            let mut page = exporter.page();
            page.restart();
            page.traffic = traffic;
        }
    }
    says.scraped(3).await;
    let mut both = policy("says");
    both.metrics.push(latency("says"));
    let (counted, scrapes) = steps(&server, &both, began).await;
    let all = truth(&says.page(), scrapes);
    assert_eq!(sum(&counted), all);
    assert_eq!(
        buckets(&counted),
        [all[0], all[0] + all[1]],
        "the histogram beside it says the same"
    );
    let (counted, _) = steps(&server, &policy("silent"), began).await;
    let unexplained = reasons(&counted);
    assert!(unexplained.contains(&GapReason::UnexplainedReset), "{unexplained:?}");
    assert!(unexplained.iter().all(|reason| *reason == GapReason::UnexplainedReset));
}

#[tokio::test]
async fn p04_series_are_summed_exactly_and_a_second_instance_is_named_unless_the_policy_picks_one() {
    let page = || Page {
        traffic: [13, 2],
        ..Page::new()
    };
    let (one, two) = (Exporter::serve(page()).await, Exporter::serve(page()).await);
    let server = Server::start(&[("one", &one), ("both", &one), ("both", &two)]).await;
    one.scraped(2).await;
    two.scraped(2).await;
    let began = now();
    two.scraped(5).await;
    let (counted, _) = steps(&server, &policy("both"), began).await;
    assert!(reasons(&counted).iter().all(|reason| *reason == GapReason::SeveralInstances));
    let gap = &counted[0].metrics[0].gaps[0];
    for exporter in [&one, &two] {
        assert!(gap.detail.contains(&exporter.pod("both")), "{gap:?}");
    }
    let mut picked = policy("both");
    picked.arms = Arms::Time {
        instance: Some(two.address.to_string()),
    };
    let (counted, scrapes_of_two) = steps(&server, &picked, began).await;
    assert_eq!(sum(&counted), truth(&two.page(), scrapes_of_two));

    // What is no selector is counted by the scrapes of its targets.
    if let MetricKind::Ratio(ratio) = &mut picked.metrics[0].kind {
        ratio.total = format!("sum by (job, instance) ({})", ratio.total);
    }
    assert_eq!(steps(&server, &picked, began).await.0[..counted.len()], counted);

    let seen = sample_once(&server.source(), &policy("both"), now()).await;
    assert_eq!(seen.metrics[0].pods.len(), 2, "{seen:?}");
    assert_eq!(seen.metrics[0].empty, [] as [&str; 0]);
}

#[tokio::test]
async fn p17_a_version_that_explodes_into_fifty_thousand_series_is_one_exact_count_and_a_small_answer() {
    let exporter = Exporter::serve(Page {
        traffic: [97, 3],
        ..Page::new()
    })
    .await;
    let interval = Duration::from_secs(5);
    let server = Server::every(interval, &[("p17", &exporter)]).await;
    exporter.scraped(2).await;
    let began = now();
    exporter.scraped(2).await;
    exporter.page().explode(50_000);
    exporter.scraped(5).await;
    let mut policy = policy("p17");
    policy.watch.step = StepSetting::Every(interval);
    let (counted, scrapes) = steps(&server, &policy, began).await;
    assert!(counted.len() >= 5, "{counted:?}");
    assert_eq!(sum(&counted), truth(&exporter.page(), scrapes));
    let answer = server.source().instant(&question(&policy), now()).await.expect("an answer");
    assert!(answer.size() < 20, "{} samples", answer.size());
}

#[tokio::test]
async fn p18_a_renamed_metric_is_a_named_gap_and_errors_that_never_happened_are_zero() {
    let renamed = Exporter::serve(Page {
        name: "http_requests_total",
        ..Page::new()
    })
    .await;
    let lazy = Exporter::serve(Page {
        lazy: true,
        ..Page::new()
    })
    .await;
    let server = Server::start(&[("renamed", &renamed), ("lazy", &lazy)]).await;
    lazy.scraped(2).await;
    let began = now();
    lazy.scraped(3).await;
    lazy.page().traffic = [10, 4];
    lazy.scraped(4).await;
    let (counted, scrapes) = steps(&server, &policy("lazy"), began).await;
    let all = truth(&lazy.page(), scrapes);
    assert_eq!(sum(&counted), all);
    assert!(all[1] >= 8, "the first errors ever are counted from zero: {all:?}");

    let question = question(&policy("renamed"));
    let mut tally = Tally::baseline(&policy("renamed"), SCRAPE, Moment::from_millis(0));
    let answer = server.source().instant(&question, now()).await.expect("an answer");
    let step = tally.take(&question, &answer).expect("a step");
    let gap = &step.metrics[0].gaps[0];
    assert_eq!(gap.reason, GapReason::NoData);
    assert!(gap.detail.contains(r#"requests_total{job="renamed"}"#), "{gap:?}");

    let seen = sample_once(&server.source(), &policy("renamed"), now()).await;
    assert_eq!(seen.metrics[0].empty.len(), 2, "{seen:?}");
    let seen = sample_once(&server.source(), &policy("lazy"), now()).await;
    assert_eq!(seen.interval, Some(SCRAPE));
    assert_eq!(seen.metrics[0].pods[0].bad, Some(lazy.page().counted[1] as f64));
}

#[tokio::test]
async fn the_beginning_of_a_process_is_found_by_its_start_and_else_by_its_counters() {
    let silent = Page {
        started: None,
        ..Page::new()
    };
    let (says, silent) = (Exporter::serve(Page::new()).await, Exporter::serve(silent).await);
    let server = Server::start(&[("says", &says), ("silent", &silent)]).await;
    silent.scraped(3).await;
    let moved = now();
    let source = server.source();
    for job in ["says", "silent"] {
        // Process starts are said in ticks: one within a second of the move may be its own.
        let found = find_activation(&source, &policy(job), moved, now()).await;
        assert!(found.is_none_or(|found| job == "says" && found.known_by == "process_start_time"));
    }
    silent.scraped(2).await;
    let restarted = now();
    for exporter in [&says, &silent] {
        exporter.page().restart();
    }
    says.scraped(3).await;
    silent.scraped(3).await;
    for (job, known_by) in [("says", "process_start_time"), ("silent", "counter_reset")] {
        let found = find_activation(&source, &policy(job), moved, now()).await.expect(job);
        assert_eq!(found.known_by, known_by);
        assert!(found.at >= moved && found.at <= restarted.plus(SCRAPE * 2), "{found:?}");
        assert!(found.fresh_counters);
    }
}

#[tokio::test]
async fn a_value_is_read_as_it_is_and_several_of_one_instance_are_named() {
    let exporter = Exporter::serve(Page::new()).await;
    let server = Server::start(&[("value", &exporter)]).await;
    exporter.scraped(2).await;
    let began = now();
    exporter.scraped(4).await;
    let mut values = policy("value");
    let value = |query: &str| Metric {
        name: query.to_owned(),
        kind: MetricKind::Value(ValueMetric {
            query: query.to_owned(),
            tolerate_more: 0.3,
            threshold: None,
            warmup: Duration::ZERO,
        }),
        on_regression: OnRegression::Alert,
    };
    // A selector, what is none, and what gives two series an instance.
    values.metrics = vec![
        value("resident_bytes"),
        value("sum by (job, instance) (resident_bytes) * 2"),
        value("seconds_bucket"),
    ];
    let (counted, _) = steps(&server, &values, began).await;
    assert!(!counted.is_empty());
    let said: Vec<f64> = exporter
        .page()
        .truth
        .iter()
        .map(|(_, [good, _])| 1000.0 + *good as f64)
        .collect();
    let read = |step: &Step, metric: usize| match step.metrics[metric].baseline.first().map(|pod| &pod.increment) {
        Some(Increment::Value { value }) => *value,
        _ => panic!("no value: {step:?}"),
    };
    for step in &counted {
        assert!(said.contains(&read(step, 0)), "{step:?}");
        assert_eq!(read(step, 1), 2.0 * read(step, 0));
        let gap = &step.metrics[2].gaps[0];
        assert_eq!(gap.reason, GapReason::Duplicate);
        assert!(gap.detail.contains("2 values of one instance"), "{gap:?}");
    }
    let seen = sample_once(&server.source(), &values, now()).await;
    assert!(seen.metrics[0].pods[0].total.is_some_and(|value| value > 1000.0), "{seen:?}");
}
