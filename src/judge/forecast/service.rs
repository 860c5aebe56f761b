//! The service as it is now, and releases of it that differ by a known change: what their counters would say.

use std::time::Duration;

use super::{Change, dice::Dice};
use crate::{
    judge::{
        Background, Plan,
        calibration::{BoundCalibration, MetricCalibration, Reference, StreamCalibration},
        counted::Bad,
        cut::Hour,
        latency,
    },
    policy::{HistogramMetric, MetricKind},
    words::{Increment, MetricStep, Moment, Pod, PodIncrement, Whole},
};

/// One metric of the service as the hour before shows it.
#[derive(Debug, Clone)]
pub(super) struct Service {
    /// Events in a step, on average.
    pub(super) per_step: f64,
    /// What runs beside a new version, where that is compared with.
    pub(super) beside: Option<Beside>,
    shape: Shape,
}

/// The old version's pods beside a new one: both have the pods that they shall have, and each pod as many requests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Beside {
    /// Pods of the old version.
    pub(super) pods: u32,
    /// The share of requests that reaches the new one.
    pub(super) share: f64,
}

#[derive(Debug, Clone)]
enum Shape {
    Ratio {
        /// The share of bad events that the hour showed, and with half an event more, as the judge takes it: never 0.
        seen: f64,
        share: f64,
        noise: Noise,
    },
    Histogram {
        /// Ascending, the last one infinite.
        bounds: Vec<f64>,
        /// Of all events, those at or below each bound; and how many there were.
        below: Vec<f64>,
        events: f64,
        /// Of each judged bound: above how many seconds, and how noisy what is above it is; ascending.
        noise: Vec<(f64, Noise)>,
    },
}

/// How one stream of bad events behaves.
#[derive(Debug, Clone, Copy)]
struct Noise {
    /// Clustering as the hour itself showed it, at most what the calibration allows for; beside a baseline that between pods.
    phi: f64,
    /// What the hour's own sampling leaves unknown of its rate, as the shape of a gamma law: (k + 1/2)/phi_b (section 8). Nothing beside a
    /// baseline, which is counted at the same time.
    shape: Option<f64>,
    /// How far hours differ, or the pods of two versions.
    rms: f64,
}

impl Noise {
    /// From what was calibrated and the hour's `[bad, total]` by step.
    fn of(calibration: &StreamCalibration, hour: &[[f64; 2]], step: Duration) -> Self {
        let (pod_phi, phi, rms) = match &calibration.reference {
            Reference::Past { pod_phi, phi, rms, .. } => (*pod_phi, *phi, *rms),
            Reference::Objective { phi, .. } => (*phi, *phi, 0.0),
            Reference::Beside { .. } => {
                return Self {
                    phi: calibration.noise.phi,
                    shape: None,
                    rms: calibration.noise.sigma,
                };
            }
        };
        Self {
            phi: dispersion(hour, step).min(phi),
            shape: Some((sum(hour)[0] + 0.5) / pod_phi),
            rms,
        }
    }

    /// What the hour's own sampling leaves unknown of its rate, drawn.
    fn sampled(&self, dice: &mut Dice) -> f64 {
        self.shape.map_or(1.0, |shape| dice.gamma(shape) / shape)
    }
}

/// What a new version is compared with for longest: where the old one may go in mid-watch (section 8: `auto`), what follows then.
fn lasting(stream: &StreamCalibration) -> &StreamCalibration {
    stream.after.as_deref().unwrap_or(stream)
}

