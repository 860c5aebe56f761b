//! What must be known before a rollout is judged: the step, and how the service did before.

use std::{collections::BTreeSet, time::Duration};

use super::asking::{between, blame};
use crate::{
    count::{Tally, scrape_interval},
    judge::{Background, Calibration, Comparison, MetricForecast, PastPods, Plan, Trials, calibrate, forecast, summarize},
    policy::{Arms, Compare, Policy, StepSetting},
    ports::{MetricFault, MetricSource},
    question::{Answer, Question, queries, question, spacing},
    record::{ArmPod, DataFault, Record, TargetHistory},
    words::{Arm, GapReason, Moment, Pod, Standing, Step, Version},
};

/// So far back the noise is learnt (statistics.md, section 8).
const RECENT: Duration = Duration::from_secs(24 * 3600);
/// So much of the last good version's own time is what the candidate is compared with.
const OWN: Duration = Duration::from_secs(3600);
/// So long the scrape interval is looked for.
const SPACING: Duration = Duration::from_secs(600);
/// The resolution at which it is.
const RESOLUTION: Duration = Duration::from_secs(1);

/// What is pinned when judging begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// The step, how many of them, and what the candidate is compared with.
    pub plan: Plan,
    /// What the judge has learnt.
    pub calibration: Calibration,
    /// What remains of the old version's pods once they have ended: how far each was from the others in their last hour.
    pub old_pods: Vec<PastPods>,
    /// The queries that count, as a person can ask them again.
    pub queries: Vec<String>,
}

/// Learns the scrape interval and what the service did before: the last 24 h of all versions that are not in doubt, and the last good
/// version's own last hour. Of each stretch the steps that touch its beginning or its end are left out.
///
/// # Errors
/// When Prometheus does not answer well, or has not scraped often enough yet to tell its interval. Worth another try later.
pub async fn prepare(
    source: &dyn MetricSource,
    policy: &Policy,
    history: &TargetHistory,
    record: &Record,
    now: Moment,
) -> Result<Prepared, DataFault> {
    let began = record.activation.as_ref().map_or(record.seen_at, |activation| activation.at);
    let stretches = Stretches { history, began };
    let own = record.baseline.as_ref().map(|(version, _)| stretches.own(version));
    let pods = record.ready.map_or(1, |pods| pods.wanted.max(1));
    let past = Past {
        recent: &stretches.recent(),
        own: own.as_deref(),
        pods: &history.past_pods,
        rollout: &record.pods,
    };
    let learnt = learn(source, policy, &past, Some(pods), now).await?;
    let (calibration, step) = (&learnt.calibration, learnt.plan.step);
    Ok(Prepared {
        old_pods: summarize(policy, calibration, step, &learnt.own_hour, Arm::Baseline),
        plan: learnt.plan,
        calibration: learnt.calibration,
        queries: queries(policy),
    })
}

/// What is forecast for a release of now.
#[derive(Debug, Clone, PartialEq)]
pub struct Foreseen {
    /// The step, how many of them, and what the candidate would be compared with.
    pub plan: Plan,
    /// One entry a metric, in the policy's order.
    pub metrics: Vec<MetricForecast>,
}

/// Forecasts what a release of now would meet: asks and learns as [`prepare`] does, as if what ran in the last 24 h were the last good
/// version. The simulation takes up to some seconds of one core.
///
/// # Errors
/// As [`prepare`].
pub async fn foresee(source: &dyn MetricSource, policy: &Policy, now: Moment, trials: &Trials) -> Result<Foreseen, DataFault> {
    let since = |span: Duration| [(now.minus(span), now)];
    let past = Past {
        recent: &since(RECENT),
        own: Some(&since(OWN)),
        pods: &[],
        rollout: &[],
    };
    let learnt = learn(source, policy, &past, None, now).await?;
    let metrics = forecast(policy, &learnt.plan, &learnt.calibration, &learnt.background(), trials);
    Ok(Foreseen {
        plan: learnt.plan,
        metrics,
    })
}

/// What a rollout is judged by, and what it was learnt from.
struct Learnt {
    plan: Plan,
    calibration: Calibration,
    recent: Vec<Step>,
    own_hour: Vec<Step>,
}

impl Learnt {
    fn background(&self) -> Background<'_> {
        Background {
            recent: &self.recent,
            own_hour: &self.own_hour,
            past_pods: &[],
        }
    }
}

