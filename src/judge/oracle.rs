//! Tests: agreement with the slow reference on 200 random rollouts (`tests/judge/make_cases.py` made them and says what they keep away
//! from): learning from the history, and every third step of the evidence, to 1e-9 in ln e.

use std::time::Duration;

use serde::Deserialize;

use super::{
    calibration::{Reference, StreamCalibration},
    counted::Bad,
    course::Course,
    evidence::{Comparison, Noise, NoiseSource, Plan},
    grid::{EMPTY, Jump, Row, ZERO},
    lanes::exp_below_largest,
    likelihood::one_arm,
    luck::Luck,
    mixture::{Mixture, Starts, Weights},
    noise::{PodHistory, PodNoise, Spread},
    stream::{Question, Stream},
    temporal, weights,
};
use crate::words::{Increment, MetricStep, Moment, Pod, PodIncrement};

#[derive(Deserialize)]
struct Cases {
    beside: Vec<Beside>,
    alone: Vec<Alone>,
    auto: Vec<Auto>,
    temporal: Temporal,
}

#[derive(Deserialize)]
struct Beside {
    tolerated: f64,
    harmful: f64,
    floor: f64,
    pods: usize,
    history: Option<Vec<u64>>,
    phi: f64,
    m: [f64; 2],
    candidate: Vec<u64>,
    baseline: Vec<u64>,
    ln_harm: Vec<f64>,
    ln_safe: Vec<f64>,
}

#[derive(Deserialize)]
struct Alone {
    tolerated: f64,
    harmful: f64,
    starts: bool,
    bad: f64,
    total: f64,
    phi: f64,
    rms: f64,
    null: Vec<f64>,
    candidate: Vec<u64>,
    ln_harm: Vec<f64>,
}

#[derive(Deserialize)]
struct Auto {
    first: Beside,
    then: Alone,
}

#[derive(Deserialize)]
struct Temporal {
    counts: Vec<u64>,
    phi: f64,
    rms: f64,
}

const STEP: Duration = Duration::from_secs(15);
/// The reference's evidence is given at every such step.
const EVERY: usize = 3;
/// What the reference takes for phi between pods.
const POD_PHI: f64 = 1.5;

fn cases() -> Cases {
    serde_json::from_str(include_str!("../../tests/judge/cases.json")).expect("cases")
}

fn at(step: usize) -> Moment {
    Moment::from_millis(step as i64 * 15_000)
}

/// `[bad, total]` one after the other.
fn pairs(flat: &[u64]) -> Vec<[u64; 2]> {
    flat.as_chunks().0.to_vec()
}

fn increments(pods: &[[u64; 2]]) -> Vec<PodIncrement> {
    let increment = |(i, [bad, total]): (usize, &[u64; 2])| PodIncrement {
        pod: Pod(format!("pod-{i}").into()),
        increment: Increment::Ratio {
            bad: *bad,
            total: *total,
        },
    };
    pods.iter().enumerate().map(increment).collect()
}

fn near(what: &str, found: f64, wanted: f64, tolerance: f64) {
    assert!(
        (found - wanted).abs() <= tolerance * wanted.abs().max(1.0),
        "{what}: {found}, the reference says {wanted}"
    );
}

fn noise(phi: f64) -> Noise {
    Noise {
        phi,
        sigma: 0.1,
        source: NoiseSource::History,
        history: Duration::ZERO,
        left_out: [0.0; 2],
    }
}

fn plan(steps: usize, compare: Comparison) -> Plan {
    Plan {
        step: STEP,
        steps: steps as u32,
        compare,
        candidate_pods: 1,
        baseline_pods: 1,
    }
}

impl Beside {
    fn learnt(&self) -> Option<PodNoise> {
        let counts = pairs(self.history.as_deref()?);
        let pods = |step: &[[u64; 2]]| step.iter().map(|[bad, total]| [*bad as f64, *total as f64]).collect();
        let steps = counts.chunks(self.pods).enumerate();
        let steps = steps.map(|(t, step)| (at(t).millis(), pods(step))).collect();
        Some(PodHistory { steps }.learn(15_000, &[]))
    }

    fn question(&self) -> Question {
        Question {
            candidate: Bad::Event,
            baseline: Bad::Event,
            tolerated: self.tolerated,
            ln_harmful: (self.harmful / self.tolerated).ln(),
            floor: (self.floor > 0.0).then(|| (self.floor, self.harmful.ln())),
            passing: false,
        }
    }

    fn calibration(&self) -> StreamCalibration {
        let learnt = self.learnt();
        StreamCalibration {
            reference: Reference::Beside {
                learnt: learnt.as_ref().map(|noise| (noise.phi, noise.rate)),
                spread: learnt.map_or_else(|| Spread::of_past(&[]), |noise| noise.spread),
                candidate_pods: self.m[0],
                baseline_pods: self.m[1],
            },
            noise: noise(self.phi),
            after: None,
        }
    }

    fn steps(&self) -> Vec<MetricStep> {
        let baseline = pairs(&self.baseline);
        let steps = pairs(&self.candidate).into_iter().zip(baseline.chunks(self.pods));
        steps
            .map(|(candidate, baseline)| MetricStep {
                candidate: increments(&[candidate]),
                baseline: increments(baseline),
                ..MetricStep::default()
            })
            .collect()
    }
}

impl Alone {
    /// The recursion on the reference's own null.
    fn mixture(&self) -> Mixture {
        let mut null: Row = EMPTY;
        null[ZERO..].copy_from_slice(&self.null);
        let weights = Weights {
            null,
            acceptable: null,
            harmful: null,
        };
        let steps = pairs(&self.candidate).len() as u32;
        let starts = if self.starts {
            Starts::spread(steps, STEP.as_secs_f64())
        } else {
            Starts::at_once(steps, STEP.as_secs_f64())
        };
        Mixture::new(weights, Jump::new((self.harmful / self.tolerated).ln()), starts)
    }

