//! A workload that was deleted, or deleted and made again: its open rollout is over, and what is known of its versions stays.

use super::{deciding::settled, draft::Draft, opening};
use crate::{
    record::{Observation, Phase, Record, SeenObject},
    words::{Outcome, Standing, Version},
};

/// Takes in which object the workload is; whether there is nothing more to take in of what was seen.
pub(super) fn seen(draft: &mut Draft<'_>, observation: &Observation) -> bool {
    let uid = match &observation.object {
        SeenObject::None => return false,
        SeenObject::Gone { .. } => None,
        SeenObject::Found { uid } => Some(uid),
    };
    if draft.history.uid.is_none() || draft.history.uid.as_ref() == uid {
        if uid.is_some() {
            draft.history.uid = uid.cloned();
        }
        return uid.is_none();
    }
    // The act finds out by itself; what it was comes first.
    if draft.open_in(|phase| *phase == Phase::Reverting).is_some() {
        return true;
    }
    left(draft);
    match (uid, &observation.version) {
        (Some(uid), Some(version)) => {
            draft.history.uid = Some(uid.clone());
            made_again(draft, version, observation);
            false
        }
        // Its controller has not taken it up yet.
        _ => true,
    }
}

/// Nothing runs any more.
fn left(draft: &mut Draft<'_>) {
    draft.serves_no_more(draft.now);
    if let Some(rollout) = draft.open_in(|_| true) {
        draft.with_open(rollout, ended);
    }
}

/// The rollout ends with its workload: nobody is to blame, and nobody is told of what a person did on purpose.
pub(super) fn ended(draft: &mut Draft<'_>, record: &mut Record) {
    settled(draft, record, Outcome::Gone, "");
    draft.close(record);
}

/// The same version in another object: one that was being judged is judged from the beginning, a quarantined one is announced, and any
/// other stands where it stood. Another version is a rollout as any.
fn made_again(draft: &mut Draft<'_>, version: &Version, observation: &Observation) {
    if draft.history.current.as_ref() != Some(version) {
        return;
    }
    let moved_at = observation.moved_at.unwrap_or(observation.at).min(draft.now);
    match draft.standing(version) {
        Some(Standing::Quarantined) => opening::comeback(draft, None, version, moved_at),
        Some(Standing::Unproven) => opening::release(draft, None, version, moved_at),
        _ => {}
    }
}
