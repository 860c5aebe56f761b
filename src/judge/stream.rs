//! One stream of bad events out of all events, judged: beside a baseline or against the past, with or without a floor
//! (statistics.md, sections 3, 5 and 8).

mod unshared;

use std::sync::OnceLock;

use super::{
    calibration::{Reference, StreamCalibration},
    counted::{Bad, Counter},
    estimate::{self, LogRatio},
    evidence::{Estimate, Noise, Plan},
    grid::{GRID, Jump, Row},
    lanes::exp_below_largest,
    likelihood::{one_arm, two_arms},
    luck::Lucks,
    mixture::{Mixture, Starts, Weights},
    noise::{StepNoise, Worth},
    weights,
};
use crate::words::{MetricStep, Moment};
use unshared::{Lately, Unshared};

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
    lucks: Option<Lucks>,
    /// What is not yet excluded: the null of each of [`Stream::excludable`], made when it is first asked for.
    harmful: OnceLock<Vec<Row>>,
    sigma: f64,
    noise: Noise,
    candidate: [f64; 2],
    baseline: [f64; 2],
    first_bad: Option<Moment>,
    unshared: Option<Box<Unshared>>,
    lately: Lately,
}

#[derive(Debug, Clone)]
enum Against {
    /// The baseline beside it.
    Beside(StepNoise),
    /// A known rate, the tolerance included: of the past, or what an objective allows.
    Known { rate: f64, clustering: Clustering },
}

/// phi of one arm.
#[derive(Debug, Clone, Copy)]
struct Clustering {
    /// In the newest step.
    phi: f64,
    /// As far as it was learnt.
    least: f64,
    /// Its part that is not known yet, for each event that is expected in a step.
    drift: f64,
}

/// A rate that drifts is expected to stay where it is for so many seconds: the longest window of section 8.
const DRIFTS_FOR: f64 = 900.0;

impl Clustering {
    const fn learnt(phi: f64) -> Self {
        Self {
            phi,
            least: phi,
            drift: 0.0,
        }
    }

    /// Of a rate that may drift as far as `rms`.
    fn drifting(phi: f64, rms: f64, step_seconds: f64) -> Self {
        Self {
            drift: rms * rms * DRIFTS_FOR / step_seconds,
            ..Self::learnt(phi)
        }
    }

    /// phi of a step with so many expected events: it depends on the traffic alone, not on what comes of it.
    fn next(&mut self, expected: f64) -> f64 {
        self.phi = self.least.max(1.0 + self.drift * expected);
        self.phi
    }
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

