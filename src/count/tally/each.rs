//! Counting many pods at once, each on its side.

use std::{collections::BTreeSet, time::Duration};

use super::{Metric, Side, age};
use crate::{
    count::{
        PodArms, PodLife,
        counters::Unfit,
        pod::{PodState, Span},
        reading::{Reading, readings},
    },
    question::{Answer, Question},
    words::{Arm, Gap, GapReason, Increment, MetricStep, Moment, Pod, PodIncrement},
};

/// A pod is scraped for the first time within so many steps of being ready: its target must be found, then scraped. What it has counted
/// by then was counted by nobody else, and began at zero.
const YOUNG: u32 = 3;
/// The clocks of nodes, of the API server and of Prometheus differ by no more.
const SKEW: Duration = Duration::from_secs(5);
/// A pod that is ready for so many steps should have been scraped.
const EXPECTED: u32 = 2;

/// One pod's increment with the bounds it was counted by.
struct Counted {
    arm: Arm,
    bounds: Vec<f64>,
    increment: PodIncrement,
}

impl Metric {
    /// Every pod of either side, and why those that could not be counted were not.
    pub(super) fn each(&mut self, index: usize, question: &Question, answer: &Answer, side: &Side, step: Duration) -> MetricStep {
        let query = question.counted(index);
        let readings = readings(question, answer, index);
        let mut counted = Vec::new();
        let mut gaps = Vec::new();
        let mut fresh = BTreeSet::new();
        for (pod, reading) in readings.iter().filter(|(_, reading)| reading.has_totals()) {
            let Some(scraped_at) = reading.scraped_at() else { continue };
            let Some(of) = side.of(pod, scraped_at) else { continue };
            let gap = |(reason, detail): Unfit| Gap {
                arm: of.arm,
                reason,
                pod: Some(pod.clone()),
                detail,
            };
            match self.one(pod, reading, query, of, (answer.at, step, scraped_at)) {
                Ok((bounds, increment)) => {
                    let increment = PodIncrement {
                        pod: pod.clone(),
                        increment,
                    };
                    counted.push(Counted {
                        arm: of.arm,
                        bounds,
                        increment,
                    });
                    fresh.insert(pod);
                }
                Err(unfit) => {
                    if unfit.0 != GapReason::Stale {
                        fresh.insert(pod);
                    }
                    gaps.push(gap(unfit));
                }
            }
        }
        for (pod, state) in &mut self.pods {
            if !fresh.contains(pod) {
                state.forget();
            }
        }
        let mut counts = together(counted, gaps);
        let arm = match side {
            Side::Pods(_, arms) => {
                covered(&mut counts, arms, &fresh, answer.at, step);
                Arm::Candidate
            }
            side => side.arm(),
        };
        let counted = match arm {
            Arm::Candidate => &counts.candidate,
            Arm::Baseline => &counts.baseline,
        };
        if counted.is_empty() && !counts.gaps.iter().any(|gap| gap.arm == arm) {
            counts.gaps.push(nothing(side, arm, query, answer.at, step));
        }
        counts
    }

    fn one(
        &mut self,
        pod: &Pod,
        reading: &Reading,
        query: &str,
        of: Of,
        (at, step, scraped_at): (Moment, Duration, Moment),
    ) -> Result<(Vec<f64>, Increment), Unfit> {
        let state = self
            .pods
            .entry(pod.clone())
            .or_insert_with(|| PodState::made(of.since, self.warmup));
        if state.is_another(of.since) {
            *state = PodState::made(of.since, self.warmup);
        }
        if !state.is_fresh(scraped_at, at, step) {
            return Err((GapReason::Stale, age(Some(scraped_at), at)));
        }
        let recent = of.ready_at.is_none_or(|ready| ready > at.minus(step * YOUNG));
        // A process that is older than the pod is that of the pod before it of the same name.
        let older = reading.started_at().is_some_and(|started| started.plus(SKEW) < of.since);
        let span = Span {
            at,
            step,
            switch: None,
            warmup: self.warmup,
            young: recent && of.known && !older,
        };
        self.count(pod, reading, query, span)
    }
}

