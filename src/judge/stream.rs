//! One stream of bad events out of all events, judged: beside a baseline or against the past, with or without a floor
//! (statistics.md, sections 3, 5 and 8).

use super::{
    calibration::{Reference, StreamCalibration},
    counted::{Bad, Counter},
    estimate::{self, LogRatio},
    evidence::{Estimate, Noise, Plan},
    grid::{GRID, Jump, Row},
    lanes::{exp_below_largest, ln_1p},
    luck::Luck,
    mixture::{Mixture, Starts, Weights},
    noise::StepNoise,
    weights,
};
use crate::words::{MetricStep, Moment};

/// What a stream is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    /// What the candidate's bad events are.
    pub(super) candidate: Bad,
    /// What those of the baseline are.
    pub(super) baseline: Bad,
    /// Tolerated times the baseline's rate.
    pub(super) tolerated: f64,
    /// ln of the smallest harmful change, beyond what is tolerated.
    pub(super) ln_harmful: f64,
    /// A rate that nobody minds, and ln of how many times that is harm.
    pub(super) floor: Option<(f64, f64)>,
    /// The shift test the other way: only safety is asked (section 7).
    pub(super) passing: bool,
}

/// Evidence of harm and safety of one stream.
#[derive(Debug, Clone)]
pub(super) struct Stream {
    question: Question,
    against: Against,
    multiples: Row,
    ln_multiples: Row,
    decisive: Pair,
    late: Option<Pair>,
    excludable: Vec<(f64, Row)>,
    acceptable: Row,
    sigma: f64,
    noise: Noise,
    candidate: [f64; 2],
    baseline: [f64; 2],
    first_bad: Option<Moment>,
}

#[derive(Debug, Clone)]
enum Against {
    /// The baseline beside it.
    Beside(StepNoise),
    /// A known rate, the tolerance included, at a fixed clustering: of the past, or what an objective allows.
    Known { rate: f64, phi: f64 },
}

/// The comparison and the floor. Reverting needs both, safety either (section 5).
#[derive(Debug, Clone)]
struct Pair {
    ratio: Mixture,
    floor: Option<Mixture>,
}

impl Pair {
    fn new(ratio: (Weights, Jump), floor_harmful: Option<f64>, starts: &Starts) -> Self {
        let mixture = |(weights, jump): (Weights, Jump)| Mixture::new(weights, jump, starts.clone());
        Self {
            ratio: mixture(ratio),
            floor: floor_harmful.map(|harmful| mixture(weights::against_known(harmful))),
        }
    }

    /// Of passing by latency, which has no floor.
    fn of_safety((weights, _): (Weights, Jump)) -> Self {
        Self {
            ratio: Mixture::of_safety(weights),
            floor: None,
        }
    }

    fn step(&mut self, ratio: Option<&Row>, floor: Option<&Row>) {
        self.ratio.step(ratio);
        if let Some(mixture) = &mut self.floor {
            mixture.step(floor);
        }
    }

    fn harm(&self) -> f64 {
        let ratio = self.ratio.harm();
        self.floor.as_ref().map_or(ratio, |floor| ratio.min(floor.harm()))
    }

    fn safe(&self) -> f64 {
        let ratio = self.ratio.safe();
        self.floor.as_ref().map_or(ratio, |floor| f64::midpoint(ratio, floor.safe()))
    }
}

impl Stream {
    pub(super) fn new(question: Question, plan: &Plan, calibration: &StreamCalibration) -> Self {
        let step_seconds = plan.step.as_secs_f64();
        let (against, luck, baseline) = compared(question.tolerated, step_seconds, &calibration.reference);
        // No starts decide where nothing runs beside: a shared outage half-way would convict the release (section 8).
        let alone = matches!(against, Against::Known { .. });
        let law = || match &luck {
            None => weights::against_known(question.ln_harmful),
            Some(luck) if question.passing => weights::against_slower(luck, question.ln_harmful),
            Some(luck) => weights::against(luck, question.ln_harmful),
        };
        let spread = Starts::spread(plan.steps, step_seconds);
        let starts = if alone {
            Starts::at_once(plan.steps, step_seconds)
        } else {
            spread.clone()
        };
        let floor_harmful = question.floor.map(|(_, ln_harmful)| ln_harmful);
        let excludable = weights::EXCLUDABLE
            .into_iter()
            .filter(|times| *times > question.tolerated && !question.passing)
            .map(|times| {
                let ln = (times / question.tolerated).ln();
                let known = || weights::against_known(ln).0.harmful;
                (times, luck.as_ref().map_or_else(known, |luck| weights::harmful(luck, ln)))
            })
            .collect();
        Self {
            against,
            multiples: std::array::from_fn(|j| question.tolerated * GRID.times[j]),
            ln_multiples: std::array::from_fn(|j| question.tolerated.ln() + GRID.x[j]),
            decisive: if question.passing {
                Pair::of_safety(law())
            } else {
                Pair::new(law(), floor_harmful, &starts)
            },
            late: (alone && !question.passing).then(|| Pair::new(law(), floor_harmful, &spread)),
            excludable,
            acceptable: luck.as_ref().map_or_else(|| law().0.acceptable, weights::acceptable),
            sigma: calibration.noise.sigma,
            noise: calibration.noise,
            candidate: [0.0; 2],
            baseline,
            first_bad: None,
            question,
        }
    }

