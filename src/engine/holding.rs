//! The hold: a rolling update stands still part-way until something is found out of its release (kubernetes.md, Hold).
//!
//! What is held is kept in the history beside the open rollout, as it may outlive that: it is forgotten only when the platform said that
//! nothing of lastgood's holds the workload any more. What a person held, or resumed, is theirs.

use std::time::Duration;

use super::{Effect, draft::Draft, pods::others_serve};
use crate::{
    policy::{HoldPolicy, Mode},
    record::{AlertKind, GoesOn, Happened, HeldMark, Hold, HoldResult, Observation, Phase, Record, Rolling, RolloutKind},
    words::{Actor, Outcome, RolloutId, Verdict},
};

/// An attempt that brought nothing is made again after this time.
const AGAIN: Duration = Duration::from_secs(5);

/// The platform looked at the workload.
pub(super) fn seen(draft: &mut Draft<'_>, observation: &Observation) {
    let Some(rolling) = &observation.rolling else { return };
    // What is being put back goes on in the same write: its outcome comes first.
    if draft.open_in(|phase| *phase == Phase::Reverting).is_some() {
        return;
    }
    match (draft.history.hold.clone(), &rolling.held) {
        // It looked before our own last step.
        (Some(hold), _) if observation.at < hold.changed_at => return,
        (Some(hold), mark) if hold.is_held() => still_held(draft, &hold, mark.as_ref()),
        // Its answer is on the way.
        (Some(_), _) => {}
        (None, Some(mark)) => forgotten(draft, mark, observation),
        (None, None) => {}
    }
    begin(draft, observation, rolling);
}

/// Whether what is held is still held by lastgood; what is not was taken over by a person, and theirs is the last word.
fn still_held(draft: &mut Draft<'_>, hold: &Hold, mark: Option<&HeldMark>) {
    match mark.filter(|mark| mark.rollout == hold.rollout) {
        Some(mark) if !mark.in_force => let_go(draft, GoesOn::Resumed),
        Some(mark) if mark.newer => let_go(draft, GoesOn::Newer),
        Some(_) => {}
        None => {
            if let Some(hold) = &mut draft.history.hold {
                hold.goes_on = Some(GoesOn::Resumed);
            }
            over(draft, Outcome::Released, None);
        }
    }
}

/// The workload says that lastgood holds it, and nothing stored tells of that: nobody would ever let it go on.
fn forgotten(draft: &mut Draft<'_>, mark: &HeldMark, observation: &Observation) {
    let Some(version) = observation.version.as_ref().or(draft.history.current.as_ref()) else {
        return;
    };
    draft.history.hold = Some(Hold {
        rollout: mark.rollout,
        version: version.clone(),
        asked_at: draft.now,
        until: mark.until,
        pods: 0,
        of: observation.wanted,
        outcome: Some(Outcome::Held),
        goes_on: None,
        changed_at: draft.now,
        detail: None,
    });
    let_go(draft, GoesOn::Forgotten);
}

/// Stores the intent to hold the open rollout's rolling update, once it has as many pods as are wanted.
fn begin(draft: &mut Draft<'_>, observation: &Observation, rolling: &Rolling) {
    let open = |phase: &Phase| matches!(phase, Phase::WaitingForActivation { .. } | Phase::Watching { .. });
    let Some(rollout) = draft.open_in(open) else { return };
    // What is held for the release before is taken over where it can stand still at any time; else that must go on first.
    if let Some(before) = &draft.history.hold
        && (rolling.made.is_some() || before.rollout == rollout)
    {
        return;
    }
    draft.with_open(rollout, |draft, record| {
        let Some(policy) = wanted(draft, record) else { return };
        let enough = rolling.made.is_none_or(|made| made >= policy.pods(observation.wanted));
        if !enough || observation.version.as_ref() != Some(&record.to) || !others_serve(record, observation) {
            return;
        }
        let hold = Hold {
            rollout,
            version: record.to.clone(),
            asked_at: draft.now,
            until: draft.now.plus(policy.max),
            pods: 0,
            of: 0,
            outcome: None,
            goes_on: None,
            changed_at: draft.now,
            detail: None,
        };
        draft.note(record, Happened::Holds);
        record.hold = Some(hold.clone());
        draft.history.hold = Some(hold.clone());
        draft.effects.push(Effect::Hold(hold, policy));
    });
}

