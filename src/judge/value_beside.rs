//! Values of the candidate's pods beside those of the old version (statistics.md, section 10).
//!
//! The unit is the pod. In each step a pod's ln(value) is taken less the mean of the old pods, each of which is first freed of how far it
//! lay from the others before the rollout: whatever moves all pods together, a day or a shared outage, is gone. What is left of pod i is
//! an autoregression about its own level L_i = change + luck_i, of which only the innovations are new (`value` says why), so after any
//! steps all that is known of L_i is a mean and its precision I_i. The luck of healthy pods is normal with the deviation tau, and so is,
//! over the square root of their number, that of the old pods' mean, which all new pods share. Both are integrated out in closed form:
//!
//! P(data | change, tau) ~ (prod 1 + tau^2 I_i)^-1/2 e^{-(C - B^2/A)/2} (1 + G A)^-1/2 e^{-(B/A - change)^2 / 2(1/A + G)},
//! A, B, C = sum of w_i, w_i L_i, w_i L_i^2 with w_i = 1/(tau^2 + 1/I_i), G = tau^2/m + 0.03^2.
//!
//! A pod that lasts longer becomes better known, but never says more than one draw of luck does, however many steps there are; pods come
//! and go without a jump. The e-value is the mixture over changes above what is tolerated, over that at it, both with the same posterior
//! of tau: a martingale under the null in the pods' own luck, and by its monotone likelihood ratio a supermartingale below it. As in
//! `value` an innovation counts up to three deviations; harm and safety must hold for four used steps; there are no later starts, and so a level
//! that rises half-way weighs as much as it shifts the whole.

use std::{collections::BTreeMap, time::Duration};

use super::{
    estimate,
    evidence::{Estimate, Noise, NoiseSource, Plan},
    grid::{EMPTY, GRID, Jump, Row, ZERO},
    lanes::dot,
    mixture::SAFEST,
    value::{HARMFUL, Held, NORMAL},
    value_pods::{TAUS, ValuePods, logs},
    weights::{self, EXCLUDABLE},
};
use crate::words::{MetricStep, Moment, Pod};

/// The least that the means of both sides may differ by luck, beyond their pods'.
const SIGMA_LEAST: f64 = 0.03;
/// No likelihood is taken to be smaller, so that no quotient divides by zero.
const LEAST: f64 = 1e-280;

/// Evidence about one value of pods beside each other.
#[derive(Debug, Clone)]
pub(super) struct ValueBeside {
    past: ValuePods,
    tolerated: f64,
    step_ms: f64,
    changes: Row,
    acceptable: Row,
    multiples: Row,
    pods: BTreeMap<Pod, Level>,
    /// P(data | change) over the grid, but for a factor.
    likelihood: Row,
    harm: Held,
    safe: Held,
    sums: [f64; 2],
    used: f64,
}

/// What is known of one new pod's own level.
#[derive(Debug, Clone, Copy)]
struct Level {
    at: Moment,
    newest: f64,
    /// I
    precision: f64,
    mean: f64,
}

impl ValueBeside {
    /// `more` is tolerated, as a fraction.
    pub(super) fn new(more: f64, plan: &Plan, past: &ValuePods) -> Self {
        let tolerated = more.ln_1p();
        let mut changes = EMPTY;
        Jump::new(HARMFUL).add_from_zero(1.0, &mut changes);
        Self {
            past: past.clone(),
            tolerated,
            step_ms: plan.step.as_millis() as f64,
            changes,
            acceptable: weights::acceptable_known(),
            multiples: std::array::from_fn(|j| (tolerated + GRID.x[j]).exp()),
            pods: BTreeMap::new(),
            likelihood: [1.0; super::grid::POINTS],
            harm: Held::default(),
            safe: Held::default(),
            sums: [0.0; 2],
            used: 0.0,
        }
    }

    /// Takes one step; says whether there were values on both sides in it.
    pub(super) fn step(&mut self, at: Moment, step: &MetricStep) -> bool {
        let Some((old, usual)) = self.usual(step) else { return false };
        let new = logs(&step.candidate).count() as f64;
        if new <= 0.0 {
            return false;
        }
        // Over all new pods this is what the two means differ by: the old pods' own movement is in each of them.
        let sd = self.past.sd * (1.0 + new / old).sqrt();
        let mut sum = 0.0;
        for (pod, y) in logs(&step.candidate) {
            sum += y;
            let apart = y - usual - self.tolerated;
            match self.pods.get_mut(pod) {
                Some(level) => level.learn(at, apart, self.past.rho, sd, self.step_ms),
                None => {
                    self.pods.insert(pod.clone(), Level::first(at, apart, sd));
                }
            }
        }
        self.weigh();
        let harm = dot(&self.changes, &self.likelihood) / self.likelihood[ZERO].max(LEAST);
        self.harm.take(harm);
        self.safe.take(self.safe_from(HARMFUL));
        self.sums = [self.sums[0] + sum / new, self.sums[1] + usual];
        self.used += 1.0;
        true
    }

