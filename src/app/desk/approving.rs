//! A person's yes to a proposed revert: which one is meant, and what came of it.

use crate::{
    explain::{self, clean},
    ports::DeskError,
    record::{Phase, Record},
    words::{RolloutId, Service},
};

/// Whether `record` waits for a yes, and is one that is meant: by its id, by its service, or any.
pub(super) fn waits(record: &Record, rollout: Option<RolloutId>, service: Option<&Service>) -> bool {
    let meant = rollout.is_none_or(|id| id == record.id) && service.is_none_or(|service| *service == record.service);
    meant && matches!(record.phase, Phase::AwaitingApproval { .. })
}

/// The only one that waits.
///
/// # Errors
/// When none does, or several do.
pub(super) fn only<T>(waiting: Vec<T>, record: impl Fn(&T) -> &Record) -> Result<T, DeskError> {
    if waiting.len() > 1 {
        let ids = waiting
            .iter()
            .map(|one| format!("{} ({})", record(one).id, record(one).service));
        let ids: Vec<String> = ids.collect();
        return Err(DeskError::Refused(format!(
            "several reverts wait: name one of {}",
            ids.join(", ")
        )));
    }
    waiting
        .into_iter()
        .next()
        .ok_or_else(|| DeskError::Unknown("no proposed revert waits for an answer; see `lastgood status`".to_owned()))
}

/// What came of a yes: that it is acted on, or why not.
///
/// # Errors
/// When a guard refuses.
pub(super) fn answered(record: &Record) -> Result<String, DeskError> {
    if record.intent.is_some() {
        return Ok(format!(
            "approved: {} goes back from {}",
            record.service,
            clean(record.to.name.as_str())
        ));
    }
    Err(DeskError::Refused(explain::text(record, explain::Language::En)))
}
