//! The course of one value through a watch: beside the pods of the old version while they run, and against the past.
//!
//! Once the old version has gone, what was found beside it stays, and before/after begins (statistics.md, section 8: `auto`). Counts
//! multiply both; values do not: the luck of the new pods' own levels is in both, and a product would take it for two proofs. Their mean is
//! an e-value whatever they share. Each has half the weight from the first step on, so that nothing is gained by when the old version goes.

use super::{
    calibration::ValueCalibration,
    evidence::{Estimate, Noise, NoiseSource, Plan, ValueEvidence},
    value::Value,
    value_beside::ValueBeside,
};
use crate::words::{MetricStep, Moment};

/// One value, judged in one way or both.
#[derive(Debug, Clone)]
pub(super) struct ValueCourse {
    beside: Option<ValueBeside>,
    past: Option<Value>,
    alone: bool,
}

impl ValueCourse {
    /// `more` is tolerated, as a fraction.
    pub(super) fn new(more: f64, plan: &Plan, learnt: &ValueCalibration) -> Self {
        Self {
            beside: learnt.pods.as_ref().map(|pods| ValueBeside::new(more, plan, pods)),
            past: learnt.past.as_ref().map(|past| Value::new(more, plan, past)),
            alone: learnt.pods.is_none(),
        }
    }

    /// Whether the old version runs beside.
    pub(super) const fn has_baseline(&self) -> bool {
        !self.alone
    }

    /// The old version has gone. Says whether anything changes: not where nothing ever ran beside, nor the second time.
    pub(super) const fn baseline_gone(&mut self) -> bool {
        let turns = self.has_baseline();
        self.alone = true;
        turns
    }

    /// Takes one step; says whether it could be used.
    pub(super) fn step(&mut self, at: Moment, step: &MetricStep) -> bool {
        match (&mut self.beside, &mut self.past) {
            (Some(beside), _) if !self.alone => beside.step(at, step),
            (Some(_), Some(_)) if !step.baseline.is_empty() => false,
            (_, Some(past)) => past.step(at, step),
            (_, None) => false,
        }
    }

    /// The e-value of harm.
    pub(super) fn harm(&self) -> f64 {
        self.mean(ValueBeside::harm, Value::harm)
    }

    /// The e-value of safety.
    pub(super) fn safe(&self) -> f64 {
        self.mean(ValueBeside::safe, Value::safe)
    }

    fn mean(&self, beside: impl Fn(&ValueBeside) -> f64, past: impl Fn(&Value) -> f64) -> f64 {
        match (&self.beside, &self.past) {
            (Some(one), Some(other)) => (beside(one) + past(other)) / 2.0,
            (Some(one), None) => beside(one),
            (None, Some(other)) => past(other),
            (None, None) => 1.0,
        }
    }

    /// The smallest multiple that is excluded at odds of `needed`: beside the old version, where it ran.
    pub(super) fn excluded(&self, needed: f64) -> Option<f64> {
        match &self.beside {
            Some(beside) => beside.excluded(needed),
            None => self.past.as_ref().and_then(|past| past.excluded(needed)),
        }
    }

    /// How many times as much: as beside the old version, where it ran.
    pub(super) fn ratio(&self) -> Option<Estimate> {
        match &self.beside {
            Some(beside) => beside.ratio(),
            None => self.past.as_ref().and_then(Value::ratio),
        }
    }

    pub(super) fn noise(&self) -> Noise {
        let beside = self.beside.as_ref().map(ValueBeside::noise);
        beside.or_else(|| self.past.as_ref().map(Value::noise)).unwrap_or(Noise {
            phi: 1.0,
            sigma: 0.0,
            source: NoiseSource::Assumed,
            history: std::time::Duration::ZERO,
            left_out: [0.0; 2],
        })
    }

    /// Whether there was any value.
    pub(super) fn served(&self) -> bool {
        self.beside.as_ref().is_some_and(ValueBeside::served) || self.past.as_ref().is_some_and(Value::served)
    }

    pub(super) fn evidence(&self) -> ValueEvidence {
        let levels = self.beside.as_ref().and_then(ValueBeside::levels);
        let past = self.past.as_ref().map(Value::evidence).unwrap_or_default();
        ValueEvidence {
            candidate: levels.map(|[new, _]| new).or(past.candidate),
            beside: levels.map(|[_, old]| old),
            before: past.before.filter(|_| levels.is_none() || past.candidate.is_some()),
            since: past.candidate.filter(|_| levels.is_some()),
            threshold: None,
        }
    }
}
