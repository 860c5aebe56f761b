//! Glimpses: between two steps, what came in by then may convict already. One waits for the end of a step only because it is then that every
//! pod was scraped once.
//!
//! A glimpse never acquits, is never counted, and is asked for only where Prometheus is asked little: the step that it lies in is judged
//! whole, from the same state, as if there had been none. Up to a glimpse the evidence is the same mixture of likelihoods, of fewer counts
//! (statistics.md, section 3), so to look there too breaks nothing of what is promised.

use std::time::Duration;

use super::Watch;
use crate::{
    engine::Stage,
    judge::{Comparison, Evidence, Plan},
    policy::{MetricKind, Policy},
    ports::MetricSource,
    question::Answer,
    words::{Moment, Verdict},
};

/// Looks in a step, that at its end included.
const A_STEP: u32 = 5;
/// No closer together than this: a scrape takes its time too.
const CLOSEST: Duration = Duration::from_secs(1);

/// How far glimpses lie apart; none where nothing can be convicted by one. A value is no count: half a step would weigh as much as a whole one.
pub(super) fn spacing(policy: &Policy, plan: &Plan, stage: Stage) -> Option<Duration> {
    let counts = |kind: &MetricKind| !matches!(kind, MetricKind::Value(_));
    let spacing = plan.step / A_STEP;
    let may = stage == Stage::Watch
        && plan.compare != Comparison::None
        && spacing >= CLOSEST
        && policy.metrics.iter().all(|metric| counts(&metric.kind));
    may.then_some(spacing)
}

impl Watch {
    /// The next time between two steps to look at; none: the next step comes first.
    pub(super) fn next_glimpse(&self) -> Option<Moment> {
        let spacing = self.glimpses?;
        let next = self
            .glimpsed
            .max(self.cursor)
            .max(self.begins)
            .aligned_down(spacing)
            .plus(spacing);
        (next < self.cursor.plus(self.step)).then_some(next)
    }

    /// The evidence of a glimpse that is due at `now` and convicts.
    pub(super) async fn glimpse(&mut self, source: &dyn MetricSource, now: Moment) -> Option<Evidence> {
        let spacing = self.glimpses?;
        let due = now.minus(self.settle()).min(self.ends).aligned_down(spacing);
        if self.next_glimpse().is_none_or(|next| next > due) || due >= self.cursor.plus(self.step) {
            return None;
        }
        self.glimpsed = due;
        if !source.spare() || self.evidence().verdict == Some(Verdict::Regression) {
            return None;
        }
        // Whatever is wrong with the answer is met again by the step, and told then.
        let answer = source.instant(&self.question, due).await.ok()?;
        self.look(&answer)
    }

    /// The evidence by `answer`, where it convicts. Where that waits only for the old version to be counted again, the rest of the step is
    /// judged apart from then on: it holds what shows whether the old version shares it.
    pub(super) fn look(&mut self, answer: &Answer) -> Option<Evidence> {
        let (tally, judge) = self
            .waiting
            .as_ref()
            .map_or((&self.tally, &self.judge), |(tally, judge)| (tally, judge));
        let (rest, step) = tally.so_far(&self.question, answer);
        let mut judge = judge.clone();
        judge.step(&step?);
        let evidence = Some(judge.evidence()).filter(|evidence| evidence.verdict == Some(Verdict::Regression));
        if self.waiting.is_none() && judge.is_waiting_for_the_baseline() {
            self.waiting = Some((rest, judge));
        }
        evidence
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        sync::atomic::{AtomicU32, Ordering},
    };

    use futures::{FutureExt as _, future::BoxFuture};

    use super::*;
    use crate::{
        app::watch::{Progress, prepare},
        explain::specimen::{self, at},
        policy::{Arms, StepSetting},
        ports::MetricFault,
        question::{PartKind, Question, Sample, fixture},
        record::{Activation, ArmPod, Record, RolloutKind, Served},
        words::{Arm, Pod, Standing},
    };

    const STEP: Duration = Duration::from_secs(15);
    /// Since when the old version serves.
    const ORIGIN: i64 = -7_200;

    /// Pods that answer 20 requests a second each. The new version serves from `at(0)` on.
    struct Service {
        pods: Vec<Scraped>,
        spare: bool,
        asked: AtomicU32,
    }

    /// A pod that is scraped so many seconds after each step's end.
    struct Scraped {
        pod: &'static str,
        after: u64,
        /// When it began to serve, and its share of errors from when on; before that one in 200 fails.
        lives: Vec<(i64, f64, i64)>,
    }

