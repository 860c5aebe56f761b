//! Answers in, steps out, one at each aligned time.

mod each;

use std::{collections::BTreeMap, time::Duration};

use super::{
    arms::PodArms,
    counters::{Counters, Unfit},
    pod::{PodState, Span},
    reading::{Reading, readings},
};
use crate::{
    policy::{Arms, MetricKind, Policy},
    question::{Answer, Question},
    words::{Arm, Gap, GapReason, MetricStep, Moment, Pod, PodIncrement, Step},
};

/// When one version gave way to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switch {
    /// Nothing scraped before this is the candidate's.
    pub from: Moment,
    /// From here on nothing else serves; the same as `from` where it was one moment.
    pub until: Moment,
    /// Whether counters are expected to begin at zero (a new process), or to go on (a reload).
    pub fresh: bool,
}

/// Differences the cumulative counters of answers at consecutive aligned times (product.md, From counters to counts).
#[derive(Debug, Clone)]
pub struct Tally {
    step: Duration,
    side: Side,
    metrics: Vec<Metric>,
    /// Whether many pods serve, as on Kubernetes; on a host it is one.
    by_pod: bool,
    newest: Option<Moment>,
}

#[derive(Debug, Clone)]
enum Side {
    Candidate(Switch),
    Baseline(Moment),
    /// Both at once, told apart by their pods; counted from the moment on.
    Pods(Moment, PodArms),
}

#[derive(Debug, Clone)]
struct Metric {
    kind: MetricKind,
    warmup: Duration,
    pods: BTreeMap<Pod, PodState>,
}

impl Tally {
    /// Counts the candidate, after `switch`. Answers from before it are taken too: they say what the counters were.
    #[must_use]
    pub fn candidate(policy: &Policy, step: Duration, switch: Switch) -> Self {
        Self::new(policy, step, Side::Candidate(switch))
    }

    /// Counts what served before, from `from` on: the same arithmetic, and its increments go to the baseline.
    #[must_use]
    pub fn baseline(policy: &Policy, step: Duration, from: Moment) -> Self {
        Self::new(policy, step, Side::Baseline(from))
    }

    /// Counts both sides beside each other from `from` on, by the pods of each.
    #[must_use]
    pub fn pods(policy: &Policy, step: Duration, from: Moment, arms: PodArms) -> Self {
        Self::new(policy, step, Side::Pods(from, arms))
    }

    /// Counts a process's first time too, though it is slow then: for people, who want to see what they see of it.
    #[must_use]
    pub fn from_its_first_request(mut self) -> Self {
        self.metrics.iter_mut().for_each(|metric| metric.warmup = Duration::ZERO);
        self
    }

    /// Takes over what is known of the pods by now.
    pub fn know(&mut self, known: PodArms) {
        if let Side::Pods(_, arms) = &mut self.side {
            *arms = known;
        }
    }

    /// Whether every pod of the baseline had gone at `at`; where sides are not told apart by pods, never.
    #[must_use]
    pub fn baseline_gone(&self, at: Moment) -> bool {
        matches!(&self.side, Side::Pods(_, arms) if arms.baseline_gone(at))
    }

    fn new(policy: &Policy, step: Duration, side: Side) -> Self {
        let metrics = policy.metrics.iter().map(|metric| Metric {
            kind: metric.kind.clone(),
            warmup: metric.kind.warmup(),
            pods: BTreeMap::new(),
        });
        Self {
            step,
            side,
            metrics: metrics.collect(),
            by_pod: matches!(policy.arms, Arms::Pod { .. }),
            newest: None,
        }
    }

    /// Takes the answer at the next aligned time; none while the step does not lie wholly after the beginning (the baseline) or ends
    /// before the switch (the candidate). An answer that does not follow the one before by one step makes a gap for every pod.
    pub fn take(&mut self, question: &Question, answer: &Answer) -> Option<Step> {
        if self.newest.replace(answer.at) != Some(answer.at.minus(self.step)) {
            let pods = self.metrics.iter_mut().flat_map(|metric| metric.pods.values_mut());
            pods.for_each(PodState::forget);
        }
        let (side, step, by_pod) = (&self.side, self.step, self.by_pod);
        let metrics = self
            .metrics
            .iter_mut()
            .enumerate()
            .map(|(index, metric)| match side {
                _ if by_pod => metric.each(index, question, answer, side, step),
                _ => metric.take(index, question, answer, side, step),
            })
            .collect();
        let counts = match side {
            Side::Candidate(Switch { from, .. }) | Side::Pods(from, _) => answer.at > *from,
            Side::Baseline(from) => answer.at.minus(step) >= *from,
        };
        counts.then_some(Step { at: answer.at, metrics })
    }