    /// The number of old pods, and their mean freed of how far each of them lay from the others; none: none of them is known.
    fn usual(&self, step: &MetricStep) -> Option<(f64, f64)> {
        let levels = &self.past.levels;
        let known = |pod: &Pod| {
            let place = levels.binary_search_by(|(known, _)| known.cmp(pod));
            place.ok().map(|place| levels[place].1)
        };
        let freed = logs(&step.baseline).filter_map(|(pod, y)| Some(y - known(pod)?));
        let (sum, old) = freed.fold((0.0, 0.0), |(sum, old), y| (sum + y, old + 1.0));
        (old > 0.0).then(|| (old, sum / old))
    }

    fn weigh(&mut self) {
        let old = self.past.levels.len() as f64;
        let mut terms = [(f64::NEG_INFINITY, 0.0, 1.0); TAUS];
        for (term, (tau, p)) in terms.iter_mut().zip(self.past.taus()) {
            let square = tau * tau;
            let (mut a, mut b, mut c, mut unlike) = (0.0, 0.0, 0.0, 0.0);
            for level in self.pods.values() {
                let weight = (square + level.precision.recip()).recip();
                a += weight;
                b += weight * level.mean;
                c += weight * level.mean * level.mean;
                unlike += (square * level.precision).ln_1p();
            }
            let shared = square / old + SIGMA_LEAST * SIGMA_LEAST;
            let log = p.max(f64::MIN_POSITIVE).ln() - (unlike + c - b * b / a + (shared * a).ln_1p()) / 2.0;
            *term = (log, b / a, a.recip() + shared);
        }
        let exponent = |x: f64, (log, mean, variance): (f64, f64, f64)| log - (mean - x).powi(2) / (2.0 * variance);
        let exponents = GRID.x.map(|x| terms.map(|term| exponent(x, term)));
        let highest = exponents.as_flattened().iter().copied().fold(f64::NEG_INFINITY, f64::max);
        self.likelihood = exponents.map(|of_taus| of_taus.iter().map(|exponent| (exponent - highest).exp()).sum());
    }

    /// The e-value of harm, as it held for four used steps; 0 before.
    pub(super) fn harm(&self) -> f64 {
        self.harm.least()
    }

    /// The e-value of safety, as it held for four used steps; 0 before.
    pub(super) fn safe(&self) -> f64 {
        self.safe.least()
    }

    fn safe_from(&self, ln_harmful: f64) -> f64 {
        let harmful = self.likelihood[GRID.at_or_below(ln_harmful)].max(LEAST);
        (dot(&self.acceptable, &self.likelihood) / harmful).min(SAFEST)
    }

    /// The smallest of 2, 3, 5, 10, 30 times the old pods' level that is excluded at odds of `needed` (section 6).
    pub(super) fn excluded(&self, needed: f64) -> Option<f64> {
        let above = EXCLUDABLE.into_iter().filter(|times| times.ln() > self.tolerated);
        above
            .into_iter()
            .find(|times| self.safe_from(times.ln() - self.tolerated) >= needed)
    }

    /// How many times as much as beside it (section 11).
    pub(super) fn ratio(&self) -> Option<Estimate> {
        self.served().then(|| estimate::from_grid(&self.likelihood, &self.multiples))
    }

    pub(super) fn noise(&self) -> Noise {
        Noise {
            phi: 1.0,
            sigma: self.past.sigma(self.pods.len().max(1) as f64),
            source: NoiseSource::History,
            history: Duration::from_secs(self.past.seconds as u64),
            left_out: [0.0; 2],
        }
    }

    /// Whether there was any value.
    pub(super) fn served(&self) -> bool {
        self.used > 0.0
    }

    /// The levels of both sides, geometric means; none where nothing was used.
    pub(super) fn levels(&self) -> Option<[f64; 2]> {
        self.served().then(|| self.sums.map(|sum| (sum / self.used).exp()))
    }
}

impl Level {
    const fn first(at: Moment, apart: f64, sd: f64) -> Self {
        Self {
            at,
            newest: apart,
            precision: 1.0 / (sd * sd),
            mean: apart,
        }
    }

    /// Takes the innovation of a step, up to three deviations of it.
    fn learn(&mut self, at: Moment, apart: f64, rho: f64, sd: f64, step_ms: f64) {
        let memory = rho.powf(at.since(self.at).as_millis() as f64 / step_ms);
        let share = 1.0 - memory;
        let variance = sd * sd * (1.0 - memory * memory);
        let most = NORMAL * (variance + share * share / self.precision).sqrt();
        let surprise = (apart - memory * self.newest - share * self.mean).clamp(-most, most);
        let more = share * share / variance;
        self.precision += more;
        self.mean += more / self.precision * surprise / share;
        (self.at, self.newest) = (at, apart);
    }
}
