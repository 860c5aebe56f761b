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
const LARGEST: u32 = 1000;
/// Pieces of so few points are not asked for in smaller ones at once: then Prometheus is away, or as good as away.
const SMALL: u32 = 8;

/// How many aligned times are asked for at once: few where each has many samples, and fewer than Prometheus failed to answer. What it sums
/// over (failures.md, P17: fifty thousand series) does not show in an answer's size, but in how long it takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pieces {
    most: u32,
    /// It grows no further.
    largest: u32,
    /// The most samples of one time so far.
    samples: usize,
}

impl Pieces {
    pub const fn new() -> Self {
        Self {
            most: FIRST,
            largest: LARGEST,
            samples: 1,
        }
    }

    /// Points of the next piece, one at least.
    pub fn points(&self) -> u32 {
        let roomy = u32::try_from(SAMPLES / self.samples).unwrap_or(LARGEST);
        self.most.min(roomy).max(1)
    }

    /// Takes note of what came of the piece.
    pub fn learn(&mut self, answered: &Result<Vec<Answer>, MetricFault>) {
        match answered {
            Ok(answers) => {
                self.samples = answers.iter().map(Answer::size).fold(self.samples, usize::max);
                self.most = (self.most * 4).min(self.largest);
            }
            Err(_) => self.most = (self.points() / 2).max(1),
        }
    }
}

/// All answers from `from` to `to`, both aligned and included, in pieces; a piece that fails is asked for in smaller ones.
pub(super) async fn between(
    source: &dyn MetricSource,
    question: &Question,
    from: Moment,
    to: Moment,
    step: Duration,
) -> Result<Vec<Answer>, MetricFault> {
    let mut answers: Vec<Answer> = Vec::new();
    let mut pieces = Pieces::new();
    let mut next = from;
    while next <= to {
        let points = pieces.points();
        let last = next.plus(step * (points - 1)).min(to);
        let answered = source.range(question, next, last, step).await;
        pieces.learn(&answered);
        match answered {
            Ok(some) => {
                answers.extend(some);
                next = last.plus(step);
            }
            Err(fault) if points <= SMALL => return Err(fault),
            // Of one history what is too much once is too much again.
            Err(_) => pieces.largest = pieces.most,
        }
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::{FutureExt as _, future::BoxFuture};

    use super::*;
    use crate::question::{fixture, question};

    const STEP: Duration = Duration::from_secs(5);

    /// A Prometheus that answers so many times at once and no more in its deadline, and how many it was asked for.
    struct Tired(u32, Mutex<Vec<u32>>);

    impl MetricSource for Tired {
        fn instant<'a>(&'a self, _: &'a Question, at: Moment) -> BoxFuture<'a, Result<Answer, MetricFault>> {
            let samples = Vec::new();
            async move { Ok(Answer { at, samples }) }.boxed()
        }

        fn range<'a>(
            &'a self,
            _: &'a Question,
            from: Moment,
            to: Moment,
            step: Duration,
        ) -> BoxFuture<'a, Result<Vec<Answer>, MetricFault>> {
            async move {
                let points = u32::try_from(to.since(from).as_millis() / step.as_millis()).expect("few") + 1;
                self.1.lock().expect("whole").push(points);
                if points > self.0 {
                    return Err(MetricFault {
                        reason: GapReason::QueryFailed,
                        because: "it did not answer in time".to_owned(),
                    });
                }
                let times = (0..points).map(|point| from.plus(step * point));
                Ok(times.map(|at| Answer { at, samples: Vec::new() }).collect())
            }
            .boxed()
        }
    }

    async fn asked(at_once: u32) -> (Result<usize, String>, Vec<u32>) {
        let source = Tired(at_once, Mutex::default());
        let question = question(&fixture::policy(vec![fixture::ratio()]));
        let from = Moment::from_millis(0);
        let answered = between(&source, &question, from, from.plus(STEP * 719), STEP).await;
        if let Ok(answers) = &answered {
            let times: Vec<Moment> = answers.iter().map(|answer| answer.at).collect();
            assert!(times.windows(2).all(|pair| pair[1] == pair[0].plus(STEP)), "{times:?}");
        }
        let asked = source.1.into_inner().expect("whole");
        (answered.map(|answers| answers.len()).map_err(|fault| fault.because), asked)
    }

    #[tokio::test]
    async fn p17_what_is_too_much_for_prometheus_is_asked_for_in_smaller_pieces() {
        assert_eq!(asked(1000).await, (Ok(720), vec![60, 240, 420]));
        let (answered, pieces) = asked(25).await;
        assert_eq!(answered, Ok(720));
        assert_eq!(pieces, [vec![60, 30], vec![15; 48]].concat());
    }

    #[tokio::test]
    async fn p13_a_prometheus_that_is_away_is_asked_four_times_and_no_more() {
        assert_eq!(
            asked(0).await,
            (Err("it did not answer in time".to_owned()), vec![60, 30, 15, 7])
        );
    }
}
