//! How a version did lately, for a person who is about to leave it or go back to it. Nothing is judged by it.

use std::time::Duration;

use super::{arms, asking::between};
use crate::{
    count::Tally,
    explain::{Lately, LatelyOf, Passage},
    policy::{MetricKind, Policy, StepSetting},
    ports::{MetricFault, MetricSource},
    question::question,
    words::{Increment, MetricStep, Moment, Native},
};

/// So much of the end of its time is asked for.
const WINDOW: Duration = Duration::from_secs(600);
/// The step where the policy leaves it to be learnt: learning would take longer than a person waits.
const STEP: Duration = Duration::from_secs(15);

/// What `version` did in the last ten minutes in which it served, before `now`, its first ones included; empty where it was never seen to
/// serve. Of pods that serve beside others those of this version alone are counted.
///
/// # Errors
/// When Prometheus does not answer well.
pub async fn lately(
    source: &dyn MetricSource,
    policy: &Policy,
    version: &Passage,
    now: Moment,
) -> Result<Vec<Lately>, MetricFault> {
    let Some(from) = version.from else {
        return Ok(Vec::new());
    };
    let step = match policy.watch.step {
        StepSetting::Every(step) => step,
        StepSetting::Auto => STEP,
    };
    let until = version.until.unwrap_or(now).aligned_down(step);
    let from = from.max(until.minus(WINDOW));
    let question = question(policy);
    let first = from.aligned_down(step).min(until.minus(step));
    let answers = between(source, &question, first, until, step).await?;
    let side = match version.pods.as_slice() {
        [] => Tally::baseline(policy, step, from),
        own => Tally::pods(policy, step, from, arms::alone(own)),
    };
    let mut tally = side.from_its_first_request();
    let steps: Vec<_> = answers.iter().filter_map(|answer| tally.take(&question, answer)).collect();
    let of = |index: usize, kind: &MetricKind| {
        let steps = steps.iter().filter_map(|step| step.metrics.get(index));
        summed(kind, steps)
    };
    let metrics = policy.metrics.iter().enumerate();
    Ok(metrics
        .map(|(index, metric)| Lately {
            metric: metric.name.clone(),
            of: of(index, &metric.kind),
        })
        .collect())
}

/// All increments of one metric together.
fn summed<'a>(kind: &MetricKind, steps: impl Iterator<Item = &'a MetricStep>) -> LatelyOf {
    let (mut bad, mut total, mut value) = (0_u64, 0_u64, None);
    let mut classic: Vec<(f64, u64)> = Vec::new();
    let mut native = Native::empty();
    for step in steps {
        for pod in step.baseline.iter().chain(&step.candidate) {
            match &pod.increment {
                Increment::Ratio { bad: more, total: all } => (bad, total) = (bad + more, total + all),
                Increment::Buckets(counts) => add(&mut classic, &step.bounds, counts),
                Increment::Native(counts) => native = native.with(counts),
                Increment::Value { value: newest } => value = Some(*newest),
            }
        }
    }
    match kind {
        MetricKind::Ratio(_) => LatelyOf::Ratio { bad, total },
        MetricKind::Value(_) => LatelyOf::Value { value },
        MetricKind::Histogram(_) if native.total() > 0 => LatelyOf::Latency {
            events: native.total(),
            half: native_quantile(&native, 0.5),
            most: native_quantile(&native, 0.99),
        },
        MetricKind::Histogram(_) => LatelyOf::Latency {
            events: classic.last().map_or(0, |(_, count)| *count),
            half: quantile(&classic, 0.5),
            most: quantile(&classic, 0.99),
        },
    }
}

/// Adds cumulative counts at bounds; where the bounds change, what was counted by the others is left out.
fn add(sum: &mut Vec<(f64, u64)>, bounds: &[f64], counts: &[u64]) {
    let same = sum.len() == bounds.len()
        && sum
            .iter()
            .zip(bounds)
            .all(|((bound, _), other)| bound.total_cmp(other).is_eq());
    if same {
        sum.iter_mut().zip(counts).for_each(|((_, sum), count)| *sum += count);
    } else {
        *sum = bounds.iter().copied().zip(counts.iter().copied()).collect();
    }
}

/// The lowest bound at or below which at least this share of all events lies; none where that is the infinite one, or without events.
fn quantile(cumulative: &[(f64, u64)], share: f64) -> Option<f64> {
    let total = cumulative.last().map(|(_, count)| *count).filter(|total| *total > 0)?;
    let wanted = share * total as f64;
    let found = cumulative.iter().find(|(_, count)| *count as f64 >= wanted)?;
    Some(found.0).filter(|bound| bound.is_finite())
}