/// What a rollout's judge may learn from.
struct Past<'a> {
    /// When versions served that are not in doubt.
    recent: &'a [Stretch],
    /// When the last good version served; none: nothing is compared with.
    own: Option<&'a [Stretch]>,
    /// What remains of the pods that have ended.
    pods: &'a [PastPods],
    /// The pods of the rollout that is prepared.
    rollout: &'a [ArmPod],
}

/// Learns the step, then from stretches of the past the noise and, where there is a baseline, what its own last hour was. Where nobody
/// says how many pods each version shall have, as many as serve now.
async fn learn(
    source: &dyn MetricSource,
    policy: &Policy,
    past: &Past<'_>,
    pods: Option<u32>,
    now: Moment,
) -> Result<Learnt, DataFault> {
    let step = match policy.watch.step {
        StepSetting::Every(step) => step,
        StepSetting::Auto => learn_step(source, policy, now).await?,
    };
    let asking = Asking {
        source,
        policy,
        question: question(policy),
        step,
        rollout: past.rollout,
    };
    let recent = asking.steps(past.recent, now).await?;
    let own_hour = asking.steps(past.own.unwrap_or_default(), now).await?;
    let pods = pods.unwrap_or_else(|| serving(&own_hour));
    let plan = Plan {
        step,
        steps: steps_in(policy.watch.length, step),
        compare: match (policy.compare, past.own) {
            (_, None) => Comparison::None,
            (Compare::Concurrent, Some(_)) => Comparison::Concurrent,
            (Compare::Auto, Some(_)) if matches!(policy.arms, Arms::Pod { .. }) => Comparison::Auto,
            (Compare::Auto | Compare::BeforeAfter, Some(_)) => Comparison::BeforeAfter,
        },
        candidate_pods: pods,
        baseline_pods: pods,
    };
    let background = Background {
        recent: &recent,
        own_hour: &own_hour,
        past_pods: past.pods,
    };
    Ok(Learnt {
        calibration: calibrate(policy, &plan, &background),
        plan,
        recent,
        own_hour,
    })
}

/// How many pods served in the newest step of these in which any did; at least 1.
fn serving(hour: &[Step]) -> u32 {
    let pods = |step: &Step| step.metrics.iter().map(|metric| metric.baseline.len()).max().unwrap_or(0);
    let newest = hour.iter().rev().map(pods).find(|pods| *pods > 0);
    newest.and_then(|pods| u32::try_from(pods).ok()).unwrap_or(1)
}

/// The scrape interval, from the spacing of scrapes in the last ten minutes.
async fn learn_step(source: &dyn MetricSource, policy: &Policy, now: Moment) -> Result<Duration, DataFault> {
    let question = spacing(policy);
    let answers = scrapes(source, &question, now).await;
    let answers = match answers {
        Ok(answers) => answers,
        Err(fault) => return Err(blame(source, policy, &fault, now, now).await),
    };
    scrape_interval(&question, &answers).ok_or_else(|| too_few(policy, &question, &answers, now))
}

/// When everything was scraped in the last ten minutes.
pub(super) async fn scrapes(source: &dyn MetricSource, question: &Question, now: Moment) -> Result<Vec<Answer>, MetricFault> {
    let to = now.aligned_down(RESOLUTION);
    between(source, question, to.minus(SPACING), to, RESOLUTION).await
}

/// Names the first metric that has no scrape at all, else says that there are too few.
fn too_few(policy: &Policy, spacing: &Question, answers: &[Answer], now: Moment) -> DataFault {
    let seen = |metric: usize| {
        let mut samples = answers.iter().flat_map(|answer| &answer.samples);
        samples.any(|sample| spacing.parts.get(sample.part).is_some_and(|part| part.metric == metric))
    };
    let whole = question(policy);
    match (0..policy.metrics.len()).find(|metric| !seen(*metric)) {
        Some(metric) => {
            let query = whole.counted(metric).to_owned();
            DataFault {
                since: now,
                reason: GapReason::NoData,
                because: format!(
                    "metric `{}`: its query is empty: {query}; look whether it is scraped, and at its labels",
                    policy.metrics[metric].name
                ),
                query: Some(query),
            }
        }
        None => DataFault {
            since: now,
            reason: GapReason::NoPrevious,
            because: "fewer than four scrapes so far: the scrape interval is not known yet; or set `watch.step`".to_owned(),
            query: None,
        },
    }
}

fn steps_in(length: Duration, step: Duration) -> u32 {
    let steps = length.as_millis().div_ceil(step.as_millis().max(1));
    u32::try_from(steps).unwrap_or(u32::MAX)
}

