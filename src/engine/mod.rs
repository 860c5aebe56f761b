//! The life of a rollout as a pure state machine: (history, event, now) -> (history, effects).
//!
//! May touch: every pure room but `explain`. Deliberately absent: await, prose, adapters.

mod acting;
mod auditing;
mod blocked;
mod deciding;
mod draft;
mod ending;
mod event;
mod gone;
mod hindrance;
mod holding;
mod marks;
mod news;
mod observe;
mod opening;
mod ordered;
mod outbox;
mod person;
mod pods;
mod standing;
mod startup;
mod verifying;
mod waiting;
mod watching;

#[cfg(test)]
mod stories;

use draft::Draft;
pub use event::{Context, Effect, Event, Look, PersonWord, Stage, Transition};
pub use news::{Became, News, news};
pub use outbox::{GIVE_UP_AFTER, backoff, settle_outbox};
pub use waiting::ACTIVATION_TIME;

use crate::{
    record::{Phase, TargetHistory},
    words::Moment,
};

/// One step: what `event` at `now` makes of `history`. Total and pure: the same input gives the same output. A history equal to
/// the one before means that nothing durable happened; the effects are for after the history was stored.
#[must_use]
pub fn step(history: &TargetHistory, context: &Context<'_>, event: &Event, now: Moment) -> Transition {
    let mut draft = Draft::new(history, context, now);
    match event {
        Event::Observed(observation) => observe::observed(&mut draft, observation),
        Event::Activated { rollout, activation } => waiting::told_by_metrics(&mut draft, *rollout, activation),
        Event::Calibrated {
            rollout,
            plan,
            calibration,
            old_pods,
            queries,
        } => watching::calibrated(&mut draft, *rollout, plan, (calibration, old_pods), queries),
        Event::Judged {
            rollout,
            stage: Stage::Watch,
            evidence,
        } => watching::judged(&mut draft, *rollout, evidence),
        Event::Judged {
            rollout,
            stage: Stage::Verification,
            evidence,
        } => verifying::judged(&mut draft, *rollout, evidence),
        Event::Data { rollout, fault } => watching::data(&mut draft, *rollout, fault.as_ref()),
        Event::Acted { rollout, result } => acting::acted(&mut draft, *rollout, result),
        Event::Looked { rollout, look } => acting::looked(&mut draft, *rollout, look),
        Event::HoldTried { rollout, result } => holding::tried(&mut draft, *rollout, result),
        Event::GoOn { by, reason } => holding::person(&mut draft, by, reason),
        Event::Unguarded => {
            holding::unguarded(&mut draft);
            auditing::unguarded(&mut draft);
        }
        Event::Approved { rollout, by } => deciding::approved(&mut draft, *rollout, by),
        Event::Agreed { rollout, by } => deciding::agreed(&mut draft, *rollout, by),
        Event::Person {
            version,
            word,
            by,
            reason,
        } => person::said(&mut draft, version, *word, by, reason),
        Event::Forget { by, reason } => person::forgets(&mut draft, by, reason),
        Event::GoBack { from, to, ordered } => ordered::goes_back(&mut draft, from, to, ordered),
        Event::Recorded { manifest, by } => auditing::recorded(&mut draft, manifest, by),
        Event::Skipped { rollout, env, standing } => opening::skipped(&mut draft, *rollout, env, *standing),
        Event::Off { off, by, reason } => person::switched(&mut draft, *off, by, reason),
        Event::PolicyIs { policy, by, home, .. } => auditing::policy_is(&mut draft, policy, by, home.as_deref()),
        Event::Marked { kind, to, result } => marks::marked(&mut draft, *kind, to, result),
        Event::Noted(deed) => draft.audit(deed.clone()),
        Event::Readiness(unready) => outbox::readiness(&mut draft, unready),
        Event::Delivered { alert, channel } => outbox::delivered(&mut draft, alert, channel),
        Event::NotDelivered {
            alert,
            channel,
            error,
            retry,
        } => outbox::not_delivered(&mut draft, alert, channel, error, *retry),
        Event::Tick => tick(&mut draft),
    }
    draft.finish()
}

/// What is to be done first when a history was loaded: an intent without outcome is looked at, never repeated blindly. A watch
/// whose end was slept through is not ended by the next tick: what Prometheus kept of it is judged first.
#[must_use]
pub fn resume(history: &TargetHistory, context: &Context<'_>, now: Moment) -> Transition {
    let mut draft = Draft::new(history, context, now);
    ending::slept_through(&mut draft);
    let look = draft
        .history
        .open
        .as_ref()
        .filter(|open| open.phase == Phase::Reverting)
        .and_then(|open| open.intent.clone())
        .map(Effect::Look);
    draft.effects.extend(look);
    holding::resume(&mut draft);
    draft.finish()
}

/// Time passed: whatever was due is done. Never an act that was not wanted before.
fn tick(draft: &mut Draft<'_>) {
    waiting::tick(draft);
    watching::tick(draft);
    deciding::tick(draft);
    verifying::tick(draft);
    holding::tick(draft);
}
