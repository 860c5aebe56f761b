//! Where a target stands now, as data: what `status` shows, live or as JSON.

use std::borrow::Borrow;

use serde::{Deserialize, Serialize};

use super::{
    Language, ProvenIn,
    marks::{MarkStatus, marks},
    proven_elsewhere,
    story::sentence,
    told::unmarked,
};
use crate::{
    decide::{Decision, Freeze},
    judge::Evidence,
    policy::{Mode, Policy, Target},
    record::{Activation, DataFault, Hold, KnownVersion, Phase, Record, RolloutKind, TargetHistory, Unready},
    words::{Moment, Outcome, RolloutId, Standing, TargetKey, Verdict, Version},
};

/// One target now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetStatus {
    /// Whose.
    pub target: TargetKey,
    /// Where it is in a cluster; none on a host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// How far lastgood may go: the more cautious of settings and policy.
    pub mode: Mode,
    /// Since when, by whom and why lastgood is switched off for it; none: it is not.
    pub off: Option<Freeze>,
    /// What serves; none while it is not known.
    pub runs: Option<Stands>,
    /// The other environments in which a version of the name of what serves is proven.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proven_in: Vec<ProvenIn>,
    /// What would be gone back to.
    pub last_good: Option<Stands>,
    /// Why lastgood could not act if it had to; empty: ready.
    pub ready: Vec<Unready>,
    /// The open rollout.
    pub rollout: Option<RolloutStatus>,
    /// The last closed one.
    pub last: Option<ClosedRollout>,
    /// A freeze in force.
    pub frozen: Option<Freeze>,
    /// What lastgood holds, or means to hold, part-way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
    /// The tags and links that follow the newest proof.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<MarkStatus>,
}

/// A version and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stands {
    /// Which.
    pub version: Version,
    /// Where it stands.
    pub standing: Standing,
    /// Since when; none where it is not known.
    pub since: Option<Moment>,
}

/// An open rollout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RolloutStatus {
    /// Its id.
    pub id: RolloutId,
    /// What kind of change it is.
    pub kind: RolloutKind,
    /// Its story so far, in English.
    pub sentence: String,
    /// What ran before.
    pub from: Option<Version>,
    /// The candidate.
    pub to: Version,
    /// What it is compared with.
    pub baseline: Option<Version>,
    /// Where it is in its life.
    pub phase: Phase,
    /// When it was seen.
    pub seen_at: Moment,
    /// When it began to serve.
    pub activation: Option<Activation>,
    /// The end of the watch.
    pub watch_until: Option<Moment>,
    /// When a healthy candidate is proven.
    pub prove_at: Option<Moment>,
    /// The verdict so far.
    pub verdict: Option<Verdict>,
    /// The evidence: live where there is some, else as stored.
    pub evidence: Option<Evidence>,
    /// Why the data are not fit to judge now.
    pub fault: Option<DataFault>,
    /// What followed from the verdict.
    pub decision: Option<Decision>,
    /// How the act ended so far.
    pub outcome: Option<Outcome>,
}

/// A closed rollout, in short.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClosedRollout {
    /// Its id.
    pub id: RolloutId,
    /// The candidate.
    pub to: Version,
    /// How it ended, in one English sentence.
    pub sentence: String,
    /// Its verdict.
    pub verdict: Option<Verdict>,
    /// Its outcome.
    pub outcome: Option<Outcome>,
    /// When it was closed.
    pub closed_at: Option<Moment>,
}

/// The status of one target. `live` and `fault` are newer than what is stored, where they are given; `mode` is the one in force.
#[must_use]
pub fn status(
    history: &TargetHistory,
    policy: &Policy,
    mode: Mode,
    live: Option<&Evidence>,
    fault: Option<&DataFault>,
    frozen: Option<&Freeze>,
    now: Moment,
) -> TargetStatus {
    TargetStatus {
        target: history.target.clone(),
        namespace: match &policy.target {
            Target::Kubernetes(target) => Some(target.namespace.clone()),
            Target::Host(_) => None,
        },
        mode,
        off: history.off.clone(),
        runs: runs(history),
        proven_in: Vec::new(),
        last_good: history.last_good(policy.revert.to).map(stands),
        ready: history.unready.clone(),
        rollout: history.open.as_ref().map(|record| open(record, live, fault, now)),
        last: history.closed.last().map(closed),
        frozen: frozen.cloned(),
        hold: history.hold.clone(),
        marks: marks(history),
    }
}

/// Adds to each status where else what serves is proven, by the histories of all targets.
pub fn show_proven_elsewhere<H: Borrow<TargetHistory>>(items: &mut [TargetStatus], histories: &[H]) {
    for item in items {
        if let Some(runs) = &item.runs {
            item.proven_in = proven_elsewhere(&item.target, &runs.version.name, histories);
        }
    }
}

fn stands(known: &KnownVersion) -> Stands {
    Stands {
        version: known.version.clone(),
        standing: known.standing,
        since: Some(known.since),
    }
}

fn runs(history: &TargetHistory) -> Option<Stands> {
    let version = history.serving()?;
    Some(history.known(version).map_or_else(
        || Stands {
            version: version.clone(),
            standing: Standing::Unproven,
            since: None,
        },
        stands,
    ))
}

fn open(record: &Record, live: Option<&Evidence>, fault: Option<&DataFault>, now: Moment) -> RolloutStatus {
    let began = record.activation.as_ref().map(|activation| activation.at);
    let judged = matches!(record.phase, Phase::Watching { .. });
    RolloutStatus {
        id: record.id,
        kind: record.kind,
        sentence: unmarked(&sentence(record, Language::En)),
        from: record.from.clone(),
        to: record.to.clone(),
        baseline: record.baseline.as_ref().map(|(version, _)| version.clone()),
        phase: record.phase.clone(),
        seen_at: record.seen_at,
        activation: record.activation.clone(),
        watch_until: match record.phase {
            Phase::Watching { until } => Some(until),
            _ => began.map(|began| began.plus(record.policy.watch.length)),
        },
        prove_at: began
            .map(|began| began.plus(record.policy.watch.prove_after))
            .filter(|at| judged && *at > now),
        verdict: live
            .filter(|_| judged)
            .and_then(|evidence| evidence.verdict)
            .or(record.verdict),
        evidence: live.filter(|_| judged).or(record.evidence.as_ref()).cloned(),
        fault: fault.or(record.fault.as_ref()).cloned(),
        decision: record.decision.clone(),
        outcome: record.outcome,
    }
}

fn closed(record: &Record) -> ClosedRollout {
    ClosedRollout {
        id: record.id,
        to: record.to.clone(),
        sentence: unmarked(&sentence(record, Language::En)),
        verdict: record.verdict,
        outcome: record.outcome,
        closed_at: record.closed_at,
    }
}
