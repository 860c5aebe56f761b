//! Stories: what a release did, and what is said of it.

use std::time::Duration;

use lastgood::{
    judge::{Comparison, NoiseSource},
    policy::OnRegression,
    words::{Arm, Gap, GapReason, Increment, MetricStep, Step, Verdict},
};

use crate::rig::*;

fn steady(bad: u64, total: u64, steps: usize) -> Vec<[u64; 2]> {
    vec![[bad, total]; steps]
}

#[test]
fn a_service_that_never_failed_then_fails_five_percent_is_convicted() {
    for load in [30, 300, 3000] {
        let history = ratios(&steady(0, load, HOUR), false);
        let watch = ratios(&steady(load.div_ceil(20), load, 80), true);
        let judged = before_after(errors(), &history, &watch);
        assert!(
            judged.convicted.is_some_and(|t| t < 40),
            "{load} a step: {:?}",
            judged.convicted
        );
        assert_eq!(judged.passed, None);
    }
}

#[test]
fn with_a_minute_of_history_ten_times_worse_is_convicted_quickly_and_the_same_is_not() {
    for seed in 0..10 {
        let mut dice = Dice::new(seed);
        let history = ratios(&FLAT.counts(&mut dice, 4, |_| 1.0), false);
        let bad = before_after(errors(), &history, &ratios(&FLAT.counts(&mut dice, 40, |_| 10.0), true));
        assert!(bad.convicted.is_some_and(|t| t < 12), "seed {seed}: {:?}", bad.convicted);
        assert_eq!(bad.evidence.metrics[0].noise.source, NoiseSource::Assumed);
        assert!(bad.evidence.metrics[0].noise.phi >= 3.0 && bad.evidence.metrics[0].noise.sigma >= 0.3);
        let good = before_after(errors(), &history, &ratios(&FLAT.counts(&mut dice, 240, |_| 1.0), true));
        assert_eq!(good.convicted, None, "seed {seed}");
    }
}

#[test]
fn outages_of_the_hour_before_hide_no_release_and_convict_none() {
    let outage = |t: usize| {
        if (60..64).contains(&t) || (150..154).contains(&t) {
            20.0
        } else {
            1.0
        }
    };
    for seed in 0..10 {
        let mut dice = Dice::new(seed);
        let history = ratios(&FLAT.counts(&mut dice, HOUR, outage), false);
        let bad = before_after(errors(), &history, &ratios(&FLAT.counts(&mut dice, 120, |_| 5.0), true));
        assert!(bad.convicted.is_some(), "seed {seed}: {:?}", bad.evidence);
        let [bad_events, events] = bad.evidence.metrics[0].noise.left_out;
        assert!(
            events > 0.0 && bad_events / events > 0.05,
            "seed {seed}: {bad_events} of {events}"
        );
        let good = before_after(errors(), &history, &ratios(&FLAT.counts(&mut dice, 240, |_| 1.0), true));
        assert_eq!(good.convicted, None, "seed {seed}");
    }
}

#[test]
fn a_healthy_release_passes_with_a_day_of_history() {
    let mut dice = Dice::new(3);
    let history = ratios(&FLAT.counts(&mut dice, 24 * HOUR, |_| 1.0), false);
    let judged = before_after(errors(), &history, &ratios(&FLAT.counts(&mut dice, 240, |_| 1.0), true));
    assert!(judged.passed.is_some_and(|t| t < 120), "{:?}", judged.evidence);
    assert_eq!((judged.convicted, judged.evidence.verdict), (None, Some(Verdict::Healthy)));
    let metric = &judged.evidence.metrics[0];
    assert_eq!(
        (metric.noise.source, metric.noise.history),
        (NoiseSource::History, Duration::from_secs(86_400))
    );
    assert!(
        metric.excluded_times.is_some_and(|times| times <= 3.0),
        "{:?}",
        metric.excluded_times
    );
    let ratio = metric.ratio.expect("counts enough");
    assert!(ratio.low < 1.0 && ratio.high > 1.0 && (0.8..1.25).contains(&ratio.median));
    assert_eq!(metric.late, None);
}

