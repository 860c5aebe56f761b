//! A step allocates nothing once the judge is warm.

#[cfg(test)]
#[path = "judge/rig.rs"]
#[expect(dead_code, reason = "the rig serves the other test binary too")]
mod rig;

use lastgood::{
    judge::{Background, Comparison, Judge, calibrate},
    words::{MetricStep, Step},
};
use rig::*;

#[test]
fn a_step_allocates_nothing_once_warm() {
    let mut dice = Dice::new(2);
    let bounds = DEFAULT_BUCKETS.to_vec();
    let mut both = |t: usize| {
        let ratio = MetricStep {
            candidate: pods([bad_of(4, 750)]),
            baseline: pods([bad_of(4, 750), bad_of(3, 750)]),
            ..MetricStep::default()
        };
        let [one, other] = [(); 2].map(|()| durations(&mut dice, &bounds, 200, SPREAD, |_, s| s));
        let histogram = MetricStep {
            bounds: bounds.clone(),
            candidate: pods([one]),
            baseline: pods([other]),
            gaps: Vec::new(),
        };
        Step {
            at: at(t),
            metrics: vec![ratio, histogram],
        }
    };
    let steps: Vec<Step> = (0..60).map(&mut both).collect();
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
        let (policy, plan) = (policy(vec![errors(), latency()]), plan(compare, 60));
        let background = Background {
            recent: &steps[..30],
            own_hour: &steps[..30],
            past_pods: &[],
        };
        let mut judge = Judge::new(&policy, &plan, &calibrate(&policy, &plan, &background));
        judge.step(&steps[30]);
        let counted = allocation_counter::measure(|| steps[31..].iter().for_each(|step| judge.step(step)));
        assert_eq!(counted.count_total, 0, "{compare:?}");
        assert_eq!(judge.evidence().steps, 30);
        // What begins when the old version goes is made then, not in a step.
        judge.baseline_gone();
        let counted = allocation_counter::measure(|| alone.iter().for_each(|step| judge.step(step)));
        assert_eq!(counted.count_total, 0, "{compare:?}, alone");
    }
}
