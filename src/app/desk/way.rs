//! A person's way back: what it would mean, which version is meant, and why nothing came of it.

use super::version_of;
use crate::{
    app::images::{self, Found},
    explain::{Way, clean},
    policy::{Policy, nearest::nearest},
    ports::{DeskError, Images, Platform},
    record::{Phase, TargetHistory, Unready},
    words::{Actor, RolloutId, Version, VersionName},
};

/// The way to `to`, else to the last good version, with what keeps it from working.
///
/// # Errors
/// When the version is unknown or gone, or it is not known what runs.
pub(super) async fn way(
    world: (&dyn Platform, &dyn Images),
    history: &TargetHistory,
    policy: &Policy,
    to: Option<&VersionName>,
) -> Result<Way, DeskError> {
    let to = match to {
        Some(name) => Some(ready(world.0, history, name).await?),
        None => None,
    };
    let mut way = Way::of(history, policy, to.as_ref()).ok_or_else(|| nothing_runs(history))?;
    if let Some(to) = &way.to {
        (way.hindered, way.remarks) = tried(world, history, policy, &to.stands.version).await;
    }
    Ok(way)
}

/// What keeps the way to `to` from working, and what a person should know that does not: a registry that is down stops nobody, an image
/// that is gone does.
pub(super) async fn tried(
    (platform, images): (&dyn Platform, &dyn Images),
    history: &TargetHistory,
    policy: &Policy,
    to: &Version,
) -> (Vec<Unready>, Vec<String>) {
    let image = history.needed_image(&policy.target, to);
    let (mut hindered, found) = futures::join!(platform.rehearse(Some(to)), images::look(images, image));
    let mut remarks = Vec::new();
    match found {
        Found::Nothing => {}
        Found::Gone(gone) => hindered.push(gone),
        Found::Remark(remark) => remarks.push(remark.because),
        Found::Unknown(because) => remarks.push(format!("whether its image is still there is not known: {because}")),
    }
    (hindered, remarks)
}

/// The version called `name`, as it stands ready; it need not have been seen to run.
///
/// # Errors
/// When there is none, or it is not there any more.
pub(super) async fn ready(platform: &dyn Platform, history: &TargetHistory, name: &VersionName) -> Result<Version, DeskError> {
    let found = platform.identify(name).await;
    if let Some(version) = found.map_err(|error| DeskError::Refused(error.0))? {
        return Ok(version);
    }
    let (service, shown) = (&history.target.service, clean(name.as_str()));
    Err(match version_of(history, name) {
        Ok(_) => DeskError::Refused(format!(
            "{shown} of {service} ran here and its release is gone: ship it again, as you ship any version"
        )),
        Err(DeskError::Unknown(because)) => {
            let known: Vec<&str> = history.versions.iter().map(|known| known.version.name.as_str()).collect();
            let near = nearest(name.as_str(), &known).map(|near| format!("; did you mean `{}`?", clean(near)));
            DeskError::Unknown(because + near.as_deref().unwrap_or_default())
        }
        Err(other) => other,
    })
}

fn nothing_runs(history: &TargetHistory) -> DeskError {
    DeskError::Refused(format!(
        "it is not known which version of {} runs: see `lastgood status {}`",
        history.target.service, history.target.service
    ))
}

/// What runs, if it is what the person saw, and not where they go.
///
/// # Errors
/// Why they do not go back from it.
pub(super) fn left(history: &TargetHistory, from: &VersionName, to: &Version) -> Result<Version, DeskError> {
    let runs = history.current.as_ref().filter(|runs| runs.name == *from && *runs != to);
    match runs {
        Some(runs) if under_way(history).is_none() => Ok(runs.clone()),
        _ => Err(why_not(history, from, to)),
    }
}

/// That something keeps a person from going back; nothing was changed.
///
/// # Errors
/// Where something does.
pub(super) fn unhindered(hindered: &[Unready]) -> Result<(), DeskError> {
    if hindered.is_empty() {
        return Ok(());
    }
    let because: Vec<&str> = hindered.iter().map(|unready| unready.because.as_str()).collect();
    Err(DeskError::Refused(format!("nothing was changed: {}", because.join("; "))))
}

/// The act that is on its way: where from, where to, and by whom.
fn under_way(history: &TargetHistory) -> Option<(&Version, &Version, Option<&Actor>)> {
    let open = history.open.as_ref().filter(|open| open.phase == Phase::Reverting)?;
    let intent = open.intent.as_ref()?;
    Some((&intent.from, &intent.to, intent.ordered.as_ref().map(|ordered| &ordered.by)))
}

/// The order to go back to `to` that a process which was killed had begun.
pub(super) fn unfinished(history: &TargetHistory, to: &VersionName) -> Option<RolloutId> {
    let (_, begun, by) = under_way(history)?;
    by.filter(|_| begun.name == *to)?;
    history.open.as_ref().map(|open| open.id)
}

/// Whether that order is done by now.
pub(super) fn is_done(history: &TargetHistory, rollout: RolloutId) -> bool {
    let mut records = history.open.iter().chain(history.closed.iter().rev());
    records.any(|record| record.id == rollout && history.current.as_ref() == Some(&record.to) && record.outcome.is_some())
}

/// Why a person's order changed nothing.
pub(super) fn why_not(history: &TargetHistory, from: &VersionName, to: &Version) -> DeskError {
    let service = &history.target.service;
    let name = |version: &Version| clean(version.name.as_str());
    if let Some((from, to, by)) = under_way(history) {
        let by = by.map_or_else(|| "lastgood".to_owned(), |by| clean(&by.0));
        return DeskError::Refused(format!(
            "{service} is on its way from {} to {} already, by {by}: wait for that, then look again",
            name(from),
            name(to)
        ));
    }
    let Some(runs) = &history.current else {
        return nothing_runs(history);
    };
    let newest = history.open.as_ref().or(history.closed.last());
    let by = newest
        .filter(|record| record.to == *runs)
        .and_then(|record| record.ordered())
        .map(|ordered| format!(", since {} went back to it", clean(&ordered.by.0)))
        .unwrap_or_default();
    DeskError::Refused(if runs == to {
        format!("nothing to do: {} of {service} runs already{by}", name(runs))
    } else {
        format!(
            "nothing was changed: {} of {service} does not run any more, {} does{by}; look again before you go back from that",
            clean(from.as_str()),
            name(runs)
        )
    })
}