/// The variance of counts over that of independent events about the hour's own rate: the largest over windows of a step, one minute
/// and five, a ratio of sums as in section 4; at least 1.
fn dispersion(hour: &[[f64; 2]], step: Duration) -> f64 {
    let [bad, total] = sum(hour);
    let over = |window: Duration| {
        let steps = usize::try_from(window.as_millis() / step.as_millis().max(1))
            .unwrap_or(1)
            .max(1);
        let (mut scatter, mut spare) = (0.0, 0.0);
        for counts in hour.chunks_exact(steps) {
            let [k, n] = sum(counts);
            let expected = n * bad / total.max(1.0);
            scatter += (k - expected).powi(2);
            spare += expected * (1.0 - n / total.max(1.0));
        }
        if spare > 0.0 { scatter / spare } else { 1.0 }
    };
    [0, 60, 300]
        .map(|seconds| over(Duration::from_secs(seconds)))
        .into_iter()
        .fold(1.0, f64::max)
}

fn sum(counts: &[[f64; 2]]) -> [f64; 2] {
    counts.iter().fold([0.0; 2], |sum, [k, n]| [sum[0] + k, sum[1] + n])
}

/// `[bad, total]` of each step.
fn counted(hour: &[&MetricStep], bad: Bad) -> Vec<[f64; 2]> {
    let count = |metric: &&MetricStep| Some(bad.counter(&metric.bounds)?.sum(&metric.baseline));
    hour.iter().filter_map(count).collect()
}

/// One release, drawn: the probabilities that its events are counted by.
#[derive(Debug, Clone)]
pub(super) enum Release {
    Ratio {
        share: f64,
        phi: f64,
    },
    Histogram {
        bounds: Vec<f64>,
        /// Of each bucket: the share of events in it, and their clustering.
        buckets: Vec<(f64, f64)>,
    },
}

impl Service {
    /// The metric at `index`; none where the hour holds no events or nothing was calibrated.
    pub(super) fn of(
        index: usize,
        kind: &MetricKind,
        calibration: &MetricCalibration,
        background: &Background<'_>,
        plan: &Plan,
    ) -> Option<Self> {
        let steps = background.own_hour.iter().filter_map(|step| step.metrics.get(index));
        let hour: Vec<&MetricStep> = steps.filter(|metric| !metric.baseline.is_empty()).collect();
        match (kind, calibration) {
            (MetricKind::Ratio(_), MetricCalibration::Ratio(stream)) => Self::ratio(&hour, lasting(stream), plan),
            (MetricKind::Histogram(metric), MetricCalibration::Histogram(judged)) => Self::histogram(metric, &hour, judged, plan),
            _ => None,
        }
    }

    fn ratio(hour: &[&MetricStep], stream: &StreamCalibration, plan: &Plan) -> Option<Self> {
        let counts = counted(hour, Bad::Event);
        let [bad, total] = sum(&counts);
        let noise = Noise::of(stream, &counts, plan.step);
        (total > 0.0).then(|| Self {
            per_step: total / counts.len() as f64,
            beside: Beside::of(stream, plan),
            shape: Shape::Ratio {
                seen: bad / total,
                share: ((bad + 0.5) / total).min(1.0),
                noise,
            },
        })
    }

    fn histogram(metric: &HistogramMetric, hour: &[&MetricStep], judged: &[BoundCalibration], plan: &Plan) -> Option<Self> {
        let newest = &hour.last()?.bounds;
        let hour: Vec<&MetricStep> = hour.iter().copied().filter(|metric| metric.bounds == *newest).collect();
        let latency::Layout { bounds, counts, .. } = latency::layout(metric, hour.iter().copied())?;
        let total = counts.last().copied().filter(|total| *total > 0.0)?;
        let noise = |bound: &BoundCalibration| {
            let counts = counted(&hour, Bad::Above(bound.baseline_above, Whole::Up));
            (bound.baseline_above, Noise::of(lasting(&bound.stream), &counts, plan.step))
        };
        Some(Self {
            per_step: total / hour.len() as f64,
            beside: Beside::of(lasting(&judged.first()?.stream), plan),
            shape: Shape::Histogram {
                below: counts.iter().map(|count| count / total).collect(),
                events: total,
                noise: judged.iter().map(noise).collect(),
                bounds,
            },
        })
    }

    /// The share of bad events that the hour showed; of a ratio.
    pub(super) fn bad_share(&self) -> Option<f64> {
        match &self.shape {
            Shape::Ratio { seen, .. } => Some(*seen),
            Shape::Histogram { .. } => None,
        }
    }

