//! Values that are no counts, memory or the length of a queue: their logarithm against the service's own past (statistics.md, sections
//! 8 and 10).
//!
//! The unit is the pod, and a host has one: neighboring values of one pod say almost the same, so a test that takes steps for
//! independent convicts the harmless (28 to 54 % of them at a promise of 1 %). The model is y = ln(value) = level + an autoregression
//! of first order, with the memory `rho` a step and the deviation `sd` that the last 24 h show. What a step adds, given the one before,
//! is the innovation y - rho^g y' (g steps later), normal about (1 - rho^g) level with variance sd^2 (1 - rho^2g); so a step in which
//! nothing moved weighs little, and a gap costs no truth. Evidence is section 3's mixture over the level, in x = ln(level / tolerated):
//! every step multiplies by a likelihood ratio of innovations, so that with the model true it is a nonnegative martingale under the
//! null, and by Ville's inequality ever reaches 1/alpha with probability at most alpha, however often it is looked at.
//!
//! The null is not one level but luck about what is tolerated, normal: hours of a healthy service differ (`rms`, what the windows of the
//! last 24 h differ by beyond what `rho` and `sd` explain), and the level of the hour before is itself only known to a part of `sd`.
//! Noise is no normal law: an innovation's likelihood is Huber's, normal up to three deviations and of linear logarithm beyond. For noise
//! that is symmetric and has the variance that was learnt, the mean of a step's likelihood ratio exp(d z - d^2/2) is 1 to second order in
//! d, and a bounded influence only takes from it; d is small where memory is long. And evidence of harm is the least of the newest four
//! steps': an e-process held is at most itself, so validity is kept, and a single spike, however high, is no regression.

use serde::{Deserialize, Serialize};

use super::{
    estimate,
    evidence::{Estimate, Noise, NoiseSource, Plan, ValueEvidence},
    grid::{GRID, Row},
    lanes::exp_below_largest,
    luck::Luck,
    mixture::{Mixture, Starts},
    weights,
};
use crate::words::{Increment, MetricStep, Moment};

/// A change of twice the tolerated level is what jumps are scaled to.
pub(super) const HARMFUL: f64 = std::f64::consts::LN_2;
/// Up to so many deviations the law of an innovation is normal.
pub(super) const NORMAL: f64 = 3.0;
/// Healthy hours differ by so much at the least.
const RMS_LEAST: f64 = 0.05;
/// Deviations below it are a value that stands still, and not known so well.
pub(super) const SD_LEAST: f64 = 0.05;
/// Evidence of harm holds once it held in so many used steps in a row.
const HELD: usize = 4;
/// Memory is never taken to be longer than this a step, or nothing would ever be learnt.
pub(super) const RHO_MOST: f64 = 0.995;
/// So much usable history is a day: restarts and rollouts leave gaps in any.
const A_DAY_SECONDS: f64 = 22.0 * 3600.0;
const HOUR_SECONDS: f64 = 3600.0;
const WINDOW_SECONDS: f64 = 900.0;

/// What a value did before the rollout.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct ValuePast {
    /// Mean of ln(value) over the last good version's own last hour.
    pub(super) level: f64,
    /// Memory of ln(value), a step.
    pub(super) rho: f64,
    /// Standard deviation of ln(value) about its level.
    pub(super) sd: f64,
    /// How far healthy hours differ, the sampling of the hour before included.
    pub(super) rms: f64,
    /// Seconds of history.
    pub(super) seconds: f64,
}

