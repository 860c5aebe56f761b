//! A few hundred seeded rollouts: how often a harmless release is reverted and a harmful one found. The bounds are such that a
//! judge that keeps its promise of 1 % passes with all but one chance in a million, and one that ignores noise does not.

use lastgood::{
    judge::{Comparison, Plan},
    words::{MetricStep, Step, Verdict},
};

use crate::rig::*;

const ROLLOUTS: u64 = 120;
/// Of 120 rollouts at 1 %, more than this has a chance of under one in a million.
const MOST_FALSE: usize = 9;

fn verdict(plan: &Plan, history: &[Step], watch: &[Step]) -> Option<Verdict> {
    let policy = policy(vec![ratio("errors", 1.0, 0.0)]);
    let mut judge = learnt(&policy, plan, history);
    watch.iter().for_each(|step| judge.step(step));
    judge.evidence().verdict
}

fn reverted(service: Service, worse: f64, rollouts: u64) -> usize {
    let one = |seed: u64| {
        let mut dice = Dice::new(seed + 1);
        // One world: the drift goes on through the switch.
        let counts = service.counts(&mut dice, HOUR + 120, |t| if t < HOUR { 1.0 } else { worse });
        let (history, watch) = counts.split_at(HOUR);
        verdict(
            &plan(Comparison::BeforeAfter, 120),
            &ratios(history, false),
            &ratios(watch, true),
        )
    };
    (0..rollouts).filter(|seed| one(*seed) == Some(Verdict::Regression)).count()
}

#[test]
fn before_and_after_harmless_releases_stay_and_harmful_ones_go() {
    for service in [FLAT, REAL] {
        let wrong = reverted(service, 1.0, ROLLOUTS);
        assert!(wrong <= MOST_FALSE, "{wrong} of {ROLLOUTS} harmless releases reverted");
        let found = reverted(service, 5.0, 30);
        assert!(found >= 27, "{found} of 30 found at 5 times");
    }
}

fn beside(worse: f64, rollouts: u64) -> (usize, usize) {
    let service = Service { load: 17.0, ..FLAT };
    let plan = Plan {
        candidate_pods: 3,
        baseline_pods: 9,
        ..plan(Comparison::Concurrent, 120)
    };
    let (mut regressions, mut healthy) = (0, 0);
    for seed in 0..rollouts {
        let mut dice = Dice::new(seed + 1_000);
        let mut arm = |pods_of: usize, factor: f64| {
            pods(
                (0..pods_of)
                    .map(|_| service.step(&mut dice, factor))
                    .map(|[k, n]| bad_of(k, n)),
            )
        };
        let mut steps = |count: usize, candidate: usize| -> Vec<Step> {
            (0..count)
                .map(|t| Step {
                    at: at(t),
                    metrics: vec![MetricStep {
                        candidate: arm(candidate, worse),
                        baseline: arm(9, 1.0),
                        ..MetricStep::default()
                    }],
                })
                .collect()
        };
        let (history, watch) = (steps(60, 0), steps(120, 3));
        match verdict(&plan, &history, &watch) {
            Some(Verdict::Regression) => regressions += 1,
            Some(Verdict::Healthy) => healthy += 1,
            _ => {}
        }
    }
    (regressions, healthy)
}

#[test]
fn beside_a_baseline_harmless_releases_stay_and_harmful_ones_go() {
    let (wrong, healthy) = beside(1.0, ROLLOUTS);
    assert!(wrong <= MOST_FALSE, "{wrong} of {ROLLOUTS} harmless releases reverted");
    assert!(healthy >= 100, "{healthy} of {ROLLOUTS} passed");
    let (found, missed) = beside(2.0, 40);
    assert!(found >= 36 && missed <= 4, "{found} of 40 found, {missed} passed at twice");
}