/// How the rolling update of the open rollout is to be held, if it is: once, in a release that has something to be compared with, and by
/// the more cautious of the policies, modes and words that are in force.
fn wanted(draft: &Draft<'_>, record: &Record) -> Option<HoldPolicy> {
    let fresh = record.kind == RolloutKind::Release && record.baseline.is_some();
    let undecided = record.hold.is_none() && record.verdict.is_none();
    let braked = draft.history.off.is_some() || draft.context.fleet.frozen.is_some();
    let policy = record.policy.watch.hold?;
    (fresh && undecided && !braked && asked_for(draft) && record.policy.mode > Mode::Observe).then_some(policy)
}

/// Whether the policy in force still wants rolling updates to be held, and the mode allows it.
fn asked_for(draft: &Draft<'_>) -> bool {
    let policy = draft.context.policy;
    policy.watch.hold.is_some() && policy.mode.min(draft.context.fleet.mode) > Mode::Observe
}

/// An attempt ended.
pub(super) fn tried(draft: &mut Draft<'_>, rollout: RolloutId, result: &HoldResult) {
    let Some(mut hold) = draft.history.hold.clone().filter(|hold| hold.rollout == rollout) else {
        return;
    };
    let letting_go = hold.goes_on.is_some();
    match result {
        HoldResult::Released if letting_go => over(draft, Outcome::Released, None),
        HoldResult::Held { pods, of } if !letting_go => {
            (hold.pods, hold.of) = (*pods, *of);
            hold.outcome = Some(Outcome::Held);
            hold.detail = None;
            change(draft, hold);
        }
        HoldResult::Superseded if !letting_go => over(draft, Outcome::Superseded, None),
        HoldResult::Refused { found } if !letting_go => over(draft, Outcome::Refused, Some(found)),
        HoldResult::Failed { error } if !letting_go => {
            over(draft, Outcome::Failed, Some(error));
            let id = format!("{rollout}/not_held");
            let because = error.clone();
            draft.tell_as(id, Some(rollout), AlertKind::NotHeld { because });
        }
        // It is asked for again in a while.
        HoldResult::Failed { error } | HoldResult::Unknown { error } if hold.detail.as_ref() != Some(error) => {
            hold.detail = Some(error.clone());
            store(draft, hold);
        }
        HoldResult::Failed { .. } | HoldResult::Unknown { .. } => {}
        // The answer to what was asked for before this: only one attempt is under way at a time, so it is asked for anew.
        _ => resume(draft),
    }
}

/// A person lets it go on, whatever is known of it.
pub(super) fn person(draft: &mut Draft<'_>, by: &Actor, reason: &str) {
    let_go(
        draft,
        GoesOn::Person {
            by: by.clone(),
            reason: reason.to_owned(),
        },
    );
}

/// Nobody will judge it any more.
pub(super) fn unguarded(draft: &mut Draft<'_>) {
    let_go(draft, GoesOn::Unguarded);
}

/// What was put back goes on in the write that put it back.
pub(super) fn reverted(draft: &mut Draft<'_>, record: &mut Record) {
    if let Some(hold) = &mut draft.history.hold {
        hold.goes_on = Some(GoesOn::Reverted);
        ended(draft, Some(record), Outcome::Released, None);
    }
}

/// Time passed: what is due is let go of, and what was not done is asked for again.
pub(super) fn tick(draft: &mut Draft<'_>) {
    if let Some(why) = due(draft) {
        if why == GoesOn::TooLong
            && let Some(rollout) = draft.history.hold.as_ref().map(|hold| hold.rollout)
        {
            draft.tell_as(format!("{rollout}/held_too_long"), Some(rollout), AlertKind::HeldTooLong);
        }
        let_go(draft, why);
    }
    let unfinished = |hold: &&mut Hold| hold.goes_on.is_some() || hold.outcome.is_none();
    let now = draft.now;
    if let Some(hold) = draft.history.hold.as_mut().filter(unfinished)
        && now.is_due(hold.changed_at, AGAIN)
    {
        hold.changed_at = now;
        resume(draft);
    }
}

/// Asks for what the history says is not done yet; whoever does it looks first.
pub(super) fn resume(draft: &mut Draft<'_>) {
    let Some(hold) = draft.history.hold.clone() else { return };
    let policy = draft.history.open.as_ref().and_then(|open| open.policy.watch.hold);
    match (&hold.goes_on, hold.outcome, policy) {
        (Some(_), _, _) => draft.effects.push(Effect::LetGo(hold)),
        (None, None, Some(policy)) => draft.effects.push(Effect::Hold(hold, policy)),
        _ => {}
    }
}

