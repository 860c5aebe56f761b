//! What a guard shows of itself: enough for `status`, kept in a channel that anyone may look at.

use std::sync::Arc;

use super::Guard;
use crate::{
    decide::Freeze,
    judge::Evidence,
    policy::{Mode, Policy},
    record::{DataFault, Phase, TargetHistory},
    web::TargetFigures,
};

/// What a guard shows of itself: enough for `status`.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The stored history.
    pub history: Arc<TargetHistory>,
    /// The policy in force.
    pub policy: Arc<Policy>,
    /// The more cautious of the settings' mode and the policy's.
    pub mode: Mode,
    /// The newest evidence of the open rollout.
    pub evidence: Option<Evidence>,
    /// Why the data are unfit to judge now.
    pub fault: Option<DataFault>,
    /// The freeze in force over all services.
    pub frozen: Option<Freeze>,
}

impl Guard {
    pub(super) async fn publish(&mut self) {
        let judged = self
            .history
            .open
            .as_ref()
            .is_some_and(|open| matches!(open.phase, Phase::Watching { .. } | Phase::Verifying { .. }));
        if !judged {
            self.evidence = None;
            self.fault = None;
        }
        let fleet = self.outside.fleet.lock().await;
        let (mode, frozen) = (fleet.mode(), fleet.frozen().cloned());
        drop(fleet);
        self.outside.figures.target(
            &self.history.target,
            TargetFigures {
                ready: self.history.unready.is_empty() && self.store_down.is_none(),
                open: self.history.open.is_some(),
                blind: self.fault.is_some(),
                outbox: self.history.outbox.len(),
                held_until: self.history.hold.as_ref().map(|hold| hold.until),
            },
        );
        self.snapshots.send_replace(Snapshot {
            history: self.shown(),
            policy: self.policy.clone(),
            mode: self.policy.mode.min(mode),
            evidence: self.evidence.clone(),
            fault: self.fault.clone(),
            frozen,
        });
    }

    /// The history; where the store refuses, with that among the reasons why this target is not ready: it cannot be stored there.
    fn shown(&self) -> Arc<TargetHistory> {
        let Some(down) = &self.store_down else {
            return self.history.clone();
        };
        let mut shown = TargetHistory::clone(&self.history);
        shown.unready.push(down.clone());
        Arc::new(shown)
    }
}
