//! A person's word on a version wins over ours. It changes where the version stands; it never moves `current`.

use super::{PersonWord, draft::Draft, opening};
use crate::{
    decide::Freeze,
    record::{Happened, Phase, ProofBasis, Record, RolloutKind},
    words::{Actor, Outcome, RolloutId, Standing, Version},
};

/// A person said something of `version`; of one that was never seen nothing can be said.
pub(super) fn said(draft: &mut Draft<'_>, version: &Version, word: PersonWord, by: &Actor, reason: &str) {
    let Some(standing) = draft.standing(version) else {
        return;
    };
    let basis = ProofBasis::Person {
        by: by.clone(),
        reason: reason.to_owned(),
    };
    match word {
        PersonWord::Prove => {
            stands(draft, version, Standing::Proven, basis);
            judged_by_person(draft, version, by, reason);
        }
        PersonWord::Quarantine => stands(draft, version, Standing::Quarantined, basis),
        PersonWord::Allow if matches!(standing, Standing::Quarantined | Standing::Unproven) => {
            stands(draft, version, Standing::Unproven, basis);
            judge_in_place(draft, version);
        }
        PersonWord::Allow => {}
    }
}

/// Changes the standing, and notes it where the version is the open candidate.
fn stands(draft: &mut Draft<'_>, version: &Version, standing: Standing, basis: ProofBasis) {
    match candidate(draft, version, |_| true) {
        Some(rollout) => draft.with_open(rollout, |draft, record| draft.stand(Some(record), version, standing, basis)),
        None => draft.stand(None, version, standing, basis),
    }
}

fn candidate(draft: &Draft<'_>, version: &Version, wanted: impl FnOnce(&Record) -> bool) -> Option<RolloutId> {
    let open = draft.history.open.as_ref()?;
    (open.to == *version && wanted(open)).then_some(open.id)
}

/// A candidate that a person proved is not judged further: its watch, or the question to a person, is over.
/// An act that was begun is not called back, and what came back is still verified.
fn judged_by_person(draft: &mut Draft<'_>, version: &Version, by: &Actor, reason: &str) {
    let undecided = |record: &Record| {
        record.kind != RolloutKind::Return && !matches!(record.phase, Phase::Reverting | Phase::Verifying { .. })
    };
    let Some(rollout) = candidate(draft, version, undecided) else {
        return;
    };
    draft.with_open(rollout, |draft, record| {
        if record.activation.is_none() {
            draft.serves(&record.to, draft.now);
        }
        record.outcome_detail = Some(format!("proven by {by}: {reason}"));
        draft.close(record);
    });
}

/// A version that a person allowed and that runs already is judged now; one that does not run, when it is shipped.
fn judge_in_place(draft: &mut Draft<'_>, version: &Version) {
    if draft.history.current.as_ref() != Some(version) {
        return;
    }
    if let Some(rollout) = candidate(draft, version, |record| record.kind == RolloutKind::Return) {
        draft.with_open(rollout, |draft, record| {
            record.outcome.get_or_insert(Outcome::Superseded);
            draft.close(record);
        });
    }
    if draft.history.open.is_none() {
        opening::release_in_place(draft, version, "allowed");
    }
}

/// A person wants all forgotten: not while anything depends on it. What runs is seen for the first time at the next look.
pub(super) fn forgets(draft: &mut Draft<'_>, by: &Actor, reason: &str) {
    let history = &mut draft.history;
    if history.open.is_none() && history.hold.is_none() && !history.is_blank() {
        history.forget_all(by, reason, draft.context.origin, draft.now);
    }
}

/// A person switched lastgood off for this target, or on again; saying the same twice is the same as once.
pub(super) fn switched(draft: &mut Draft<'_>, off: bool, by: &Actor, reason: &str) {
    if draft.history.off.is_some() == off {
        return;
    }
    draft.history.off = off.then(|| Freeze {
        since: draft.now,
        by: by.clone(),
        reason: reason.to_owned(),
    });
    draft.audit_switch(off, by, reason);
    let remark = if off {
        format!("switched off by {by}: {reason}")
    } else {
        format!("switched on again by {by}")
    };
    if let Some(rollout) = draft.open_in(|_| true) {
        draft.with_open(rollout, |draft, record| draft.note(record, Happened::Remarked { remark }));
    }
}
