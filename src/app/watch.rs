//! From a question to evidence: the one code path for live steps, for catching up after a restart, and for replay.
//!
//! Evidence is a function of Prometheus's history: the same answers, asked one by one or as a range, give the same evidence.

mod arms;
mod asking;
mod glimpse;
mod lately;
mod look;
mod prepare;

use std::{collections::VecDeque, time::Duration};

pub use lately::lately;
pub use look::{Sampled, SampledMetric, SampledPod, data_flows, find_activation, sample_once};
pub use prepare::{Foreseen, Prepared, foresee, prepare};

use asking::{Pieces, Trouble, blame, trouble};

use crate::{
    count::{Switch, Tally, slowest_scrape},
    engine::Stage,
    judge::{Calibration, Evidence, Judge},
    policy::{Activate, ActivateBy, Arms, Policy, Target},
    ports::{MetricFault, MetricSource},
    question::{Answer, Question, question},
    record::{ActResult, ArmPod, DataFault, Happened, Phase, Record},
    words::Moment,
};

/// A scrape is stamped at its start and stored at its end; so much later than that it can surely be asked for.
const SETTLE: Duration = Duration::from_millis(500);
/// So many answers are remembered for how slow scrapes are.
const REMEMBERED: usize = 20;
/// Before the switch so much is asked too: what the counters were, and how often they are scraped.
const LEAD: Duration = Duration::from_secs(300);
/// So many steps in a row without fit data are told of; one is not.
const UNFIT: u32 = 2;
/// Prometheus is asked again this much later, at the most and at the least, after it did not answer well.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));

/// What became of an attempt to go on.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// A step was judged.
    Judged(Evidence),
    /// The data are not fit to judge, or are again.
    Data(Option<DataFault>),
}

