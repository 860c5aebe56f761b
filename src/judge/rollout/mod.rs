//! A whole rollout as one line of JSON in, its verdict out: `lastgood judge` (product.md), for other tools and for tests of the
//! mathematics. One metric a line.

mod counts;
mod written;

use std::time::Duration;

use serde::{Serialize, Serializer};

use super::{Background, Comparison, Estimate, Judge, MetricEvidence, NoiseSource, Plan, Terms, calibrate};
use crate::{
    policy::{Compare, Metric, OnRegression, Risk},
    words::{MetricStep, PodIncrement, Step, Verdict},
};
use counts::{Counted, Rollout};

/// What is asked about every rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// What mistakes are allowed.
    pub risk: Risk,
    /// Never convict on fewer bad events of the candidate.
    pub at_least_bad: u64,
    /// How `[bad, total]` is judged; none: such a rollout is an error.
    pub ratio: Option<Metric>,
    /// How buckets are judged; none: such a rollout is an error.
    pub histogram: Option<Metric>,
    /// How long a step is.
    pub step: Duration,
    /// What a rollout is compared with.
    pub compare: Compare,
}

/// What is wrong with a line: where, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct LineError {
    /// The column, from 1, where it is known.
    pub column: Option<usize>,
    /// `steps[4].candidate.pod-c`; empty: the line itself.
    pub key: String,
    /// What was found and what is allowed.
    pub message: String,
}

impl LineError {
    fn new(key: &str, message: impl Into<String>) -> Self {
        Self {
            column: None,
            key: key.to_owned(),
            message: message.into(),
        }
    }

    fn at(key: &str, error: &serde_json::Error) -> Self {
        let text = error.to_string();
        // The reader's own place counts lines within the one line that it was given.
        let message = text.rfind(" at line ").map_or(&*text, |end| &text[..end]);
        let message = if error.is_eof() {
            format!("the line ends before the rollout does ({message}): write it in one piece")
        } else {
            message.to_owned()
        };
        Self {
            column: (error.column() > 0).then(|| error.column()),
            ..Self::new(key, message)
        }
    }

    fn sentence(&self) -> String {
        let column = self.column.map(|column| format!("column {column}: ")).unwrap_or_default();
        let key = if self.key.is_empty() {
            String::new()
        } else {
            format!("`{}`: ", self.key)
        };
        format!("{column}{key}{}", self.message)
    }
}

/// What became of one rollout: one line of JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// The rollout's id.
    pub id: String,
    /// `regression` is final; `healthy` where it was reached and no regression came.
    pub verdict: Verdict,
    /// `blind`: why the counts were not fit to judge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// The step, from 1, at which a regression was reached, or at which it first was healthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
    /// The end of that step since the watch began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_seconds: Option<f64>,
    /// What is known after the last step; none where it is blind.
    #[serde(flatten)]
    pub known: Option<Known>,
}

/// What is known after the last step of a rollout.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Known {
    /// What the candidate was compared with.
    pub compare: Compared,
    /// How many times worse, with its 95 % interval.
    pub ratio: Option<Estimate>,
    /// How strong the evidence is.
    pub evidence: Odds,
    /// What it must reach.
    pub needed: Odds,
    /// The noise that was allowed for.
    pub noise: NoiseSaid,
    /// Bad and all events of the candidate.
    #[serde(serialize_with = "counts")]
    pub candidate: [f64; 2],
    /// Bad and all events of what it was compared with.
    #[serde(serialize_with = "counts")]
    pub baseline: [f64; 2],
    /// What was counted since nothing ran beside it any more, where that was compared with the history.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alone: Option<AloneSaid>,
    /// "N times or worse is excluded".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excluded_times: Option<f64>,
}

/// What the candidate was compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compared {
    /// What ran beside it.
    Concurrent,
    /// What ran beside it, and after that had gone the history.
    Auto,
    /// The history.
    BeforeAfter,
    /// The objective alone.
    Objective,
}

/// e-values as log10.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Odds {
    /// Of harm.
    pub harm_log10: f64,
    /// Of safety.
    pub safe_log10: f64,
}

/// The noise that was allowed for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct NoiseSaid {
    /// Clustering.
    pub phi: f64,
    /// Spread of ln(rate) between healthy pods, or between hours.
    pub sigma: f64,
    /// Where both came from.
    pub source: NoiseSource,
}

/// What was counted since nothing ran beside the candidate any more.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AloneSaid {
    /// Bad and all events of the candidate since then; they are among all of its events too.
    #[serde(serialize_with = "counts")]
    pub candidate: [f64; 2],
    /// Bad and all events of the hour before.
    #[serde(serialize_with = "counts")]
    pub before: [f64; 2],
}

