//! A person's way back: what it would mean, which version is meant, and why nothing came of it.

use super::version_of;
use crate::{
    app::images::{self, Found},
    explain::{Way, clean},
    policy::{Policy, Target, nearest::nearest},
    ports::{DeskError, Images, Platform, PlatformError},
    record::{ImageOnly, Intent, Phase, TargetHistory, Unready},
    words::{RolloutId, Version, VersionName},
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
    let (to, image) = match to {
        Some(name) => {
            let Ready { version, image } = ready(world.0, history, policy, name).await?;
            (Some(version), image)
        }
        None => (None, None),
    };
    let mut way = Way::of(history, policy, to.as_ref()).ok_or_else(|| nothing_runs(history))?;
    if let Some(to) = &way.to {
        let ready = Ready {
            version: to.stands.version.clone(),
            image,
        };
        (way.hindered, way.remarks) = tried(world, history, policy, &ready).await;
        if let Some(only) = ready.image {
            way.by_image(only);
        }
    }
    Ok(way)
}

/// A version that stands ready to be gone back to.
pub(super) struct Ready {
    /// Which.
    pub version: Version,
    /// What goes back, where it is not the whole version.
    pub image: Option<ImageOnly>,
}

/// What keeps the way to `to` from working, and what a person should know that does not: a registry that is down stops nobody, an image
/// that is gone does.
pub(super) async fn tried(
    (platform, images): (&dyn Platform, &dyn Images),
    history: &TargetHistory,
    policy: &Policy,
    to: &Ready,
) -> (Vec<Unready>, Vec<String>) {
    let image = match &to.image {
        Some(only) => history.image_called(&only.release),
        None => history.needed_image(&policy.target, &to.version),
    };
    let rehearsed = platform.rehearse(Some(&to.version), to.image.as_ref());
    let (mut hindered, found) = futures::join!(rehearsed, images::look(images, image));
    let mut remarks = Vec::new();
    match found {
        Found::Nothing => {}
        Found::Gone(gone) => hindered.push(gone),
        Found::Remark(remark) => remarks.push(remark.because),
        Found::Unknown(because) => remarks.push(format!("whether its image is still there is not known: {because}")),
    }
    (hindered, remarks)
}

/// The version called `name`, as it stands ready; it need not have been seen to run. Where nothing is kept of it in a cluster, its image
/// does.
///
/// # Errors
/// When there is none, or it is not there any more.
pub(super) async fn ready(
    platform: &dyn Platform,
    history: &TargetHistory,
    policy: &Policy,
    name: &VersionName,
) -> Result<Ready, DeskError> {
    let refused = |error: PlatformError| DeskError::Refused(error.0);
    if let Some(version) = platform.identify(name).await.map_err(refused)? {
        return Ok(Ready { version, image: None });
    }
    let image = history.image_called(name);
    let by_image = match image {
        Some(image) => platform.with_image(name, image).await.map_err(refused)?,
        None => None,
    };
    match by_image {
        Some((version, only)) => Ok(Ready {
            version,
            image: Some(only),
        }),
        None => Err(not_ready(history, &policy.target, name)),
    }
}

/// Why nobody can go back to what is called `name`.
fn not_ready(history: &TargetHistory, target: &Target, name: &VersionName) -> DeskError {
    let (service, shown) = (&history.target.service, clean(name.as_str()));
    let found = version_of(history, name);
    let known = found.is_ok() || history.release(name).is_some();
    match (target, found) {
        (Target::Kubernetes(_), _) if known => DeskError::Refused(format!(
            "nothing is kept of the pod template of {shown} of {service}, and no image of it is recorded: roll it out by its image, \
             `lastgood deploy {service} --to {shown} --image IMAGE`"
        )),
        (_, Ok(_)) => DeskError::Refused(format!(
            "{shown} of {service} ran here and its release is gone: ship it again, as you ship any version"
        )),
        (_, Err(DeskError::Unknown(because))) => {
            let known: Vec<&str> = history.versions.iter().map(|known| known.version.name.as_str()).collect();
            let near = nearest(name.as_str(), &known).map(|near| format!("; did you mean `{}`?", clean(near)));
            DeskError::Unknown(because + near.as_deref().unwrap_or_default())
        }
        (_, Err(other)) => other,
    }
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

/// The act that is on its way.
fn under_way(history: &TargetHistory) -> Option<&Intent> {
    let open = history.open.as_ref().filter(|open| open.phase == Phase::Reverting)?;
    open.intent.as_ref()
}

/// The order to go back to `to` that a process which was killed had begun.
pub(super) fn unfinished(history: &TargetHistory, to: &VersionName) -> Option<RolloutId> {
    let begun = under_way(history).filter(|begun| begun.ordered.is_some())?;
    let named = begun.image_only().map_or(&begun.to.name, |only| &only.release);
    (named == to).then_some(begun.rollout)
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
    if let Some(Intent { from, to, ordered, .. }) = under_way(history) {
        let by = ordered
            .as_ref()
            .map_or_else(|| "lastgood".to_owned(), |ordered| clean(&ordered.by.0));
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
