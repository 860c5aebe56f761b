//! Learning before a rollout: noise, what is compared with what, and which bounds of a histogram (statistics.md, sections 4, 7, 8).

use std::time::Duration;

use super::{
    calibration::{BoundCalibration, Calibration, FORMAT, MetricCalibration, Reference, StreamCalibration, ValueCalibration},
    counted::Bad,
    evidence::{Comparison, Noise, NoiseSource, Plan},
    latency,
    noise::{PodHistory, Spread},
    pods::{self, PastPods, PodCount},
    temporal,
    terms::Terms,
    usual::Hour,
    value::{self, ValuePast},
    value_pods::ValuePods,
};
use crate::{
    policy::{HistogramMetric, Metric, MetricKind, RatioMetric, ValueMetric},
    words::{Arm, MetricStep, Step, Whole},
};

/// What is known of the service before the rollout. Increments are in the `baseline` field of each [`MetricStep`].
#[derive(Debug, Clone, Copy)]
pub struct Background<'a> {
    /// Up to 24 h of usable steps in time order; steps may be missing.
    pub recent: &'a [Step],
    /// The last good version's own last hour.
    pub own_hour: &'a [Step],
    /// What remains of the pods that have ended: [`super::summarize`].
    pub past_pods: &'a [PastPods],
}

/// With less of the hour before than the longest window of section 4 it counts as no history beside a baseline.
const LEAST_HISTORY: Duration = Duration::from_secs(300);

/// Learns from `background` what the metrics of `terms` are compared with under `plan` (statistics.md, sections 4, 7 and 8).
#[must_use]
pub fn calibrate<'a>(terms: impl Into<Terms<'a>>, plan: &Plan, background: &Background<'_>) -> Calibration {
    let learn = |index: usize, metric: &Metric| {
        let past = Past {
            index,
            metric,
            plan,
            background,
        };
        match (plan.compare, &metric.kind) {
            (
                _,
                MetricKind::Ratio(RatioMetric {
                    objective: Some(objective),
                    ..
                }),
            ) => MetricCalibration::Ratio(past.objective(1.0 - objective)),
            (
                _,
                MetricKind::Value(ValueMetric {
                    threshold: Some(rule), ..
                }),
            ) => MetricCalibration::Threshold(*rule),
            (Comparison::None, MetricKind::Value(_)) => MetricCalibration::Unusable(
                "a value is judged by comparison alone, and there is nothing to compare it with".to_owned(),
            ),
            (Comparison::None, _) => MetricCalibration::Uncompared,
            (_, MetricKind::Ratio(_)) => match past.stream(Bad::Event) {
                Some(stream) => MetricCalibration::Ratio(stream),
                None => {
                    MetricCalibration::Unusable("the last good version's own last hour has no events to compare with".to_owned())
                }
            },
            (_, MetricKind::Histogram(metric)) => past.histogram(metric),
            (_, MetricKind::Value(_)) => past.value(),
        }
    };
    let terms = terms.into();
    let metrics = terms
        .metrics
        .iter()
        .enumerate()
        .map(|(index, metric)| learn(index, metric))
        .collect();
    Calibration { format: FORMAT, metrics }
}

/// The past of one metric.
struct Past<'a> {
    index: usize,
    metric: &'a Metric,
    plan: &'a Plan,
    background: &'a Background<'a>,
}

impl<'a> Past<'a> {
    fn stream(&self, bad: Bad) -> Option<StreamCalibration> {
        match self.plan.compare {
            Comparison::Concurrent => Some(self.beside(bad)),
            Comparison::Auto => Some(StreamCalibration {
                after: self.before(bad).map(Box::new),
                ..self.beside(bad)
            }),
            Comparison::BeforeAfter => self.before(bad),
            Comparison::None => None,
        }
    }

    /// Section 4. Without a history phi is learnt as the rollout goes; how far pods differ is learnt from those of the past even then.
    fn beside(&self, bad: Bad) -> StreamCalibration {
        let hour = self.own_hour(bad);
        let history = self.duration(hour.steps.len());
        let past = pods::of_count(self.background.past_pods, &PodCount::new(self.metric, bad));
        let known = (history >= LEAST_HISTORY).then(|| hour.learn(self.step_ms(), &past));
        let (learnt, spread, evenness) = match known {
            Some(noise) => (Some((noise.phi, noise.rate)), noise.spread, noise.evenness),
            None => (None, Spread::of_past(&past), 1.0),
        };
        // Pods that count: fewer than there are where the traffic is uneven; never fewer than one.
        let counting = |pods: u32| (f64::from(pods) * evenness).max(1.0);
        let (candidate_pods, baseline_pods) = (counting(self.plan.candidate_pods), counting(self.plan.baseline_pods));
        let variance: f64 = spread
            .sigmas(candidate_pods, baseline_pods)
            .map(|(p, sigma)| p * sigma * sigma)
            .sum();
        let source = if learnt.is_some() {
            NoiseSource::History
        } else {
            NoiseSource::Assumed
        };
        let noise = Noise {
            phi: learnt.map_or(1.0, |(phi, _)| phi),
            sigma: variance.sqrt(),
            source,
            history,
            left_out: [0.0; 2],
        };
        StreamCalibration {
            reference: Reference::Beside {
                learnt,
                spread,
                candidate_pods,
                baseline_pods,
            },
            noise,
            after: None,
        }
    }

    /// Section 5: one arm alone, so its clustering is that of the service in time. What less than a day cannot show of it is expected of
    /// it all the same.
    fn objective(&self, allowed: f64) -> StreamCalibration {
        let pod_phi = self.own_hour(Bad::Event).learn(self.step_ms(), &[]).phi;
        let (noise, wary) = self.noise_in_time(Bad::Event, pod_phi);
        StreamCalibration {
            reference: Reference::Objective {
                allowed,
                phi: noise.phi,
                wary_rms: (noise.source == NoiseSource::Assumed).then_some(wary),
            },
            noise: Noise { sigma: 0.0, ..noise },
            after: None,
        }
    }

