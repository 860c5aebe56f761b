//! A person goes back: never judged first, asked of no guard, and never fought. What they left is not condemned by that alone.

use std::time::Duration;

use super::{Effect, acting::failed, draft::Draft, observe, opening};
use crate::{
    record::{Happened, Intent, Ordered, Phase, Record, RolloutKind},
    words::{Outcome, RolloutId, Standing, Verdict, Version},
};

/// An order that was not begun within this time is not begun any more: whoever gave it has done something else since.
const ORDER_HOLDS: Duration = Duration::from_secs(600);

/// Stores the intent in the step that ends the open rollout, and asks for the act. An act that is under way is not interrupted, and what
/// the person saw must still run: of two who go back at once the second is told.
pub(super) fn goes_back(draft: &mut Draft<'_>, from: &Version, to: &Version, ordered: &Ordered) {
    let under_way = draft.open_in(|phase| *phase == Phase::Reverting).is_some();
    if under_way || draft.history.current.as_ref() != Some(from) || from == to {
        return;
    }
    draft.learn(to, Standing::Unproven);
    draft.runs_at(draft.now);
    if let Some(rollout) = draft.open_in(|_| true) {
        draft.with_open(rollout, |draft, record| observe::replaced(draft, record, true));
    }
    let mut record = opening::blank(draft, RolloutKind::Return, Some(from.clone()), to);
    let intent = Intent {
        rollout: record.id,
        from: from.clone(),
        to: to.clone(),
        at: draft.now,
        approved_by: None,
        uid: draft.history.uid.clone(),
        ordered: Some(ordered.clone()),
    };
    record.intent = Some(intent.clone());
    draft.note(&mut record, Happened::Intended);
    record.phase = Phase::Reverting;
    draft.history.open = Some(record);
    draft.effects.push(Effect::Revert(intent));
}

/// After a crash nothing was begun: it is begun now, while the order holds.
pub(super) fn not_begun(draft: &mut Draft<'_>, record: &mut Record, intent: Intent) {
    if draft.now.since(intent.at) < ORDER_HOLDS {
        draft.effects.push(Effect::Revert(intent));
    } else {
        let because = "lastgood ended before it was begun, more than ten minutes ago; nothing was changed: say it again if it is still wanted";
        failed(draft, record, Outcome::Failed, because);
    }
}

/// Nothing was moved: what the person wanted to leave still runs. Where it was being judged it is judged from now on.
pub(super) fn judge_on(draft: &mut Draft<'_>, rollout: RolloutId) {
    if draft.history.open.is_some() {
        return;
    }
    let Some((before, ended)) = draft.history.closed.iter().rev().nth(1).zip(draft.history.closed.last()) else {
        return;
    };
    let stays = ended.id == rollout
        && ended.ordered().is_some()
        && ended.outcome == Some(Outcome::Failed)
        && ended.from == draft.history.current
        && ended.from.as_ref() == Some(&before.to)
        && before.outcome == Some(Outcome::ReturnedByPerson)
        && before.verdict != Some(Verdict::Regression);
    let from = before.to.clone();
    if stays && draft.standing(&from) == Some(Standing::Unproven) {
        opening::release_in_place(draft, &from, "stayed");
    }
}
