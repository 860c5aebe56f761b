//! Values of new pods beside old ones: what they share says nothing, and what each pod's own level is, is luck.

use lastgood::{
    judge::{Comparison, Judge, MetricEvidence},
    words::{Increment, MetricStep, Pod, PodIncrement, Step, Verdict},
};

use crate::rig::*;

/// How far the three old pods and the two new ones lie from the level of the service.
const OWN: [f64; 5] = [-0.1, 0.0, 0.1, 0.05, -0.05];
const OLD: usize = 3;

/// ln(value) of every pod about its own level: an AR(1) of 0.95, seeded.
fn drifts(steps: usize, seed: u64) -> Vec<[f64; 5]> {
    let mut dice = Dice::new(seed);
    let mut now: [f64; 5] = std::array::from_fn(|_| dice.normal());
    let mut next = |_| {
        now = now.map(|drift| 0.95 * drift + 0.312 * dice.normal());
        now.map(|drift| 0.05 * drift)
    };
    (0..steps).map(&mut next).collect()
}

/// A step in which these pods (the first three old) have their values, times `new` for the new ones and `all` for all.
fn step(t: usize, drift: &[f64; 5], there: &[usize], new: f64, all: f64) -> Step {
    let of = |pod: &usize| {
        let times = if *pod < OLD { all } else { all * new };
        PodIncrement {
            pod: Pod(format!("pod-{pod}").into()),
            increment: Increment::Value {
                value: 2e8 * (OWN[*pod] + drift[*pod]).exp() * times,
            },
        }
    };
    let (baseline, candidate): (Vec<&usize>, Vec<&usize>) = there.iter().partition(|pod| **pod < OLD);
    Step {
        at: at(t),
        metrics: vec![MetricStep {
            candidate: candidate.into_iter().map(of).collect(),
            baseline: baseline.into_iter().map(of).collect(),
            ..MetricStep::default()
        }],
    }
}

const EVERY: [usize; 5] = [0, 1, 2, 3, 4];
const OLD_ONES: [usize; 3] = [0, 1, 2];
const NEW_ONES: [usize; 2] = [3, 4];

/// A judge that learnt from so many steps of the old pods.
fn of_old(compare: Comparison, history: usize, old: &[usize]) -> Judge {
    let drifts = drifts(history, 7);
    let past: Vec<Step> = (0..history).map(|t| step(t, &drifts[t], old, 1.0, 1.0)).collect();
    let (policy, plan) = (policy(vec![memory()]), plan(compare, 240));
    learnt(&policy, &plan, &past)
}

fn evidence(judge: &Judge) -> MetricEvidence {
    judge.evidence().metrics.remove(0)
}

/// The evidence after a watch of an hour of these steps.
fn watched(mut judge: Judge, step: impl Fn(usize, &[f64; 5]) -> Step) -> MetricEvidence {
    for (t, drift) in drifts(HOUR, 8).iter().enumerate() {
        judge.step(&step(t, drift));
    }
    evidence(&judge)
}

#[test]
fn what_all_pods_share_says_nothing_and_what_the_new_ones_need_more_convicts() {
    let judge = || of_old(Comparison::Concurrent, HOUR, &OLD_ONES);
    let shared = |t: usize| if (60..80).contains(&t) { 10.0 } else { 1.0 + t as f64 / 100.0 };
    let harmless = watched(judge(), |t, drift| step(t, drift, &EVERY, 1.0, shared(t)));
    assert_eq!(harmless.verdict, Some(Verdict::Healthy), "{harmless:?}");
    let harmful = watched(judge(), |t, drift| step(t, drift, &EVERY, 4.0, shared(t)));
    assert_eq!(harmful.verdict, Some(Verdict::Regression), "{harmful:?}");
    let value = harmful.value.expect("levels");
    let times = value.candidate.zip(value.beside).map(|(new, old)| new / old);
    assert!(times.is_some_and(|times| (times / 4.0).ln().abs() < 0.2), "{value:?}");
    assert!(value.before.is_none() && harmful.noise.sigma > 0.05);
    let ratio = harmful.ratio.expect("a multiple");
    assert!(ratio.low > 2.0 && ratio.high < 8.0, "{ratio:?}");
}

#[test]
fn a_step_without_either_side_changes_nothing_to_the_bit() {
    let mut judge = of_old(Comparison::Concurrent, HOUR, &OLD_ONES);
    let drifts = drifts(60, 8);
    (0..40).for_each(|t| judge.step(&step(t, &drifts[t], &EVERY, 1.5, 1.0)));
    let before = evidence(&judge);
    (40..50).for_each(|t| judge.step(&step(t, &drifts[t], &NEW_ONES, 9.0, 1.0)));
    (50..60).for_each(|t| judge.step(&step(t, &drifts[t], &OLD_ONES, 9.0, 1.0)));
    assert_eq!(evidence(&judge), before);
}

#[test]
fn an_old_pod_that_goes_does_not_shift_what_the_others_are_compared_with() {
    let judge = || of_old(Comparison::Concurrent, HOUR, &OLD_ONES);
    let both = watched(judge(), |t, drift| step(t, drift, &EVERY, 1.0, 1.0));
    let fewer = watched(judge(), |t, drift| {
        let there: &[usize] = if t < 120 { &EVERY } else { &[2, 3, 4] };
        step(t, drift, there, 1.0, 1.0)
    });
    let median = |evidence: &MetricEvidence| evidence.ratio.map(|ratio| ratio.median).unwrap_or_default();
    assert!(
        (median(&both) / median(&fewer)).ln().abs() < 0.03,
        "{} {}",
        median(&both),
        median(&fewer)
    );
}

#[test]
fn once_the_old_pods_have_gone_the_evidence_stays_and_goes_on_only_where_a_day_is_known() {
    let gone = |history: usize, then: f64| {
        let mut judge = of_old(Comparison::Auto, history, &OLD_ONES);
        let drifts = drifts(HOUR, 8);
        (0..40).for_each(|t| judge.step(&step(t, &drifts[t], &EVERY, 1.0, 1.0)));
        let before = evidence(&judge);
        judge.baseline_gone();
        (40..HOUR).for_each(|t| judge.step(&step(t, &drifts[t], &NEW_ONES, then, 1.0)));
        (before, evidence(&judge))
    };
    let (before, still) = gone(HOUR, 9.0);
    assert_eq!(
        (still.harm_log10.to_bits(), still.value),
        (before.harm_log10.to_bits(), before.value)
    );
    let (_, worse) = gone(24 * HOUR, 9.0);
    assert_eq!(worse.verdict, Some(Verdict::Regression), "{worse:?}");
    let value = worse.value.expect("levels");
    assert!(
        value.beside.is_some() && value.before.is_some() && value.since.is_some_and(|since| since > 1e9),
        "{value:?}"
    );
    let (_, same) = gone(24 * HOUR, 1.0);
    assert_eq!(same.verdict, Some(Verdict::Healthy), "{same:?}");
}

#[test]
fn of_one_old_pod_it_is_not_known_how_pods_differ() {
    let alone = watched(of_old(Comparison::Concurrent, HOUR, &[0]), |t, drift| {
        step(t, drift, &EVERY, 9.0, 1.0)
    });
    assert_eq!(alone.verdict, None);
    let reason = alone.unusable.expect("why not");
    assert!(reason.contains("two or more"), "{reason}");
}
