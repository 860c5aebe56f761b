//! Opening a rollout: at first sight, for a release, for a return.

use super::{draft::Draft, waiting};
use crate::{
    record::{Activation, AlertKind, Happened, Observation, Phase, ProofBasis, Record, RolloutKind},
    words::{Env, Moment, Outcome, RolloutId, Standing, Version},
};

/// What runs when the target is first seen: assumed, watched without a baseline from now on.
pub(super) fn first_sight(draft: &mut Draft<'_>, version: &Version, observation: &Observation) {
    draft.learn(version, Standing::Assumed);
    let started = observation.process.as_ref().and_then(|process| process.started_at);
    let from = started.or(observation.moved_at).unwrap_or(draft.now).min(draft.now);
    draft.serves(version, from);
    let mut record = blank(draft, RolloutKind::FirstSight, None, version);
    // It serves for longer already; the soak begins when somebody looks.
    let activation = Activation {
        at: draft.now,
        known_by: "first_sight".to_owned(),
        fresh_counters: false,
    };
    waiting::begin(draft, &mut record, activation);
    draft.history.open = Some(record);
}

/// A version that is new, or allowed again, came: compared with the last good one, never with one in doubt.
pub(super) fn release(draft: &mut Draft<'_>, from: Option<Version>, to: &Version, moved_at: Moment) {
    draft.learn(to, Standing::Unproven);
    if draft.allowed_again(to) {
        draft.stand(None, to, Standing::Unproven, ProofBasis::None);
    }
    let mut record = blank(draft, RolloutKind::Release, from, to);
    record.phase = Phase::WaitingForActivation { moved_at };
    draft.history.open = Some(record);
}

/// A version that runs already is to be judged from now on; `known_by` says why.
pub(super) fn release_in_place(draft: &mut Draft<'_>, to: &Version, known_by: &str) {
    draft.stand(None, to, Standing::Unproven, ProofBasis::None);
    let mut record = blank(draft, RolloutKind::Release, None, to);
    let activation = Activation {
        at: draft.now,
        known_by: known_by.to_owned(),
        fresh_counters: false,
    };
    waiting::begin(draft, &mut record, activation);
    draft.history.open = Some(record);
}

/// A known version came back: watched, never judged as a release; a quarantined one is announced, not fought over.
pub(super) fn comeback(draft: &mut Draft<'_>, from: Option<Version>, to: &Version, moved_at: Moment) {
    let mut record = blank(draft, RolloutKind::Return, from, to);
    record.phase = Phase::WaitingForActivation { moved_at };
    if draft.standing(to) == Some(Standing::Quarantined) {
        record.outcome = Some(Outcome::Contested);
        draft.tell_contested(&record);
    }
    draft.history.open = Some(record);
}

/// The candidate is not proven where the policy demands it: told once, and judged as any other.
pub(super) fn skipped(draft: &mut Draft<'_>, rollout: RolloutId, env: &Env, standing: Option<Standing>) {
    draft.with_open(rollout, |draft, record| {
        let env = env.clone();
        draft.tell(record, AlertKind::Skipped { env, standing });
    });
}

pub(super) fn blank(draft: &mut Draft<'_>, kind: RolloutKind, from: Option<Version>, to: &Version) -> Record {
    let policy = draft.context.policy;
    let baseline = match kind {
        RolloutKind::FirstSight => None,
        RolloutKind::Release | RolloutKind::Return => {
            draft.history.last_good(policy.revert.to).filter(|known| known.version != *to)
        }
    };
    let mut record = Record {
        id: draft.context.fresh,
        service: draft.history.target.service.clone(),
        env: draft.history.target.env.clone(),
        kind,
        from,
        to: to.clone(),
        baseline: baseline.map(|known| (known.version.clone(), known.standing)),
        baseline_since: baseline.map(|known| known.since),
        seen_at: draft.now,
        activation: None,
        policy: policy.clone(),
        plan: None,
        calibration: None,
        phase: Phase::WaitingForActivation { moved_at: draft.now },
        verdict: None,
        decided_at: None,
        evidence: None,
        fault: None,
        decision: None,
        intent: None,
        agreed: None,
        outcome: None,
        outcome_detail: None,
        verification: None,
        pods: Vec::new(),
        old_pods: Vec::new(),
        ready: None,
        startup: None,
        hindered: None,
        hold: None,
        queries: Vec::new(),
        timeline: Vec::new(),
        closed_at: None,
    };
    draft.note(&mut record, Happened::Seen);
    record
}
