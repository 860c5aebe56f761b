//! From a line as written to steps: pods by name, buckets by bound.

use std::{collections::BTreeMap, time::Duration};

use super::{
    LineError,
    written::{Arm, Count, Line, Text},
};
use crate::{
    policy::nearest::shown,
    words::{Increment, MetricStep, Moment, Pod, PodIncrement, Step},
};

/// What a rollout counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    Ratio,
    Histogram,
}

/// One rollout, ready to be judged: one metric a step.
#[derive(Debug, Default)]
pub(super) struct Rollout {
    /// What it counts; none where it counts nothing at all.
    pub(super) counted: Option<Counted>,
    /// Steps before it; the counts are in `baseline`.
    pub(super) history: Vec<Step>,
    /// Steps of the watch.
    pub(super) steps: Vec<Step>,
    /// From this step (from 0) on nothing runs beside the candidate; the number of steps where something does to the end.
    pub(super) alone_from: usize,
}

impl Rollout {
    /// The steps of `line`, `step` long each, the watch beginning at the epoch.
    pub(super) fn new(line: &Line<'_>, step: Duration) -> Result<Self, LineError> {
        let mut reading = Reading::default();
        let at = |steps: i64| Moment::from_millis(steps.saturating_mul(i64::try_from(step.as_millis()).unwrap_or(i64::MAX)));
        let before = i64::try_from(line.history.len()).unwrap_or(i64::MAX);
        let mut history = Vec::with_capacity(line.history.len());
        for (t, arm) in line.history.iter().enumerate() {
            let baseline = reading.arm(arm, || format!("history[{t}]"))?;
            let metric = MetricStep {
                baseline,
                ..MetricStep::default()
            };
            history.push((at(t as i64 + 1 - before), metric));
        }
        let mut steps = Vec::with_capacity(line.steps.len());
        for (t, written) in line.steps.iter().enumerate() {
            let candidate = reading.arm(&written.candidate, || format!("steps[{t}].candidate"))?;
            let baseline = reading.arm(&written.baseline, || format!("steps[{t}].baseline"))?;
            let metric = MetricStep {
                candidate,
                baseline,
                ..MetricStep::default()
            };
            steps.push((at(t as i64 + 1), metric));
        }
        let bounds: Vec<f64> = reading.bounds.into_iter().map(|(bound, _)| bound).collect();
        let finish = |(at, metric): (Moment, MetricStep)| Step {
            at,
            metrics: vec![MetricStep {
                bounds: bounds.clone(),
                ..metric
            }],
        };
        let beside = |arm: &Arm<'_>| !matches!(arm, Arm::Pods(pods) if pods.is_empty());
        Ok(Self {
            counted: reading.counted,
            history: history.into_iter().map(finish).collect(),
            steps: steps.into_iter().map(finish).collect(),
            alone_from: line
                .steps
                .iter()
                .rposition(|step| beside(&step.baseline))
                .map_or(0, |t| t + 1),
        })
    }
}

/// What was seen so far of a line.
#[derive(Default)]
struct Reading {
    pods: BTreeMap<String, Pod>,
    counted: Option<Counted>,
    /// The bounds, ascending, with the texts in the order in which they were first written.
    bounds: Vec<(f64, String)>,
}

impl Reading {
    fn arm(&mut self, arm: &Arm<'_>, key: impl Fn() -> String) -> Result<Vec<PodIncrement>, LineError> {
        let Arm::Pods(pods) = arm else {
            return Ok(Vec::new());
        };
        let mut increments = Vec::with_capacity(pods.len());
        for (name, count) in pods {
            let Some(count) = count else { continue };
            let increment = self
                .increment(count)
                .map_err(|message| LineError::new(&format!("{}.{}", key(), shown(&name.0)), message))?;
            increments.push(PodIncrement {
                pod: self.pod(name),
                increment,
            });
        }
        Ok(increments)
    }

    fn pod(&mut self, name: &Text<'_>) -> Pod {
        if let Some(pod) = self.pods.get(&*name.0) {
            return pod.clone();
        }
        let pod = Pod((*name.0).into());
        self.pods.insert(name.0.to_string(), pod.clone());
        pod
    }

    fn increment(&mut self, count: &Count<'_>) -> Result<Increment, String> {
        let counted = match count {
            Count::Ratio(_) => Counted::Ratio,
            Count::Buckets(_) => Counted::Histogram,
        };
        if *self.counted.get_or_insert(counted) != counted {
            return Err("`[bad, total]` and buckets in one rollout: a rollout is judged by one metric".to_owned());
        }
        match count {
            Count::Ratio([bad, total]) => Ok(Increment::Ratio {
                bad: *bad,
                total: *total,
            }),
            Count::Buckets(buckets) => self.buckets(buckets).map(Increment::Buckets),
        }
    }

    fn buckets(&mut self, buckets: &[(Text<'_>, u64)]) -> Result<Vec<u64>, String> {
        let as_before = !buckets.is_empty()
            && buckets.len() == self.bounds.len()
            && buckets
                .iter()
                .zip(&self.bounds)
                .all(|((bound, _), (_, known))| *bound.0 == **known);
        let counts: Vec<u64> = if as_before {
            buckets.iter().map(|(_, count)| *count).collect()
        } else {
            let ascending = ascending(buckets)?;
            if self.bounds.is_empty() {
                self.bounds = ascending
                    .iter()
                    .map(|(bound, text, _)| (*bound, (*text).to_owned()))
                    .collect();
            }
            let same = ascending.len() == self.bounds.len()
                && ascending
                    .iter()
                    .zip(&self.bounds)
                    .all(|((bound, ..), (known, _))| bound == known);
            if !same {
                let known: Vec<&str> = self.bounds.iter().map(|(_, text)| text.as_str()).collect();
                return Err(format!(
                    "its bounds are not those before it ({}): all pods of a rollout have the same",
                    shown(&known.join(", "))
                ));
            }
            ascending.into_iter().map(|(_, _, count)| count).collect()
        };
        if let Some(i) = counts.windows(2).position(|pair| pair[1] < pair[0]) {
            let (low, high) = (&self.bounds[i], &self.bounds[i + 1]);
            return Err(format!(
                "the counts fall from {} at `{}` to {} at `{}`: bucket counts are cumulative",
                counts[i],
                low.1,
                counts[i + 1],
                high.1
            ));
        }
        Ok(counts)
    }
}

/// The buckets by their bounds, the last one being `+Inf`.
fn ascending<'b>(buckets: &'b [(Text<'_>, u64)]) -> Result<Vec<(f64, &'b str, u64)>, String> {
    let mut ascending = Vec::with_capacity(buckets.len());
    for (text, count) in buckets {
        let bound = match text.0.parse::<f64>() {
            Ok(bound) if !bound.is_nan() && bound > f64::NEG_INFINITY => bound,
            _ => return Err(format!("`{}` is no bound: write seconds, or `+Inf`", shown(&text.0))),
        };
        ascending.push((bound, &*text.0, *count));
    }
    ascending.sort_by(|a, b| a.0.total_cmp(&b.0));
    if let Some(pair) = ascending.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(format!("the bound `{}` is written twice", shown(pair[1].1)));
    }
    if ascending.last().is_none_or(|(bound, ..)| bound.is_finite()) {
        return Err("no bucket `+Inf`: it holds the count of all requests".to_owned());
    }
    Ok(ascending)
}