    /// Takes one step; says whether it could be used.
    pub(super) fn step(&mut self, at: Moment, step: &MetricStep) -> bool {
        let bounds = &step.bounds;
        let served = self
            .question
            .candidate
            .counter(bounds)
            .map(|counter| counter.sum(&step.candidate))
            .filter(|[_, n]| *n > 0.0);
        let Some(candidate) = served else {
            return self.miss();
        };
        let baseline = self
            .question
            .baseline
            .counter(bounds)
            .filter(|_| matches!(self.against, Against::Beside(_)));
        self.compare(candidate, baseline, step) && {
            self.candidate = add(self.candidate, candidate);
            if candidate[0] > 0.0 {
                self.first_bad.get_or_insert(at);
            }
            true
        }
    }

    /// Evidence of one step in which the candidate served.
    fn compare(&mut self, candidate: [f64; 2], counter: Option<Counter>, step: &MetricStep) -> bool {
        let (phi, ratio) = match &mut self.against {
            Against::Known { rate, phi } => (*phi, Some(one_arm(candidate, *rate, *phi))),
            Against::Beside(noise) => {
                let pods = counter.map(|counter| counter.each(&step.baseline));
                let beside = counter.map(|counter| counter.sum(&step.baseline)).filter(|[_, n]| *n > 0.0);
                match (pods, beside) {
                    (Some(pods), Some(beside)) => {
                        let phi = noise.phi_now(add(candidate, beside), pods);
                        self.baseline = add(self.baseline, beside);
                        (
                            phi,
                            Some(two_arms(candidate, beside, phi, &self.multiples, &self.ln_multiples)),
                        )
                    }
                    _ => (noise.phi(), None),
                }
            }
        };
        let floor = self.question.floor.map(|(rate, _)| one_arm(candidate, rate, phi));
        self.spread(ratio.map(exp_below_largest).as_ref(), floor.map(exp_below_largest).as_ref());
        ratio.is_some()
    }

    fn spread(&mut self, ratio: Option<&Row>, floor: Option<&Row>) {
        self.decisive.step(ratio, floor);
        if let Some(late) = &mut self.late {
            late.step(ratio, floor);
        }
    }

    /// A step goes by unused.
    pub(super) fn miss(&mut self) -> bool {
        self.spread(None, None);
        false
    }

    /// The e-value of harm.
    pub(super) fn harm(&self) -> f64 {
        self.decisive.harm()
    }

    /// The e-value of a change that began late, where nothing runs beside (section 8); else 0.
    pub(super) fn late_harm(&self) -> f64 {
        self.late.as_ref().map_or(0.0, Pair::harm)
    }

    /// The e-value of safety.
    pub(super) fn safe(&self) -> f64 {
        self.decisive.safe()
    }

    /// The multiples of the baseline that may be excluded, ascending (section 6).
    pub(super) fn excludable(&self) -> impl Iterator<Item = f64> {
        self.excludable.iter().map(|(times, _)| *times)
    }

    /// The e-value against the multiple at `index` of [`Stream::excludable`]; 1 where there is none.
    pub(super) fn excluding(&self, index: usize) -> f64 {
        let against = |(_, harmful): &(f64, Row)| self.decisive.ratio.safe_between(&self.acceptable, harmful);
        self.excludable.get(index).map_or(1.0, against)
    }

    /// How many times worse (section 11).
    pub(super) fn ratio(&self) -> Option<Estimate> {
        let counts = self.counted_ratio().map(Estimate::from);
        let seen = self.candidate[1] > 0.0 && self.candidate[0] + self.baseline[0] > 0.0;
        counts.or_else(|| seen.then(|| estimate::from_grid(self.likelihood(), &self.multiples)))
    }

    /// The same from counts alone; none with too few of them.
    pub(super) fn counted_ratio(&self) -> Option<LogRatio> {
        estimate::from_counts(self.candidate, self.baseline, self.noise().phi, self.sigma)
    }

    /// How likely each of [`Stream::multiples`] is to have held all along, up to a factor.
    pub(super) const fn likelihood(&self) -> &Row {
        self.decisive.ratio.likelihood()
    }

    pub(super) const fn multiples(&self) -> &Row {
        &self.multiples
    }

