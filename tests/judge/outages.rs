//! An outage of both versions begins and ends between the scrapes of their pods, and a regression does not.

use std::ops::Range;

use lastgood::{
    judge::{Comparison, Judge, Plan},
    words::{MetricStep, Step, Verdict},
};

use crate::rig::*;

/// One of 200 requests fails.
const USUAL: u64 = 1;
const OUTAGE: u64 = 194;

/// Two pods a side, with so many errors each; none: not counted.
fn beside(t: usize, candidate: u64, baseline: Option<u64>) -> Step {
    let side = |bad| pods([bad_of(bad, 200), bad_of(bad, 200)]);
    let metric = MetricStep {
        candidate: side(candidate),
        baseline: baseline.map_or_else(Vec::new, side),
        ..MetricStep::default()
    };
    Step {
        at: at(t),
        metrics: vec![metric],
    }
}

/// A step in which only the baseline is counted, as usual.
fn unserved(t: usize) -> Step {
    let mut step = beside(t, USUAL, Some(USUAL));
    step.metrics[0].candidate.clear();
    step
}

fn begun(compare: Comparison) -> Judge {
    begun_after(HOUR, compare)
}

/// After a history of so many steps.
fn begun_after(known: usize, compare: Comparison) -> Judge {
    let history: Vec<Step> = (0..known).map(unserved).collect();
    let plan = Plan {
        candidate_pods: 2,
        baseline_pods: 2,
        ..plan(compare, 240)
    };
    let mut judge = learnt(&policy(vec![errors()]), &plan, &history);
    (0..10).for_each(|t| judge.step(&beside(t, USUAL, Some(USUAL))));
    judge
}

/// The step of these in which a candidate that fails alone is convicted.
fn convicted(judge: &mut Judge, mut steps: Range<usize>) -> Option<usize> {
    steps.find(|t| {
        judge.step(&beside(*t, OUTAGE, Some(USUAL)));
        judge.verdict() == Some(Verdict::Regression)
    })
}

#[test]
fn p20_an_outage_of_both_that_begins_and_ends_between_their_scrapes_convicts_nobody() {
    for (begins, ends) in [(OUTAGE, OUTAGE), (40, 40), (10, 150), (150, 10)] {
        let mut judge = begun(Comparison::Concurrent);
        judge.step(&beside(10, begins, Some(USUAL)));
        assert!(
            judge.is_waiting_for_the_baseline() || begins < OUTAGE,
            "this step alone would convict"
        );
        assert_eq!(judge.verdict(), None);
        (11..15).for_each(|t| judge.step(&beside(t, OUTAGE, Some(OUTAGE))));
        judge.step(&beside(15, ends, Some(USUAL)));
        assert!(!judge.is_waiting_for_the_baseline());
        let evidence = judge.evidence();
        assert_eq!(evidence.verdict, None, "{begins} and {ends} of 200: {evidence:?}");
        assert!(evidence.harm_log10 < 1.0, "{begins} and {ends} of 200: {evidence:?}");
        (16..200).for_each(|t| judge.step(&beside(t, USUAL, Some(USUAL))));
        assert_eq!(judge.verdict(), Some(Verdict::Healthy), "{begins} and {ends}");
    }
}

#[test]
fn p20_the_end_of_an_outage_of_both_that_is_counted_late_of_the_candidate_convicts_nobody() {
    let of_one = |t, pod: usize, bad| {
        let mut step = beside(t, bad, Some(USUAL));
        step.metrics[0].candidate.remove(1 - pod);
        step
    };
    let late = [
        vec![unserved(14), beside(15, OUTAGE, Some(USUAL))],
        vec![unserved(14), unserved(15), unserved(16), beside(17, OUTAGE, Some(USUAL))],
        vec![of_one(14, 0, USUAL), beside(15, OUTAGE, Some(USUAL))],
        vec![of_one(14, 0, USUAL), of_one(15, 1, OUTAGE)],
    ];
    for steps in late {
        let mut judge = begun(Comparison::Concurrent);
        (10..14).for_each(|t| judge.step(&beside(t, OUTAGE, Some(OUTAGE))));
        let usual = (18..200).map(|t| beside(t, USUAL, Some(USUAL)));
        for step in steps.iter().cloned().chain(usual) {
            judge.step(&step);
            assert_ne!(judge.verdict(), Some(Verdict::Regression), "{} after {steps:?}", step.at);
        }
        assert_eq!(judge.verdict(), Some(Verdict::Healthy), "{steps:?}");
    }
}

#[test]
fn p20_an_outage_of_both_of_which_most_is_known_convicts_nobody_and_a_regression_is_found() {
    let mut judge = begun_after(0, Comparison::Concurrent);
    judge.step(&beside(10, USUAL, Some(OUTAGE)));
    (11..40).for_each(|t| judge.step(&beside(t, OUTAGE, Some(OUTAGE))));
    judge.step(&beside(40, OUTAGE, Some(USUAL)));
    for t in 41..60 {
        judge.step(&beside(t, USUAL, Some(USUAL)));
        assert_ne!(judge.verdict(), Some(Verdict::Regression), "{t}");
    }
    let convicted = convicted(&mut judge, 60..80);
    assert!(convicted.is_some_and(|t| t < 64), "{convicted:?}");
}

#[test]
fn what_goes_on_after_an_outage_of_both_is_convicted() {
    let mut judge = begun(Comparison::Concurrent);
    (10..14).for_each(|t| judge.step(&beside(t, OUTAGE, Some(OUTAGE))));
    let convicted = convicted(&mut judge, 14..60);
    assert!(convicted.is_some_and(|t| t < 20), "{convicted:?}");
}

#[test]
fn what_the_old_version_does_not_share_convicts_once_it_was_counted_again() {
    let mut judge = begun(Comparison::Concurrent);
    judge.step(&beside(10, OUTAGE, Some(USUAL)));
    assert_eq!(judge.verdict(), None);
    judge.step(&beside(11, OUTAGE, None));
    assert_eq!(judge.verdict(), None, "nobody has seen yet what the old version does");
    judge.step(&beside(12, OUTAGE, Some(USUAL)));
    assert_eq!(judge.verdict(), Some(Verdict::Regression));
}

#[test]
fn what_waits_for_an_old_version_that_has_gone_waits_no_longer() {
    let mut judge = begun(Comparison::Auto);
    judge.step(&beside(10, OUTAGE, Some(USUAL)));
    assert_eq!(judge.verdict(), None);
    judge.baseline_gone();
    judge.step(&beside(11, USUAL, None));
    assert_eq!(judge.verdict(), Some(Verdict::Regression));
}

#[test]
fn five_times_worse_does_not_wait() {
    let mut judge = begun(Comparison::Concurrent);
    let convicted = (10..60).find(|t| {
        judge.step(&beside(*t, 5 * USUAL, Some(USUAL)));
        assert!(!judge.is_waiting_for_the_baseline() || judge.verdict().is_some());
        judge.verdict() == Some(Verdict::Regression)
    });
    assert!(convicted.is_some_and(|t| t < 20), "{convicted:?}");
}
