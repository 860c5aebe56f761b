//! The record of one rollout: all that an explanation says, a year later too.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ArmPod, GoesOn, Hindered, Hold, ImageOnly, ReadyPods, StartupFailure};
use crate::{
    decide::{Brake, Decision},
    judge::{Evidence, PastPods, Plan},
    policy::Policy,
    words::{Actor, Env, Moment, Outcome, RolloutId, Service, Standing, Verdict, Version},
};

/// One rollout, open or closed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its id.
    pub id: RolloutId,
    /// The service.
    pub service: Service,
    /// The environment.
    pub env: Env,
    /// What kind of change it is.
    pub kind: RolloutKind,
    /// What ran before; none at first sight.
    pub from: Option<Version>,
    /// The candidate.
    pub to: Version,
    /// What the candidate is compared with: the last good version when the rollout opened, and its standing then.
    pub baseline: Option<(Version, Standing)>,
    /// Since when the baseline has had that standing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_since: Option<Moment>,
    /// When it was seen.
    pub seen_at: Moment,
    /// When the new process began to serve, and how that is known.
    pub activation: Option<Activation>,
    /// The policy it is pinned to.
    pub policy: Policy,
    /// Pinned when judging began.
    pub plan: Option<Plan>,
    /// What the judge learnt before it began: `judge::Calibration` as JSON, so that recomputing gives the same evidence.
    pub calibration: Option<serde_json::Value>,
    /// Where it is in its life.
    pub phase: Phase,
    /// The verdict, once there is one; `healthy` may still become `regression`.
    pub verdict: Option<Verdict>,
    /// When the verdict was reached.
    pub decided_at: Option<Moment>,
    /// The newest evidence of the watch that was stored; with a decision, that on which it rested.
    pub evidence: Option<Evidence>,
    /// Why the data were not fit to judge, if they were not.
    pub fault: Option<DataFault>,
    /// What followed from the verdict.
    pub decision: Option<Decision>,
    /// The intent to act, stored before the act.
    pub intent: Option<Intent>,
    /// Who said yes to what is proposed, where the controller was to find it: it has not acted on it yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed: Option<Actor>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// The detail of the outcome: the error, the command's output, the guard's finding.
    pub outcome_detail: Option<String>,
    /// What was seen after the act.
    pub verification: Option<Verification>,
    /// On Kubernetes the pods of both sides, while it is open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pods: Vec<ArmPod>,
    /// What remains of the old version's pods once they have ended, while it is open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub old_pods: Vec<PastPods>,
    /// On Kubernetes how many pods of the version that runs are ready, as it was seen last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<ReadyPods>,
    /// On Kubernetes why it was convicted before it served anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup: Option<StartupFailure>,
    /// On Kubernetes what keeps its pods from starting and is not held against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hindered: Option<Hindered>,
    /// On Kubernetes how its rolling update was held, if it was, or should have been.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// The queries that counted, in the policy's order, as a person can ask them again.
    pub queries: Vec<String>,
    /// What happened, oldest first.
    pub timeline: Vec<Entry>,
    /// When it was closed.
    pub closed_at: Option<Moment>,
}

/// What kind of change a rollout is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolloutKind {
    /// What ran when lastgood first saw the target: nothing to compare with, cannot be convicted.
    FirstSight,
    /// A version that was never seen before, or that was allowed again.
    Release,
    /// A known version came back, or a person ordered one back: watched, never judged as a release, never reverted.
    Return,
}

/// When the new process began to serve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Activation {
    /// When.
    pub at: Moment,
    /// How it is known: `unit`, `pod` (the first one was ready), `process_start_time`, `counter_reset`, `moved` (nothing was seen
    /// within 60 s, so the move itself counts), `allowed`, `stayed` (it served before it was judged), `rollback` (a person put it
    /// back), `deploy` (a person brought it where no controller ran).
    pub known_by: String,
    /// Whether counters began at zero then (a new process), or went on (a reload).
    pub fresh_counters: bool,
}

/// Where a rollout is in its life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    /// `current` moved; the new process has not begun yet.
    WaitingForActivation {
        /// When it moved.
        moved_at: Moment,
    },
    /// Being judged, until `until`.
    Watching {
        /// The end of the watch.
        until: Moment,
    },
    /// A person is asked.
    AwaitingApproval {
        /// Until when.
        until: Moment,
    },
    /// An intent is stored and has no outcome yet.
    Reverting,
    /// The last good version is back; being watched.
    Verifying {
        /// The end of the verification.
        until: Moment,
    },
    /// Over.
    Closed,
}