    pub(super) const fn question(&self) -> Question {
        self.question
    }

    /// Whether it is compared with what runs beside it.
    pub(super) const fn is_beside(&self) -> bool {
        matches!(self.against, Against::Beside(_))
    }

    /// The noise as it is known now.
    pub(super) fn noise(&self) -> Noise {
        let phi = match &self.against {
            Against::Beside(noise) => noise.phi(),
            Against::Known { phi, .. } => *phi,
        };
        Noise { phi, ..self.noise }
    }

    pub(super) const fn candidate(&self) -> [f64; 2] {
        self.candidate
    }

    pub(super) const fn baseline(&self) -> [f64; 2] {
        self.baseline
    }

    pub(super) const fn first_bad(&self) -> Option<Moment> {
        self.first_bad
    }
}

/// What the candidate is compared with, the luck about it (none about an objective: it is exact), and the counts that are known before the first step.
fn compared(tolerated: f64, step_seconds: f64, reference: &Reference) -> (Against, Option<Luck>, [f64; 2]) {
    match reference {
        Reference::Beside {
            learnt,
            spread,
            candidate_pods,
            baseline_pods,
        } => (
            Against::Beside(StepNoise::new(*learnt, step_seconds)),
            Some(Luck::between(spread, *candidate_pods, *baseline_pods)),
            [0.0; 2],
        ),
        Reference::Past {
            bad,
            total,
            pod_phi,
            phi,
            rms,
        } => (
            Against::Known {
                rate: tolerated * (bad + 0.5) / total,
                phi: *phi,
            },
            Some(Luck::past(*bad, *pod_phi, *rms)),
            [*bad, *total],
        ),
        Reference::Objective { allowed, phi } => (
            Against::Known {
                rate: *allowed,
                phi: *phi,
            },
            None,
            [0.0; 2],
        ),
    }
}

/// Section 3: only the split between the arms matters.
fn two_arms(candidate: [f64; 2], baseline: [f64; 2], phi: f64, multiples: &Row, ln_multiples: &Row) -> Row {
    let bad = candidate[0] + baseline[0];
    let balance = candidate[1] / baseline[1];
    let clustered = phi.recip();
    let mut row = *multiples;
    for (value, ln_multiple) in row.iter_mut().zip(ln_multiples) {
        *value = (candidate[0] * ln_multiple - bad * ln_1p(*value * balance)) * clustered;
    }
    row
}

/// Section 5: the candidate alone against a known rate.
pub(super) fn one_arm([bad, total]: [f64; 2], rate: f64, phi: f64) -> Row {
    let expected = total * rate;
    let clustered = phi.recip();
    let mut row = GRID.times;
    for (value, x) in row.iter_mut().zip(&GRID.x) {
        *value = (bad * x - *value * expected) * clustered;
    }
    row
}

fn add(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0] + b[0], a[1] + b[1]]
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, test_runner::RngSeed};

    use super::*;

    fn multiples() -> (Row, Row) {
        (GRID.times, GRID.x)
    }

    fn arm() -> impl Strategy<Value = [f64; 2]> {
        (1_u32..1_000_000, 0.0..1.0_f64)
            .prop_map(|(total, share): (u32, f64)| [(f64::from(total) * share).floor(), f64::from(total)])
    }

    /// Alike at every point but for one constant, which is a constant factor of the likelihood.
    fn alike(one: &Row, other: &Row) -> bool {
        let apart = one[0] - other[0];
        let size = one.iter().chain(other).fold(1.0_f64, |most, value| most.max(value.abs()));
        one.iter()
            .zip(other)
            .all(|(one, other)| (one - other - apart).abs() <= 1e-12 * size)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(5), ..ProptestConfig::default() })]

        #[test]
        fn a_step_split_in_equal_proportion_says_the_same(
            candidate in arm(), baseline in arm(), phi in 1.0..10.0, share in 0.01..0.99
        ) {
            let (multiples, ln) = multiples();
            let of = |share: f64| two_arms(candidate.map(|n: f64| n * share), baseline.map(|n: f64| n * share), phi, &multiples, &ln);
            let (one, other) = (of(share), of(1.0 - share));
            let both: Row = std::array::from_fn(|j| one[j] + other[j]);
            prop_assert!(alike(&of(1.0), &both));
        }

        #[test]
        fn the_likelihood_swaps_with_the_arms(candidate in arm(), baseline in arm(), phi in 1.0..10.0) {
            let (multiples, ln) = multiples();
            let (inverse, ln_inverse) = (multiples.map(f64::recip), ln.map(|x| -x));
            let one = two_arms(candidate, baseline, phi, &multiples, &ln);
            prop_assert!(alike(&one, &two_arms(baseline, candidate, phi, &inverse, &ln_inverse)));
        }
    }
}
