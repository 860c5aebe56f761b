//! The judge of one rollout: steps in, evidence out, all metrics together (statistics.md, section 9).

use super::{
    Calibration, Comparison, Evidence, MetricEvidence, Plan, Terms,
    evidence::log10,
    metric::{MetricJudge, Needed},
};
use crate::{
    policy::Metric,
    words::{MetricStep, Moment, Step, Verdict},
};

/// The sequential judge of one rollout.
#[derive(Debug, Clone)]
pub struct Judge {
    metrics: Vec<MetricJudge>,
    plan: Plan,
    gone: bool,
    alone_since: Option<Moment>,
    needed: f64,
    at: Moment,
    steps: u32,
    used: u32,
    whole: Option<Whole>,
    convicted: bool,
}

/// The newest stretch of which at least 80 % of the steps were used.
#[derive(Debug, Clone, Copy)]
struct Whole {
    since: Moment,
    steps: u32,
    used: u32,
}

impl Whole {
    /// With one more step, which began at `began`; none where too many are missing now, so that a new stretch may begin.
    fn with(stretch: Option<Self>, began: Moment, used: bool) -> Option<Self> {
        let before = stretch.unwrap_or(Self {
            since: began,
            steps: 0,
            used: 0,
        });
        let stretch = Self {
            since: before.since,
            steps: before.steps.saturating_add(1),
            used: before.used.saturating_add(u32::from(used)),
        };
        (u64::from(stretch.used) * 10 >= u64::from(stretch.steps) * 8).then_some(stretch)
    }
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
            plan: plan.clone(),
            gone: false,
            alone_since: None,
            needed,
            at: Moment::from_millis(0),
            steps: 0,
            used: 0,
            whole: None,
            convicted: false,
        }
    }

    /// The old version has gone: called before the first step in which nothing runs beside the candidate any more, once or more
    /// often. What was learnt beside it stays; from here on evidence goes on against its own last hour, where one was learnt, else it
    /// stands still (statistics.md, section 8: `auto`). Changes nothing where nothing ran beside it.
    pub fn baseline_gone(&mut self) {
        if self.gone || !matches!(self.plan.compare, Comparison::Concurrent | Comparison::Auto) {
            return;
        }
        self.gone = true;
        let rest = Plan {
            steps: self.plan.steps.saturating_sub(self.steps),
            ..self.plan.clone()
        };
        for metric in &mut self.metrics {
            metric.baseline_gone(&rest);
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
        let began = step.at.minus(self.plan.step);
        if self.gone {
            self.alone_since.get_or_insert(began);
        }
        self.whole = Whole::with(self.whole, began, counted);
        self.convicted |= self.plan.compare != Comparison::None && (self.harm() >= self.needed || self.broke_a_rule());
    }

    /// The metrics before their first step, each with what it must reach.
    pub(super) fn into_metrics(self) -> Vec<MetricJudge> {
        self.metrics
    }

    /// Whether a plain bound was broken that may revert: it convicts by itself, whatever the others say.
    fn broke_a_rule(&self) -> bool {
        let mut may_revert = self.metrics.iter().filter(|metric| metric.may_revert());
        may_revert.any(MetricJudge::broke_its_rule)
    }

    /// The weighted mean of e-values over the metrics that may revert and are judged by evidence; 1 where there is none.
    fn harm(&self) -> f64 {
        self.mean(MetricJudge::harm)
    }

    fn mean(&self, harm: impl Fn(&MetricJudge) -> f64) -> f64 {
        match reverting(&self.metrics) {
            0 => 1.0,
            count => weighed(&self.metrics).map(harm).sum::<f64>() / count as f64,
        }
    }

    /// Whether only what the newest step alone says is missing for a regression: it is one if the next time that the old version is
    /// counted it does not share it.
    #[must_use]
    pub fn is_waiting_for_the_baseline(&self) -> bool {
        !self.convicted && self.plan.compare != Comparison::None && self.mean(MetricJudge::harm_at_once) >= self.needed
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
        let metrics: Vec<MetricEvidence> = self.metrics.iter().map(MetricJudge::evidence).collect();
        let alone = self.alone_since.is_some() && metrics.iter().any(MetricEvidence::went_on_alone);
        Evidence {
            at: self.at,
            steps: self.steps,
            used: if served { self.used } else { 0 },
            whole_since: self.whole.filter(|_| served).map(|whole| whole.since),
            compare: match self.plan.compare {
                Comparison::Auto if !alone => Comparison::Concurrent,
                compare => compare,
            },
            alone_since: self.alone_since,
            verdict: self.verdict(),
            harm_log10: log10(self.harm()),
            needed_harm_log10: log10(self.needed),
            metrics,
        }
    }
}

fn weighed(metrics: &[MetricJudge]) -> impl Iterator<Item = &MetricJudge> {
    metrics.iter().filter(|metric| metric.may_revert() && metric.weighs())
}

fn reverting(metrics: &[MetricJudge]) -> usize {
    weighed(metrics).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_data_begin_when_they_come_and_end_when_a_fifth_is_missing() {
        let at = |step: u32| Moment::from_millis(i64::from(step) * 15_000);
        let mut whole = None;
        let mut take = |from: u32, to: u32, used: bool| {
            for step in from..to {
                whole = Whole::with(whole, at(step), used);
            }
            whole.map(|whole| whole.since)
        };
        assert_eq!(take(0, 100, false), None);
        assert_eq!(take(100, 180, true), Some(at(100)));
        assert_eq!(take(180, 200, false), Some(at(100)));
        assert_eq!(take(200, 201, false), None);
        assert_eq!(take(201, 202, true), Some(at(201)));
    }
}