    /// The share of bad events that `change` makes of the present one, on average; of a ratio.
    pub(super) fn share_after(&self, change: Change) -> Option<f64> {
        match (&self.shape, change) {
            (Shape::Ratio { .. }, Change::Share(share)) => Some(share),
            (Shape::Ratio { share, .. }, Change::Times(times)) => Some((share * times).min(1.0)),
            _ => None,
        }
    }

    /// A release that differs by `change` from a service whose present hour differs by luck from the one before, as the
    /// calibration allows for (section 8): the hour's own sampling, drawn, and `luck` standard deviations of how far hours differ.
    pub(super) fn release(&self, change: Change, luck: f64, dice: &mut Dice) -> Release {
        match &self.shape {
            Shape::Ratio { share, noise, .. } => {
                let luck = noise.sampled(dice) * (noise.rms * luck).exp();
                Release::Ratio {
                    share: match change {
                        Change::Share(share) => share,
                        Change::Times(times) | Change::Slower(times) => (share * luck * times).min(1.0),
                    },
                    phi: noise.phi,
                }
            }
            Shape::Histogram {
                bounds,
                below,
                events,
                noise,
            } => {
                let counts: Vec<f64> = lucky(bounds, below, noise, luck).iter().map(|share| share * events).collect();
                let hour = Hour::of(bounds, &counts);
                let slower = match change {
                    Change::Slower(times) => times,
                    Change::Times(_) | Change::Share(_) => 1.0,
                };
                let slowed: Vec<f64> = bounds
                    .iter()
                    .map(|bound| {
                        if bound.is_infinite() {
                            1.0
                        } else {
                            hour.share_at_or_below(bound / slower)
                        }
                    })
                    .collect();
                let buckets = (0..bounds.len())
                    .map(|i| {
                        let lower = if i == 0 { 0.0 } else { slowed[i - 1] };
                        let from = if i == 0 { 0.0 } else { bounds[i - 1] };
                        (
                            (slowed[i] - lower).max(0.0),
                            about(noise, from).map_or(1.0, |noise| noise.phi),
                        )
                    })
                    .collect();
                Release::Histogram {
                    bounds: bounds.clone(),
                    buckets,
                }
            }
        }
    }
}

/// The noise of events above `seconds`: that of the highest judged bound at or below it.
fn about(noise: &[(f64, Noise)], seconds: f64) -> Option<&Noise> {
    let known = noise.partition_point(|(above, _)| *above <= seconds * (1.0 + 1e-9));
    known.checked_sub(1).and_then(|i| noise.get(i)).map(|(_, noise)| noise)
}

/// The distribution of an hour that differs from the one before by `z` standard deviations of luck: what is above a bound becomes
/// more or less as that bound's own noise allows.
fn lucky(bounds: &[f64], below: &[f64], noise: &[(f64, Noise)], z: f64) -> Vec<f64> {
    let mut least = 0.0_f64;
    let share = |(bound, below): (&f64, &f64)| {
        let nearest = about(noise, *bound).or_else(|| noise.first().map(|(_, noise)| noise));
        let sigma = nearest.map_or(0.0, |noise| {
            noise
                .rms
                .hypot(noise.shape.map_or(0.0, |shape| shape.recip().sqrt().min(1.0)))
        });
        least = least.max(1.0 - ((1.0 - below) * (sigma * z).exp()).min(1.0));
        if bound.is_infinite() { 1.0 } else { least }
    };
    bounds.iter().zip(below).map(share).collect()
}

impl Beside {
    fn of(stream: &StreamCalibration, plan: &Plan) -> Option<Self> {
        let (new, old) = (plan.candidate_pods.max(1), plan.baseline_pods.max(1));
        matches!(stream.reference, Reference::Beside { .. }).then(|| Self {
            pods: old,
            share: f64::from(new) / (f64::from(new) + f64::from(old)),
        })
    }
}

