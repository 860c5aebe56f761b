//! Values under a plain bound: a rule of the policy beside the evidence of other metrics.

use std::time::Duration;

use lastgood::{
    judge::{Comparison, Evidence},
    policy::{Metric, MetricKind, OnRegression, Side, Threshold, ValueMetric},
    words::{Increment, MetricStep, Step, Verdict},
};

use crate::rig::*;

/// Above 100 for a minute is a regression.
fn pool(on_regression: OnRegression) -> Metric {
    let threshold = Threshold {
        side: Side::Above,
        value: 100.0,
        held_for: 4 * STEP,
    };
    Metric {
        name: "pool".to_owned(),
        kind: MetricKind::Value(ValueMetric {
            query: "pool_used".to_owned(),
            tolerate_more: 0.3,
            threshold: Some(threshold),
            warmup: Duration::ZERO,
        }),
        on_regression,
    }
}

/// The evidence after each step in which these are the bad ones of a thousand requests, and the value; none: it is missing.
fn judged(metrics: Vec<Metric>, compare: Comparison, story: &[(u64, Option<f64>)]) -> Vec<Evidence> {
    let (policy, plan) = (policy(metrics), plan(compare, story.len() as u32));
    let history = ratios(&[[5, 1_000]; 24 * HOUR], false);
    let mut judge = learnt(&policy, &plan, &history);
    let of = |increment: Option<Increment>| MetricStep {
        candidate: pods(increment),
        ..MetricStep::default()
    };
    let steps = story.iter().enumerate().map(|(t, (bad, value))| Step {
        at: at(t),
        metrics: vec![
            of(Some(bad_of(*bad, 1_000))),
            of(value.map(|value| Increment::Value { value })),
        ],
    });
    steps
        .map(|step| {
            judge.step(&step);
            judge.evidence()
        })
        .collect()
}

/// Good requests, and these values.
fn with(values: &[f64]) -> Vec<(u64, Option<f64>)> {
    values.iter().map(|value| (5, Some(*value))).collect()
}

fn first(evidence: &[Evidence], said: impl Fn(&Evidence) -> Option<Verdict>, verdict: Verdict) -> Option<usize> {
    evidence.iter().position(|evidence| said(evidence) == Some(verdict))
}

/// The first step at which the bound is broken, and at which the release is convicted.
fn regression(evidence: &[Evidence]) -> (Option<usize>, Option<usize>) {
    let by_bound = first(evidence, |evidence| evidence.metrics[1].verdict, Verdict::Regression);
    (by_bound, first(evidence, |evidence| evidence.verdict, Verdict::Regression))
}

#[test]
fn a_bound_is_broken_once_it_was_for_as_long_as_the_policy_says_and_convicts_only_where_it_may() {
    let story = with(&[50.0, 120.0, 120.0, 90.0, 120.0, 120.0, 120.0, 120.0, 120.0, 50.0]);
    let of = |compare, on_regression| regression(&judged(vec![errors(), pool(on_regression)], compare, &story));
    assert_eq!(of(Comparison::BeforeAfter, OnRegression::Alert), (Some(8), None));
    assert_eq!(of(Comparison::BeforeAfter, OnRegression::Revert), (Some(8), Some(8)));
    let first_sight = of(Comparison::None, OnRegression::Revert);
    assert_eq!(first_sight, (Some(8), None), "nothing to go back to");
}

#[test]
fn a_bound_has_no_odds_and_takes_none_from_others_while_it_is_kept() {
    let story: Vec<(u64, Option<f64>)> = [(15, Some(50.0)); 80].to_vec();
    let alone = judged(vec![errors()], Comparison::BeforeAfter, &story);
    let beside = judged(vec![errors(), pool(OnRegression::Revert)], Comparison::BeforeAfter, &story);
    for (alone, beside) in alone.iter().zip(&beside) {
        assert_eq!(alone.harm_log10.to_bits(), beside.harm_log10.to_bits());
        assert_eq!(alone.metrics[0], beside.metrics[0]);
        let bound = &beside.metrics[1];
        assert!(bound.harm_log10.abs() < f64::EPSILON && bound.safe_log10.abs() < f64::EPSILON);
    }
    let convicted = |evidence: &[Evidence]| first(evidence, |evidence| evidence.verdict, Verdict::Regression);
    assert!(convicted(&alone).is_some_and(|step| step > 0));
    assert_eq!(convicted(&alone), convicted(&beside));
}

#[test]
fn a_broken_bound_convicts_alone_and_leaves_the_odds_of_others_as_they_are() {
    let both = || vec![errors(), pool(OnRegression::Revert)];
    let kept = judged(both(), Comparison::BeforeAfter, &with(&[50.0; 20]));
    let broken = judged(both(), Comparison::BeforeAfter, &with(&[120.0; 20]));
    assert_eq!(regression(&broken), (Some(4), Some(4)));
    let (kept, broken) = (&kept[19], &broken[19]);
    assert_eq!(kept.harm_log10.to_bits(), broken.harm_log10.to_bits());
    assert!(broken.harm_log10 < broken.needed_harm_log10);
    let rule = broken.metrics[1].rule().expect("a bound");
    assert_eq!((rule.held, rule.longest), (Some(19 * STEP), Some(19 * STEP)));
}

#[test]
fn missing_values_neither_break_a_bound_nor_keep_it() {
    let both = || vec![errors(), pool(OnRegression::Revert)];
    let torn = |value: f64| -> Vec<(u64, Option<f64>)> { (0..40).map(|t| (5, (t % 4 != 3).then_some(value))).collect() };
    let broken = judged(both(), Comparison::BeforeAfter, &torn(120.0));
    assert_eq!(regression(&broken), (None, None));
    let kept = judged(both(), Comparison::BeforeAfter, &torn(50.0));
    assert_eq!(kept[39].metrics[1].verdict, None);
    let whole = judged(both(), Comparison::BeforeAfter, &with(&[50.0; 6]));
    let healthy = first(&whole, |evidence| evidence.metrics[1].verdict, Verdict::Healthy);
    assert_eq!(healthy, Some(4), "seen for as long as it may be broken");
}
