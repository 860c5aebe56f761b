//! What could be found, and how soon, at the service's present traffic and noise; and what a healthy release could prove.
//!
//! The method: seeded rollouts are simulated and given to the judge itself, calibrated as a rollout's preparation calibrates it. The
//! traffic is the mean of the hour before. Compared with the past, all of it goes to the new version, as on a host after the switch; so it
//! is for `auto` too, as if the old version went at once. Compared with what runs beside it, both serve all the watch, each with the pods
//! that it shall have, every pod as many requests; bad events cluster, and the pods of both differ, as the calibration says. The present
//! rate otherwise differs from the hour before's as the calibration allows for (statistics.md, section 8): by that hour's own sampling (a
//! gamma law) and by how far hours differ (a normal law of ln(rate)). Counts cluster as that hour itself showed (the variance of counts
//! about its rate, over windows of a step, one minute and five), at most as the calibration allows for: the judge may have to assume more
//! noise than there is where history is short, and then it decides later than simulated noise of that size would make it.
//! Latency: the hour's bucket counts are the distribution, and slower means every request so many times as long; inside a bucket the
//! distribution is taken for log-normal, as where buckets are cut.
//!
//! What is left out: outages, a rate that drifts during the watch, and a traffic that changes. A forecast is of a typical release.

mod dice;
mod service;
mod trial;

use std::time::Duration;

use serde::Serialize;

use super::{
    Background, Calibration, Comparison, Judge, Noise, Plan, Terms, calibration::MetricCalibration, metric::MetricJudge,
};
use crate::policy::{Metric, MetricKind};
use service::Service;
use trial::{Half, Watch, looks};

/// What a forecast needs beside what a rollout's preparation learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trials {
    /// When a healthy release is to be proven, since its watch began.
    pub prove_after: Duration,
    /// How many rollouts are simulated for each change; 51 give the median to about 15 %.
    pub rollouts: u32,
    /// The chance that they have: the same seed, the same forecast.
    pub seed: u64,
}

/// A change that a release might bring.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// So many times the present share of bad events.
    Times(f64),
    /// This share of bad events, as a fraction, whatever it is now.
    Share(f64),
    /// Every request takes so many times as long.
    Slower(f64),
}

/// The changes of a ratio that are forecast.
const OF_RATIO: [Change; 5] = [
    Change::Times(1.5),
    Change::Times(2.0),
    Change::Times(5.0),
    Change::Times(10.0),
    Change::Share(0.5),
];
/// Those of a histogram.
const OF_HISTOGRAM: [Change; 4] = [
    Change::Slower(1.2),
    Change::Slower(1.5),
    Change::Slower(2.0),
    Change::Slower(5.0),
];

/// The forecast of one metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricForecast {
    /// The metric's name.
    pub name: String,
    /// Why nothing can be forecast, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// What is forecast; none where nothing can be.
    #[serde(flatten)]
    pub outlook: Option<Outlook>,
}

/// What is forecast of one metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outlook {
    /// Events a second in the hour before, on average.
    pub per_second: f64,
    /// The share of bad ones, as a fraction; none of a histogram.
    pub bad_share: Option<f64>,
    /// The noise that was learnt, or assumed.
    pub noise: Noise,
    /// When each change is found.
    pub found: Vec<Found>,
    /// What a release without any change can prove until `proveAfter`.
    pub by_prove_after: Proof,
    /// What it can prove until the end of the watch.
    pub by_end: Proof,
}

/// When a change is found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Found {
    /// The change.
    pub change: Change,
    /// Half of such releases are convicted after so long; none where fewer are within the watch.
    #[serde(rename = "median_seconds", serialize_with = "seconds")]
    pub median: Option<Duration>,
    /// Why fewer than half are convicted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seldom: Option<Seldom>,
}

/// Why fewer than half of such releases are convicted within the watch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Seldom {
    /// The policy tolerates it.
    Tolerated,
    /// It leaves the share of bad events, a fraction, below the floor that nobody minds.
    BelowFloor(f64),
    /// It still keeps the objective.
    WithinObjective,
    /// So few bad events come in the whole watch, under `atLeast.bad`.
    TooFewEvents(f64),
    /// The traffic does not suffice; only this share of them, a fraction, is convicted.
    TooLittleTraffic(f64),
}

/// What releases without any change can prove.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Proof {
    /// Since the watch began.
    #[serde(rename = "after_seconds", with = "crate::words::seconds")]
    pub after: Duration,
    /// The share of them, a fraction, that is `healthy` by then.
    pub healthy: f64,
    /// "N times or worse is excluded" of the median one.
    pub excluded_times: Option<f64>,
}

fn seconds<S: serde::Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    duration.map(|duration| duration.as_secs_f64()).serialize(serializer)
}

