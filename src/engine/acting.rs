//! The act: how it ended, or, after a crash, what became of it.

use std::time::Duration;

use super::{
    Effect, Look,
    deciding::{decide_again, refuse, settled},
    draft::Draft,
    gone, holding, ordered,
};
use crate::{
    decide::Guard,
    record::{ActResult, Activation, AlertKind, Happened, Intent, Phase, ProofBasis, Record},
    words::{Moment, Outcome, RolloutId, Standing, Verdict},
};

/// How long a revert is remembered.
const REVERTS_FOR: Duration = Duration::from_secs(24 * 3600);

/// The act ended.
pub(super) fn acted(draft: &mut Draft<'_>, rollout: RolloutId, result: &ActResult) {
    draft.with_open(rollout, |draft, record| {
        let Some(intent) = pending(record) else {
            return;
        };
        draft.note(record, Happened::Acted { result: result.clone() });
        match result {
            ActResult::Applied {
                activated_at, detail, ..
            } => applied(draft, record, &intent, *activated_at, detail),
            ActResult::Superseded { .. } => {
                settled(draft, record, Outcome::Superseded, "");
                draft.close(record);
            }
            ActResult::Gone => gone::ended(draft, record),
            ActResult::Refused { found } | ActResult::Braked { found, .. } if intent.ordered.is_some() => {
                failed(draft, record, Outcome::Failed, found);
            }
            ActResult::Refused { found } => refused(draft, record, Guard::Unrestorable { found: found.clone() }, found),
            ActResult::Braked { by, found } => {
                let guard = Guard::Braked {
                    by: *by,
                    found: found.clone(),
                };
                refused(draft, record, guard, found);
            }
            ActResult::NotMoved { error } => failed(draft, record, Outcome::Failed, error),
            ActResult::NotActivated { error, .. } => {
                moved(draft, record, &intent);
                failed(draft, record, Outcome::Stuck, error);
            }
        }
    });
    ordered::judge_on(draft, rollout);
}

/// An intent without outcome was looked at. Nothing is repeated but what surely was not begun.
pub(super) fn looked(draft: &mut Draft<'_>, rollout: RolloutId, look: &Look) {
    draft.with_open(rollout, |draft, record| {
        let Some(intent) = pending(record) else {
            return;
        };
        draft.note(record, Happened::Looked { found: found(look) });
        match look {
            Look::NotBegun if intent.ordered.is_some() => ordered::not_begun(draft, record, intent),
            // Nobody acts against a word that a person said meanwhile.
            Look::NotBegun if draft.proven_by_person(&intent.from) => {
                settled(draft, record, Outcome::Superseded, "a person proved it meanwhile");
                draft.close(record);
            }
            Look::NotBegun => decide_again(draft, record, &intent.to, intent.approved_by.clone()),
            Look::Moved { .. } => draft.effects.push(Effect::Activate(intent)),
            Look::Done { activated_at, .. } => applied(draft, record, &intent, *activated_at, ""),
            // Put there again after the intent was stored: theirs now, and not fought over.
            Look::Other { runs } if runs.as_ref() == Some(&intent.from) && intent.ordered.is_none() => {
                settled(draft, record, Outcome::Contested, "");
                draft.tell_contested(record);
                draft.close(record);
            }
            Look::Gone => gone::ended(draft, record),
            Look::Other { .. } => {
                settled(draft, record, Outcome::Superseded, "");
                draft.close(record);
            }
        }
    });
    ordered::judge_on(draft, rollout);
}

/// The platform found why not.
fn refused(draft: &mut Draft<'_>, record: &mut Record, guard: Guard, found: &str) {
    refuse(draft, record, guard);
    record.outcome_detail = Some(found.to_owned());
}

fn pending(record: &Record) -> Option<Intent> {
    record.intent.clone().filter(|_| record.phase == Phase::Reverting)
}

/// The answer as it is stored.
fn found(look: &Look) -> String {
    match look {
        Look::NotBegun => "not_begun",
        Look::Moved { .. } => "moved",
        Look::Done { .. } => "done",
        Look::Gone => "gone",
        Look::Other { .. } => "other",
    }
    .to_owned()
}

/// The last good version is back: it serves, and is watched.
fn applied(draft: &mut Draft<'_>, record: &mut Record, intent: &Intent, activated_at: Moment, detail: &str) {
    let activated_at = activated_at.min(draft.now);
    moved(draft, record, intent);
    draft.serves(&intent.to, activated_at);
    if intent.ordered.is_some() {
        record.activation = Some(Activation {
            at: activated_at,
            known_by: "rollback".to_owned(),
            fresh_counters: false,
        });
    }
    settled(draft, record, Outcome::Reverted, detail);
    record.phase = Phase::Verifying {
        until: activated_at.plus(record.policy.revert.verify_for),
    };
    draft.tell(
        record,
        match intent.ordered {
            Some(_) => AlertKind::RolledBack,
            None => AlertKind::Reverted,
        },
    );
}

/// `current` points to the version that was put back. What was reverted once is never gone back to, and counts as a revert; what a
/// person went back from stands where it stood.
fn moved(draft: &mut Draft<'_>, record: &mut Record, intent: &Intent) {
    let now = draft.now;
    draft.runs_at(now);
    draft.history.current = Some(intent.to.clone());
    holding::reverted(draft, record);
    if intent.ordered.is_some() {
        return;
    }
    draft.history.reverts.retain(|at| now.since(*at) < REVERTS_FOR);
    draft.history.reverts.push(now);
    if draft.standing(&intent.from) != Some(Standing::Quarantined) && !draft.proven_by_person(&intent.from) {
        let basis = match record.verdict {
            Some(Verdict::Regression) => ProofBasis::Convicted,
            _ => ProofBasis::None,
        };
        draft.stand(Some(record), &intent.from, Standing::Quarantined, basis);
    }
}

pub(super) fn failed(draft: &mut Draft<'_>, record: &mut Record, outcome: Outcome, error: &str) {
    settled(draft, record, outcome, error);
    draft.tell(record, AlertKind::NotHelped);
    draft.close(record);
}