/// Whole numbers as such: only interpolated counts of a histogram have a fraction.
fn counts<S: Serializer>(counts: &[f64; 2], serializer: S) -> Result<S::Ok, S::Error> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let whole = counts
        .iter()
        .all(|count| count.fract() == 0.0 && (0.0..EXACT).contains(count));
    if whole {
        counts.map(|count| count as u64).serialize(serializer)
    } else {
        counts.serialize(serializer)
    }
}

/// Judges one rollout: `line` is one JSON object, as product.md writes it.
///
/// # Errors
/// With the key of the first thing that is wrong.
pub fn answer(line: &str, asked: &Asked) -> Result<Answer, LineError> {
    let written = written::read(line)?;
    let rollout = Rollout::new(&written, asked.step)?;
    let id = written.id.0.into_owned();
    let metric = match rollout.counted {
        Some(Counted::Ratio) => asked.ratio.as_ref().ok_or("`[bad, total]`, but a histogram is asked for"),
        Some(Counted::Histogram) => asked.histogram.as_ref().ok_or("buckets, but a ratio is asked for"),
        None => return Ok(blind(id, "no pod was counted in any step".to_owned())),
    };
    let metric = metric.map_err(|message| LineError::new("steps", message))?;
    Ok(judged(id, &rollout, metric, asked))
}

fn blind(id: String, because: String) -> Answer {
    Answer {
        id,
        verdict: Verdict::Blind,
        because: Some(because),
        step: None,
        after_seconds: None,
        known: None,
    }
}

fn judged(id: String, rollout: &Rollout, metric: &Metric, asked: &Asked) -> Answer {
    // Whether a regression may revert or only warn is no question here.
    let metrics = [Metric {
        on_regression: OnRegression::Revert,
        ..metric.clone()
    }];
    let terms = Terms {
        risk: asked.risk,
        at_least_bad: asked.at_least_bad,
        metrics: &metrics,
    };
    let plan = plan(rollout, asked);
    let last = |span: u64| {
        let steps = usize::try_from(span / asked.step.as_secs().max(1))
            .unwrap_or(usize::MAX)
            .max(1);
        &rollout.history[rollout.history.len().saturating_sub(steps)..]
    };
    let background = Background {
        recent: last(24 * 3600),
        own_hour: last(3600),
        past_pods: &[],
    };
    let mut judge = Judge::new(terms, &plan, &calibrate(terms, &plan, &background));
    let (mut regression, mut healthy) = (None, None);
    for (t, step) in rollout.steps.iter().enumerate() {
        if t == rollout.alone_from {
            judge.baseline_gone();
        }
        judge.step(step);
        match judge.verdict() {
            Some(Verdict::Regression) => regression = regression.or(Some(t + 1)),
            Some(Verdict::Healthy) => healthy = healthy.or(Some(t + 1)),
            _ => {}
        }
    }
    let mut evidence = judge.evidence();
    let Some(said) = evidence.metrics.pop() else {
        return blind(id, "no metric".to_owned());
    };
    if said.unusable.is_some() || said.candidate[1] == 0.0 {
        return blind(id, why_blind(rollout, &plan, said.unusable));
    }
    let (verdict, step) = match (regression, healthy) {
        (Some(step), _) => (Verdict::Regression, Some(step)),
        (None, Some(step)) => (Verdict::Healthy, Some(step)),
        (None, None) => (Verdict::Inconclusive, None),
    };
    Answer {
        id,
        verdict,
        because: None,
        step,
        after_seconds: step.map(|step| step as f64 * asked.step.as_secs_f64()),
        known: Some(known(&said, evidence.compare, verdict)),
    }
}

fn known(said: &MetricEvidence, compare: Comparison, verdict: Verdict) -> Known {
    Known {
        compare: match compare {
            _ if said.objective.is_some() => Compared::Objective,
            Comparison::Concurrent => Compared::Concurrent,
            Comparison::Auto => Compared::Auto,
            Comparison::BeforeAfter | Comparison::None => Compared::BeforeAfter,
        },
        ratio: said.ratio,
        evidence: Odds {
            harm_log10: said.harm_log10,
            safe_log10: said.safe_log10,
        },
        needed: Odds {
            harm_log10: said.needed_harm_log10,
            safe_log10: said.needed_safe_log10,
        },
        noise: NoiseSaid {
            phi: said.noise.phi,
            sigma: said.noise.sigma,
            source: said.noise.source,
        },
        candidate: said.candidate,
        baseline: said.baseline,
        alone: said.alone.map(|alone| AloneSaid {
            candidate: alone.candidate,
            before: alone.before,
        }),
        excluded_times: said.excluded_times.filter(|_| verdict == Verdict::Inconclusive),
    }
}

