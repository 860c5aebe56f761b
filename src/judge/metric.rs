//! One metric of the policy, judged: its streams, its verdict, its gaps.

use std::collections::BTreeMap;

use super::{
    bound::Bound,
    calibration::{MetricCalibration, StreamCalibration, ValueCalibration},
    counted::Bad,
    course::Course,
    evidence::{LateChange, MetricEvidence, Noise, NoiseSource, Plan, log10},
    stream::Question,
    threshold::Threshold,
    value_course::ValueCourse,
};
use crate::{
    policy::{Metric, MetricKind, OnRegression, RatioMetric},
    words::{Arm, GapReason, Increment, MetricStep, Moment, Verdict},
};

/// What evidence must reach.
#[derive(Debug, Clone, Copy)]
pub(super) struct Needed {
    /// The e-value of harm that this metric alone would need.
    pub(super) harm: f64,
    /// The e-value of a late change that is told.
    pub(super) late: f64,
    /// The e-value of safety.
    pub(super) safe: f64,
    /// Bad events of the candidate.
    pub(super) at_least: f64,
}

/// So many used steps are the beginning of a watch: fewer may look well by luck.
const BEGINNING: u32 = 4;

/// The judge of one metric.
#[derive(Debug, Clone)]
pub(super) struct MetricJudge {
    name: String,
    may_revert: bool,
    needed: Needed,
    objective: Option<f64>,
    kind: Kind,
    convicted: bool,
    passed: bool,
    used: u32,
    began_well: bool,
    late: Option<LateChange>,
    gaps: BTreeMap<GapReason, u32>,
}

#[derive(Debug, Clone)]
enum Kind {
    /// First sight: counted, never judged.
    Uncompared([f64; 2]),
    Unusable(String),
    Ratio(Box<Course>),
    Histogram(Vec<Bound>),
    Value(Box<ValueCourse>),
    Threshold(Threshold),
}

impl MetricJudge {
    pub(super) fn new(metric: &Metric, needed: Needed, plan: &Plan, calibration: Option<&MetricCalibration>) -> Self {
        let kind = match (&metric.kind, calibration) {
            (_, Some(MetricCalibration::Uncompared)) => Kind::Uncompared([0.0; 2]),
            (_, Some(MetricCalibration::Unusable(reason))) => Kind::Unusable(reason.clone()),
            (MetricKind::Ratio(ratio), Some(MetricCalibration::Ratio(stream))) => {
                Kind::Ratio(Box::new(ratio_stream(ratio, plan, stream)))
            }
            (MetricKind::Histogram(histogram), Some(MetricCalibration::Histogram(bounds))) => {
                Kind::Histogram(bounds.iter().map(|bound| Bound::new(histogram, plan, bound)).collect())
            }
            (MetricKind::Value(metric), Some(MetricCalibration::Values(learnt))) => {
                Kind::Value(Box::new(ValueCourse::new(metric.tolerate_more, plan, learnt)))
            }
            (MetricKind::Value(metric), Some(MetricCalibration::Value(past))) => {
                let learnt = ValueCalibration {
                    past: Some(*past),
                    pods: None,
                };
                Kind::Value(Box::new(ValueCourse::new(metric.tolerate_more, plan, &learnt)))
            }
            (_, Some(MetricCalibration::Threshold(rule))) => Kind::Threshold(Threshold::new(*rule)),
            _ => Kind::Unusable("what was learnt before the rollout belongs to another policy".to_owned()),
        };
        let objective = match &metric.kind {
            MetricKind::Ratio(ratio) => ratio.objective,
            MetricKind::Histogram(_) | MetricKind::Value(_) => None,
        };
        let may_revert = metric.on_regression == OnRegression::Revert;
        Self {
            name: metric.name.clone(),
            may_revert,
            needed,
            objective,
            kind,
            convicted: false,
            passed: false,
            used: 0,
            began_well: false,
            late: None,
            gaps: BTreeMap::new(),
        }
    }

    /// Takes one step; says whether all was counted that should have been: the candidate, and a baseline that is known to run.
    pub(super) fn step(&mut self, at: Moment, step: &MetricStep) -> bool {
        let used = match &mut self.kind {
            Kind::Uncompared(sum) => count_all(step, sum),
            Kind::Unusable(_) => !step.candidate.is_empty(),
            Kind::Ratio(stream) => stream.step(at, step),
            Kind::Histogram(bounds) => bounds.iter_mut().fold(false, |used, bound| bound.step(at, step) | used),
            Kind::Value(value) => value.step(at, step),
            Kind::Threshold(threshold) => threshold.step(at, step),
        };
        if !used {
            self.lose(step);
        }
        self.used = self.used.saturating_add(u32::from(used));
        let harm = self.harm();
        self.began_well |= self.used >= BEGINNING && harm < 1.0;
        let (broken, kept) = self.rule().map_or((false, false), |rule| (rule.is_broken(), rule.is_kept()));
        self.convicted |= broken || harm >= self.needed.harm;
        self.passed = self.passed || kept || self.safe() >= self.needed.safe;
        self.late = self.late_change(at);
        !step.candidate.is_empty() && !self.lacks_baseline(step)
    }

