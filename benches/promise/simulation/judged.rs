//! Simulated counts as the judge takes them, the policies they are judged by, and what comes of it.

use std::time::Duration;

use lastgood::{
    judge::{Background, Calibration, Comparison, Judge, PastPods, Plan, Terms, calibrate, summarize},
    policy::{Metric, Risk},
    words::{Arm, Increment, MetricStep, Moment, Native, Pod, PodIncrement, Step, Verdict},
};

use super::latency::{Buckets, NATIVE_FIRST, NATIVE_SCHEMA, Shape};

#[path = "../../../tests/judge/metrics.rs"]
mod metrics;

pub use metrics::*;

/// The risks of a policy's defaults.
const RISK: Risk = Risk {
    false_revert: 0.01,
    missed_regression: 0.05,
};

/// What a rollout is judged by.
#[derive(Debug, Clone)]
pub struct Judged {
    /// As it is called in the tables.
    pub name: &'static str,
    metrics: Vec<Metric>,
    at_least: u64,
}

/// The names of the judged, as they stand in the tables.
pub const STRICT: &str = "tolerance 1";
pub const DEFAULTS: &str = "the defaults";

impl Judged {
    /// Tolerance 1, no floor: by this the promise is measured.
    pub fn strict() -> Self {
        Self::by(STRICT, vec![ratio("errors", 1.0, 0.0)], 1)
    }

    /// A policy's defaults: tolerance 1.25, floor 0.1 %, at least 5 bad events.
    pub fn defaults() -> Self {
        Self::by(DEFAULTS, vec![ratio("errors", 1.25, 0.001)], 5)
    }

    /// These metrics.
    pub const fn by(name: &'static str, metrics: Vec<Metric>, at_least: u64) -> Self {
        Self { name, metrics, at_least }
    }

    /// The same under another name.
    pub fn called(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    fn terms(&self) -> Terms<'_> {
        Terms {
            risk: RISK,
            at_least_bad: self.at_least,
            metrics: &self.metrics,
        }
    }

    /// What it learns before the rollout.
    pub fn learn(&self, plan: &Plan, recent: &[Step]) -> Calibration {
        self.learn_of(plan, recent, &[])
    }

    /// The same, with what remains of pods that have ended.
    pub fn learn_of(&self, plan: &Plan, recent: &[Step], past_pods: &[PastPods]) -> Calibration {
        const OWN_HOUR: usize = 240;
        let background = Background {
            recent,
            own_hour: &recent[recent.len().saturating_sub(OWN_HOUR)..],
            past_pods,
        };
        calibrate(self.terms(), plan, &background)
    }

    /// What remains of the old pods of these steps.
    pub fn remember(&self, plan: &Plan, steps: &[Step]) -> Vec<PastPods> {
        summarize(self.terms(), &self.learn(plan, steps), plan.step, steps, Arm::Baseline)
    }

    /// The judge of one rollout, step by step until it convicts: a conviction is final.
    pub fn follow(&self, plan: &Plan, learnt: &Calibration, watch: &[Step]) -> Outcome {
        self.follow_until(plan, learnt, watch, watch.len())
    }

    /// The same where the old version has gone at step `gone`.
    pub fn follow_until(&self, plan: &Plan, learnt: &Calibration, watch: &[Step], gone: usize) -> Outcome {
        let mut judge = Judge::new(self.terms(), plan, learnt);
        let mut outcome = Outcome::default();
        for (t, step) in watch.iter().enumerate() {
            if t == gone {
                judge.baseline_gone();
            }
            judge.step(step);
            match judge.verdict() {
                Some(Verdict::Regression) => {
                    outcome.reverted = Some(t);
                    break;
                }
                Some(Verdict::Healthy) => outcome.passed = outcome.passed.or(Some(t)),
                _ => {}
            }
        }
        outcome
    }
}

/// What came of one rollout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The step of the revert.
    pub reverted: Option<usize>,
    /// The first step in which it was healthy, before any revert.
    pub passed: Option<usize>,
}

