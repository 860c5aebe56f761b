//! A step allocates nothing once the judge is warm.

#[cfg(test)]
#[path = "judge/rig.rs"]
#[expect(dead_code, reason = "the rig serves the other test binary too")]
mod rig;

use lastgood::{
    judge::Comparison,
    words::{Increment, MetricStep, Step},
};
use rig::*;

/// Half an hour: less teaches nothing of how pods' values differ.
const LEARNT: usize = 120;

/// A ratio, a histogram and a value, of one pod beside two.
fn counted(dice: &mut Dice, t: usize) -> Step {
    let ratio = MetricStep {
        candidate: pods([bad_of(4, 750)]),
        baseline: pods([bad_of(4, 750), bad_of(3, 750)]),
        ..MetricStep::default()
    };
    let bounds = DEFAULT_BUCKETS.to_vec();
    let [one, other] = [(); 2].map(|()| durations(dice, &bounds, 200, SPREAD, |_, s| s));
    let histogram = MetricStep {
        bounds,
        candidate: pods([one]),
        baseline: pods([other]),
        gaps: Vec::new(),
    };
    let [one, other] = [(); 2].map(|()| Increment::Value {
        value: 2e8 * (0.05 * dice.normal()).exp(),
    });
    let value = MetricStep {
        candidate: pods([one.clone()]),
        baseline: pods([one, other]),
        ..MetricStep::default()
    };
    Step {
        at: at(t),
        metrics: vec![ratio, histogram, value],
    }
}

#[test]
fn a_step_allocates_nothing_once_warm() {
    let mut dice = Dice::new(2);
    let steps: Vec<Step> = (0..LEARNT + 30).map(|t| counted(&mut dice, t)).collect();
    let alone: Vec<Step> = steps[..30]
        .iter()
        .cloned()
        .map(|mut step| {
            step.metrics.iter_mut().for_each(|metric| metric.baseline.clear());
            step
        })
        .collect();
    for compare in [
        Comparison::Concurrent,
        Comparison::Auto,
        Comparison::BeforeAfter,
        Comparison::None,
    ] {
        let (policy, plan) = (policy(vec![errors(), latency(), memory()]), plan(compare, 60));
        let mut judge = learnt(&policy, &plan, &steps[..LEARNT]);
        judge.step(&steps[LEARNT]);
        let counted = allocation_counter::measure(|| steps[LEARNT + 1..].iter().for_each(|step| judge.step(step)));
        assert_eq!(counted.count_total, 0, "{compare:?}");
        assert_eq!(judge.evidence().steps, 30);
        let beside = matches!(compare, Comparison::Concurrent | Comparison::Auto);
        assert_eq!(judge.evidence().metrics[2].unusable.is_none(), beside, "{compare:?}");
        // What begins when the old version goes is made then, not in a step.
        judge.baseline_gone();
        let counted = allocation_counter::measure(|| alone.iter().for_each(|step| judge.step(step)));
        assert_eq!(counted.count_total, 0, "{compare:?}, alone");
    }
}