/// Forecasts each metric of `terms` under `plan`. `calibration` is what was learnt from `background`.
#[must_use]
pub fn forecast<'a>(
    terms: impl Into<Terms<'a>>,
    plan: &Plan,
    calibration: &Calibration,
    background: &Background<'_>,
    trials: &Trials,
) -> Vec<MetricForecast> {
    let terms = terms.into();
    let mut judge = Judge::new(terms, plan, calibration);
    if plan.compare == Comparison::Auto {
        judge.baseline_gone();
    }
    let judges = judge.into_metrics();
    let each = terms.metrics.iter().zip(&calibration.metrics).zip(judges).enumerate();
    each.map(|(index, ((metric, learnt), judge))| {
        let service = Service::of(index, &metric.kind, learnt, background, plan);
        let outlook = service.map(|service| outlook(&terms, metric, plan, &service, judge, trials));
        MetricForecast {
            name: metric.name.clone(),
            because: if outlook.is_none() { Some(why_not(learnt)) } else { None },
            outlook,
        }
    })
    .collect()
}

fn why_not(learnt: &MetricCalibration) -> String {
    match learnt {
        MetricCalibration::Unusable(reason) => reason.clone(),
        MetricCalibration::Value(_) | MetricCalibration::Values(_) => {
            "values are not forecast: they are no counts, and how they move is the service's own".to_owned()
        }
        MetricCalibration::Threshold(_) => "a plain bound is broken or not, whatever the traffic".to_owned(),
        _ => "the hour before holds no events".to_owned(),
    }
}

fn outlook(terms: &Terms<'_>, metric: &Metric, plan: &Plan, service: &Service, judge: MetricJudge, trials: &Trials) -> Outlook {
    let in_steps = |duration: Duration| {
        let steps = duration.as_millis().div_ceil(plan.step.as_millis().max(1));
        u32::try_from(steps).unwrap_or(u32::MAX)
    };
    let proof_at = in_steps(trials.prove_after).clamp(1, plan.steps.max(1));
    let changes: &[Change] = match &metric.kind {
        MetricKind::Ratio(_) => &OF_RATIO,
        MetricKind::Histogram(_) => &OF_HISTOGRAM,
        MetricKind::Value(_) => &[],
    };
    let noise = judge.evidence().noise;
    let watch = Watch {
        judge,
        service,
        step: plan.step,
        warm: in_steps(metric.kind.warmup()),
        looks: looks(plan.steps, proof_at),
        rollouts: trials.rollouts,
        seed: trials.seed,
    };
    let found = |change: &Change| {
        let (median, seldom) = match never(terms, metric, plan, service, *change) {
            Some(seldom) => (None, Some(seldom)),
            None => match watch.half(*change) {
                Half::At(step) => (Some(plan.step.saturating_mul(step)), None),
                Half::Never(share) => (None, Some(Seldom::TooLittleTraffic(share))),
            },
        };
        Found {
            change: *change,
            median,
            seldom,
        }
    };
    let found = changes.iter().map(found).collect();
    let proof = |steps: u32, (healthy, excluded_times): (f64, Option<f64>)| Proof {
        after: plan.step.saturating_mul(steps),
        healthy,
        excluded_times,
    };
    let [until_proof, until_end] = watch.healthy(proof_at);
    Outlook {
        per_second: service.per_step / plan.step.as_secs_f64(),
        bad_share: service.bad_share(),
        noise,
        found,
        by_prove_after: proof(proof_at, until_proof),
        by_end: proof(plan.steps, until_end),
    }
}

/// Why `change` is not to be convicted at all, whatever the traffic, or cannot be with the events of one watch.
fn never(terms: &Terms<'_>, metric: &Metric, plan: &Plan, service: &Service, change: Change) -> Option<Seldom> {
    const SAME: f64 = 1.0 + 1e-9;
    match (&metric.kind, change) {
        (MetricKind::Histogram(histogram), Change::Slower(times)) => {
            (times <= (1.0 + histogram.tolerate_slower) * SAME).then_some(Seldom::Tolerated)
        }
        (MetricKind::Ratio(ratio), _) => {
            let share = service.share_after(change)?;
            let expected = share * service.per_step * f64::from(plan.steps);
            match (ratio.objective, change) {
                (Some(objective), _) if share <= (1.0 - objective) * SAME => Some(Seldom::WithinObjective),
                (None, Change::Times(times)) if times <= ratio.tolerate.times * SAME => Some(Seldom::Tolerated),
                (None, _) if share <= ratio.tolerate.floor * SAME => Some(Seldom::BelowFloor(share)),
                _ if expected < terms.at_least_bad as f64 => Some(Seldom::TooFewEvents(expected)),
                _ => None,
            }
        }
        _ => None,
    }
}