/// Why a rollout cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// It is not yet known what is needed.
    #[error("the rollout has no {0} yet; it cannot be watched")]
    Missing(&'static str),
    /// What was stored cannot be read.
    #[error("the stored calibration cannot be read: {0}; it was written by another version of lastgood")]
    Calibration(#[from] serde_json::Error),
}

/// One rollout's counts and judge, as far as Prometheus has answered.
#[derive(Debug)]
pub struct Watch {
    policy: Policy,
    question: Question,
    step: Duration,
    begins: Moment,
    ends: Moment,
    lag: Duration,
    tally: Tally,
    /// On Kubernetes the pods of both sides, as far as they are known.
    pods: Vec<ArmPod>,
    stage: Stage,
    judge: Judge,
    /// The newest aligned time that was answered well. It passes none that was not.
    cursor: Moment,
    /// The newest time between two steps that was looked at.
    glimpsed: Moment,
    /// How far such times lie apart; none: there are none.
    glimpses: Option<Duration>,
    /// What counts and judges the rest of the step that is under way, where its beginning convicts unless the old version shares it.
    waiting: Option<(Tally, Judge)>,
    /// How long the slowest scrape of each of the newest answers took.
    recent: VecDeque<Duration>,
    pieces: Pieces,
    retry_at: Option<Moment>,
    unfit: Option<(Moment, u32)>,
    told: Option<DataFault>,
}

impl Watch {
    /// Begins, or begins again, where the record says; nothing is asked yet. What was judged before is judged again, to the same evidence:
    /// by the policy that the record is pinned to, whatever the file says by now (failures.md, C13).
    ///
    /// # Errors
    /// When the record lacks its plan, its calibration or the moment at which its version began to serve.
    pub fn resume(record: &Record, stage: Stage) -> Result<Self, ResumeError> {
        let policy = &record.policy;
        let plan = record.plan.as_ref().ok_or(ResumeError::Missing("plan"))?;
        let calibration = record.calibration.clone().ok_or(ResumeError::Missing("calibration"))?;
        let calibration: Calibration = serde_json::from_value(calibration)?;
        let (switch, length) = match stage {
            Stage::Watch => (activated(record)?, policy.watch.length),
            Stage::Verification => (reverted(record)?, policy.revert.verify_for),
        };
        let lead = LEAD.max(plan.step * 8);
        let arms = arms::of(record, stage);
        let begins = match stage {
            Stage::Watch => arms::begins(&arms, switch.from),
            // Pods that were never replaced have served all along: what they did before the act is not what came of it.
            Stage::Verification => switch.from,
        };
        let tally = match &policy.arms {
            Arms::Time { .. } => Tally::candidate(policy, plan.step, switch),
            Arms::Pod { .. } => Tally::pods(policy, plan.step, begins, arms),
        };
        Ok(Self {
            question: question(policy),
            step: plan.step,
            begins,
            ends: switch.until.plus(length),
            lag: Duration::ZERO,
            tally,
            pods: record.pods.clone(),
            stage,
            judge: Judge::new(policy, plan, &calibration),
            cursor: begins.minus(lead).aligned_down(plan.step),
            glimpsed: begins,
            glimpses: glimpse::spacing(policy, plan, stage),
            waiting: None,
            recent: VecDeque::with_capacity(REMEMBERED),
            pieces: Pieces::new(),
            retry_at: None,
            unfit: None,
            told: None,
            policy: policy.clone(),
        })
    }

    /// With samples that may take so long to arrive (settings: `prometheus.lag`).
    #[must_use]
    pub const fn lagging(mut self, lag: Duration) -> Self {
        self.lag = lag;
        self
    }

    /// Takes over what the record knows by now: the pods of both sides, and until when the watch goes on.
    pub fn know(&mut self, record: &Record) {
        if !matches!(self.policy.arms, Arms::Pod { .. }) {
            return;
        }
        if let (Stage::Watch, Phase::Watching { until }) | (Stage::Verification, Phase::Verifying { until }) =
            (self.stage, &record.phase)
        {
            self.ends = *until;
        }
        // Asked for at every turn of the guard, and seldom anything new.
        if record.pods != self.pods {
            self.tally.know(arms::of(record, self.stage));
            self.pods.clone_from(&record.pods);
        }
    }

    /// When the next step is worth asking for. After the last one of the watch: never.
    #[must_use]
    pub fn next_at(&self) -> Moment {
        let next = self.cursor.plus(self.step);
        if next > self.ends {
            return Moment::from_millis(i64::MAX);
        }
        let next = self.next_glimpse().unwrap_or(next);
        let settled = next.plus(self.settle());
        self.retry_at.map_or(settled, |retry| settled.max(retry))
    }

    /// What is known after the newest step.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        self.judge.evidence()
    }

    /// Asks for whatever is due at `now`: the next step alone, or everything that was missed, by range. A time that is not answered well is
    /// asked for again the next time.
    pub async fn advance(&mut self, source: &dyn MetricSource, now: Moment) -> Vec<Progress> {
        let mut progress = Vec::new();
        self.retry_at = None;
        while let Some(answers) = self.ask(source, now).await {
            match answers {
                Ok(answers) => answers.iter().for_each(|answer| self.take(answer, &mut progress)),
                Err(fault) => {
                    self.retry_at = Some(now.plus(self.step.clamp(RETRY.0, RETRY.1)));
                    let at = self.cursor.plus(self.step);
                    let since = self.told.as_ref().map_or(at, |told| told.since);
                    let fault = blame(source, &self.policy, &fault, at, since).await;
                    self.tell(Some(fault), &mut progress);
                    return progress;
                }
            }
        }
        progress.extend(self.glimpse(source, now).await.map(Progress::Judged));
        progress
    }

    /// The answers to what is due, in one query; none if nothing is.
    async fn ask(&mut self, source: &dyn MetricSource, now: Moment) -> Option<Result<Vec<Answer>, MetricFault>> {
        let due = now.minus(self.settle()).min(self.ends).aligned_down(self.step);
        let next = self.cursor.plus(self.step);
        if next > due {
            return None;
        }
        let last = next.plus(self.step * (self.pieces.points() - 1)).min(due);
        let answered = if next == last {
            let answer = source.instant(&self.question, next).await;
            answer.map(|answer| vec![answer])
        } else {
            source.range(&self.question, next, last, self.step).await
        };
        self.pieces.learn(&answered);
        Some(answered)
    }

    fn take(&mut self, answer: &Answer, progress: &mut Vec<Progress>) {
        self.cursor = answer.at;
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(slowest_scrape(&self.question, answer));
        let rest = if self.waiting.is_some() { self.look(answer) } else { None };
        self.waiting = None;
        let Some(step) = self.tally.take(&self.question, answer) else {
            return;
        };
        if self.tally.baseline_gone(answer.at) {
            self.judge.baseline_gone();
        }
        self.judge.step(&step);
        progress.push(Progress::Judged(self.judge.evidence()));
        progress.extend(rest.map(Progress::Judged));
        match trouble(&self.policy, &self.question, &step) {
            Trouble::None => {
                self.unfit = None;
                self.tell(None, progress);
            }
            Trouble::Passing => {}
            Trouble::Unfit(mut fault) => {
                let (since, steps) = self.unfit.map_or((step.at, 1), |(since, steps)| (since, steps + 1));
                self.unfit = Some((since, steps));
                if steps >= UNFIT {
                    fault.since = since;
                    self.tell(Some(fault), progress);
                }
            }
        }
    }

    /// Tells of a fault once, and of its end.
    fn tell(&mut self, fault: Option<DataFault>, progress: &mut Vec<Progress>) {
        let same = match (&self.told, &fault) {
            (None, None) => true,
            // How old a sample is changes with every step, and is no news.
            (Some(told), Some(fault)) => told.reason == fault.reason && told.query == fault.query,
            _ => false,
        };
        if !same {
            self.told.clone_from(&fault);
            progress.push(Progress::Data(fault));
        }
    }

    fn settle(&self) -> Duration {
        let slowest = self.recent.iter().max().copied();
        // Nothing is known yet: no scrape may take longer than the interval, nor, by default, than ten seconds.
        slowest.unwrap_or(self.step.min(Duration::from_secs(10))) + SETTLE + self.lag
    }

    /// The moment at which the version that is watched began to serve.
    #[must_use]
    pub const fn begins(&self) -> Moment {
        self.begins
    }
}

