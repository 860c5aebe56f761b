//! Values that are no counts, whose neighbors say almost the same: seeded services with long memory, harmless and not.

use lastgood::{
    judge::{Comparison, MetricEvidence},
    words::{Increment, Step, Verdict},
};

use crate::rig::*;

const DAY: usize = 24 * HOUR;
const WATCH: usize = 2 * HOUR;
const ROLLOUTS: u64 = 100;
/// Of 100 rollouts at 1 %, more than this has a chance of under one in a million.
const MOST_FALSE: usize = 8;

/// How ln(value) moves about its level.
#[derive(Debug, Clone, Copy)]
struct World {
    /// Standard deviation.
    sd: f64,
    /// Memory a step.
    rho: f64,
    /// How far a process's own level lies from another's.
    own: f64,
    /// Amplitude of a curve over the day.
    day: f64,
    /// Amplitude of a garbage collector's saw, ten minutes a tooth.
    saw: f64,
    /// One innovation in so many is ten times as large; 0: none.
    jumps: f64,
}

const CALM: World = World {
    sd: 0.1,
    rho: 0.95,
    own: 0.0,
    day: 0.0,
    saw: 0.0,
    jumps: 0.0,
};

impl World {
    fn values(&self, dice: &mut Dice, steps: usize, factor: impl Fn(usize) -> f64) -> Vec<f64> {
        let (mut drift, own, began) = (dice.normal(), self.own * dice.normal(), dice.uniform() * DAY as f64);
        (0..steps)
            .map(|t| {
                let jump = if dice.uniform() < self.jumps { 10.0 } else { 1.0 };
                drift = self.rho * drift + (1.0 - self.rho * self.rho).sqrt() * jump * dice.normal();
                let hours = (began + t as f64) / DAY as f64;
                let day = self.day * (std::f64::consts::TAU * hours).sin();
                let saw = self.saw * ((t % 40) as f64 / 20.0 - 1.0);
                let own = if t < DAY { 0.0 } else { own };
                2e8 * (self.sd * drift + day + saw + own).exp() * factor(t)
            })
            .collect()
    }

    /// What is known of the candidate at the end of the watch, where it has `times` as much.
    fn judged(&self, seed: u64, times: f64) -> MetricEvidence {
        let mut dice = Dice::new(seed + 1);
        let values = self.values(&mut dice, DAY + WATCH, |t| if t < DAY { 1.0 } else { times });
        let (history, watch) = values.split_at(DAY);
        judged(&steps(history, false), &steps(watch, true))
    }

    fn alarms(&self, times: f64, rollouts: u64) -> usize {
        (0..rollouts)
            .filter(|seed| self.judged(*seed, times).verdict == Some(Verdict::Regression))
            .count()
    }
}

fn steps(values: &[f64], candidate: bool) -> Vec<Step> {
    alone(values.iter().map(|value| Increment::Value { value: *value }), &[], candidate)
}

/// What is known of the candidate after the whole watch.
fn judged(history: &[Step], watch: &[Step]) -> MetricEvidence {
    let policy = policy(vec![memory()]);
    let plan = plan(Comparison::BeforeAfter, watch.len() as u32);
    let mut judge = learnt(&policy, &plan, history);
    watch.iter().for_each(|step| judge.step(step));
    judge.evidence().metrics.swap_remove(0)
}

#[test]
fn what_is_tolerated_is_no_alarm_whatever_the_memory_of_the_value() {
    for world in [
        CALM,
        World {
            sd: 0.02,
            own: 0.08,
            jumps: 0.01,
            ..CALM
        },
        World {
            rho: 0.99,
            saw: 0.2,
            day: 0.2,
            ..CALM
        },
    ] {
        let wrong = world.alarms(1.3, ROLLOUTS);
        assert!(wrong <= MOST_FALSE, "{wrong} of {ROLLOUTS} alarms: {world:?}");
    }
}

#[test]
fn twice_the_memory_is_found_and_the_same_passes() {
    let found = CALM.alarms(2.0, 40);
    assert!(found >= 38, "{found} of 40 found");
    let passed = (0..40)
        .filter(|seed| CALM.judged(*seed, 1.0).verdict == Some(Verdict::Healthy))
        .count();
    assert!(passed >= 38, "{passed} of 40 passed");
}

#[test]
fn a_spike_however_high_is_no_regression_and_a_level_that_stays_is() {
    let mut dice = Dice::new(7);
    let white = World { rho: 0.0, ..CALM };
    let values = white.values(&mut dice, DAY + 40, |_| 1.0);
    let (history, watch) = values.split_at(DAY);
    let history = steps(history, false);
    let raised = |by: f64, from: usize, to: usize| {
        let raised = |(t, value): (usize, &f64)| if (from..to).contains(&t) { value * by } else { *value };
        let watch: Vec<f64> = watch.iter().enumerate().map(raised).collect();
        judged(&history, &steps(&watch, true)).verdict
    };
    assert_ne!(raised(50.0, 10, 13), Some(Verdict::Regression));
    assert_eq!(raised(3.0, 0, 40), Some(Verdict::Regression));
}

#[test]
fn gaps_cost_no_truth_and_less_than_a_day_of_the_past_is_said() {
    let mut dice = Dice::new(8);
    let values = CALM.values(&mut dice, DAY + WATCH, |t| if t < DAY { 1.0 } else { 2.5 });
    let (history, watch) = values.split_at(DAY);
    let history = steps(history, false);
    let mut torn = steps(watch, true);
    for step in torn.iter_mut().skip(100).step_by(3) {
        step.metrics[0].candidate.clear();
    }
    let evidence = judged(&history, &torn);
    assert_eq!(evidence.verdict, Some(Verdict::Regression), "{evidence:?}");
    let value = evidence.value.expect("levels");
    assert!(value.before.is_some_and(|level| (level / 2e8).ln().abs() < 0.2));
    assert!(value.candidate.is_some_and(|level| (level / 5e8).ln().abs() < 0.2));
    let ratio = evidence.ratio.expect("a multiple");
    assert!(ratio.low > 1.5 && ratio.high < 4.0, "{ratio:?}");

    let young = judged(&history[DAY - 10 * HOUR..], &torn);
    let reason = young.unusable.expect("a reason");
    assert!(reason.contains("only 10.0 hours"), "{reason}");
    assert_eq!(young.verdict, None);
}