#[test]
fn a_shared_step_an_hour_later_is_told_and_never_convicts() {
    for seed in 0..5 {
        let mut dice = Dice::new(seed);
        let history = ratios(&FLAT.counts(&mut dice, 24 * HOUR, |_| 1.0), false);
        let watch = ratios(&FLAT.counts(&mut dice, 360, |t| if t < HOUR { 1.0 } else { 4.0 }), true);
        let judged = before_after(errors(), &history, &watch);
        assert_eq!(judged.convicted, None, "seed {seed}: {:?}", judged.evidence);
        let late = judged.evidence.metrics[0].late.expect("told");
        assert!(late.at >= at(HOUR) && late.harm_log10 >= 2.0, "seed {seed}: {late:?}");
        assert!(judged.late.is_some_and(|t| t < HOUR + 20), "seed {seed}: {:?}", judged.late);
    }
}

#[test]
fn what_is_bad_from_the_start_is_never_late() {
    for seed in 0..10 {
        for factor in [3.0, 10.0, 40.0] {
            let mut dice = Dice::new(seed);
            let history = ratios(&FLAT.counts(&mut dice, 2 * HOUR, |_| 1.0), false);
            let watch = ratios(&FLAT.counts(&mut dice, 120, |_| factor), true);
            assert_eq!(
                before_after(errors(), &history, &watch).late,
                None,
                "seed {seed}, {factor} times"
            );
        }
    }
}

#[test]
fn what_is_bad_from_the_second_minute_is_late_until_it_is_convicted() {
    let mut seen = [0; 2];
    for seed in 0..10 {
        for factor in [4.0, 40.0] {
            let mut dice = Dice::new(seed);
            let history = ratios(&FLAT.counts(&mut dice, 24 * HOUR, |_| 1.0), false);
            let watch = ratios(&FLAT.counts(&mut dice, 120, |t| if t < 4 { 1.0 } else { factor }), true);
            let judged = before_after(errors(), &history, &watch);
            assert!(!judged.late_and_convicted, "seed {seed}, {factor} times");
            let one_of_both = judged.late.is_some() || judged.convicted.is_some();
            assert!(one_of_both, "seed {seed}, {factor} times: {:?}", judged.evidence);
            seen = [
                seen[0] + usize::from(judged.late.is_some()),
                seen[1] + usize::from(judged.convicted.is_some()),
            ];
        }
    }
    assert!(seen[0] > 0 && seen[1] > 0, "both happen: {seen:?}");
}

fn slow(bounds: &[f64], change: impl Fn(&mut Dice, f64) -> f64 + Copy) -> Judged {
    let mut dice = Dice::new(17);
    let history: Vec<Increment> = (0..40).map(|_| durations(&mut dice, bounds, 750, SPREAD, |_, s| s)).collect();
    let watch: Vec<Increment> = (0..80).map(|_| durations(&mut dice, bounds, 750, SPREAD, change)).collect();
    before_after(latency(), &alone(history, bounds, false), &alone(watch, bounds, true))
}

#[test]
fn twice_as_slow_is_convicted_on_default_and_on_finer_buckets() {
    for bounds in [DEFAULT_BUCKETS.to_vec(), fine_buckets()] {
        let judged = slow(&bounds, |_, seconds| seconds * 2.0);
        assert!(judged.convicted.is_some_and(|t| t < 40), "{:?}", judged.evidence);
        assert_eq!(judged.passed, None);
    }
}

#[test]
fn a_doubled_p99_alone_is_convicted_on_default_and_on_finer_buckets() {
    // The slowest tenth takes twice as long, the rest is as it was: so p99 doubles.
    for bounds in [DEFAULT_BUCKETS.to_vec(), fine_buckets()] {
        let judged = slow(&bounds, |_, seconds| if seconds > 0.084 { seconds * 2.0 } else { seconds });
        assert!(judged.convicted.is_some_and(|t| t < 80), "{:?}", judged.evidence);
    }
}