/// Whose a reading is.
#[derive(Clone, Copy)]
struct Of {
    arm: Arm,
    /// Since when the pod exists, or is counted.
    since: Moment,
    ready_at: Option<Moment>,
    /// Whether its life is known from its beginning.
    known: bool,
}

impl Side {
    fn of(&self, pod: &Pod, scraped_at: Moment) -> Option<Of> {
        match self {
            Self::Pods(_, arms) => arms.life(pod, scraped_at).map(|life| Of {
                arm: life.arm,
                since: life.created_at,
                ready_at: life.ready_at,
                known: true,
            }),
            // Whoever served then: their own beginnings are told by their process alone.
            side => Some(Of {
                arm: side.arm(),
                since: side.begins(),
                ready_at: None,
                known: false,
            }),
        }
    }
}

/// Pods are added up by bucket, so all must have the same bounds: those of the version before, where any of its pods was counted.
fn together(counted: Vec<Counted>, gaps: Vec<Gap>) -> MetricStep {
    let mut counts = MetricStep {
        gaps,
        ..MetricStep::default()
    };
    let model = counted.iter().find(|one| one.arm == Arm::Baseline).or(counted.first());
    counts.bounds = model.map(|one| one.bounds.clone()).unwrap_or_default();
    for Counted { arm, bounds, increment } in counted {
        if bounds != counts.bounds {
            counts.gaps.push(Gap {
                arm,
                reason: GapReason::BoundsDiffer,
                detail: format!("bounds {bounds:?} beside {:?}", counts.bounds),
                pod: Some(increment.pod),
            });
            continue;
        }
        match arm {
            Arm::Candidate => counts.candidate.push(increment),
            Arm::Baseline => counts.baseline.push(increment),
        }
    }
    counts
}

/// A side of which under 80 % of the ready pods were scraped is not counted at all: those that were may be the lucky ones.
fn covered(counts: &mut MetricStep, arms: &PodArms, fresh: &BTreeSet<&Pod>, at: Moment, step: Duration) {
    for arm in [Arm::Candidate, Arm::Baseline] {
        let due = |life: &PodLife| life.arm == arm && is_due(life, at, step);
        let expected: Vec<&Pod> = arms.lives().filter(|(_, life)| due(life)).map(|(pod, _)| pod).collect();
        let found = expected.iter().filter(|pod| fresh.contains(**pod)).count();
        if found * 10 >= expected.len() * 8 {
            continue;
        }
        match arm {
            Arm::Candidate => counts.candidate.clear(),
            Arm::Baseline => counts.baseline.clear(),
        }
        let missing = expected.iter().find(|pod| !fresh.contains(**pod));
        counts.gaps.insert(
            0,
            Gap {
                arm,
                reason: GapReason::Coverage,
                pod: missing.map(|pod| (*pod).clone()),
                detail: format!("{found} of {} ready pods were scraped freshly", expected.len()),
            },
        );
    }
}

/// Why nothing of a side was counted though nothing was odd: its query is empty, or no pod of it could have been scraped yet.
fn nothing(side: &Side, arm: Arm, query: &str, at: Moment, step: Duration) -> Gap {
    let early = match side {
        Side::Pods(_, arms) => !arms.lives().any(|(_, life)| life.arm == arm && is_due(life, at, step)),
        _ => false,
    };
    let (reason, detail) = if early {
        (
            GapReason::NoPrevious,
            "none of its pods is ready for long enough to have been scraped".to_owned(),
        )
    } else {
        (GapReason::NoData, query.to_owned())
    };
    Gap {
        arm,
        reason,
        pod: None,
        detail,
    }
}

/// Whether a pod should have been scraped by `at`.
fn is_due(life: &PodLife, at: Moment, step: Duration) -> bool {
    let ready = life.ready_at.is_some_and(|ready| ready.plus(step * EXPECTED) <= at);
    ready && life.gone_at.is_none_or(|gone| gone > at)
}