/// The switch to the candidate.
fn activated(record: &Record) -> Result<Switch, ResumeError> {
    let activation = record.activation.as_ref().ok_or(ResumeError::Missing("activation"))?;
    Ok(Switch {
        from: activation.at,
        until: activation.at,
        fresh: activation.fresh_counters,
    })
}

/// The switch back to the version that was put back.
fn reverted(record: &Record) -> Result<Switch, ResumeError> {
    let applied = record.timeline.iter().rev().find_map(|entry| match &entry.what {
        Happened::Acted {
            result: ActResult::Applied {
                moved_at, activated_at, ..
            },
        } => Some((*moved_at, *activated_at)),
        _ => None,
    });
    // An act whose end was only looked at after a crash has no times of its own.
    let looked = || match (&record.intent, &record.phase) {
        (Some(intent), Phase::Verifying { until }) => Some((intent.at, until.minus(record.policy.revert.verify_for))),
        _ => None,
    };
    let (from, until) = applied.or_else(looked).ok_or(ResumeError::Missing("revert"))?;
    let reloads = match &record.policy.target {
        Target::Host(host) => matches!(
            host.activate,
            Activate::Unit {
                by: ActivateBy::Reload,
                ..
            }
        ),
        Target::Kubernetes(_) => false,
    };
    Ok(Switch {
        from,
        until: until.max(from),
        fresh: !reloads,
    })
}