    /// The noise of one arm alone: phi in time, no smaller than between pods, and how far hours differ; beside it how far they may
    /// differ for all that is known, which is more where no day taught it.
    fn noise_in_time(&self, bad: Bad, pod_phi: f64) -> (Noise, f64) {
        let time = temporal::learn(&self.totals(bad), self.plan.step);
        let source = if time.learnt {
            NoiseSource::History
        } else {
            NoiseSource::Assumed
        };
        let noise = Noise {
            phi: time.phi.max(pod_phi),
            sigma: time.rms,
            source,
            history: time.history,
            left_out: [0.0; 2],
        };
        (noise, time.wary)
    }

    /// Section 8; none where the hour before holds no events.
    fn before(&self, bad: Bad) -> Option<StreamCalibration> {
        let hour = self.own_hour(bad);
        let Hour { usual, left_out } = Hour::new(&hour.steps);
        if usual[1] <= 0.0 {
            return None;
        }
        let pod_phi = hour.learn(self.step_ms(), &[]).phi;
        let (noise, wary) = self.noise_in_time(bad, pod_phi);
        Some(StreamCalibration {
            reference: Reference::Past {
                bad: usual[0],
                total: usual[1],
                pod_phi,
                phi: noise.phi,
                rms: noise.sigma,
                wary_rms: (wary > noise.sigma).then_some(wary),
            },
            noise: Noise { left_out, ..noise },
            after: None,
        })
    }

    fn histogram(&self, metric: &HistogramMetric) -> MetricCalibration {
        let hour = self.background.own_hour.iter().filter_map(|step| self.counted(step));
        let Some(layout) = latency::layout(metric, hour) else {
            return MetricCalibration::Unusable("the histogram of the hour before is empty".to_owned());
        };
        let chosen = latency::choose(metric, &layout);
        let judged: Vec<BoundCalibration> = chosen
            .into_iter()
            .filter_map(|chosen| {
                let stream = self.stream(Bad::Above(chosen.baseline_above, Whole::Up))?;
                Some(BoundCalibration {
                    quantile: chosen.quantile,
                    baseline_above: chosen.baseline_above,
                    candidate_above: chosen.candidate_above,
                    interpolated: chosen.interpolated,
                    passing_above: chosen.passing_above,
                    candidate_cut: chosen.candidate_cut,
                    passing_cut: chosen.passing_cut,
                    stream,
                })
            })
            .collect();
        if judged.is_empty() {
            return MetricCalibration::Unusable(
                "no bucket bound of the hour before lies above `tolerate.floor` with a bucket beyond it: add buckets or lower the floor".to_owned(),
            );
        }
        MetricCalibration::Histogram(judged)
    }

    /// Section 10: beside the old pods while they run, against the past once they have gone or where they cannot be compared.
    fn value(&self) -> MetricCalibration {
        let learnt = |(pods, past)| MetricCalibration::Values(ValueCalibration { pods, past });
        let unusable = MetricCalibration::Unusable;
        match self.plan.compare {
            Comparison::BeforeAfter | Comparison::None => {
                self.value_before().map_or_else(unusable, |past| learnt((None, Some(past))))
            }
            Comparison::Concurrent => self.value_pods().map_or_else(unusable, |pods| learnt((Some(pods), None))),
            Comparison::Auto => match (self.value_pods(), self.value_before()) {
                (Err(pods), Err(past)) => unusable(format!("{pods}; {past}")),
                (pods, past) => learnt((pods.ok(), past.ok())),
            },
        }
    }

    fn value_pods(&self) -> Result<ValuePods, String> {
        let there = |steps: &'a [Step]| -> Vec<(i64, &'a MetricStep)> {
            let counted = steps.iter().filter_map(|step| Some((step.at.millis(), self.counted(step)?)));
            counted.collect()
        };
        ValuePods::learn(
            &there(self.background.recent),
            &there(self.background.own_hour),
            self.step_ms(),
        )
    }

    fn value_before(&self) -> Result<ValuePast, String> {
        let levels = |steps: &[Step]| -> Vec<(i64, f64)> {
            let level = |step: &Step| {
                let pods = self.counted(step)?.baseline.iter().map(|pod| &pod.increment);
                Some((step.at.millis(), value::of_pods(pods)?))
            };
            steps.iter().filter_map(level).collect()
        };
        ValuePast::learn(
            &levels(self.background.recent),
            &levels(self.background.own_hour),
            self.step_ms(),
        )
    }

    fn counted<'s>(&self, step: &'s Step) -> Option<&'s MetricStep> {
        step.metrics.get(self.index).filter(|metric| !metric.baseline.is_empty())
    }

    fn own_hour(&self, bad: Bad) -> PodHistory {
        pods::history(self.background.own_hour, self.index, bad, Arm::Baseline)
    }

    fn totals(&self, bad: Bad) -> Vec<(i64, [f64; 2])> {
        let total = |step: &Step| {
            let metric = self.counted(step)?;
            Some((step.at.millis(), bad.counter(&metric.bounds)?.sum(&metric.baseline)))
        };
        self.background.recent.iter().filter_map(total).collect()
    }

    fn step_ms(&self) -> i64 {
        i64::try_from(self.plan.step.as_millis()).unwrap_or(i64::MAX)
    }

    fn duration(&self, steps: usize) -> Duration {
        self.plan.step.saturating_mul(u32::try_from(steps).unwrap_or(u32::MAX))
    }
}
