//! One bound of a histogram, judged: what is slow counts as bad (statistics.md, section 7).

use super::{
    calibration::BoundCalibration,
    counted::Bad,
    course::Course,
    cut::Cut,
    evidence::{BoundEvidence, Plan, log10},
    metric::Needed,
    stream::Question,
};
use crate::{
    policy::HistogramMetric,
    words::{Increment, MetricStep, Moment, Native, Whole},
};

/// One bound: slower than is tolerated, and slow enough not to pass, are different counts of the candidate.
#[derive(Debug, Clone)]
pub(super) struct Bound {
    quantile: f64,
    baseline_above: f64,
    candidate_above: f64,
    interpolated: bool,
    /// Whether a native histogram of the candidate had no such bound: fewer requests were counted as slow than were.
    rounded: bool,
    pub(super) slower: Course,
    pub(super) passing: Course,
}

impl Bound {
    pub(super) fn new(metric: &HistogramMetric, plan: &Plan, calibration: &BoundCalibration) -> Self {
        // A native histogram that has no such bound is rounded to one: that never convicts, nor lets anything pass.
        let question = |above: f64, cut: Option<Cut>, passing: bool| Question {
            candidate: match (cut, if passing { Whole::Down } else { Whole::Up }) {
                (Some(cut), whole) => Bad::Cut(above, cut, whole),
                (None, whole) => Bad::Above(above, whole),
            },
            baseline: Bad::Above(calibration.baseline_above, if passing { Whole::Up } else { Whole::Down }),
            tolerated: 1.0,
            ln_harmful: (1.0 + metric.harmful_slower).ln(),
            floor: None,
            passing,
        };
        let stream = |question: Question| Course::new(question, plan, &calibration.stream);
        Self {
            quantile: calibration.quantile,
            baseline_above: calibration.baseline_above,
            candidate_above: calibration.candidate_above,
            interpolated: calibration.interpolated,
            rounded: false,
            slower: stream(question(calibration.candidate_above, calibration.candidate_cut, false)),
            passing: stream(question(calibration.passing_above, calibration.passing_cut, true)),
        }
    }

    pub(super) fn step(&mut self, at: Moment, step: &MetricStep) -> bool {
        let lacks = |increment: &Increment| matches!(increment, Increment::Native(counts) if Native::bucket(counts.schema, self.candidate_above).is_none());
        self.rounded |= step.candidate.iter().any(|pod| lacks(&pod.increment));
        let _ = self.passing.step(at, step);
        self.slower.step(at, step)
    }

    pub(super) fn excluded(&self, needed: &Needed) -> Option<f64> {
        self.slower.excluded(needed.safe).filter(|_| !self.rounded)
    }

    pub(super) fn evidence(&self, needed: &Needed) -> BoundEvidence {
        BoundEvidence {
            quantile: self.quantile,
            baseline_above: self.baseline_above,
            candidate_above: self.candidate_above,
            interpolated: self.interpolated,
            harm_log10: log10(self.slower.harm(needed.at_least)),
            safe_log10: log10(self.passing.safe()),
            candidate: self.slower.candidate(),
            baseline: self.slower.baseline(),
            alone: self.slower.since_alone(),
            ratio: self.slower.ratio(),
            excluded_times: self.excluded(needed),
        }
    }
}