    fn factors(&self, [bad, total]: [u64; 2]) -> Row {
        let rate = self.tolerated * (self.bad + 0.5) / self.total;
        let mut factors = one_arm([bad as f64, total as f64], rate, self.phi);
        exp_below_largest(&mut factors);
        factors
    }

    fn calibration(&self) -> StreamCalibration {
        StreamCalibration {
            reference: Reference::Past {
                bad: self.bad,
                total: self.total,
                pod_phi: POD_PHI,
                phi: self.phi,
                rms: self.rms,
                wary_rms: None,
            },
            noise: noise(self.phi),
            after: None,
        }
    }
}

#[test]
fn there_are_two_hundred_rollouts() {
    let cases = cases();
    assert_eq!(cases.beside.len() + cases.alone.len() + cases.auto.len(), 200);
    let without = |case: &&Beside| case.history.is_none();
    assert!(cases.beside.iter().filter(without).count() >= 20);
    assert!(cases.beside.iter().filter(|case| case.floor > 0.0).count() >= 50);
}

#[test]
fn beside_a_baseline_it_agrees_with_the_reference() {
    for (i, case) in cases().beside.iter().enumerate() {
        if let Some(learnt) = case.learnt() {
            near(&format!("case {i}, phi"), learnt.phi, case.phi, 1e-12);
        }
        let steps = case.steps();
        let mut stream = Stream::new(
            case.question(),
            &plan(steps.len(), Comparison::Concurrent),
            &case.calibration(),
        );
        for (t, step) in steps.iter().enumerate() {
            stream.step(at(t), step);
            if (t + 1).is_multiple_of(EVERY) {
                let said = t / EVERY;
                near(
                    &format!("case {i}, step {t}, harm"),
                    stream.harm().ln(),
                    case.ln_harm[said],
                    1e-9,
                );
                near(
                    &format!("case {i}, step {t}, safe"),
                    stream.safe().ln(),
                    case.ln_safe[said],
                    1e-9,
                );
            }
        }
    }
}

#[test]
fn before_and_after_it_agrees_with_the_reference() {
    for (i, case) in cases().alone.iter().enumerate() {
        let mut mixture = case.mixture();
        for (t, counts) in pairs(&case.candidate).into_iter().enumerate() {
            mixture.step(Some(&case.factors(counts)));
            if (t + 1).is_multiple_of(EVERY) {
                near(
                    &format!("case {i}, step {t}"),
                    mixture.harm().ln(),
                    case.ln_harm[t / EVERY],
                    1e-9,
                );
            }
        }
        let own = weights::null(&Luck::past(case.bad, POD_PHI, case.rms));
        for (j, (found, wanted)) in own[ZERO..].iter().zip(&case.null).enumerate() {
            assert!(
                (found - wanted).abs() <= 1e-3 * wanted + 1e-12,
                "case {i}, null at {j}: {found}, the reference says {wanted}"
            );
        }
    }
}

#[test]
fn when_the_old_version_goes_the_evidence_is_the_reference_s_product() {
    for (i, Auto { first, then }) in cases().auto.iter().enumerate() {
        let (beside, alone) = (first.steps(), pairs(&then.candidate));
        let whole = plan(beside.len() + alone.len(), Comparison::Auto);
        let calibration = StreamCalibration {
            after: Some(Box::new(then.calibration())),
            ..first.calibration()
        };
        let mut course = Course::new(first.question(), &whole, &calibration);
        // The reference pins T to its own nine steps, as it has no starts to come; so does this stream.
        let mut stream = Stream::new(first.question(), &plan(beside.len(), Comparison::Concurrent), &calibration);
        for (t, step) in beside.iter().enumerate() {
            assert_eq!(stream.step(at(t), step), course.step(at(t), step));
        }
        let frozen = stream.harm().ln();
        near(
            &format!("case {i}, frozen"),
            frozen,
            first.ln_harm[beside.len() / EVERY - 1],
            1e-9,
        );
        assert!(course.baseline_gone(&plan(alone.len(), Comparison::Auto)) && !course.baseline_gone(&whole));
        // What waited for the old version counts now.
        let (mut exact, course_frozen) = (then.mixture(), course.harm(0.0).ln());
        for (t, counts) in alone.into_iter().enumerate() {
            exact.step(Some(&then.factors(counts)));
            let step = MetricStep {
                candidate: increments(&[counts]),
                ..MetricStep::default()
            };
            assert!(course.step(at(beside.len() + t), &step));
            if (t + 1).is_multiple_of(EVERY) {
                let wanted = then.ln_harm[t / EVERY];
                let product = first.ln_harm[beside.len() / EVERY - 1] + wanted;
                near(&format!("case {i}, step {t}"), frozen + exact.harm().ln(), product, 1e-9);
                // With its own null, read from a table.
                near(
                    &format!("case {i}, step {t}, own"),
                    course.harm(0.0).ln(),
                    course_frozen + wanted,
                    2e-3,
                );
            }
        }
    }
}

#[test]
fn noise_in_time_is_learnt_as_the_reference_learns_it() {
    let case = cases().temporal;
    let counts = pairs(&case.counts).into_iter().enumerate();
    let steps: Vec<(i64, [f64; 2])> = counts.map(|(t, [k, n])| (at(t).millis(), [k as f64, n as f64])).collect();
    let noise = temporal::learn(&steps, STEP);
    assert!(!noise.learnt, "two hours are no day");
    near("phi", noise.phi, case.phi.max(3.0), 1e-9);
    near("rms", noise.rms, case.rms.max(0.3), 1e-9);
}