impl Release {
    /// The bounds of its buckets; none of a ratio.
    pub(super) fn bounds(&self) -> Vec<f64> {
        match self {
            Self::Ratio { .. } => Vec::new(),
            Self::Histogram { bounds, .. } => bounds.clone(),
        }
    }

    /// What one pod of it, called `name`, counts in so many events, on average.
    pub(super) fn pod(&self, name: &str, events: f64, dice: &mut Dice) -> PodIncrement {
        let increment = match self {
            Self::Ratio { share, phi } => {
                let total = dice.poisson(events);
                let bad = dice.clustered(total as f64 * share, *phi).min(total);
                Increment::Ratio { bad, total }
            }
            Self::Histogram { buckets, .. } => {
                let mut sum = 0;
                let counts = buckets
                    .iter()
                    .map(|(share, phi)| {
                        sum += dice.clustered(events * share, *phi);
                        sum
                    })
                    .collect();
                Increment::Buckets(counts)
            }
        };
        PodIncrement {
            pod: Pod(name.into()),
            increment,
        }
    }
}

/// No clock is asked: the watch of a forecast begins at the epoch.
pub(super) fn moment(step: Duration, steps: u32) -> Moment {
    Moment::from_millis(0).plus(step.saturating_mul(steps))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: [f64; 4] = [0.1, 0.2, 0.4, f64::INFINITY];
    const BELOW: [f64; 4] = [0.5, 0.9, 0.98, 1.0];

    /// The shares at or below each bound of a release that is so many times slower.
    fn slowed(times: f64) -> Vec<f64> {
        let noise = Noise {
            phi: 1.0,
            shape: None,
            rms: 0.0,
        };
        let service = Service {
            per_step: 1.0,
            beside: None,
            shape: Shape::Histogram {
                bounds: BOUNDS.to_vec(),
                below: BELOW.to_vec(),
                events: 1e9,
                noise: vec![(0.1, noise)],
            },
        };
        let release = service.release(Change::Slower(times), 0.0, &mut Dice::new(1, 1));
        let Release::Histogram { buckets, .. } = release else {
            panic!("{release:?}")
        };
        let mut sum = 0.0;
        buckets
            .iter()
            .map(|(share, _)| {
                sum += share;
                sum
            })
            .collect()
    }

    #[test]
    fn twice_as_slow_is_the_distribution_moved_by_one_bucket() {
        let moved = slowed(2.0);
        assert!(
            moved.iter().zip([0.25, 0.5, 0.9, 1.0]).all(|(a, b)| (a - b).abs() < 1e-6),
            "{moved:?}"
        );
    }

    #[test]
    fn inside_a_bucket_a_distribution_falls_as_a_log_normal_one_and_what_is_above_the_last_bound_is_never_split() {
        // z of 0.9 and 0.98 are 1.2816 and 2.0537; half-way in the logarithm lies 1.6677.
        let moved = slowed(2.0_f64.sqrt());
        assert!((moved[2] - 0.952_3).abs() < 1e-4 && moved[3] == 1.0, "{moved:?}");
        assert!((slowed(0.1)[2] - 0.98).abs() < 1e-6);
    }

    #[test]
    fn luck_keeps_a_distribution_a_distribution() {
        let of = |above: f64, rms: f64| {
            let noise = Noise {
                phi: 3.0,
                shape: Some(14.0),
                rms,
            };
            (above, noise)
        };
        for z in [-3.0, -1.0, 0.0, 1.0, 3.0] {
            let lucky = lucky(&BOUNDS, &BELOW, &[of(0.1, 0.9), of(0.2, 0.2)], z);
            assert!(
                lucky.windows(2).all(|pair| pair[0] <= pair[1]) && lucky[3] == 1.0,
                "{z}: {lucky:?}"
            );
            assert!(lucky.iter().all(|share| (0.0..=1.0).contains(share)), "{z}: {lucky:?}");
        }
    }
}