/// What is pinned before the first step; of the rollout itself only its length, how many pods each arm has and whether the old
/// version ends before it does.
fn plan(rollout: &Rollout, asked: &Asked) -> Plan {
    let most = |arm: fn(&MetricStep) -> usize| {
        rollout
            .steps
            .iter()
            .flat_map(|step| &step.metrics)
            .map(arm)
            .max()
            .unwrap_or(0)
    };
    let (candidates, baselines) = (most(|metric| metric.candidate.len()), most(|metric| metric.baseline.len()));
    let pods = |most: usize| u32::try_from(most.max(1)).unwrap_or(u32::MAX);
    Plan {
        step: asked.step,
        steps: u32::try_from(rollout.steps.len()).unwrap_or(u32::MAX),
        compare: match asked.compare {
            Compare::Concurrent => Comparison::Concurrent,
            Compare::Auto if rollout.alone_from == 0 => Comparison::BeforeAfter,
            // Learning what a later part is compared with takes time that most rollouts need not spend.
            Compare::Auto if rollout.alone_from == rollout.steps.len() => Comparison::Concurrent,
            Compare::Auto => Comparison::Auto,
            Compare::BeforeAfter => Comparison::BeforeAfter,
        },
        candidate_pods: pods(candidates),
        baseline_pods: pods(baselines),
    }
}

fn why_blind(rollout: &Rollout, plan: &Plan, unusable: Option<String>) -> String {
    let events = |step: &Step, arm: fn(&MetricStep) -> &[PodIncrement]| step.metrics.iter().any(|metric| served(arm(metric)));
    let served_at_all = rollout.steps.iter().any(|step| events(step, |metric| &metric.candidate));
    let together = |step: &Step| events(step, |metric| &metric.candidate) && events(step, |metric| &metric.baseline);
    if !served_at_all {
        "the candidate has no events in any step".to_owned()
    } else if let Some(reason) = unusable {
        reason
    } else if plan.compare == Comparison::Concurrent && !rollout.steps.iter().any(together) {
        "in no step both arms have events".to_owned()
    } else {
        "no bucket bound can be compared in any step".to_owned()
    }
}

fn served(pods: &[PodIncrement]) -> bool {
    pods.iter().any(|pod| pod.increment.events() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Harmful, MetricKind, RatioMetric, Tolerate};

    fn asked(compare: Compare) -> Asked {
        let ratio = RatioMetric {
            bad: String::new(),
            total: String::new(),
            tolerate: Tolerate { times: 1.25, floor: 0.0 },
            harmful: Harmful { times: 2.0 },
            objective: None,
        };
        Asked {
            risk: Risk {
                false_revert: 0.01,
                missed_regression: 0.05,
            },
            at_least_bad: 5,
            ratio: Some(Metric {
                name: "errors".to_owned(),
                kind: MetricKind::Ratio(ratio),
                on_regression: OnRegression::Revert,
            }),
            histogram: None,
            step: Duration::from_secs(15),
            compare,
        }
    }

    #[test]
    fn what_is_compared_is_what_the_policy_wants() {
        let arm = |name: &str, bad: u64| format!(r#"{{"{name}":[{bad},200]}}"#);
        let beside = format!(r#"{{"candidate":{},"baseline":{}}}"#, arm("new", 1), arm("old", 1));
        let alone = format!(r#"{{"candidate":{}}}"#, arm("new", 80));
        let history = vec![arm("old", 1); 240].join(",");
        let steps = [vec![beside; 20], vec![alone; 20]].concat().join(",");
        let line = format!(r#"{{"id":"r","history":[{history}],"steps":[{steps}]}}"#);
        let judged = |compare| {
            let answer = answer(&line, &asked(compare)).expect("a line");
            let known = answer.known.expect("evidence");
            (answer.verdict, known.compare, known.alone.is_some())
        };
        assert_eq!(judged(Compare::Auto), (Verdict::Regression, Compared::Auto, true));
        assert_eq!(
            judged(Compare::BeforeAfter),
            (Verdict::Regression, Compared::BeforeAfter, false)
        );
        let (verdict, compared, alone) = judged(Compare::Concurrent);
        assert_ne!(verdict, Verdict::Regression, "what came alone is not used");
        assert_eq!((compared, alone), (Compared::Concurrent, false));
    }
}
