//! What comes in and what goes out of the state machine.

use crate::{
    decide::Fleet,
    judge::{Evidence, PastPods, Plan},
    manifest::Manifest,
    policy::{HoldPolicy, MarkKind, Policy},
    record::{
        ActResult, Activation, DataFault, Deed, Hold, HoldResult, Intent, MarkResult, Observation, Ordered, TargetHistory,
        Unready,
    },
    words::{Actor, ChannelName, Env, Moment, RolloutId, Standing, Version},
};

/// What a step may look at beside the history.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The policy in force. A rollout that is open stays with the one it was pinned to, save that a more cautious mode acts at once.
    pub policy: &'a Policy,
    /// All services together.
    pub fleet: &'a Fleet,
    /// An id for a rollout that this step may open.
    pub fresh: RolloutId,
    /// Where the event comes from, for the audit: `controller on web-1`, `socket on web-1`.
    pub origin: &'a str,
}

/// What happened outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The platform looked.
    Observed(Observation),
    /// The new process began to serve, as Prometheus tells it.
    Activated {
        /// Which rollout.
        rollout: RolloutId,
        /// When and how known.
        activation: Activation,
    },
    /// The judge has learnt the noise and is ready.
    Calibrated {
        /// Which rollout.
        rollout: RolloutId,
        /// The pinned plan.
        plan: Plan,
        /// `judge::Calibration` as JSON.
        calibration: serde_json::Value,
        /// What remains of the old version's pods once they have ended.
        old_pods: Vec<PastPods>,
        /// The queries that will be asked.
        queries: Vec<String>,
    },
    /// A step was judged.
    Judged {
        /// Which rollout.
        rollout: RolloutId,
        /// In its watch or in its verification.
        stage: Stage,
        /// What it says.
        evidence: Evidence,
    },
    /// The data are not fit to judge, or are again (`None`).
    Data {
        /// Which rollout.
        rollout: RolloutId,
        /// Why not.
        fault: Option<DataFault>,
    },
    /// The act ended.
    Acted {
        /// Which rollout.
        rollout: RolloutId,
        /// How.
        result: ActResult,
    },
    /// An intent without outcome was looked at.
    Looked {
        /// Which rollout.
        rollout: RolloutId,
        /// What was found.
        look: Look,
    },
    /// An attempt to hold a rolling update, or to let it go on, ended.
    HoldTried {
        /// Which rollout's hold.
        rollout: RolloutId,
        /// How.
        result: HoldResult,
    },
    /// A person lets a held rolling update go on.
    GoOn {
        /// Who.
        by: Actor,
        /// Why; empty where they did not say.
        reason: String,
    },
    /// The policy of the target is gone: nothing is judged here any more, and nothing is held.
    Unguarded,
    /// A person approved a proposal.
    Approved {
        /// Which rollout.
        rollout: RolloutId,
        /// Who.
        by: Actor,
    },
    /// A person says yes where the controller will find it: nothing else is done here.
    Agreed {
        /// Which rollout.
        rollout: RolloutId,
        /// Who.
        by: Actor,
    },
    /// A person's word on a version.
    Person {
        /// Which version.
        version: Version,
        /// What they say.
        word: PersonWord,
        /// Who.
        by: Actor,
        /// Why.
        reason: String,
    },
    /// A person goes back to a version. Nothing happens where something else than `from` runs by now, or an act is under way.
    GoBack {
        /// What ran when they said so.
        from: Version,
        /// What they go back to; it may be one that was never seen to run.
        to: Version,
        /// Who and why.
        ordered: Ordered,
    },
    /// A person wants all forgotten that is known of the target. Nothing happens while a rollout is open or something is held.
    Forget {
        /// Who.
        by: Actor,
        /// Why; empty where they did not say.
        reason: String,
    },
    /// A release was recorded, by CI or by the file in its directory.
    Recorded {
        /// What was built.
        manifest: Box<Manifest>,
        /// Who says so.
        by: Actor,
    },
    /// The candidate is not proven in the environment that the policy demands.
    Skipped {
        /// Which rollout.
        rollout: RolloutId,
        /// That environment.
        env: Env,
        /// Where the version stands there; none: it never ran there.
        standing: Option<Standing>,
    },
    /// A person switched lastgood off, or on again, for this target.
    Off {
        /// Off, or on again.
        off: bool,
        /// Who.
        by: Actor,
        /// Why.
        reason: String,
    },
    /// The policy in force was read.
    PolicyIs {
        /// What it says.
        policy: Box<Policy>,
        /// Whose file it is.
        by: Actor,
        /// Which file.
        file: String,
        /// The namespace in which the controller keeps its state, where that is a cluster's.
        home: Option<String>,
    },
    /// It was tried to move a mark.
    Marked {
        /// Which.
        kind: MarkKind,
        /// The version that it was to be put at.
        to: Version,
        /// What came of it.
        result: MarkResult,
    },
    /// Something that is only noted: it was refused before it came to anything, or done elsewhere.
    Noted(Deed),
    /// Whether lastgood could act if it had to.
    Readiness(Vec<Unready>),
    /// A channel confirmed an alert.
    Delivered {
        /// The alert's id.
        alert: String,
        /// Which channel.
        channel: ChannelName,
    },
    /// A channel did not take an alert.
    NotDelivered {
        /// The alert's id.
        alert: String,
        /// Which channel.
        channel: ChannelName,
        /// What it met.
        error: String,
        /// Whether another attempt may help.
        retry: bool,
    },
    /// Time passed.
    Tick,
}

/// A person's word on a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonWord {
    /// It is good.
    Prove,
    /// It is bad.
    Quarantine,
    /// It may be shipped, and judged, again.
    Allow,
}

/// Which watch a judgment belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The candidate's watch.
    Watch,
    /// The verification of what was put back.
    Verification,
}

/// What a look at an intent without outcome found.
#[derive(Debug, Clone, PartialEq)]
pub enum Look {
    /// The bad version still runs and nothing was begun.
    NotBegun,
    /// `current` points to the version to put back; whether its process runs is not certain.
    Moved {
        /// When it was moved.
        moved_at: Moment,
    },
    /// Moved and active since.
    Done {
        /// When it was moved.
        moved_at: Moment,
        /// Since when it is active.
        activated_at: Moment,
    },
    /// The workload is gone, or was made again since.
    Gone,
    /// Something else runs.
    Other {
        /// What.
        runs: Option<Version>,
    },
}

/// What shall be done outside, after the history that names it was stored.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Put the version of the intent back.
    Revert(Intent),
    /// `current` is moved already: activate only.
    Activate(Intent),
    /// Look what became of the intent; answer with [`Event::Looked`].
    Look(Intent),
    /// Hold the rolling update at this share, unless it is held so; answer with [`Event::HoldTried`].
    Hold(Hold, HoldPolicy),
    /// Let the rolling update go on, unless it does; answer with [`Event::HoldTried`].
    LetGo(Hold),
}

/// A step of the state machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// The history afterwards; equal to the one before where nothing durable happened.
    pub history: TargetHistory,
    /// What shall be done once it is stored, in order.
    pub effects: Vec<Effect>,
}