    impl Scraped {
        /// `[bad, total]` at the newest scrape before `time`, the moment of it, and when the process began that was scraped.
        fn scraped(&self, time: Moment) -> Option<([f64; 2], Moment, Moment)> {
            let after = Duration::from_secs(self.after);
            let scraped = time.minus(after).aligned_down(STEP).plus(after);
            let life = self.lives.iter().rfind(|(began, ..)| scraped >= at(*began));
            life.map(|(began, errors, from)| {
                let seconds = |from: i64, until: Moment| (until.seconds() - at(from).seconds()).round().max(0.0);
                let bad = 20.0 * (seconds(*began, scraped.min(at(*from))) * 0.005 + seconds(*from, scraped) * errors);
                ([bad.floor(), 20.0 * seconds(*began, scraped)], scraped, at(*began))
            })
        }
    }

    impl Service {
        /// One host, on which the new version has so many errors.
        fn new(errors: f64, spare: bool) -> Self {
            let lives = vec![(ORIGIN, 0.005, ORIGIN), (0, errors, 0)];
            let host = Scraped {
                pod: "job/a:1",
                after: 4,
                lives,
            };
            Self::of(vec![host], spare)
        }

        const fn of(pods: Vec<Scraped>, spare: bool) -> Self {
            let asked = AtomicU32::new(0);
            Self { pods, spare, asked }
        }

        fn answer(&self, question: &Question, time: Moment) -> Answer {
            let samples = self.pods.iter().flat_map(|pod| Self::samples(pod, question, time));
            Answer {
                at: time,
                samples: samples.collect(),
            }
        }

        fn samples(pod: &Scraped, question: &Question, time: Moment) -> Vec<Sample> {
            let Some(([bad, requests], scraped, began)) = pod.scraped(time) else {
                return Vec::new();
            };
            let value = |kind| match kind {
                PartKind::Bad => Some(bad),
                PartKind::Total => Some(requests),
                PartKind::Stamp => Some(scraped.seconds()),
                PartKind::ProcessStart => Some(began.seconds()),
                PartKind::ScrapeDuration => Some(0.1),
                PartKind::SeriesOfTotal | PartKind::SeriesOfBad => Some(1.0),
                _ => None,
            };
            let sample = |(part, value)| Sample {
                part,
                pod: Pod(pod.pod.into()),
                labels: BTreeMap::new(),
                value,
                native: None,
            };
            let parts = question.parts.iter().enumerate();
            let values = parts.filter_map(|(number, part)| Some((number, value(part.kind)?)));
            values.map(sample).collect()
        }
    }

    impl MetricSource for Service {
        fn instant<'a>(&'a self, question: &'a Question, at: Moment) -> BoxFuture<'a, Result<Answer, MetricFault>> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            async move { Ok(self.answer(question, at)) }.boxed()
        }

