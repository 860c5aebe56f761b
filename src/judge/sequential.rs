//! The judge of one rollout: steps in, evidence out, all metrics together (statistics.md, section 9).

use super::{
    Calibration, Comparison, Evidence, Plan, Terms,
    metric::{MetricJudge, Needed, log10},
};
use crate::{
    policy::Metric,
    words::{MetricStep, Moment, Step, Verdict},
};

/// The sequential judge of one rollout.
#[derive(Debug, Clone)]
pub struct Judge {
    metrics: Vec<MetricJudge>,
    compare: Comparison,
    needed: f64,
    at: Moment,
    steps: u32,
    used: u32,
    convicted: bool,
}

impl Judge {
    /// A judge that has seen no step yet. `calibration` is that of the same terms and plan.
    #[must_use]
    pub fn new<'a>(terms: impl Into<Terms<'a>>, plan: &Plan, calibration: &Calibration) -> Self {
        let terms = terms.into();
        let needed = terms.risk.false_revert.recip();
        let each = Needed {
            harm: needed,
            late: needed,
            safe: terms.risk.missed_regression.recip(),
            at_least: terms.at_least_bad as f64,
        };
        let judge = |(index, metric): (usize, &Metric)| MetricJudge::new(metric, each, plan, calibration.metrics.get(index));
        let mut metrics: Vec<MetricJudge> = terms.metrics.iter().enumerate().map(judge).collect();
        // Equal weights over those that are judged: which ones is known before the first step.
        let reverting = reverting(&metrics).max(1) as f64;
        for metric in metrics.iter_mut().filter(|metric| metric.may_revert()) {
            metric.need(needed * reverting);
        }
        Self {
            metrics,
            compare: plan.compare,
            needed,
            at: Moment::from_millis(0),
            steps: 0,
            used: 0,
            convicted: false,
        }
    }

    /// Takes the counts of the next step of the watch, whether or not anything could be counted in it. Allocates nothing once
    /// warm; O(grid) for each metric.
    pub fn step(&mut self, step: &Step) {
        let missing = MetricStep::default();
        let mut counted = true;
        for (index, metric) in self.metrics.iter_mut().enumerate() {
            let there = metric.step(step.at, step.metrics.get(index).unwrap_or(&missing));
            counted &= there || !metric.may_revert();
        }
        self.at = step.at;
        self.steps = self.steps.saturating_add(1);
        self.used = self.used.saturating_add(u32::from(counted));
        self.convicted |= self.compare != Comparison::None && self.harm() >= self.needed;
    }

    /// The weighted mean of e-values over the metrics that may revert; 1 where there is none.
    fn harm(&self) -> f64 {
        match reverting(&self.metrics) {
            0 => 1.0,
            count => judged(&self.metrics).map(MetricJudge::harm).sum::<f64>() / count as f64,
        }
    }

    /// The verdict after the newest step; as in [`Evidence::verdict`].
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        let mut required = self.metrics.iter().filter(|metric| metric.may_revert()).peekable();
        if self.convicted {
            Some(Verdict::Regression)
        } else if required.peek().is_some() && required.all(MetricJudge::passed) {
            Some(Verdict::Healthy)
        } else {
            None
        }
    }

    /// What is known after the newest step.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        // A version that serves nothing gives no counts that could be used, however whole they are.
        let served = self
            .metrics
            .iter()
            .filter(|metric| metric.may_revert())
            .all(MetricJudge::served);
        Evidence {
            at: self.at,
            steps: self.steps,
            used: if served { self.used } else { 0 },
            compare: self.compare,
            verdict: self.verdict(),
            harm_log10: log10(self.harm()),
            needed_harm_log10: log10(self.needed),
            metrics: self.metrics.iter().map(MetricJudge::evidence).collect(),
        }
    }
}

fn judged(metrics: &[MetricJudge]) -> impl Iterator<Item = &MetricJudge> {
    metrics.iter().filter(|metric| metric.may_revert() && metric.usable())
}

fn reverting(metrics: &[MetricJudge]) -> usize {
    judged(metrics).count()
}
