//! The course of one stream through a watch: what it is compared with first, and, once the old version has gone, the evidence so
//! far times that of before and after (statistics.md, section 8: `auto`).

use super::{
    calibration::StreamCalibration,
    estimate,
    evidence::{Alone, Estimate, Noise, Plan},
    mixture::SAFEST,
    stream::{Question, Stream},
};
use crate::words::{MetricStep, Moment};

/// One stream, judged over disjoint steps: the product of two e-values that are each valid given what came before is one.
#[derive(Debug, Clone)]
pub(super) struct Course {
    first: Stream,
    /// What the steps after the old version has gone are compared with; none: nothing, and they are not used.
    past: Option<StreamCalibration>,
    then: Then,
}

/// What runs beside the candidate now.
#[derive(Debug, Clone)]
enum Then {
    /// What it began with.
    First,
    /// Nothing, and it is compared with the past.
    Alone(Box<Stream>),
    /// Nothing, and nothing to compare it with: the evidence stays as it is.
    Still,
}

impl Course {
    pub(super) fn new(question: Question, plan: &Plan, calibration: &StreamCalibration) -> Self {
        Self {
            first: Stream::new(question, plan, calibration),
            past: calibration.after.as_deref().cloned(),
            then: Then::First,
        }
    }

    /// The old version has gone; `rest` is the plan of the steps to come. Says whether anything changes: not where nothing ever ran
    /// beside, nor the second time.
    pub(super) fn baseline_gone(&mut self, rest: &Plan) -> bool {
        let turns = self.has_baseline();
        if turns {
            self.first.settle();
            self.then = self.past.as_ref().map_or(Then::Still, |past| {
                Then::Alone(Box::new(Stream::new(self.first.question(), rest, past)))
            });
        }
        turns
    }

    /// Whether the old version runs beside.
    pub(super) const fn has_baseline(&self) -> bool {
        matches!(self.then, Then::First) && self.first.is_beside()
    }

    /// Takes one step; says whether it could be used.
    pub(super) fn step(&mut self, at: Moment, step: &MetricStep) -> bool {
        match &mut self.then {
            Then::First => self.first.step(at, step),
            // Before and after never speaks while a baseline runs: a shared outage would convict the release.
            Then::Alone(alone) if step.baseline.is_empty() => alone.step(at, step),
            Then::Alone(alone) => alone.miss(),
            Then::Still => false,
        }
    }

    const fn alone(&self) -> Option<&Stream> {
        match &self.then {
            Then::Alone(alone) => Some(alone),
            Then::First | Then::Still => None,
        }
    }

    /// The e-value of harm; 0 until the candidate had `at_least` bad events (section 5).
    pub(super) fn harm(&self, at_least: f64) -> f64 {
        self.with_enough(at_least, self.first.harm())
    }

    /// The same with what waits for the baseline to be counted again.
    pub(super) fn harm_at_once(&self, at_least: f64) -> f64 {
        self.with_enough(at_least, self.first.harm_at_once())
    }

    fn with_enough(&self, at_least: f64, beside: f64) -> f64 {
        if self.candidate()[0] < at_least {
            return 0.0;
        }
        beside * self.alone().map_or(1.0, Stream::harm)
    }

    /// The e-value of a change that began late, where nothing runs beside (section 8).
    pub(super) fn late_harm(&self, at_least: f64) -> f64 {
        if self.candidate()[0] < at_least {
            return 0.0;
        }
        match self.alone() {
            Some(alone) => self.first.harm() * alone.late_harm(),
            None => self.first.late_harm(),
        }
    }

    /// The e-value of safety.
    pub(super) fn safe(&self) -> f64 {
        (self.first.safe() * self.alone().map_or(1.0, Stream::safe)).min(SAFEST)
    }

    /// The smallest of 2, 3, 5, 10, 30 times the baseline that is excluded at odds of `needed` (section 6).
    pub(super) fn excluded(&self, needed: f64) -> Option<f64> {
        let also = |i: usize| self.alone().map_or(1.0, |alone| alone.excluding(i));
        let mut all = self.first.excludable().enumerate();
        all.find(|(i, _)| self.first.excluding(*i) * also(*i) >= needed)
            .map(|(_, times)| times)
    }

    /// How many times worse (section 11), both comparisons together.
    pub(super) fn ratio(&self) -> Option<Estimate> {
        let Some(alone) = self.alone().filter(|alone| alone.candidate()[1] > 0.0) else {
            return self.first.ratio();
        };
        if self.first.candidate()[1] <= 0.0 {
            return alone.ratio();
        }
        let counts = self.first.counted_ratio().zip(alone.counted_ratio());
        counts
            .map(|(first, then)| estimate::together(first, then))
            .or_else(|| estimate::from_product(self.first.likelihood(), alone.likelihood(), self.first.multiples()))
    }

    /// The noise of the comparison that goes on, as it is known now.
    pub(super) fn noise(&self) -> Noise {
        self.alone().unwrap_or(&self.first).noise()
    }

    /// `[bad, total]` of the candidate in all used steps.
    pub(super) fn candidate(&self) -> [f64; 2] {
        let [bad, total] = self.first.candidate();
        let [more_bad, more] = self.alone().map_or([0.0; 2], Stream::candidate);
        [bad + more_bad, total + more]
    }

    /// `[bad, total]` of what it was compared with first.
    pub(super) const fn baseline(&self) -> [f64; 2] {
        self.first.baseline()
    }

    /// What was counted since the old version has gone; none where that is not used.
    pub(super) fn since_alone(&self) -> Option<Alone> {
        self.alone().map(|alone| Alone {
            candidate: alone.candidate(),
            before: alone.baseline(),
        })
    }

    pub(super) fn first_bad(&self) -> Option<Moment> {
        self.first.first_bad().or_else(|| self.alone().and_then(Stream::first_bad))
    }
}
