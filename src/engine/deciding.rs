//! From a verdict to a decision, and from a decision to an intent, a question to a person, or a refusal that is said.

use super::{Effect, draft::Draft};
use crate::{
    decide::{self, Decision, Guard, Past},
    policy::{OnRegression, Policy, Startup},
    record::{AlertKind, Happened, Intent, Phase, ProofBasis, Record},
    words::{Actor, Moment, Outcome, RolloutId, Standing, Verdict, Version},
};

/// The candidate is worse than the policy allows: condemned, whatever the guards say, and a proof of it is withdrawn.
pub(super) fn convict(draft: &mut Draft<'_>, record: &mut Record) {
    let verdict = Verdict::Regression;
    record.verdict = Some(verdict);
    record.decided_at = Some(draft.now);
    draft.note(record, Happened::Judged { verdict });
    let to = record.to.clone();
    draft.stand(Some(record), &to, Standing::Quarantined, ProofBasis::Convicted);
    decide(draft, record);
}

/// A revert is wanted.
pub(super) fn decide(draft: &mut Draft<'_>, record: &mut Record) {
    let last_good = draft
        .history
        .last_good(record.policy.revert.to)
        .map(|known| known.version.clone());
    let decision = through_guards(draft, record, last_good.as_ref());
    follow(draft, record, decision, None);
}

/// A revert to `to` was wanted before: every guard is asked again, from nothing.
pub(super) fn decide_again(draft: &mut Draft<'_>, record: &mut Record, to: &Version, approved_by: Option<Actor>) {
    let decision = through_guards(draft, record, Some(to));
    follow(draft, record, decision, approved_by);
}

fn through_guards(draft: &Draft<'_>, record: &Record, to: Option<&Version>) -> Decision {
    let hour = std::time::Duration::from_secs(3600);
    let reverts = draft.history.reverts.iter();
    let spent = reverts.filter(|at| draft.now.since(**at) < hour).count();
    let past = Past {
        runs: draft.history.current.clone(),
        candidate: record.to.clone(),
        last_good: to
            .and_then(|to| draft.history.known(to))
            .map(|known| (known.version.clone(), known.standing, known.last_ran)),
        reverts_last_hour: u32::try_from(spent).unwrap_or(u32::MAX),
        off: draft.history.off.clone(),
        irreversible: draft
            .history
            .release(&record.to.name)
            .and_then(|release| release.manifest.irreversible.clone()),
    };
    let on_regression = match (&record.startup, record.policy.startup) {
        (Some(_), Startup::Alert) => OnRegression::Alert,
        _ => record.policy.on_regression,
    };
    // Pinned, save that a more cautious mode acts at once (failures.md, C13).
    let policy = Policy {
        on_regression,
        mode: record.policy.mode.min(draft.context.policy.mode),
        ..record.policy.clone()
    };
    decide::decide(&policy, &past, draft.context.fleet, draft.now)
}

fn follow(draft: &mut Draft<'_>, record: &mut Record, decision: Decision, approved_by: Option<Actor>) {
    let decision = match decision {
        Decision::Propose { to, standing, .. } if approved_by.is_some() => Decision::Revert { to, standing },
        other => other,
    };
    record.decision = Some(decision.clone());
    draft.note(record, Happened::Decided);
    match decision {
        Decision::Revert { to, .. } => intend(draft, record, to, approved_by),
        Decision::Propose { until, .. } => {
            record.intent = None;
            record.phase = Phase::AwaitingApproval { until };
            draft.tell(record, AlertKind::Proposed);
        }
        Decision::Refuse { guard } => refused(draft, record, &guard),
        Decision::AlertOnly => {
            let kind = match record.verdict {
                Some(Verdict::Inconclusive) => AlertKind::Inconclusive,
                _ => AlertKind::Regression,
            };
            draft.tell(record, kind);
            draft.close(record);
        }
    }
}

/// Stores the intent, and asks for the act. An intent that was found not begun is the same intent.
fn intend(draft: &mut Draft<'_>, record: &mut Record, to: Version, approved_by: Option<Actor>) {
    let fresh = Intent {
        rollout: record.id,
        from: record.to.clone(),
        to,
        at: draft.now,
        approved_by,
        uid: draft.history.uid.clone(),
        ordered: None,
    };
    let intent = match record.intent.take() {
        Some(before) if before.to == fresh.to => before,
        _ => {
            draft.note(record, Happened::Intended);
            fresh
        }
    };
    record.intent = Some(intent.clone());
    record.phase = Phase::Reverting;
    draft.effects.push(Effect::Revert(intent));
}

/// A guard refused: that something newer runs is no news; everything else is said.
fn refused(draft: &mut Draft<'_>, record: &mut Record, guard: &Guard) {
    if let Guard::Superseded { .. } = guard {
        settled(draft, record, Outcome::Superseded, guard.name());
    } else {
        settled(draft, record, Outcome::Refused, guard.name());
        draft.tell(record, AlertKind::Refused);
    }
    draft.close(record);
}

/// Refuses by a guard that the platform, or time, found.
pub(super) fn refuse(draft: &mut Draft<'_>, record: &mut Record, guard: Guard) {
    record.decision = Some(Decision::Refuse { guard: guard.clone() });
    draft.note(record, Happened::Decided);
    refused(draft, record, &guard);
}

/// Stores how it ended.
pub(super) fn settled(draft: &mut Draft<'_>, record: &mut Record, outcome: Outcome, detail: &str) {
    record.outcome = Some(outcome);
    record.outcome_detail = Some(detail.to_owned()).filter(|detail| !detail.is_empty());
    draft.note(record, Happened::Settled { outcome });
}

/// A person says yes: in time, and through every guard again.
pub(super) fn approved(draft: &mut Draft<'_>, rollout: RolloutId, by: &Actor) {
    draft.with_open(rollout, |draft, record| {
        let Some((to, until)) = proposal(record) else {
            return;
        };
        if draft.now >= until {
            refuse(draft, record, Guard::NotApproved { until });
            return;
        }
        // What was left for the controller is noted already.
        if record.agreed.take().is_none() {
            draft.note(record, Happened::Approved { by: by.clone() });
        }
        decide_again(draft, record, &to, Some(by.clone()));
    });
}

/// A person says yes in time, where the controller will find it and takes it for [`approved`].
pub(super) fn agreed(draft: &mut Draft<'_>, rollout: RolloutId, by: &Actor) {
    draft.with_open(rollout, |draft, record| {
        let in_time = proposal(record).is_some_and(|(_, until)| draft.now < until);
        if in_time && record.agreed.is_none() {
            record.agreed = Some(by.clone());
            draft.note(record, Happened::Approved { by: by.clone() });
        }
    });
}

fn proposal(record: &Record) -> Option<(Version, Moment)> {
    match (&record.phase, &record.decision) {
        (Phase::AwaitingApproval { until }, Some(Decision::Propose { to, .. })) => Some((to.clone(), *until)),
        _ => None,
    }
}

/// Time passed: a proposal that nobody answered is refused.
pub(super) fn tick(draft: &mut Draft<'_>) {
    let Some(rollout) = draft.open_in(|phase| matches!(phase, Phase::AwaitingApproval { .. })) else {
        return;
    };
    draft.with_open(rollout, |draft, record| {
        if let Phase::AwaitingApproval { until } = record.phase
            && draft.now >= until
        {
            refuse(draft, record, Guard::NotApproved { until });
        }
    });
}