    /// Whether the baseline that it is compared with runs, and could not be counted.
    fn lacks_baseline(&self, step: &MetricStep) -> bool {
        let runs = match &self.kind {
            Kind::Uncompared(_) | Kind::Unusable(_) | Kind::Threshold(_) => false,
            Kind::Value(course) => course.has_baseline(),
            Kind::Ratio(course) => course.has_baseline(),
            Kind::Histogram(bounds) => bounds.iter().any(|bound| bound.passing.has_baseline()),
        };
        runs && step.baseline.is_empty() && step.gaps.iter().any(|gap| gap.arm == Arm::Baseline)
    }

    /// The old version has gone; `rest` is the plan of the steps to come. A late change is from now on one that begins after this.
    pub(super) fn baseline_gone(&mut self, rest: &Plan) {
        let turned = match &mut self.kind {
            Kind::Uncompared(_) | Kind::Unusable(_) | Kind::Threshold(_) => false,
            Kind::Value(course) => course.baseline_gone(),
            Kind::Ratio(course) => course.baseline_gone(rest),
            Kind::Histogram(bounds) => bounds.iter_mut().fold(false, |turned, bound| {
                bound.passing.baseline_gone(rest) | bound.slower.baseline_gone(rest) | turned
            }),
        };
        if turned {
            (self.used, self.began_well) = (0, false);
        }
    }

    /// A change is late only where the recursion without starts once said that the watch began well: what was bad from the start is
    /// a regression that is being weighed, and once it is convicted nothing about it was late.
    fn late_change(&self, at: Moment) -> Option<LateChange> {
        if self.convicted || self.late.is_some() {
            return self.late.filter(|_| !self.convicted);
        }
        let late = self.late_harm();
        (late >= self.needed.late && self.began_well).then(|| LateChange {
            at,
            harm_log10: log10(late),
        })
    }

    /// A lost step counts once for each reason, however many pods have it.
    fn lose(&mut self, step: &MetricStep) {
        for (i, gap) in step.gaps.iter().enumerate() {
            if step.gaps[..i].iter().all(|other| other.reason != gap.reason) {
                *self.gaps.entry(gap.reason).or_default() += 1;
            }
        }
    }

    /// Alone it must reach `harm`: its weight among several metrics is in it.
    pub(super) const fn need(&mut self, harm: f64) {
        self.needed.harm = harm;
    }

    pub(super) const fn may_revert(&self) -> bool {
        self.may_revert
    }

    /// Whether it is judged by evidence.
    pub(super) const fn weighs(&self) -> bool {
        matches!(self.kind, Kind::Ratio(_) | Kind::Histogram(_) | Kind::Value(_))
    }

    /// The plain bound that it is judged by instead.
    const fn rule(&self) -> Option<&Threshold> {
        match &self.kind {
            Kind::Threshold(threshold) => Some(threshold),
            _ => None,
        }
    }

    /// Whether its plain bound was broken.
    pub(super) const fn broke_its_rule(&self) -> bool {
        self.rule().is_some() && self.convicted
    }

    pub(super) const fn convicted(&self) -> bool {
        self.convicted
    }

    pub(super) const fn passed(&self) -> bool {
        self.passed
    }

    /// Whether the candidate served anything that this metric counts.
    pub(super) fn served(&self) -> bool {
        match &self.kind {
            Kind::Unusable(_) => true,
            Kind::Uncompared([_, total]) => *total > 0.0,
            Kind::Ratio(stream) => stream.candidate()[1] > 0.0,
            Kind::Histogram(bounds) => bounds.iter().any(|bound| bound.slower.candidate()[1] > 0.0),
            Kind::Value(value) => value.served(),
            Kind::Threshold(threshold) => threshold.served(),
        }
    }

    /// The e-value of harm: of a histogram the mean over its bounds (section 7), of a plain bound always 1.
    pub(super) fn harm(&self) -> f64 {
        self.harm_of(Course::harm)
    }

    /// The same with what waits for the baseline to be counted again.
    pub(super) fn harm_at_once(&self) -> f64 {
        self.harm_of(Course::harm_at_once)
    }

    fn harm_of(&self, course: fn(&Course, f64) -> f64) -> f64 {
        let at_least = self.needed.at_least;
        self.mean(
            |stream| course(stream, at_least),
            |bound| course(&bound.slower, at_least),
            ValueCourse::harm,
            1.0,
        )
    }

    fn safe(&self) -> f64 {
        self.mean(Course::safe, |bound| bound.passing.safe(), ValueCourse::safe, 1.0)
    }

    fn late_harm(&self) -> f64 {
        self.mean(
            |stream| stream.late_harm(self.needed.at_least),
            |bound| bound.slower.late_harm(self.needed.at_least),
            |_| 0.0,
            0.0,
        )
    }