        fn range<'a>(
            &'a self,
            question: &'a Question,
            from: Moment,
            to: Moment,
            step: Duration,
        ) -> BoxFuture<'a, Result<Vec<Answer>, MetricFault>> {
            let times = std::iter::successors(Some(from), move |time| Some(time.plus(step)));
            let answers = times.take_while(|time| *time <= to).map(|time| self.answer(question, time));
            let answers = answers.collect();
            async move { Ok(answers) }.boxed()
        }

        fn spare(&self) -> bool {
            self.spare
        }
    }

    /// The rollout to the new version, with what was learnt of the old one.
    async fn rolled_out(service: &Service, arms: Arms, pods: Vec<ArmPod>) -> Record {
        let mut record = specimen::watching();
        record.policy = fixture::policy(vec![fixture::ratio()]);
        record.policy.watch.step = StepSetting::Every(STEP);
        (record.policy.arms, record.pods) = (arms, pods);
        record.kind = RolloutKind::Release;
        record.baseline = Some((specimen::good(), Standing::Proven));
        record.activation = Some(Activation {
            at: at(0),
            known_by: "unit".to_owned(),
            fresh_counters: true,
        });
        let mut history = specimen::history(None);
        history.served = vec![Served {
            version: specimen::good(),
            from: at(ORIGIN),
            until: Some(at(0)),
        }];
        let prepared = prepare(service, &record.policy, &history, &record, at(1))
            .await
            .expect("prepared");
        record.plan = Some(prepared.plan);
        record.calibration = Some(serde_json::to_value(prepared.calibration).expect("JSON"));
        record
    }

    /// The evidence of each time that is told, live until `end`.
    async fn live(service: &Service, record: &Record, end: Moment) -> (Watch, Vec<Evidence>) {
        let mut watch = Watch::resume(record, Stage::Watch).expect("a watch");
        let mut told = Vec::new();
        while watch.next_at() <= end {
            let now = watch.next_at().max(at(1));
            told.extend(
                watch
                    .advance(service, now)
                    .await
                    .into_iter()
                    .filter_map(|progress| match progress {
                        Progress::Judged(evidence) => Some(evidence),
                        Progress::Data(_) => None,
                    }),
            );
        }
        (watch, told)
    }

    #[tokio::test]
    async fn what_comes_in_between_two_steps_convicts_at_once_where_prometheus_has_time() {
        for (spare, convicted_at) in [(true, at(6)), (false, at(15))] {
            let service = Service::new(0.3, spare);
            let record = rolled_out(&service, Arms::Time { instance: None }, Vec::new()).await;
            let (_, told) = live(&service, &record, at(20)).await;
            let convicted = told.iter().find(|evidence| evidence.verdict == Some(Verdict::Regression));
            let convicted = convicted.expect("30 % of errors are many");
            assert_eq!((convicted.at, convicted.metrics[0].candidate), (convicted_at, [24.0, 80.0]));
        }
    }

    /// A new pod beside old ones, scraped so many seconds after each step's end. From six seconds before its first scrape on nearly all
    /// requests to the new one fail, or to all of them.
    async fn beside(new: u64, old: &[u64], all: bool) -> Vec<Evidence> {
        const OLD: [&str; 2] = ["shop/old-1", "shop/old-2"];
        let from = -6 + i64::try_from(new).expect("seconds");
        let scraped = |pod, after, began, fails: bool| Scraped {
            pod,
            after,
            lives: vec![(began, if fails { 0.97 } else { 0.005 }, from)],
        };
        let old = OLD.into_iter().zip(old).map(|(pod, after)| scraped(pod, *after, ORIGIN, all));
        let service = Service::of([scraped("shop/new", new, 0, true)].into_iter().chain(old).collect(), true);
        let known = service.pods.iter().map(|scraped| ArmPod {
            pod: Pod(scraped.pod.into()),
            uid: scraped.pod.to_owned(),
            arm: if scraped.pod == "shop/new" {
                Arm::Candidate
            } else {
                Arm::Baseline
            },
            created_at: at(scraped.lives[0].0),
            ready_at: Some(at(scraped.lives[0].0)),
            gone_at: None,
        });
        let arms = Arms::Pod {
            pod_label: "pod".to_owned(),
            namespace_label: "namespace".to_owned(),
        };
        let record = rolled_out(&service, arms, known.collect()).await;
        live(&service, &record, at(120)).await.1
    }

    #[tokio::test]
    async fn a_glimpse_that_stands_out_waits_until_the_old_version_was_scraped_again() {
        let convicted = |told: Vec<Evidence>| {
            let mut told = told.into_iter();
            told.find(|evidence| evidence.verdict == Some(Verdict::Regression))
        };
        let stories: [(u64, &[u64], Moment); 2] = [(7, &[4, 10], at(12)), (10, &[4, 7], at(21))];
        for (new, old, known_at) in stories {
            let alone = convicted(beside(new, old, false).await).expect("a regression");
            assert_eq!(alone.at, known_at, "scraped {new} and {old:?} s after a step's end");
            assert_eq!(convicted(beside(new, old, true).await), None, "all, {new} and {old:?}");
        }
    }

    #[tokio::test]
    async fn a_glimpse_leaves_nothing_behind() {
        let service = Service::new(0.012, true);
        let record = rolled_out(&service, Arms::Time { instance: None }, Vec::new()).await;
        let (glimpsed, told) = live(&service, &record, at(151)).await;
        let asked = service.asked.load(Ordering::Relaxed);
        assert_eq!(asked, 51, "at the beginning, and five times in each of ten steps");
        assert_eq!(told.len(), 10, "of which the steps alone are told: {told:?}");
        let mut at_once = Watch::resume(&record, Stage::Watch).expect("a watch");
        let judged = at_once.advance(&service, at(151)).await;
        assert_eq!(judged.len(), 10);
        assert_eq!(glimpsed.evidence(), at_once.evidence(), "to the last bit");
    }

    #[test]
    fn there_are_none_where_they_could_convict_nobody_or_would_count_twice() {
        let policy = fixture::policy(vec![fixture::ratio()]);
        let plan = |step, compare| Plan {
            step: Duration::from_secs(step),
            steps: 100,
            compare,
            candidate_pods: 1,
            baseline_pods: 1,
        };
        let beside = plan(15, Comparison::Concurrent);
        assert_eq!(spacing(&policy, &beside, Stage::Watch), Some(Duration::from_secs(3)));
        assert_eq!(spacing(&policy, &beside, Stage::Verification), None);
        assert_eq!(spacing(&policy, &plan(15, Comparison::None), Stage::Watch), None);
        assert_eq!(spacing(&policy, &plan(4, Comparison::Concurrent), Stage::Watch), None);
        let memory = fixture::policy(vec![fixture::ratio(), specimen::policies::memory()]);
        assert_eq!(spacing(&memory, &beside, Stage::Watch), None);
    }
}
