//! What a guard makes of the judging's reports.

use super::{Guard, GuardError};
use crate::{
    app::{
        judging::{Report, Taken},
        watch::Progress,
    },
    engine::{Event, Stage},
    record::DataFault,
    words::{RolloutId, Verdict},
};

impl Guard {
    pub(super) async fn report(&mut self, report: Report) -> Result<(), GuardError> {
        match self.judging.take(report, self.outside.clock.now()) {
            Some(Taken::Prepared(key, Ok(prepared))) => {
                let calibration = serde_json::to_value(&prepared.calibration).unwrap_or_default();
                let (plan, old_pods, queries) = (prepared.plan, prepared.old_pods, prepared.queries);
                self.see(None);
                self.feed(Event::Data {
                    rollout: key.rollout,
                    fault: None,
                })
                .await?;
                self.feed(Event::Calibrated {
                    rollout: key.rollout,
                    plan,
                    calibration,
                    old_pods,
                    queries,
                })
                .await?;
            }
            Some(Taken::Prepared(key, Err(fault))) => {
                self.see(Some(fault.clone()));
                self.feed(Event::Data {
                    rollout: key.rollout,
                    fault: Some(fault),
                })
                .await?;
            }
            Some(Taken::Advanced(key, progress)) => {
                for one in progress {
                    self.progress(key.rollout, key.stage, one).await?;
                }
            }
            None => {}
        }
        self.publish().await;
        Ok(())
    }

    pub(super) async fn progress(&mut self, rollout: RolloutId, stage: Stage, progress: Progress) -> Result<(), GuardError> {
        match progress {
            Progress::Judged(evidence) => {
                self.outside.figures.step_judged();
                self.evidence = Some(evidence.clone());
                if evidence.verdict == Some(Verdict::Regression) {
                    // A newer rollout by a person wins: look once more before anything is decided.
                    self.look().await?;
                }
                let judged = Event::Judged {
                    rollout,
                    stage,
                    evidence,
                };
                self.feed(judged).await?;
            }
            Progress::Data(fault) => {
                self.see(fault.clone());
                self.feed(Event::Data { rollout, fault }).await?;
            }
        }
        Ok(())
    }

    pub(super) fn see(&mut self, fault: Option<DataFault>) {
        if let (Some(fault), None) = (&fault, &self.fault) {
            self.outside.figures.data_fault(fault.reason.as_str());
            tracing::warn!(target_key = %self.history.target, because = %fault.because, "the data are not fit to judge");
        }
        self.fault = fault;
    }
}