fn native_quantile(native: &Native, share: f64) -> Option<f64> {
    let mut below = native.low;
    let mut cumulative = vec![(native.low_until, below)];
    for (index, count) in &native.buckets {
        below += count;
        cumulative.push((Native::bound(native.schema, *index), below));
    }
    quantile(&cumulative, share)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use futures::{FutureExt as _, future::BoxFuture};

    use super::*;
    use crate::{
        explain::{Stands, specimen},
        policy::Arms,
        question::{Answer, PartKind, Question, Sample, fixture},
        record::ArmPod,
        words::{Arm, Pod, Standing},
    };

    /// Pods that answer so many requests a second, so many of a hundred badly, scraped two seconds before they are asked.
    struct Steady(&'static [(&'static str, f64, f64)]);

    /// A service of one: ten a second, one of a hundred badly.
    const ALONE: Steady = Steady(&[("job/a:1", 10.0, 1.0)]);

    impl MetricSource for Steady {
        fn instant<'a>(&'a self, question: &'a Question, at: Moment) -> BoxFuture<'a, Result<Answer, MetricFault>> {
            let parts = question.parts.iter().map(|part| part.kind).enumerate();
            let all = parts.flat_map(|part| self.0.iter().map(move |pod| (part, pod)));
            let samples = all.filter_map(|((part, kind), (pod, rate, share))| {
                let requests = (at.seconds() - 1_764_000_000.0).round() * rate;
                let value = match kind {
                    PartKind::Bad => (requests * share / 100.0).floor(),
                    PartKind::Total => requests,
                    PartKind::Stamp => at.seconds() - 2.0,
                    PartKind::SeriesOfTotal | PartKind::SeriesOfBad => 1.0,
                    _ => return None,
                };
                Some(Sample {
                    part,
                    pod: Pod((*pod).into()),
                    labels: BTreeMap::new(),
                    value,
                    native: None,
                })
            });
            let samples = samples.collect();
            async move { Ok(Answer { at, samples }) }.boxed()
        }
        fn range<'a>(
            &'a self,
            question: &'a Question,
            from: Moment,
            to: Moment,
            step: Duration,
        ) -> BoxFuture<'a, Result<Vec<Answer>, MetricFault>> {
            async move {
                let mut answers = Vec::new();
                let mut at = from;
                while at <= to {
                    answers.push(self.instant(question, at).await?);
                    at = at.plus(step);
                }
                Ok(answers)
            }
            .boxed()
        }
    }

    #[tokio::test]
    async fn of_each_version_the_end_of_its_own_time_is_counted() {
        let policy = fixture::policy(vec![fixture::ratio()]);
        let at = |seconds: i64| Moment::from_millis((1_764_000_000 + seconds) * 1000);
        let passage = |from, until| Passage {
            stands: Stands {
                version: specimen::good(),
                standing: Standing::Proven,
                since: None,
            },
            from,
            until,
            last_ran: None,
            pods: Vec::new(),
        };
        let of = async |from, until| {
            lately(&ALONE, &policy, &passage(from, until), at(7_205))
                .await
                .expect("answered")
        };
        let counted = |bad, total| {
            vec![Lately {
                metric: "errors".to_owned(),
                of: LatelyOf::Ratio { bad, total },
            }]
        };
        // Ten minutes, in steps that lie wholly in them.
        assert_eq!(of(Some(at(0)), None).await, counted(60, 6_000));
        assert_eq!(of(Some(at(0)), Some(at(3_600))).await, counted(60, 6_000));
        assert_eq!(
            of(Some(at(7_170)), None).await,
            counted(3, 300),
            "it serves for half a minute"
        );
        assert_eq!(of(Some(at(7_203)), None).await, counted(0, 0), "too short for a step");
        assert_eq!(of(None, None).await, []);
    }

    #[tokio::test]
    async fn of_a_version_that_serves_beside_another_its_own_pods_alone_are_counted() {
        let mut policy = fixture::policy(vec![fixture::ratio()]);
        policy.arms = Arms::Pod {
            pod_label: "pod".to_owned(),
            namespace_label: "namespace".to_owned(),
        };
        let at = |seconds: i64| Moment::from_millis((1_764_000_000 + seconds) * 1000);
        let own = ArmPod {
            pod: Pod("shop/new".into()),
            uid: "1".to_owned(),
            arm: Arm::Candidate,
            created_at: at(3_590),
            ready_at: Some(at(3_600)),
            gone_at: None,
        };
        let passage = Passage {
            stands: Stands {
                version: specimen::bad(),
                standing: Standing::Unproven,
                since: None,
            },
            from: Some(at(3_600)),
            until: None,
            last_ran: None,
            pods: vec![own],
        };
        let both = Steady(&[("shop/old", 1_000.0, 0.0), ("shop/new", 20.0, 50.0)]);
        let found = lately(&both, &policy, &passage, at(7_205)).await.expect("answered");
        let counted = LatelyOf::Ratio {
            bad: 6_000,
            total: 12_000,
        };
        assert_eq!(found[0].of, counted);
    }

    #[test]
    fn a_quantile_is_the_lowest_bound_that_holds_its_share() {
        let seen = [(0.1, 50), (0.5, 98), (1.0, 99), (f64::INFINITY, 100)];
        assert_eq!(quantile(&seen, 0.5), Some(0.1));
        assert_eq!(quantile(&seen, 0.99), Some(1.0));
        assert_eq!(quantile(&seen, 0.999), None, "nobody knows how slow the slowest were");
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn counts_at_other_bounds_are_not_mixed() {
        let mut sum = vec![(0.1, 5), (f64::INFINITY, 6)];
        add(&mut sum, &[0.1, f64::INFINITY], &[1, 1]);
        assert_eq!(sum, [(0.1, 6), (f64::INFINITY, 7)]);
        add(&mut sum, &[0.2, f64::INFINITY], &[3, 4]);
        assert_eq!(sum, [(0.2, 3), (f64::INFINITY, 4)]);
    }
}