impl ValuePast {
    /// Learns from ln(value) by the end of its step in milliseconds, in time order: the last 24 h, and the last good version's own hour.
    ///
    /// # Errors
    /// The reason why it cannot be judged: there is too little history.
    pub(super) fn learn(recent: &[(i64, f64)], own_hour: &[(i64, f64)], step_ms: i64) -> Result<Self, String> {
        let step = step_ms as f64 / 1000.0;
        let seconds = recent.len() as f64 * step;
        if own_hour.is_empty() {
            return Err("the last good version's own last hour has no value to compare with".to_owned());
        }
        if seconds < A_DAY_SECONDS {
            return Err(format!(
                "only {:.1} hours of its past are known, and how far healthy hours differ is learnt from a day",
                seconds / HOUR_SECONDS
            ));
        }
        let mean = mean(recent.iter().map(|(_, y)| *y));
        let variance = recent.iter().map(|(_, y)| (y - mean).powi(2)).sum::<f64>() / recent.len() as f64;
        let (mut covariance, mut pairs) = (0.0, 0.0_f64);
        for pair in recent.windows(2) {
            if pair[1].0 - pair[0].0 == step_ms {
                covariance += (pair[0].1 - mean) * (pair[1].1 - mean);
                pairs += 1.0;
            }
        }
        let rho = (covariance / pairs.max(1.0) / variance.max(f64::MIN_POSITIVE)).clamp(0.0, RHO_MOST);
        let sd = variance.sqrt().max(SD_LEAST);
        let in_steps = |seconds: f64| (seconds / step).round().max(1.0) as usize;
        let (hour, window) = (in_steps(HOUR_SECONDS), in_steps(WINDOW_SECONDS));
        let apart = hours_apart(recent, hour, window) - sd * sd * (sampling(rho, window) + sampling(rho, hour));
        let between = apart.max(RMS_LEAST * RMS_LEAST);
        Ok(Self {
            level: self::mean(own_hour.iter().map(|(_, y)| *y)),
            rho,
            sd,
            rms: (between + sd * sd * sampling(rho, own_hour.len())).sqrt(),
            seconds,
        })
    }
}

/// Mean square of the difference between a quarter of an hour and the hour before it, in the order of samples.
fn hours_apart(recent: &[(i64, f64)], hour: usize, window: usize) -> f64 {
    let level = |from: usize, to: usize| mean(recent[from..to].iter().map(|(_, y)| *y));
    let starts = (hour..recent.len().saturating_sub(window)).step_by(window);
    mean(starts.map(|start| (level(start, start + window) - level(start - hour, start)).powi(2)))
}

/// The variance of the mean of `n` neighbors with memory `rho`, over that of one.
pub(super) fn sampling(rho: f64, n: usize) -> f64 {
    let n = n as f64;
    ((1.0 + rho) / (1.0 - rho) / n - 2.0 * rho * (1.0 - rho.powf(n)) / ((1.0 - rho).powi(2) * n * n)).min(1.0)
}

pub(super) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0_f64), |(sum, count), value| (sum + value, count + 1.0));
    sum / count.max(1.0)
}

/// Evidence of harm in the newest used steps. An e-process held is at most itself, so validity is kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Held([f64; HELD]);

impl Held {
    pub(super) fn take(&mut self, harm: f64) {
        self.0.rotate_left(1);
        self.0[HELD - 1] = harm;
    }

