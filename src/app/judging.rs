//! Which watch runs, and what it is doing: learning, waiting for the next step, asking. One at a time for a target.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;

use super::watch::{self, Prepared, Progress, Watch};
use crate::{
    engine::Stage,
    ports::{Clock, MetricSource},
    record::{DataFault, Phase, Record, TargetHistory},
    words::{Moment, RolloutId},
};

/// How long to wait before learning is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// What a watch belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// The rollout.
    pub rollout: RolloutId,
    /// Its watch or its verification.
    pub stage: Stage,
}

/// What came of asking.
pub enum Report {
    /// The noise was learnt, or could not be.
    Prepared(Key, Box<Result<Prepared, DataFault>>),
    /// Steps were judged; the watch is handed back.
    Advanced(Key, Box<Watch>, Vec<Progress>),
}

enum State {
    Idle { not_before: Moment },
    Asking,
    Waiting(Box<Watch>),
}

/// The judging of one target.
pub struct Judging {
    key: Option<Key>,
    state: State,
    task: Option<tokio::task::AbortHandle>,
    /// The task has ended and its report was not there yet: it may have come since the last report was taken.
    silent: bool,
    source: Arc<dyn MetricSource>,
    lag: Duration,
    clock: Arc<dyn Clock>,
    reports: mpsc::Sender<Report>,
}

impl Judging {
    /// Nothing is judged yet. Samples are stored up to `lag` after they were scraped.
    pub fn new(source: Arc<dyn MetricSource>, lag: Duration, clock: Arc<dyn Clock>, reports: mpsc::Sender<Report>) -> Self {
        let state = State::Idle {
            not_before: Moment::from_millis(0),
        };
        Self {
            key: None,
            state,
            task: None,
            silent: false,
            source,
            lag,
            clock,
            reports,
        }
    }

    /// Which watch the history wants to run.
    fn wanted(history: &TargetHistory) -> Option<(Key, &Record)> {
        let open = history.open.as_ref()?;
        let stage = match open.phase {
            Phase::Watching { .. } => Stage::Watch,
            Phase::Verifying { .. } if open.plan.is_some() => Stage::Verification,
            _ => return None,
        };
        Some((Key { rollout: open.id, stage }, open))
    }

    /// Whether Prometheus is being asked now; ends at the latest with the deadline of the query.
    pub fn asks(&self) -> bool {
        matches!(self.state, State::Asking) && self.task.as_ref().is_some_and(|task| !task.is_finished())
    }

    /// Starts whatever is due. A watch that is no longer wanted ends at once. Call it when no report waits to be taken.
    ///
    /// # Errors
    /// The sentence why a watch cannot be taken up again; it is tried again later.
    pub fn turn(&mut self, history: &TargetHistory, now: Moment) -> Result<(), String> {
        let wanted = Self::wanted(history);
        let key = wanted.map(|(key, _)| key);
        if key != self.key {
            self.stop();
            self.key = key;
        }
        let Some((key, record)) = wanted else { return Ok(()) };
        if let State::Waiting(watch) = &mut self.state {
            watch.know(record);
        }
        match &self.state {
            State::Asking if !self.task.as_ref().is_some_and(tokio::task::AbortHandle::is_finished) => Ok(()),
            State::Asking if !self.silent => {
                self.silent = true;
                Ok(())
            }
            State::Asking => {
                self.state = State::Idle {
                    not_before: now.plus(RETRY),
                };
                Err("judging ended without a report: an internal error; it is taken up again".to_owned())
            }
            State::Idle { not_before } if now < *not_before && *not_before <= now.plus(RETRY) => Ok(()),
            State::Idle { .. } if record.plan.is_none() => {
                self.prepare(key, history.clone(), record.clone());
                Ok(())
            }
            State::Idle { .. } => match Watch::resume(record, key.stage) {
                Ok(watch) => {
                    self.state = State::Waiting(Box::new(watch.lagging(self.lag)));
                    Ok(())
                }
                Err(error) => {
                    self.state = State::Idle {
                        not_before: now.plus(RETRY),
                    };
                    Err(error.to_string())
                }
            },
            State::Waiting(watch) if watch.next_at() > now => Ok(()),
            State::Waiting(_) => {
                self.advance(key);
                Ok(())
            }
        }
    }

    /// Takes a report over; none: it is of a watch that is no longer wanted.
    pub fn take(&mut self, report: Report, now: Moment) -> Option<Taken> {
        match report {
            Report::Prepared(key, prepared) if self.key == Some(key) => {
                self.state = State::Idle {
                    not_before: if prepared.is_ok() { now } else { now.plus(RETRY) },
                };
                Some(Taken::Prepared(key, *prepared))
            }
            Report::Advanced(key, watch, progress) if self.key == Some(key) => {
                self.state = State::Waiting(watch);
                Some(Taken::Advanced(key, progress))
            }
            _ => None,
        }
    }

    fn prepare(&mut self, key: Key, history: TargetHistory, record: Record) {
        let (source, clock, reports) = (self.source.clone(), self.clock.clone(), self.reports.clone());
        self.state = State::Asking;
        self.silent = false;
        self.task = Some(
            tokio::spawn(async move {
                let prepared = watch::prepare(&*source, &record.policy, &history, &record, clock.now()).await;
                let _ = reports.send(Report::Prepared(key, Box::new(prepared))).await;
            })
            .abort_handle(),
        );
    }

    fn advance(&mut self, key: Key) {
        let State::Waiting(mut watch) = std::mem::replace(&mut self.state, State::Asking) else {
            return;
        };
        self.silent = false;
        let (source, clock, reports) = (self.source.clone(), self.clock.clone(), self.reports.clone());
        self.task = Some(
            tokio::spawn(async move {
                let progress = watch.advance(&*source, clock.now()).await;
                let _ = reports.send(Report::Advanced(key, watch, progress)).await;
            })
            .abort_handle(),
        );
    }

    fn stop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
        self.state = State::Idle {
            not_before: Moment::from_millis(0),
        };
    }
}

/// A report that was taken over.
pub enum Taken {
    /// The noise was learnt, or could not be.
    Prepared(Key, Result<Prepared, DataFault>),
    /// Steps were judged.
    Advanced(Key, Vec<Progress>),
}

impl Drop for Judging {
    fn drop(&mut self) {
        self.stop();
    }
}