/// The intent to put a version back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Its rollout.
    pub rollout: RolloutId,
    /// The bad version that must still run.
    pub from: Version,
    /// The version to put back.
    pub to: Version,
    /// When it was stored.
    pub at: Moment,
    /// Who approved it, where a person was asked.
    pub approved_by: Option<Actor>,
    /// On Kubernetes the uid of the workload that was judged: another of its name is left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// The person's order that it follows; none: it follows from a verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordered: Option<Ordered>,
}

impl Intent {
    /// The only thing that goes back, where it is not the whole version.
    #[must_use]
    pub fn image_only(&self) -> Option<&ImageOnly> {
        self.ordered.as_ref()?.image.as_ref()
    }
}

/// A person's order to go back: never judged first, and asked of no guard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ordered {
    /// Who.
    pub by: Actor,
    /// Why; empty where they did not say.
    pub reason: String,
    /// On Kubernetes, where nothing is kept of the template of the version: only its image goes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageOnly>,
}

/// How an act ended, as the platform says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum ActResult {
    /// `current` was moved and the activation succeeded.
    Applied {
        /// When `current` was moved.
        moved_at: Moment,
        /// When the activation had succeeded.
        activated_at: Moment,
        /// Output of the activation command, or the unit's job result.
        detail: String,
    },
    /// Something else than the bad version was found; nothing was changed.
    Superseded {
        /// What runs.
        runs: Option<Version>,
    },
    /// The workload is gone, or was made again since; nothing was changed.
    Gone,
    /// Something on the workload keeps lastgood from writing to it; nothing was changed.
    Braked {
        /// What.
        by: Brake,
        /// What was found, with what to do next.
        found: String,
    },
    /// The version to go back to cannot be restored; nothing was changed.
    Refused {
        /// What was found.
        found: String,
    },
    /// `current` was not moved: no permission, full disk.
    NotMoved {
        /// The error, with what to do next.
        error: String,
    },
    /// `current` was moved, and the activation failed.
    NotActivated {
        /// When `current` was moved.
        moved_at: Moment,
        /// The error, with what to do next.
        error: String,
    },
}

/// What was seen after the act.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// Whether the unit, if there is one, is active.
    pub active: Option<bool>,
    /// The evidence of the version that was put back, against the same history.
    pub evidence: Option<Evidence>,
    /// When it was settled.
    pub at: Moment,
}

/// Why the data are not fit to judge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataFault {
    /// Since when.
    pub since: Moment,
    /// A short name, one of the gap reasons.
    pub reason: crate::words::GapReason,
    /// The sentence for people: what was found and where.
    pub because: String,
    /// The query that was empty or failed, where it is one.
    pub query: Option<String>,
}

/// Something that happened in a rollout's life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Moment,
    /// What.
    #[serde(flatten)]
    pub what: Happened,
}

/// What can happen: a closed list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "happened", rename_all = "snake_case")]
pub enum Happened {
    /// The rollout was seen.
    Seen,
    /// The new process began to serve.
    Activated,
    /// Judging began.
    Calibrated,
    /// A verdict was reached.
    Judged {
        /// Which.
        verdict: Verdict,
    },
    /// A decision was taken.
    Decided,
    /// A person answered a proposal.
    Approved {
        /// Who.
        by: Actor,
    },
    /// An intent was stored.
    Intended,
    /// The act ended.
    Acted {
        /// How.
        result: ActResult,
    },
    /// An intent without an outcome was found after a restart, and looked at.
    Looked {
        /// What was found.
        found: String,
    },
    /// The act was verified, or not.
    Settled {
        /// How.
        outcome: Outcome,
    },
    /// A standing changed.
    Stood {
        /// The version.
        version: Version,
        /// Its new standing.
        standing: Standing,
    },
    /// Data went missing or came back.
    Data {
        /// The fault; none: the data are whole again.
        fault: Option<DataFault>,
    },
    /// Something worth telling about the target.
    Remarked {
        /// What.
        remark: String,
    },
    /// The process restarted by itself.
    Restarted,
    /// Its rolling update is to be held; the intent was stored.
    Holds,
    /// It is held.
    Held {
        /// So many pods of the candidate at most.
        pods: u32,
        /// Of so many.
        of: u32,
        /// Until when at most.
        until: Moment,
    },
    /// It is not held.
    NotHeld {
        /// Why not.
        because: String,
    },
    /// It goes on.
    WentOn {
        /// Why.
        why: GoesOn,
    },
    /// It was closed.
    Closed,
}

impl Record {
    /// The person's order that this rollout follows, if it does.
    #[must_use]
    pub fn ordered(&self) -> Option<&Ordered> {
        self.intent.as_ref()?.ordered.as_ref()
    }

    /// How long after activation the verdict was reached.
    #[must_use]
    pub fn decided_after(&self) -> Option<Duration> {
        Some(self.decided_at?.since(self.activation.as_ref()?.at))
    }
}