    /// The least of them; 0 before there were so many.
    pub(super) fn least(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

/// Huber's: less the logarithm of how likely a deviation of `z` is.
fn unlikely(z: f64) -> f64 {
    if z.abs() <= NORMAL {
        z * z / 2.0
    } else {
        NORMAL * z.abs() - NORMAL * NORMAL / 2.0
    }
}

/// Evidence about one value.
#[derive(Debug, Clone)]
pub(super) struct Value {
    past: ValuePast,
    tolerated: f64,
    step_ms: f64,
    mixture: Mixture,
    excludable: Vec<(f64, Row)>,
    acceptable: Row,
    multiples: Row,
    held: Held,
    newest: Option<(Moment, f64)>,
    sum: f64,
    used: f64,
}

impl Value {
    /// `more` is tolerated, as a fraction.
    pub(super) fn new(more: f64, plan: &Plan, past: &ValuePast) -> Self {
        let luck = Luck::between_hours(past.rms);
        let (law, jump) = weights::against(&luck, HARMFUL);
        let tolerated = (1.0 + more).ln();
        let excludable = weights::EXCLUDABLE
            .into_iter()
            .filter(|times| times.ln() > tolerated)
            .map(|times| (times, weights::harmful(&luck, times.ln() - tolerated)))
            .collect();
        Self {
            past: *past,
            tolerated,
            step_ms: plan.step.as_millis() as f64,
            // No starts: a change half-way may be the load's (section 8).
            mixture: Mixture::new(law, jump, Starts::at_once(plan.steps, plan.step.as_secs_f64())),
            excludable,
            acceptable: weights::acceptable(&luck),
            multiples: std::array::from_fn(|j| (tolerated + GRID.x[j]).exp()),
            held: Held::default(),
            newest: None,
            sum: 0.0,
            used: 0.0,
        }
    }

    /// Takes one step; says whether there was a value in it.
    pub(super) fn step(&mut self, at: Moment, step: &MetricStep) -> bool {
        let Some(y) = of_pods(step.candidate.iter().map(|pod| &pod.increment)) else {
            self.mixture.step(None);
            return false;
        };
        let (rho, before) = match self.newest {
            Some((then, before)) => (self.past.rho.powf(at.since(then).as_millis() as f64 / self.step_ms), before),
            None => (0.0, 0.0),
        };
        let share = 1.0 - rho;
        let sd = self.past.sd * (1.0 - rho * rho).sqrt();
        let apart = (y - rho * before - share * (self.past.level + self.tolerated)) / sd;
        let mut factors: Row = std::array::from_fn(|j| -unlikely(apart - share * GRID.x[j] / sd));
        exp_below_largest(&mut factors);
        self.mixture.step(Some(&factors));
        self.held.take(self.mixture.harm());
        self.newest = Some((at, y));
        self.sum += y;
        self.used += 1.0;
        true
    }

    /// The e-value of harm, as it held for four used steps; 0 before.
    pub(super) fn harm(&self) -> f64 {
        self.held.least()
    }

    /// The e-value of safety.
    pub(super) fn safe(&self) -> f64 {
        self.mixture.safe()
    }

    /// The smallest of 2, 3, 5, 10, 30 times the level before that is excluded at odds of `needed` (section 6).
    pub(super) fn excluded(&self, needed: f64) -> Option<f64> {
        self.excludable
            .iter()
            .find(|(_, harmful)| self.mixture.safe_between(&self.acceptable, harmful) >= needed)
            .map(|(times, _)| *times)
    }

    /// How many times as much as before (section 11).
    pub(super) fn ratio(&self) -> Option<Estimate> {
        (self.used > 0.0).then(|| estimate::from_grid(self.mixture.likelihood(), &self.multiples))
    }

    pub(super) const fn noise(&self) -> Noise {
        Noise {
            phi: 1.0,
            sigma: self.past.rms,
            source: NoiseSource::History,
            history: std::time::Duration::from_secs(self.past.seconds as u64),
            left_out: [0.0; 2],
        }
    }

    /// Whether there was any value.
    pub(super) fn served(&self) -> bool {
        self.used > 0.0
    }

    pub(super) fn evidence(&self) -> ValueEvidence {
        ValueEvidence {
            candidate: self.served().then(|| (self.sum / self.used).exp()),
            before: Some(self.past.level.exp()),
            ..ValueEvidence::default()
        }
    }
}

/// The mean of ln(value) over these pods; none where there is none.
pub(super) fn of_pods<'a>(pods: impl Iterator<Item = &'a Increment> + Clone) -> Option<f64> {
    let logs = pods.filter_map(|said| match said {
        Increment::Value { value } if *value > 0.0 => Some(value.ln()),
        _ => None,
    });
    logs.clone().next()?;
    Some(mean(logs))
}
