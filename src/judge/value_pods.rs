//! What the pods of a value showed before the rollout: how far they lie from each other, and how each moves about its own level
//! (statistics.md, section 10).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::value::{RHO_MOST, SD_LEAST, mean, sampling};
use crate::words::{Increment, MetricStep, Pod};

/// With less of two pods together, nothing is learnt of how pods differ.
const LEAST_SECONDS: f64 = 1800.0;
/// tau is learnt on so many points, geometric between these: values of pods may differ far more than their rates of errors do.
pub(super) const TAUS: usize = 14;
const TAU_ENDS: (f64, f64) = (0.02, 1.5);
/// The prior of tau, and what it is worth in degrees of freedom.
const TAU_PRIOR: f64 = 0.15;
const TAU_FREEDOM: f64 = 4.0;

/// How the pods of a service differ in ln(value).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ValuePods {
    /// How far each of the old version's pods lies from the mean of all of them, by the pods' names.
    pub(super) levels: Vec<(Pod, f64)>,
    /// Memory of a pod about its own level, a step.
    pub(super) rho: f64,
    /// Standard deviation of a pod about its own level.
    pub(super) sd: f64,
    /// The posterior of tau, the deviation of the pods' own levels.
    tau: Vec<f64>,
    /// Seconds of history.
    pub(super) seconds: f64,
}

/// ln(value) of one pod, less the mean of all pods in the same step, in time order by the end of the step in milliseconds.
type Apart<'a> = BTreeMap<&'a Pod, Vec<(i64, f64)>>;

impl ValuePods {
    /// Learns from the steps of the last 24 h or of the last good version's own last hour, whichever are more, and the levels of its pods from
    /// the latter.
    ///
    /// # Errors
    /// The reason why pods cannot be compared.
    pub(super) fn learn(recent: &[(i64, &MetricStep)], own_hour: &[(i64, &MetricStep)], step_ms: i64) -> Result<Self, String> {
        let steps = if recent.len() > own_hour.len() { recent } else { own_hour };
        let (all, own) = (Together::of(steps), Together::of(own_hour));
        let seconds = all.steps as f64 * step_ms as f64 / 1000.0;
        if own.apart.len() < 2 || seconds < LEAST_SECONDS {
            return Err(format!(
                "how far healthy pods differ is learnt from two or more that ran together for half an hour, and {:.0} min are known",
                if own.apart.len() < 2 { 0.0 } else { seconds / 60.0 }
            ));
        }
        let (rho, sd) = all.moves(step_ms);
        Ok(Self {
            levels: own.apart.iter().map(|(pod, apart)| ((*pod).clone(), level(apart))).collect(),
            rho,
            sd,
            tau: all.posterior(rho, sd),
            seconds,
        })
    }

    /// Each tau with its probability.
    pub(super) fn taus(&self) -> impl Iterator<Item = (f64, f64)> {
        taus().zip(self.tau.iter().copied())
    }

    /// How far the mean of `pods` new pods may lie from that of the old ones: its standard deviation.
    pub(super) fn sigma(&self, pods: f64) -> f64 {
        let share = pods.recip() + (self.levels.len() as f64).recip();
        self.taus().map(|(tau, p)| p * tau * tau * share).sum::<f64>().sqrt()
    }
}

/// Pods while two or more of them ran together.
struct Together<'a> {
    apart: Apart<'a>,
    steps: usize,
    /// The sum of `1 - 1/m` over all values, m pods in the step: what taking the mean out has left of their variance.
    left: f64,
    values: f64,
}

impl<'a> Together<'a> {
    fn of(steps: &[(i64, &'a MetricStep)]) -> Self {
        let mut together = Self {
            apart: BTreeMap::new(),
            steps: 0,
            left: 0.0,
            values: 0.0,
        };
        for (at, step) in steps {
            let logs: Vec<(&Pod, f64)> = logs(&step.baseline).collect();
            if logs.len() < 2 {
                continue;
            }
            let (pods, level) = (logs.len() as f64, mean(logs.iter().map(|(_, y)| *y)));
            for (pod, y) in logs {
                together.apart.entry(pod).or_default().push((*at, y - level));
            }
            together.steps += 1;
            together.values += pods;
            together.left += pods - 1.0;
        }
        together
    }

    /// Memory and deviation of a pod about its own level. Short series hide both: taking their mean out takes some of them too.
    fn moves(&self, step_ms: i64) -> (f64, f64) {
        let (mut square, mut neighbors, mut product, mut pairs) = (0.0, 0.0, 0.0, 0.0);
        for apart in self.apart.values() {
            let level = level(apart);
            square += apart.iter().map(|(_, y)| (y - level).powi(2)).sum::<f64>();
            for pair in apart.windows(2).filter(|pair| pair[1].0 - pair[0].0 == step_ms) {
                product += (pair[0].1 - level) * (pair[1].1 - level);
                neighbors += ((pair[0].1 - level).powi(2) + (pair[1].1 - level).powi(2)) / 2.0;
                pairs += 1.0;
            }
        }
        let seen = product / f64::max(neighbors, f64::MIN_POSITIVE);
        let length = pairs / self.apart.len().max(1) as f64;
        let rho = (seen + (1.0 + 3.0 * seen) / f64::max(length, 1.0)).clamp(0.0, RHO_MOST);
        let lost: f64 = self
            .apart
            .values()
            .map(|apart| apart.len() as f64 * sampling(rho, apart.len()))
            .sum();
        let freedom = self.left * (1.0 - (lost / self.values).min(0.9));
        (rho, (square / freedom.max(1.0)).sqrt().max(SD_LEAST))
    }

    /// REML of the pods' levels, each known as well as its memory allows, times a scaled inverse chi-square.
    fn posterior(&self, rho: f64, sd: f64) -> Vec<f64> {
        let pods: Vec<(f64, f64)> = self
            .apart
            .values()
            .map(|apart| (level(apart), sd * sd * sampling(rho, apart.len())))
            .collect();
        let ln_posterior = |tau: f64| {
            let square = tau * tau;
            let weights = || pods.iter().map(|(level, sampling)| (*level, (square + sampling).recip()));
            let whole: f64 = weights().map(|(_, weight)| weight).sum();
            let mean = weights().map(|(level, weight)| level * weight).sum::<f64>() / whole;
            let fit: f64 = weights()
                .map(|(level, weight)| weight * (level - mean).powi(2) - weight.ln())
                .sum();
            let prior = -TAU_FREEDOM / 2.0 * square.ln() - TAU_FREEDOM * TAU_PRIOR * TAU_PRIOR / (2.0 * square);
            prior - (fit + whole.ln()) / 2.0
        };
        let logs: Vec<f64> = taus().map(ln_posterior).collect();
        let highest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let masses = logs.iter().map(|log| (log - highest).exp());
        let whole: f64 = masses.clone().sum();
        masses.map(|mass| mass / whole).collect()
    }
}

/// ln(value) of each of these pods that has one.
pub(super) fn logs(pods: &[crate::words::PodIncrement]) -> impl Iterator<Item = (&Pod, f64)> + Clone {
    pods.iter().filter_map(|pod| match pod.increment {
        Increment::Value { value } if value > 0.0 => Some((&pod.pod, value.ln())),
        _ => None,
    })
}

fn level(apart: &[(i64, f64)]) -> f64 {
    mean(apart.iter().map(|(_, y)| *y))
}

fn taus() -> impl Iterator<Item = f64> {
    let (least, most) = TAU_ENDS;
    (0..TAUS).map(move |i| least * (most / least).powf(i as f64 / (TAUS - 1) as f64))
}