#[test]
fn one_percent_of_requests_five_times_slower_is_convicted_beside_a_baseline() {
    let (mut dice, bounds) = (Dice::new(23), fine_buckets());
    let five = |dice: &mut Dice, seconds: f64| if dice.uniform() < 0.01 { seconds * 5.0 } else { seconds };
    let mut both = |candidate: bool| {
        let baseline = pods((0..3).map(|_| durations(&mut dice, &bounds, 750, 0.4, |_, s| s)));
        let candidate = if candidate {
            pods([durations(&mut dice, &bounds, 750, 0.4, five)])
        } else {
            Vec::new()
        };
        MetricStep {
            bounds: bounds.clone(),
            candidate,
            baseline,
            gaps: Vec::new(),
        }
    };
    let history: Vec<Step> = (0..40)
        .map(|t| Step {
            at: at(t),
            metrics: vec![both(false)],
        })
        .collect();
    let watch: Vec<Step> = (0..120)
        .map(|t| Step {
            at: at(t),
            metrics: vec![both(true)],
        })
        .collect();
    let judged = judge(&policy(vec![latency()]), &plan(Comparison::Concurrent, 120), &history, &watch);
    assert!(judged.convicted.is_some(), "{:?}", judged.evidence);
    let heaviest = judged.evidence.metrics[0]
        .bounds
        .iter()
        .max_by(|a, b| a.harm_log10.total_cmp(&b.harm_log10));
    assert!(heaviest.is_some_and(|bound| bound.quantile >= 0.99), "{heaviest:?}");
}

#[test]
fn healthy_latency_passes_and_says_which_counts_are_interpolated() {
    let judged = slow(&DEFAULT_BUCKETS, |_, seconds| seconds);
    assert_eq!(
        (judged.convicted, judged.evidence.verdict),
        (None, Some(Verdict::Healthy)),
        "{:?}",
        judged.evidence
    );
    let bounds = &judged.evidence.metrics[0].bounds;
    assert!(bounds.len() >= 3 && bounds.iter().any(|bound| bound.interpolated));
    assert!(bounds.iter().all(|bound| bound.candidate_above > bound.baseline_above));
}

#[test]
fn five_times_worse_below_the_floor_is_nobodys_concern() {
    let history = ratios(&steady(1, 10_000, HOUR), false);
    let watch = ratios(&steady(5, 10_000, 120), true);
    let judged = before_after(errors(), &history, &watch);
    assert_eq!((judged.convicted, judged.evidence.verdict), (None, Some(Verdict::Healthy)));
    let without = before_after(ratio("errors", 1.25, 0.0), &history, &watch);
    assert!(without.convicted.is_some());
}

#[test]
fn a_late_regression_beside_a_baseline_reverts() {
    let mut dice = Dice::new(5);
    let mut both = |worse: f64| MetricStep {
        candidate: if worse > 0.0 {
            pods((0..3).map(|_| FLAT.step(&mut dice, worse)).map(|[k, n]| bad_of(k, n)))
        } else {
            Vec::new()
        },
        baseline: pods((0..3).map(|_| FLAT.step(&mut dice, 1.0)).map(|[k, n]| bad_of(k, n))),
        ..MetricStep::default()
    };
    let history: Vec<Step> = (0..HOUR)
        .map(|t| Step {
            at: at(t),
            metrics: vec![both(0.0)],
        })
        .collect();
    let watch: Vec<Step> = (0..240)
        .map(|t| Step {
            at: at(t),
            metrics: vec![both(if t < 160 { 1.0 } else { 5.0 })],
        })
        .collect();
    let plan = lastgood::judge::Plan {
        candidate_pods: 3,
        baseline_pods: 9,
        ..plan(Comparison::Concurrent, 240)
    };
    let judged = judge(&policy(vec![errors()]), &plan, &history, &watch);
    assert!(judged.passed.is_some_and(|t| t < 160), "{:?}", judged.passed);
    assert!(
        judged.convicted.is_some_and(|t| (160..180).contains(&t)),
        "{:?}",
        judged.convicted
    );
    assert_eq!(judged.evidence.verdict, Some(Verdict::Regression));
}

#[test]
fn first_sight_convicts_nobody_and_shows_its_counts() {
    let watch = ratios(&steady(300, 750, 40), true);
    let judged = judge(&policy(vec![errors()]), &plan(Comparison::None, 40), &[], &watch);
    let evidence = &judged.evidence;
    assert_eq!((evidence.verdict, evidence.used, evidence.steps), (None, 40, 40));
    assert!(evidence.harm_log10.abs() < f64::EPSILON && evidence.metrics[0].harm_log10.abs() < f64::EPSILON);
    assert_eq!(evidence.metrics[0].candidate, [12_000.0, 30_000.0]);
}