/// The plan of a watch of so many steps, new pods and old ones.
pub fn plan(compare: Comparison, steps: usize, candidate: usize, baseline: usize) -> Plan {
    Plan {
        step: Duration::from_secs(15),
        steps: u32::try_from(steps).unwrap_or(u32::MAX),
        compare,
        candidate_pods: u32::try_from(candidate).unwrap_or(u32::MAX),
        baseline_pods: u32::try_from(baseline).unwrap_or(u32::MAX),
    }
}

/// Names of pods; each arm's are told apart by their place alone.
pub fn pods(count: usize) -> Vec<Pod> {
    (0..count).map(|pod| Pod(format!("pod-{pod}").into())).collect()
}

/// A step of these metrics.
pub fn step(t: usize, metrics: Vec<MetricStep>) -> Step {
    const BEGINNING: i64 = 1_764_000_000_000;
    Step {
        at: Moment::from_millis(BEGINNING + 15_000 * t as i64),
        metrics,
    }
}

/// One step of a ratio: the first `candidate` pods are new.
pub fn ratio_step(counts: &[[u64; 2]], candidate: usize, pods: &[Pod]) -> MetricStep {
    let increment = |(pod, [bad, total]): (&Pod, &[u64; 2])| PodIncrement {
        pod: pod.clone(),
        increment: Increment::Ratio {
            bad: *bad,
            total: *total,
        },
    };
    let of = |counts: &[[u64; 2]], pods: &[Pod]| pods.iter().zip(counts).map(increment).collect();
    MetricStep {
        candidate: of(&counts[..candidate], &pods[..candidate]),
        baseline: of(&counts[candidate..], &pods[candidate..]),
        ..MetricStep::default()
    }
}

/// Steps of one ratio of one instance, which is new or not, from number `from` on.
pub fn lone_steps(counts: &[[u64; 2]], new: bool, from: usize) -> Vec<Step> {
    let of_one: Vec<Vec<[u64; 2]>> = counts.iter().map(|counts| vec![*counts]).collect();
    ratio_steps(&of_one, usize::from(new), &pods(1), from)
}

/// Steps of one ratio from number `from` on: the first `candidate` pods are new.
pub fn ratio_steps(counts: &[Vec<[u64; 2]>], candidate: usize, pods: &[Pod], from: usize) -> Vec<Step> {
    let of = |(t, counts): (usize, &Vec<[u64; 2]>)| step(from + t, vec![ratio_step(counts, candidate, pods)]);
    counts.iter().enumerate().map(of).collect()
}

/// One step of a histogram, of which the buckets are cumulative.
pub fn latency_step(shape: &Shape, candidate: &[Buckets], baseline: &[Buckets], pods: &[Pod]) -> MetricStep {
    let of = |buckets: &[Buckets], pods: &[Pod]| {
        let counted = pods
            .iter()
            .zip(buckets)
            .filter_map(|(pod, buckets)| Some((pod, buckets.clone()?)));
        let increment = |(pod, buckets): (&Pod, Vec<u64>)| PodIncrement {
            pod: pod.clone(),
            increment: if shape.native {
                Increment::Native(whole(shape.bounds, &buckets))
            } else {
                Increment::Buckets(buckets)
            },
        };
        counted.map(increment).collect()
    };
    MetricStep {
        bounds: if shape.native { Vec::new() } else { shape.bounds.to_vec() },
        candidate: of(candidate, &pods[..candidate.len()]),
        baseline: of(baseline, &pods[candidate.len()..]),
        gaps: Vec::new(),
    }
}

/// The same counts as a native histogram has them: each bucket by its number, those that hold nothing left out.
fn whole(bounds: &[f64], cumulative: &[u64]) -> Native {
    let number = |i: usize| {
        if bounds[i].is_infinite() {
            i32::MAX
        } else {
            NATIVE_FIRST + i as i32
        }
    };
    let counts = (1..bounds.len()).map(|i| (number(i), cumulative[i] - cumulative[i - 1]));
    Native {
        schema: NATIVE_SCHEMA,
        low_until: bounds[0],
        low: cumulative[0],
        buckets: counts.filter(|(_, count)| *count > 0).collect(),
    }
}