/// A time in which one version served.
type Stretch = (Moment, Moment);

/// Which version served when, before the rollout began.
struct Stretches<'a> {
    history: &'a TargetHistory,
    began: Moment,
}

impl Stretches<'_> {
    /// The last 24 h of all versions that are not in doubt, oldest first: what one that was never proven did is no usual noise.
    fn recent(&self) -> Vec<Stretch> {
        let horizon = self.began.minus(RECENT);
        let good = |version: &Version| {
            let known = self.history.known(version);
            known.is_some_and(|known| !matches!(known.standing, Standing::Quarantined | Standing::Unproven))
        };
        self.stretches(good)
            .map(|(from, until)| (from.max(horizon), until))
            .filter(|(from, until)| from < until)
            .collect()
    }

    /// The last hour in which `version` served, oldest first.
    fn own(&self, version: &Version) -> Vec<Stretch> {
        let mut left = OWN;
        let mut own = Vec::new();
        for (from, until) in self.stretches(|served| served == version).rev() {
            let from = from.max(until.minus(left));
            left = left.saturating_sub(until.since(from));
            own.push((from, until));
            if left.is_zero() {
                break;
            }
        }
        own.reverse();
        own
    }

    fn stretches(&self, wanted: impl Fn(&Version) -> bool) -> impl DoubleEndedIterator<Item = Stretch> {
        self.history
            .served
            .iter()
            .filter(move |served| wanted(&served.version))
            .map(|served| (served.from, served.until.unwrap_or(self.began).min(self.began)))
            .filter(|(from, until)| from < until)
    }
}

/// Everything that a question about the past needs.
struct Asking<'a> {
    source: &'a dyn MetricSource,
    policy: &'a Policy,
    question: Question,
    step: Duration,
    rollout: &'a [ArmPod],
}

impl Asking<'_> {
    async fn steps(&self, stretches: &[Stretch], now: Moment) -> Result<Vec<Step>, DataFault> {
        let mut steps = Vec::new();
        for (from, until) in stretches {
            // The first scrape may be older than the stretch, and the newest step may hold the next switch already: it is told later
            // than it happens.
            let first = from.plus(self.step * 2).aligned_down(self.step);
            let last = until.minus(self.step).aligned_down(self.step);
            let answers = between(self.source, &self.question, first, last, self.step).await;
            let answers = match answers {
                Ok(answers) => answers,
                Err(fault) => return Err(blame(self.source, self.policy, &fault, now, now).await),
            };
            let mut tally = Tally::baseline(self.policy, self.step, *from);
            let counted = answers.iter().filter_map(|answer| tally.take(&self.question, answer));
            steps.extend(counted.map(|step| without_candidates(step, self.rollout)));
        }
        Ok(steps)
    }
}

/// A pod of the candidate is scraped before the first of them serves: what it does then is no past of the old version.
fn without_candidates(mut step: Step, rollout: &[ArmPod]) -> Step {
    let made = rollout
        .iter()
        .filter(|known| known.arm == Arm::Candidate && known.created_at < step.at);
    let candidates: BTreeSet<&Pod> = made.map(|known| &known.pod).collect();
    for metric in &mut step.metrics {
        metric.baseline.retain(|counted| !candidates.contains(&counted.pod));
    }
    step
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{explain::specimen, record::Served};

    #[test]
    fn what_a_version_in_doubt_did_is_neither_baseline_nor_noise() {
        let served = |version, from, until| Served {
            version,
            from: specimen::at(from),
            until: Some(specimen::at(until)),
        };
        let mut history = specimen::history(None);
        history.served = vec![
            served(specimen::good(), -9_000, -3_600),
            served(specimen::bad(), -3_600, -1_800),
            served(specimen::good(), -1_800, 0),
        ];
        for standing in [Standing::Unproven, Standing::Quarantined] {
            for known in history.versions.iter_mut().filter(|known| known.version == specimen::bad()) {
                known.standing = standing;
            }
            let stretches = Stretches {
                history: &history,
                began: specimen::at(0),
            };
            let whole = [(-9_000, -3_600), (-1_800, 0)].map(|(from, until)| (specimen::at(from), specimen::at(until)));
            assert_eq!(stretches.recent(), whole);
            let hour = [(-5_400, -3_600), (-1_800, 0)].map(|(from, until)| (specimen::at(from), specimen::at(until)));
            assert_eq!(stretches.own(&specimen::good()), hour);
        }
    }
}