#[test]
fn a_version_that_serves_nothing_is_not_judged_by_its_silence() {
    let history = ratios(&steady(4, 750, HOUR), false);
    let judged = before_after(errors(), &history, &ratios(&steady(0, 0, 40), true));
    assert_eq!(
        (
            judged.evidence.verdict,
            judged.evidence.used,
            judged.evidence.metrics[0].ratio
        ),
        (None, 0, None)
    );
}

#[test]
fn a_metric_without_a_past_is_said_unusable_and_the_others_go_on() {
    let two = |errors: MetricStep| Step {
        at: at(0),
        metrics: vec![errors, MetricStep::default()],
    };
    let counted = |candidate: bool, bad: u64| {
        let (one, none) = (pods([bad_of(bad, 750)]), Vec::new());
        let (candidate, baseline) = if candidate { (one, none) } else { (none, one) };
        MetricStep {
            candidate,
            baseline,
            ..MetricStep::default()
        }
    };
    let history: Vec<Step> = (0..HOUR)
        .map(|t| Step {
            at: at(t),
            ..two(counted(false, 4))
        })
        .collect();
    let policy = policy(vec![errors(), latency()]);
    for (bad, verdict) in [(75, Some(Verdict::Regression)), (4, None)] {
        let watch: Vec<Step> = (0..240)
            .map(|t| Step {
                at: at(t),
                ..two(counted(true, bad))
            })
            .collect();
        let judged = judge(&policy, &plan(Comparison::BeforeAfter, 240), &history, &watch);
        assert_eq!(judged.evidence.verdict, verdict);
        assert_eq!(
            judged.evidence.metrics[1].unusable.as_deref(),
            Some("the histogram of the hour before is empty")
        );
        assert!(
            (judged.evidence.metrics[0].needed_harm_log10 - 2.0).abs() < 1e-12,
            "it weighs alone"
        );
    }
}

#[test]
fn a_metric_that_may_only_warn_convicts_itself_and_not_the_release() {
    let warn = lastgood::policy::Metric {
        on_regression: OnRegression::Alert,
        ..ratio("warnings", 1.25, 0.0)
    };
    let both = |warned: u64, candidate: bool| {
        let metric = |bad: u64| {
            let (one, none) = (pods([bad_of(bad, 750)]), Vec::new());
            let (candidate, baseline) = if candidate { (one, none) } else { (none, one) };
            MetricStep {
                candidate,
                baseline,
                ..MetricStep::default()
            }
        };
        vec![metric(4), metric(warned)]
    };
    let history: Vec<Step> = (0..HOUR)
        .map(|t| Step {
            at: at(t),
            metrics: both(4, false),
        })
        .collect();
    let watch: Vec<Step> = (0..120)
        .map(|t| Step {
            at: at(t),
            metrics: both(200, true),
        })
        .collect();
    let judged = judge(
        &policy(vec![errors(), warn]),
        &plan(Comparison::BeforeAfter, 120),
        &history,
        &watch,
    );
    assert_eq!(judged.convicted, None);
    assert_eq!(judged.evidence.metrics[1].verdict, Some(Verdict::Regression));
    assert_eq!(judged.evidence.verdict, judged.evidence.metrics[0].verdict);
}

#[test]
fn lost_steps_are_counted_by_reason_and_cost_only_time() {
    let history = ratios(&steady(4, 750, HOUR), false);
    let mut watch = ratios(&steady(4, 750, 30), true);
    for step in &mut watch[..4] {
        step.metrics[0].candidate.clear();
        let gap = Gap {
            arm: Arm::Candidate,
            reason: GapReason::WarmUp,
            pod: None,
            detail: String::new(),
        };
        step.metrics[0].gaps = vec![gap.clone(), gap];
    }
    let judged = before_after(errors(), &history, &watch);
    assert_eq!(judged.evidence.metrics[0].gaps.get(&GapReason::WarmUp), Some(&4));
    assert_eq!((judged.evidence.used, judged.evidence.steps), (26, 30));
    let later = before_after(errors(), &history, &watch[4..]);
    assert_eq!(judged.evidence.harm_log10.to_bits(), later.evidence.harm_log10.to_bits());
}