    fn mean(
        &self,
        ratio: impl Fn(&Course) -> f64,
        bound: impl Fn(&Bound) -> f64,
        value: impl Fn(&ValueCourse) -> f64,
        neither: f64,
    ) -> f64 {
        match &self.kind {
            Kind::Uncompared(_) | Kind::Unusable(_) | Kind::Threshold(_) => neither,
            Kind::Ratio(stream) => ratio(stream),
            Kind::Histogram(bounds) => bounds.iter().map(bound).sum::<f64>() / bounds.len() as f64,
            Kind::Value(judged) => value(judged),
        }
    }

    fn verdict(&self) -> Option<Verdict> {
        match (self.convicted, self.passed) {
            (true, _) => Some(Verdict::Regression),
            (false, true) => Some(Verdict::Healthy),
            (false, false) => None,
        }
    }

    /// The stream that weighs most.
    fn heaviest(&self) -> Option<&Course> {
        match &self.kind {
            Kind::Uncompared(_) | Kind::Unusable(_) | Kind::Value(_) | Kind::Threshold(_) => None,
            Kind::Ratio(stream) => Some(stream),
            Kind::Histogram(bounds) => bounds
                .iter()
                .map(|bound| &bound.slower)
                .max_by(|a, b| a.harm(0.0).total_cmp(&b.harm(0.0))),
        }
    }

    fn excluded(&self) -> Option<f64> {
        match &self.kind {
            Kind::Uncompared(_) | Kind::Unusable(_) | Kind::Threshold(_) => None,
            Kind::Ratio(stream) => stream.excluded(self.needed.safe),
            Kind::Value(value) => value.excluded(self.needed.safe),
            // What is said of the histogram must hold for every bound of it.
            Kind::Histogram(bounds) => bounds
                .iter()
                .map(|bound| bound.excluded(&self.needed))
                .try_fold(0.0, |most: f64, times| times.map(|times| most.max(times))),
        }
    }

    pub(super) fn evidence(&self) -> MetricEvidence {
        let heaviest = self.heaviest();
        let value = match &self.kind {
            Kind::Value(value) => Some(&**value),
            _ => None,
        };
        let unknown = Noise {
            phi: 1.0,
            sigma: 0.0,
            source: NoiseSource::Assumed,
            history: std::time::Duration::ZERO,
            left_out: [0.0; 2],
        };
        let counted = if let Kind::Uncompared(sum) = &self.kind {
            *sum
        } else {
            [0.0; 2]
        };
        MetricEvidence {
            name: self.name.clone(),
            objective: self.objective,
            may_revert: self.may_revert,
            verdict: self.verdict(),
            harm_log10: log10(self.harm()),
            needed_harm_log10: log10(self.needed.harm),
            safe_log10: log10(self.safe()),
            needed_safe_log10: log10(self.needed.safe),
            candidate: heaviest.map_or(counted, Course::candidate),
            baseline: heaviest.map_or([0.0; 2], Course::baseline),
            alone: heaviest.and_then(Course::since_alone),
            ratio: value.map_or_else(|| heaviest.and_then(Course::ratio), ValueCourse::ratio),
            excluded_times: self.excluded(),
            late: self.late,
            noise: value.map_or_else(|| heaviest.map_or(unknown, Course::noise), ValueCourse::noise),
            first_bad: heaviest.and_then(Course::first_bad),
            bounds: match &self.kind {
                Kind::Histogram(bounds) => bounds.iter().map(|bound| bound.evidence(&self.needed)).collect(),
                _ => Vec::new(),
            },
            value: value
                .map(ValueCourse::evidence)
                .or_else(|| self.rule().map(Threshold::evidence)),
            gaps: self.gaps.clone(),
            unusable: if let Kind::Unusable(reason) = &self.kind {
                Some(reason.clone())
            } else {
                None
            },
        }
    }
}

fn ratio_stream(metric: &RatioMetric, plan: &Plan, calibration: &StreamCalibration) -> Course {
    let (tolerate, harmful) = (metric.tolerate, metric.harmful.times);
    let question = Question {
        candidate: Bad::Event,
        baseline: Bad::Event,
        tolerated: tolerate.times,
        ln_harmful: (harmful / tolerate.times).ln(),
        floor: (tolerate.floor > 0.0).then(|| (tolerate.floor, harmful.ln())),
        passing: false,
    };
    Course::new(question, plan, calibration)
}

/// Counts the candidate where nothing is compared; which requests of a histogram are slow is not known then.
fn count_all(step: &MetricStep, sum: &mut [f64; 2]) -> bool {
    for pod in &step.candidate {
        let bad = match pod.increment {
            Increment::Ratio { bad, .. } => bad as f64,
            _ => 0.0,
        };
        *sum = [sum[0] + bad, sum[1] + pod.increment.events() as f64];
    }
    !step.candidate.is_empty()
}
