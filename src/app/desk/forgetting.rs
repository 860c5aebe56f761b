//! What is known of a target, forgotten by a person's word.

use super::{changed, failed, unknown_target};
use crate::{
    explain::clean,
    ports::{DeskError, SharedHistory},
    record::TargetHistory,
    words::{Actor, Moment, TargetKey},
};

/// Forgets a target that nobody guards in the store itself: a rollout that is open there is judged by nobody.
///
/// # Errors
/// When it was never seen, something of it is held, or it cannot be stored.
pub(super) async fn forget(
    store: &SharedHistory,
    target: &TargetKey,
    (by, origin): (&Actor, String),
    reason: &str,
    now: Moment,
) -> Result<String, DeskError> {
    let known = store.targets().await.map_err(|error| failed(&error))?;
    if !known.contains(target) {
        return Err(unknown_target(target, known.iter()));
    }
    changed(store, target, |mut history| {
        history.open = None;
        let said = forgotten(&history)?;
        if history.is_blank() {
            return Ok((None, said));
        }
        history.forget_all(by, reason, &origin, now);
        Ok((Some(history), said))
    })
    .await
}

/// What is said of forgetting all that `history` knows.
///
/// # Errors
/// While something is held, or a rollout is open.
pub(super) fn forgotten(history: &TargetHistory) -> Result<String, DeskError> {
    let service = &history.target.service;
    if let Some(hold) = &history.hold {
        return Err(DeskError::Refused(format!(
            "{} of {service} is held: let it go on first, `lastgood hold resume {service}`",
            clean(hold.version.name.as_str())
        )));
    }
    if let Some(open) = &history.open {
        return Err(DeskError::Refused(format!(
            "the rollout of {service} to {} is not over: wait for its end, `lastgood wait {service}`",
            clean(open.to.name.as_str())
        )));
    }
    let whose = format!("{service} ({})", history.target.env);
    Ok(if history.is_blank() {
        format!("nothing to change: nothing is known of {whose}")
    } else {
        format!(
            "what was known of {whose} is forgotten; what runs there is seen for the first time, and can be gone back to once it is proven"
        )
    })
}
