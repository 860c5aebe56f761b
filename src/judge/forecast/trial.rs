//! Simulated rollouts through the judge itself, on a grid of times that grows.

use statrs::function::erf::erfc_inv;

use super::{
    Change,
    dice::Dice,
    service::{Beside, Release, Service, moment},
};
use crate::{judge::metric::MetricJudge, words::MetricStep};

/// One metric's judge before its first step, and how a watch goes.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    pub(super) judge: MetricJudge,
    pub(super) service: &'a Service,
    /// Between aligned times.
    pub(super) step: std::time::Duration,
    /// Steps that do not count: a warm-up.
    pub(super) warm: u32,
    /// Ends of the looks, in steps, ascending; the last one is the end of the watch.
    pub(super) looks: Vec<u32>,
    /// How many rollouts, and by which chance.
    pub(super) rollouts: u32,
    pub(super) seed: u64,
}

/// When half of the releases were convicted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Half {
    /// At the end of this step, from 1.
    At(u32),
    /// Not within the watch: only so many.
    Never(f64),
}

/// One release on its way.
struct Trial {
    dice: Dice,
    release: Release,
    /// What runs beside it.
    old: Option<(Beside, Release)>,
    judge: MetricJudge,
}

impl Watch<'_> {
    fn trials(&self, change: Change) -> Vec<Trial> {
        let trial = |stream: u32| {
            let mut dice = Dice::new(self.seed, u64::from(stream));
            // Their luck is even over its law: drawn, the median of a few dozen would itself be luck.
            let below = (f64::from(stream) + 0.5) / f64::from(self.rollouts);
            let luck = -std::f64::consts::SQRT_2 * erfc_inv(2.0 * below);
            let usual = |beside: Beside| (beside, self.service.release(Change::Times(1.0), 0.0, &mut dice));
            let old = self.service.beside.map(usual);
            Trial {
                release: self.service.release(change, luck, &mut dice),
                old,
                dice,
                judge: self.judge.clone(),
            }
        };
        (0..self.rollouts).map(trial).collect()
    }

    /// The step until which a metric of releases that differ by `change` convicts half of them. All go on together, so that nothing is
    /// simulated once that is known.
    pub(super) fn half(&self, change: Change) -> Half {
        let mut trials = self.trials(change);
        let all = trials.len();
        let mut from = 0;
        for look in &self.looks {
            trials.retain_mut(|trial| {
                trial.go(self, from, *look);
                !trial.judge.convicted()
            });
            if (all - trials.len()) * 2 > all {
                return Half::At(*look);
            }
            from = *look;
        }
        Half::Never((all - trials.len()) as f64 / all.max(1) as f64)
    }

    /// Of releases without any change: the share that is healthy at `at` steps and at the end, and what the median one excludes there.
    pub(super) fn healthy(&self, at: u32) -> [(f64, Option<f64>); 2] {
        let mut trials = self.trials(Change::Times(1.0));
        let (mut from, mut known) = (0, [(0.0, None); 2]);
        for look in &self.looks {
            trials.iter_mut().for_each(|trial| trial.go(self, from, *look));
            from = *look;
            if *look == at {
                known[0] = excluded(&trials);
            }
        }
        known[1] = excluded(&trials);
        known
    }
}

impl Trial {
    fn go(&mut self, watch: &Watch<'_>, from: u32, to: u32) {
        let [from, to] = [from, to].map(|step| step.saturating_sub(watch.warm));
        if self.old.is_some() {
            // Later starts decide there, so steps are taken one by one.
            (from..to).for_each(|step| self.step(watch, step + 1, 1.0));
        } else if to > from {
            self.step(watch, to, f64::from(to - from));
        }
    }

    /// Takes what comes in so many steps as one, of which the last after the warm-up is `last`.
    fn step(&mut self, watch: &Watch<'_>, last: u32, steps: f64) {
        let events = watch.service.per_step * steps;
        let (dice, mut new, mut baseline) = (&mut self.dice, 1.0, Vec::new());
        if let Some((Beside { pods, share }, usual)) = &self.old {
            new = *share;
            let each = events * (1.0 - new) / f64::from(*pods);
            baseline.extend((0..*pods).map(|_| usual.pod("baseline", each, dice)));
        }
        let counts = MetricStep {
            bounds: self.release.bounds(),
            candidate: vec![self.release.pod("candidate", events * new, dice)],
            baseline,
            ..MetricStep::default()
        };
        let _ = self.judge.step(moment(watch.step, watch.warm + last), &counts);
    }
}

/// The share that is healthy so far, and what the median one excludes.
fn excluded(trials: &[Trial]) -> (f64, Option<f64>) {
    let healthy = trials
        .iter()
        .filter(|trial| trial.judge.passed() && !trial.judge.convicted())
        .count();
    let mut excluded: Vec<f64> = trials
        .iter()
        .map(|trial| trial.judge.evidence().excluded_times.unwrap_or(f64::INFINITY))
        .collect();
    excluded.sort_by(f64::total_cmp);
    let median = excluded.get(excluded.len() / 2).copied().filter(|times| times.is_finite());
    (healthy as f64 / trials.len().max(1) as f64, median)
}

/// Looks that grow by a twelfth: before and after, evidence rests on sums alone (section 8: no starts decide), so a look gives the
/// same evidence as steps one by one would, and only a time between two looks is told as the later.
pub(super) fn looks(steps: u32, also: u32) -> Vec<u32> {
    let (steps, mut at) = (steps.max(1), 0_u32);
    let mut looks = vec![also.clamp(1, steps)];
    while at < steps {
        at = at.saturating_add((at / 12).max(1)).min(steps);
        looks.push(at);
    }
    looks.sort_unstable();
    looks.dedup();
    looks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_grow_by_a_twelfth_and_hold_what_was_asked_for() {
        let looks = looks(480, 121);
        assert_eq!((looks[0], looks[11], looks.last()), (1, 12, Some(&480)));
        assert!(looks.contains(&121) && looks.len() < 70, "{looks:?}");
        assert!(
            looks
                .windows(2)
                .all(|pair| pair[0] < pair[1] && pair[1] <= pair[0] + pair[0] / 12 + 1)
        );
        assert_eq!(super::looks(1, 9), [1]);
    }
}