/// Why what is held goes on now; none: it stays held. What was convicted is never let go on by lastgood itself: it goes back, or people decide.
fn due(draft: &Draft<'_>) -> Option<GoesOn> {
    let hold = draft.history.hold.as_ref().filter(|hold| hold.goes_on.is_none())?;
    if !asked_for(draft) {
        return Some(GoesOn::Unwanted);
    }
    let of = |record: &&Record| record.id == hold.rollout;
    let open = draft.history.open.as_ref().filter(of);
    let record = open.or_else(|| draft.history.closed.iter().rev().find(of));
    let late = draft.now >= hold.until;
    match record {
        Some(_) if draft.proven_by_person(&hold.version) => Some(GoesOn::Over),
        Some(record) if record.verdict == Some(Verdict::Regression) => replaced(record).then_some(GoesOn::Over),
        Some(Record {
            phase: Phase::AwaitingApproval { .. } | Phase::Reverting,
            ..
        }) => None,
        Some(record) if open.is_some() && record.verdict == Some(Verdict::Healthy) => Some(GoesOn::Healthy),
        Some(_) if open.is_some() => late.then_some(GoesOn::TooLong),
        _ => Some(GoesOn::Over),
    }
}

/// Whether something else than the candidate runs.
fn replaced(record: &Record) -> bool {
    matches!(
        record.outcome,
        Some(Outcome::Superseded | Outcome::ReturnedByPerson | Outcome::Contested | Outcome::Gone)
    )
}

/// Stores why it goes on, and asks for it. Said once: the first reason stays.
fn let_go(draft: &mut Draft<'_>, why: GoesOn) {
    let Some(mut hold) = draft.history.hold.clone() else { return };
    if hold.goes_on.is_some() {
        draft.effects.push(Effect::LetGo(hold));
        return;
    }
    if let GoesOn::Person { by, reason } = &why {
        draft.audit_hold(&hold, Some(by), "let go on", reason);
    }
    hold.goes_on = Some(why);
    hold.changed_at = draft.now;
    draft.effects.push(Effect::LetGo(hold.clone()));
    store(draft, hold);
}

/// It is held now.
fn change(draft: &mut Draft<'_>, mut hold: Hold) {
    hold.changed_at = draft.now;
    let (pods, of, until) = (hold.pods, hold.of, hold.until);
    draft.audit_hold(&hold, None, &format!("held at {pods} of {of} pods"), "");
    let rollout = hold.rollout;
    store(draft, hold);
    draft.with_open(rollout, |draft, record| {
        draft.note(record, Happened::Held { pods, of, until })
    });
}

fn store(draft: &mut Draft<'_>, hold: Hold) {
    if let Some(open) = draft.history.open.as_mut().filter(|open| open.id == hold.rollout) {
        open.hold = Some(hold.clone());
    }
    draft.history.hold = Some(hold);
}

/// Nothing of lastgood's holds the workload.
fn over(draft: &mut Draft<'_>, outcome: Outcome, detail: Option<&str>) {
    let rollout = draft.history.hold.as_ref().map(|hold| hold.rollout);
    let Some(open) = draft.open_in(|_| true).filter(|open| Some(*open) == rollout) else {
        ended(draft, None, outcome, detail);
        return;
    };
    draft.with_open(open, |draft, record| ended(draft, Some(record), outcome, detail));
}

fn ended(draft: &mut Draft<'_>, record: Option<&mut Record>, outcome: Outcome, detail: Option<&str>) {
    let Some(mut hold) = draft.history.hold.take() else { return };
    hold.outcome = Some(outcome);
    hold.detail = detail.map(str::to_owned);
    hold.changed_at = draft.now;
    let why = hold.goes_on.as_ref().map(GoesOn::as_str).or(detail).unwrap_or_default();
    draft.audit_hold(&hold, None, outcome.as_str(), why);
    let Some(record) = record.filter(|record| record.id == hold.rollout) else {
        return;
    };
    let what = match &hold.goes_on {
        Some(why) => Happened::WentOn { why: why.clone() },
        None => Happened::NotHeld {
            because: detail.unwrap_or(outcome.as_str()).to_owned(),
        },
    };
    record.hold = Some(hold);
    draft.note(record, what);
}
