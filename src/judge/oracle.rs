//! Tests: agreement with the slow reference on random rollouts (`tests/judge/make_cases.py` made them).

use std::time::Duration;

use serde::Deserialize;

use super::{
    calibration::{Reference, StreamCalibration},
    counted::Bad,
    evidence::{Comparison, Noise, NoiseSource, Plan},
    grid::{Jump, Row},
    luck::Luck,
    mixture::{Mixture, Starts, Weights, factors},
    noise::{PodHistory, Spread},
    stream::{Question, Stream, one_arm},
    temporal, weights,
};
use crate::words::{Increment, MetricStep, Moment, Pod, PodIncrement};

#[derive(Deserialize)]
struct Cases {
    concurrent: Vec<Concurrent>,
    one_arm: Vec<OneArm>,
    temporal: Vec<Temporal>,
}

type Pods = Vec<Vec<[u64; 2]>>;

#[derive(Deserialize)]
struct Concurrent {
    tolerated: f64,
    harmful: f64,
    floor: f64,
    history: Option<Pods>,
    phi: f64,
    posterior: Vec<f64>,
    rate: Option<f64>,
    candidate_pods: f64,
    baseline_pods: f64,
    candidate: Pods,
    baseline: Pods,
    ln_harm: Vec<f64>,
    ln_safe: Vec<f64>,
}

#[derive(Deserialize)]
struct OneArm {
    tolerated: f64,
    harmful: f64,
    starts: bool,
    bad: f64,
    total: f64,
    phi: f64,
    pod_phi: f64,
    rms: f64,
    null: Vec<f64>,
    candidate: Vec<[f64; 2]>,
    ln_harm: Vec<f64>,
}

#[derive(Deserialize)]
struct Temporal {
    counts: Vec<[f64; 2]>,
    phi: f64,
    rms: f64,
}

fn cases() -> Cases {
    serde_json::from_str(include_str!("../../tests/judge/cases.json")).expect("cases")
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

impl Concurrent {
    fn spread(&self) -> Spread {
        serde_json::from_value(serde_json::json!(self.posterior)).expect("a posterior")
    }

    fn stream(&self) -> Stream {
        let plan = Plan {
            step: Duration::from_secs(15),
            steps: self.candidate.len() as u32,
            compare: Comparison::Concurrent,
            candidate_pods: 1,
            baseline_pods: 1,
        };
        let question = Question {
            candidate: Bad::Event,
            baseline: Bad::Event,
            tolerated: self.tolerated,
            ln_harmful: (self.harmful / self.tolerated).ln(),
            floor: (self.floor > 0.0).then(|| (self.floor, self.harmful.ln())),
            passing: false,
        };
        let reference = Reference::Beside {
            learnt: self.rate.map(|rate| (self.phi, rate)),
            spread: self.spread(),
            candidate_pods: self.candidate_pods,
            baseline_pods: self.baseline_pods,
        };
        let noise = Noise {
            phi: self.phi,
            sigma: 0.1,
            source: NoiseSource::History,
            history: Duration::ZERO,
        };
        Stream::new(
            question,
            &plan,
            &StreamCalibration {
                reference,
                noise,
                after: None,
            },
        )
    }
}

#[test]
fn beside_a_baseline_it_agrees_with_the_reference() {
    for (i, case) in cases().concurrent.iter().enumerate() {
        let mut stream = case.stream();
        for t in 0..case.candidate.len() {
            let step = MetricStep {
                candidate: increments(&case.candidate[t]),
                baseline: increments(&case.baseline[t]),
                ..MetricStep::default()
            };
            assert!(stream.step(Moment::from_millis(t as i64 * 15_000), &step));
            near(
                &format!("case {i}, step {t}, harm"),
                stream.harm().ln(),
                case.ln_harm[t],
                1e-9,
            );
            near(
                &format!("case {i}, step {t}, safe"),
                stream.safe().ln(),
                case.ln_safe[t],
                1e-9,
            );
        }
    }
}

#[test]
fn noise_between_pods_is_learnt_as_the_reference_learns_it() {
    for (i, case) in cases().concurrent.iter().enumerate() {
        let same = |spread: &Spread| {
            for ((p, _), wanted) in spread.sigmas(1.0, 1.0).zip(&case.posterior) {
                near(&format!("case {i}, posterior of tau"), p, *wanted, 1e-12);
            }
        };
        let Some(history) = &case.history else {
            same(&Spread::of_past(&[]));
            continue;
        };
        let steps = history.iter().enumerate().map(|(t, pods)| {
            (
                t as i64 * 15_000,
                pods.iter().map(|[bad, total]| [*bad as f64, *total as f64]).collect(),
            )
        });
        let noise = PodHistory { steps: steps.collect() }.learn(15_000, &[]);
        near(&format!("case {i}, phi"), noise.phi, case.phi, 1e-12);
        near(&format!("case {i}, rate"), noise.rate, case.rate.expect("a rate"), 1e-12);
        same(&noise.spread);
    }
}

#[test]
fn before_and_after_it_agrees_with_the_reference() {
    for (i, case) in cases().one_arm.iter().enumerate() {
        let null: Row = case.null.as_slice().try_into().expect("a row");
        let weights = Weights {
            null,
            acceptable: null,
            harmful: null,
        };
        let steps = case.candidate.len() as u32;
        let starts = if case.starts {
            Starts::spread(steps, 15.0)
        } else {
            Starts::at_once(steps, 15.0)
        };
        let mut mixture = Mixture::new(weights, Jump::new((case.harmful / case.tolerated).ln()), starts);
        let rate = case.tolerated * (case.bad + 0.5) / case.total;
        for (t, counts) in case.candidate.iter().enumerate() {
            mixture.step(Some(&factors(one_arm(*counts, rate, case.phi))));
            near(&format!("case {i}, step {t}"), mixture.harm().ln(), case.ln_harm[t], 1e-9);
        }
        let own = weights::null(&Luck::past(case.bad, case.pod_phi, case.rms));
        for (j, (found, wanted)) in own.iter().zip(&case.null).enumerate() {
            assert!(
                (found - wanted).abs() <= 1e-3 * wanted + 1e-12,
                "case {i}, null at {j}: {found}, the reference says {wanted}"
            );
        }
    }
}

#[test]
fn noise_in_time_is_learnt_as_the_reference_learns_it() {
    for case in cases().temporal {
        let steps: Vec<(i64, [f64; 2])> = case.counts.iter().enumerate().map(|(t, c)| (t as i64 * 15_000, *c)).collect();
        let noise = temporal::learn(&steps, Duration::from_secs(15));
        assert!(
            !noise.learnt && case.phi > 3.0 && case.rms > 0.3,
            "four hours are no day, and the case is above what is assumed"
        );
        near("phi", noise.phi, case.phi, 1e-9);
        near("rms", noise.rms, case.rms, 1e-9);
    }
}