    fn step(&mut self, ratio: Option<&Row>, floor: Option<&Row>, outage: bool) {
        let step = if outage { Mixture::outage } else { Mixture::step };
        step(&mut self.ratio, ratio);
        if let Some(mixture) = &mut self.floor {
            step(mixture, floor);
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
        let (against, lucks, baseline) = compared(question.tolerated, step_seconds, &calibration.reference);
        // No starts decide where nothing runs beside: a shared outage half-way would convict the release (section 8).
        let alone = matches!(against, Against::Known { .. });
        let law = match &lucks {
            None => weights::against_known(question.ln_harmful),
            Some(lucks) if question.passing => weights::against_slower(lucks.safety(), question.ln_harmful),
            Some(lucks) => weights::against_both(lucks.harm(), lucks.safety(), question.ln_harmful),
        };
        let spread = Starts::spread(plan.steps, step_seconds);
        let starts = if alone {
            Starts::at_once(plan.steps, step_seconds)
        } else {
            spread.clone()
        };
        let floor_harmful = question.floor.map(|(_, ln_harmful)| ln_harmful);
        Self {
            against,
            multiples: std::array::from_fn(|j| question.tolerated * GRID.times[j]),
            ln_multiples: std::array::from_fn(|j| question.tolerated.ln() + GRID.x[j]),
            late: (alone && !question.passing).then(|| Pair::new(law.clone(), floor_harmful, &spread)),
            decisive: if question.passing {
                Pair::of_safety(law)
            } else {
                Pair::new(law, floor_harmful, &starts)
            },
            lucks,
            harmful: OnceLock::new(),
            sigma: calibration.noise.sigma,
            noise: calibration.noise,
            candidate: [0.0; 2],
            baseline,
            first_bad: None,
            unshared: None,
            lately: Lately::default(),
            question,
        }
    }

    /// Takes one step as it is, in which the candidate `stands_out` alone or not; says whether it could be used.
    fn take(&mut self, at: Moment, step: &MetricStep, stands_out: bool) -> bool {
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
        self.compare(candidate, baseline, step, stands_out) && {
            self.candidate = add(self.candidate, candidate);
            if candidate[0] > 0.0 {
                self.first_bad.get_or_insert(at);
            }
            true
        }
    }

    /// Evidence of one step in which the candidate served.
    fn compare(&mut self, candidate: [f64; 2], counter: Option<Counter>, step: &MetricStep, stands_out: bool) -> bool {
        let unknown = |phi: f64| Worth { phi, outage: false };
        let (worth, mut ratio) = match &mut self.against {
            Against::Known { rate, clustering } => {
                let phi = clustering.next(*rate * candidate[1]);
                (unknown(phi), Some(one_arm(candidate, *rate, phi)))
            }
            Against::Beside(noise) => {
                let pods = counter.map(|counter| counter.each(&step.baseline));
                let beside = counter.map(|counter| counter.sum(&step.baseline)).filter(|[_, n]| *n > 0.0);
                match (pods, beside) {
                    (Some(pods), Some(beside)) => {
                        let worth = noise.worth(candidate, pods, stands_out);
                        self.baseline = add(self.baseline, beside);
                        let ratio = two_arms(candidate, beside, worth.phi, &self.multiples, &self.ln_multiples);
                        (worth, Some(ratio))
                    }
                    _ => (unknown(noise.phi()), None),
                }
            }
        };
        let mut floor = self.question.floor.map(|(rate, _)| one_arm(candidate, rate, worth.phi));
        ratio.iter_mut().chain(&mut floor).for_each(exp_below_largest);
        self.spread(ratio.as_ref(), floor.as_ref(), worth.outage);
        ratio.is_some()
    }

    fn spread(&mut self, ratio: Option<&Row>, floor: Option<&Row>, outage: bool) {
        self.decisive.step(ratio, floor, outage);
        if let Some(late) = &mut self.late {
            late.step(ratio, floor, outage);
        }
    }

    /// A step goes by unused.
    pub(super) fn miss(&mut self) -> bool {
        self.spread(None, None, false);
        false
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
        let Question { tolerated, passing, .. } = self.question;
        weights::EXCLUDABLE
            .into_iter()
            .filter(move |times| *times > tolerated && !passing)
    }

    /// The e-value against the multiple at `index` of [`Stream::excludable`]; 1 where there is none.
    pub(super) fn excluding(&self, index: usize) -> f64 {
        let harmful = self.harmful.get_or_init(|| {
            let null = |times: f64| {
                let ln = (times / self.question.tolerated).ln();
                let known = || weights::against_known(ln).0.harmful;
                self.lucks
                    .as_ref()
                    .map_or_else(known, |lucks| weights::harmful(lucks.safety(), ln))
            };
            self.excludable().map(null).collect()
        });
        let against = |harmful: &Row| self.decisive.ratio.safe_against(harmful);
        harmful.get(index).map_or(1.0, against)
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
            Against::Known { clustering, .. } => clustering.phi,
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
fn compared(tolerated: f64, step_seconds: f64, reference: &Reference) -> (Against, Option<Lucks>, [f64; 2]) {
    match reference {
        Reference::Beside {
            learnt,
            spread,
            candidate_pods,
            baseline_pods,
        } => (
            Against::Beside(StepNoise::new(*learnt, step_seconds)),
            Some(Lucks::between(spread, *candidate_pods, *baseline_pods)),
            [0.0; 2],
        ),
        Reference::Past {
            bad,
            total,
            pod_phi,
            phi,
            rms,
            wary_rms,
        } => (
            Against::Known {
                rate: tolerated * (bad + 0.5) / total,
                clustering: Clustering::learnt(*phi),
            },
            Some(Lucks::past(*bad, *pod_phi, *rms, *wary_rms)),
            [*bad, *total],
        ),
        Reference::Objective { allowed, phi, wary_rms } => (
            Against::Known {
                rate: *allowed,
                clustering: Clustering::drifting(*phi, wary_rms.unwrap_or(0.0), step_seconds),
            },
            None,
            [0.0; 2],
        ),
    }
}

fn add(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0] + b[0], a[1] + b[1]]
}