    /// What the step that is under way holds by the time of `answer`, which lies within it, and what counts the rest of it. Nothing of it
    /// is kept here: the whole step counts it anew.
    #[must_use]
    pub fn so_far(&self, question: &Question, answer: &Answer) -> (Self, Option<Step>) {
        let mut glimpse = self.clone();
        glimpse.newest = Some(answer.at.minus(self.step));
        let step = glimpse.take(question, answer);
        (glimpse, step)
    }
}

impl Side {
    const fn arm(&self) -> Arm {
        match self {
            Self::Candidate(_) | Self::Pods(..) => Arm::Candidate,
            Self::Baseline(_) => Arm::Baseline,
        }
    }

    fn begins(&self) -> Moment {
        match self {
            Self::Candidate(switch) => switch.until,
            Self::Baseline(from) | Self::Pods(from, _) => *from,
        }
    }

    const fn switch(&self) -> Option<&Switch> {
        match self {
            Self::Candidate(switch) => Some(switch),
            Self::Baseline(_) | Self::Pods(..) => None,
        }
    }
}

impl Metric {
    fn take(&mut self, index: usize, question: &Question, answer: &Answer, side: &Side, step: Duration) -> MetricStep {
        let query = question.counted(index);
        let span = Span {
            at: answer.at,
            step,
            switch: side.switch(),
            warmup: self.warmup,
            young: false,
        };
        let counted = self
            .pick(&readings(question, answer, index), query, side, span)
            .and_then(|(pod, reading)| {
                self.count(&pod, &reading, query, span)
                    .map_err(|unfit| (unfit, Some(pod.clone())))
                    .map(|(bounds, increment)| (bounds, PodIncrement { pod, increment }))
            });
        let mut counts = MetricStep::default();
        match counted {
            Ok((bounds, increment)) => {
                counts.bounds = bounds;
                match side.arm() {
                    Arm::Candidate => counts.candidate.push(increment),
                    Arm::Baseline => counts.baseline.push(increment),
                }
            }
            Err(((reason, detail), pod)) => counts.gaps.push(Gap {
                arm: side.arm(),
                reason,
                pod,
                detail,
            }),
        }
        counts
    }

    /// The one pod that a host has, of those that were scraped freshly; all others are forgotten.
    fn pick(
        &mut self,
        readings: &BTreeMap<Pod, Reading>,
        query: &str,
        side: &Side,
        span: Span<'_>,
    ) -> Result<(Pod, Reading), (Unfit, Option<Pod>)> {
        let mut fresh = Vec::new();
        let mut stale = Vec::new();
        for (pod, reading) in readings.iter().filter(|(_, reading)| reading.has_totals()) {
            let state = self.pods.entry(pod.clone()).or_insert_with(|| {
                let warm_at = side.begins().plus(span.warmup);
                PodState::new(warm_at)
            });
            match reading.scraped_at() {
                Some(scraped_at) if state.is_fresh(scraped_at, span.at, span.step) => fresh.push((pod, reading)),
                scraped_at => stale.push((pod, scraped_at)),
            }
        }
        let one = match fresh.as_slice() {
            [one] => Some(one.0),
            _ => None,
        };
        for (pod, state) in &mut self.pods {
            if Some(pod) != one {
                state.forget();
            }
        }
        match (fresh.as_slice(), stale.first()) {
            ([(pod, reading)], _) => Ok(((*pod).clone(), (*reading).clone())),
            ([], None) => Err(((GapReason::NoData, query.to_owned()), None)),
            ([], Some((pod, scraped_at))) => Err(((GapReason::Stale, age(*scraped_at, span.at)), Some((*pod).clone()))),
            (several, _) => {
                let names: Vec<&str> = several.iter().map(|(pod, _)| &*pod.0).collect();
                Err(((GapReason::SeveralInstances, names.join(", ")), None))
            }
        }
    }

    fn count(
        &mut self,
        pod: &Pod,
        reading: &Reading,
        query: &str,
        span: Span<'_>,
    ) -> Result<(Vec<f64>, crate::words::Increment), Unfit> {
        let state = self.pods.entry(pod.clone()).or_insert_with(|| PodState::new(span.at));
        let counters = Counters::of(reading, &self.kind, query).inspect_err(|_| state.forget())?;
        let increment = state.take(&counters, span)?;
        Ok((counters.bounds, increment))
    }
}

fn age(scraped_at: Option<Moment>, at: Moment) -> String {
    match scraped_at {
        Some(scraped_at) => format!("the newest sample is {:.1} s old", at.since(scraped_at).as_secs_f64()),
        None => "the newest sample has no time".to_owned(),
    }
}

#[cfg(test)]
mod tests;
