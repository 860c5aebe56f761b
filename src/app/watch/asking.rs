//! Asking in pieces, and naming what is wrong.

use std::time::Duration;

use futures::future::join_all;

use crate::{
    policy::{OnRegression, Policy},
    ports::{MetricFault, MetricSource},
    question::{Answer, Question, of_metric, readable},
    record::DataFault,
    words::{Gap, GapReason, Moment, Step},
};

/// Samples in one answer that stay well below 8 MiB of JSON, at some 30 bytes each.
const SAMPLES: usize = 200_000;
/// Points of the first piece, while it is not known how many samples a point has.
const FIRST: u32 = 60;
/// Points of the largest piece; Prometheus refuses more than 11,000.
const LARGEST: usize = 1000;

/// How many aligned times to ask for at once, where a time had at most `seen` samples so far.
pub(super) fn piece(seen: Option<usize>) -> u32 {
    seen.map_or(FIRST, |samples| {
        u32::try_from((SAMPLES / samples.max(1)).clamp(1, LARGEST)).unwrap_or(FIRST)
    })
}

/// All answers from `from` to `to`, both aligned and included, in pieces.
pub(super) async fn between(
    source: &dyn MetricSource,
    question: &Question,
    from: Moment,
    to: Moment,
    step: Duration,
) -> Result<Vec<Answer>, MetricFault> {
    let mut answers: Vec<Answer> = Vec::new();
    let mut seen = None;
    let mut next = from;
    while next <= to {
        let last = next.plus(step * (piece(seen) - 1)).min(to);
        let some = source.range(question, next, last, step).await?;
        seen = some.iter().map(Answer::size).max().max(seen);
        answers.extend(some);
        next = last.plus(step);
    }
    Ok(answers)
}

/// Asks the metrics one by one at `at`, to name the guilty one, and says what is wrong since `since`.
pub(super) async fn blame(
    source: &dyn MetricSource,
    policy: &Policy,
    fault: &MetricFault,
    at: Moment,
    since: Moment,
) -> DataFault {
    let questions: Vec<Question> = (0..policy.metrics.len()).map(|metric| of_metric(policy, metric)).collect();
    let asked = join_all(questions.iter().map(|question| source.instant(question, at))).await;
    let guilty: Vec<(usize, &MetricFault)> = asked
        .iter()
        .enumerate()
        .filter_map(|(metric, answer)| Some((metric, answer.as_ref().err()?)))
        .collect();
    // Where all fail, it is Prometheus and no metric.
    let named = guilty
        .first()
        .filter(|_| guilty.len() < questions.len() || questions.len() == 1);
    match named {
        Some((metric, fault)) => DataFault {
            since,
            reason: fault.reason,
            because: format!("metric `{}`: {}", policy.metrics[*metric].name, fault.because),
            query: Some(readable(policy, *metric).join(" or ")),
        },
        None => DataFault {
            since,
            reason: fault.reason,
            because: fault.because.clone(),
            query: None,
        },
    }
}

/// Whether a step's data were fit to judge.
pub(super) enum Trouble {
    /// Every metric that may revert was counted.
    None,
    /// Some were not, for a reason that passes by itself.
    Passing,
    /// Some were not, for this reason. `since` is the step's end.
    Unfit(DataFault),
}

/// Looks at the metrics that may revert; where none may, at all.
pub(super) fn trouble(policy: &Policy, question: &Question, step: &Step) -> Trouble {
    let may_revert = |on: OnRegression| on == OnRegression::Revert;
    let any_may = policy.metrics.iter().any(|metric| may_revert(metric.on_regression));
    let mut passing = false;
    for (index, (metric, counts)) in policy.metrics.iter().zip(&step.metrics).enumerate() {
        if !counts.candidate.is_empty() || (any_may && !may_revert(metric.on_regression)) {
            continue;
        }
        match counts.gaps.first() {
            Some(gap) if !passes(gap.reason) => {
                return Trouble::Unfit(DataFault {
                    since: step.at,
                    reason: gap.reason,
                    because: format!("metric `{}`: {}", metric.name, sentence(gap)),
                    query: Some(question.counted(index).to_owned()),
                });
            }
            _ => passing = true,
        }
    }
    if passing { Trouble::Passing } else { Trouble::None }
}

const fn passes(reason: GapReason) -> bool {
    matches!(reason, GapReason::NoPrevious | GapReason::Switch | GapReason::WarmUp)
}

fn sentence(gap: &Gap) -> String {
    let detail = &gap.detail;
    let of = gap.pod.as_ref().map(|pod| format!(" ({pod})")).unwrap_or_default();
    match gap.reason {
        GapReason::NoData => format!("its query is empty: {detail}; look whether it is scraped, and at its labels"),
        GapReason::Stale => format!("{detail}{of}; it is not scraped any more, or stands still"),
        GapReason::SeveralInstances if gap.pod.is_none() => {
            format!("several instances answer for one host: {detail}; pick one with `arms: {{by: time, instance: …}}`")
        }
        _ => format!("{detail}{of}"),
    }
}
