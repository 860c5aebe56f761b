//! Releases that were recorded: written beside what is known of their target, guarded or not, and read for all environments.

use std::sync::Arc;

use super::{changed, failed};
use crate::{
    explain::{self, ReleaseStatus, clean},
    manifest::Manifest,
    ports::{DeskError, History, SharedHistory},
    record::{Recording, TargetHistory},
    words::{Actor, Moment, Retention, Service, TargetKey},
};

/// Records `manifest` in the store itself, as said by someone from somewhere.
///
/// # Errors
/// When something else is recorded under its version, or it cannot be stored.
pub(super) async fn record(
    store: &SharedHistory,
    target: &TargetKey,
    manifest: &Manifest,
    (by, origin): (&Actor, String),
    retention: Retention,
    now: Moment,
) -> Result<String, DeskError> {
    changed(store, target, |mut history| {
        let said = recorded(&history, manifest)?;
        if history.recording(manifest) == Recording::Same {
            return Ok((None, said));
        }
        history.record(manifest, by, &origin, now);
        history.forget(retention, now);
        Ok((Some(history), said))
    })
    .await
}

/// What is said of recording `manifest` in `history`.
///
/// # Errors
/// When it belongs elsewhere, or something else is recorded under its version.
pub(super) fn recorded(history: &TargetHistory, manifest: &Manifest) -> Result<String, DeskError> {
    let target = &history.target;
    if let Some(other) = manifest.elsewhere(target) {
        return Err(DeskError::Refused(format!(
            "this manifest is of {other}, not of {target}; nothing was recorded"
        )));
    }
    let named = format!("{} of {} ({})", clean(manifest.version.as_str()), target.service, target.env);
    match history.recording(manifest) {
        Recording::New => Ok(format!("{named} is recorded")),
        Recording::Same => Ok(format!("nothing to change: {named} is recorded already")),
        Recording::Different { keys, since, by } => Err(DeskError::Refused(format!(
            "{named} is recorded already, since {since} by {}, with another {}; a version is built once: give this build a version of its own",
            clean(&by.0),
            keys.join(", ")
        ))),
    }
}

/// Every release of `service` that is known, in all environments, newest first.
///
/// # Errors
/// When the store cannot be read, or holds nothing of this service.
pub(super) async fn releases(store: &Arc<dyn History>, service: &Service) -> Result<Vec<ReleaseStatus>, DeskError> {
    let targets = store.targets().await.map_err(|error| failed(&error))?;
    let mut histories = Vec::new();
    for target in targets.iter().filter(|target| target.service == *service) {
        if let Some((history, _)) = store.load(target).await.map_err(|error| failed(&error))? {
            histories.push(history);
        }
    }
    Ok(explain::releases(&histories))
}
