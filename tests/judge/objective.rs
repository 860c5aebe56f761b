//! An objective: a release is judged against it alone, whatever ran before.

use lastgood::{
    judge::{Comparison, Evidence},
    policy::{Metric, MetricKind, OnRegression, Tolerate},
    words::{MetricStep, Step, Verdict},
};

use crate::rig::*;

/// `availability` with an objective of 99.5 %.
fn availability() -> Metric {
    let mut metric = ratio("availability", 1.25, 0.0);
    if let MetricKind::Ratio(ratio) = &mut metric.kind {
        ratio.tolerate = Tolerate { times: 1.0, floor: 0.0 };
        ratio.objective = Some(0.995);
    }
    metric
}

fn alone(compare: Comparison, counts: &[[u64; 2]]) -> Judged {
    let steps = counts.len() as u32;
    judge(
        &policy(vec![availability()]),
        &plan(compare, steps),
        &[],
        &ratios(counts, true),
    )
}

#[test]
fn a_broken_objective_convicts_without_any_history_and_a_kept_one_passes() {
    for compare in [Comparison::BeforeAfter, Comparison::Concurrent] {
        let broken = alone(compare, &[[60, 3_000]; 40]);
        assert!(
            broken.convicted.is_some_and(|t| t < 40) && broken.passed.is_none(),
            "{:?}",
            broken.convicted
        );
        let [metric] = broken.evidence.metrics.as_slice() else {
            panic!("one metric")
        };
        // 0.45^2 of the 15 events that are allowed a step, for a quarter of an hour.
        assert_eq!(metric.objective, Some(0.995));
        assert!(
            (metric.noise.phi - (1.0 + 0.45 * 0.45 * 15.0 * 60.0)).abs() < 1e-9,
            "{}",
            metric.noise.phi
        );
        let ratio = metric.ratio.expect("an estimate");
        assert!(
            ratio.low > 2.0 && ratio.high < 7.0,
            "2 % are four times what is allowed: {ratio:?}"
        );
        let kept = alone(compare, &[[3, 3_000]; 40]);
        assert!(
            kept.convicted.is_none() && kept.passed.is_some_and(|t| t < 40),
            "{:?}",
            kept.passed
        );
    }
}

#[test]
fn at_the_objective_nobody_is_convicted_and_far_above_it_nobody_passes() {
    let mut dice = Dice::new(7);
    for _ in 0..100 {
        let at = alone(Comparison::BeforeAfter, &FLAT.counts(&mut dice, 120, |_| 1.0));
        assert_eq!(at.convicted, None);
        let all_fail = alone(Comparison::BeforeAfter, &FLAT.counts(&mut dice, 120, |_| 100.0));
        assert!(all_fail.convicted.is_some_and(|t| t < 3) && all_fail.passed.is_none());
    }
}

#[test]
fn what_runs_beside_it_changes_nothing() {
    let counts = [[20, 1_000]; 10];
    let with_baseline = ratios(&counts, true).into_iter().map(|step| Step {
        metrics: vec![MetricStep {
            baseline: pods([bad_of(900, 1_000)]),
            ..step.metrics[0].clone()
        }],
        ..step
    });
    let watch: Vec<Step> = with_baseline.collect();
    let policy = policy(vec![availability()]);
    let beside = judge(&policy, &plan(Comparison::Concurrent, 10), &[], &watch);
    let same = |evidence: &Evidence| {
        (
            evidence.harm_log10,
            evidence.metrics[0].safe_log10,
            evidence.metrics[0].candidate,
        )
    };
    assert_eq!(same(&beside.evidence), same(&alone(Comparison::Concurrent, &counts).evidence));
}

#[test]
fn at_first_sight_a_broken_objective_is_seen_and_convicts_nobody() {
    let seen = alone(Comparison::None, &[[60, 3_000]; 40]).evidence;
    assert_eq!((seen.verdict, seen.metrics[0].verdict), (None, Some(Verdict::Regression)));
    let metrics = vec![errors(), availability()];
    let both = ratios(&[[1, 3_000]; 40], true).into_iter().map(|step| Step {
        metrics: vec![step.metrics[0].clone(), step.metrics[0].clone()],
        ..step
    });
    let both: Vec<Step> = both.collect();
    let kept = judge(&policy(metrics), &plan(Comparison::None, 40), &[], &both).evidence;
    assert_eq!((kept.verdict, kept.metrics[1].verdict), (None, Some(Verdict::Healthy)));
}

#[test]
fn a_shared_outage_half_way_is_told_and_convicts_nobody() {
    let mut counts = vec![[3, 3_000]; 120];
    counts[80..84].fill([600, 3_000]);
    let judged = alone(Comparison::BeforeAfter, &counts);
    assert_eq!((judged.convicted, judged.evidence.verdict), (None, Some(Verdict::Healthy)));
    assert!(judged.evidence.metrics[0].late.is_some());
}

#[test]
fn beside_a_comparison_either_metric_can_convict() {
    let metric = Metric {
        on_regression: OnRegression::Revert,
        ..availability()
    };
    let both = |steps: Vec<Step>| -> Vec<Step> {
        let twice = steps.into_iter().map(|step| Step {
            metrics: vec![step.metrics[0].clone(), step.metrics[0].clone()],
            ..step
        });
        twice.collect()
    };
    // As bad as before: only the objective is broken.
    let history = both(ratios(&[[60, 3_000]; HOUR], false));
    let watch = both(ratios(&[[60, 3_000]; 40], true));
    let judged = judge(
        &policy(vec![errors(), metric]),
        &plan(Comparison::BeforeAfter, 40),
        &history,
        &watch,
    );
    assert!(judged.convicted.is_some());
    let verdicts: Vec<Option<Verdict>> = judged.evidence.metrics.iter().map(|metric| metric.verdict).collect();
    assert_ne!(verdicts[0], Some(Verdict::Regression));
    assert_eq!(verdicts[1], Some(Verdict::Regression));
}
