//! The two desks: the running controller's, and the store's own where no controller runs.

mod approving;
pub(super) mod errand;
mod forgetting;
mod live;
mod recording;
mod store;
mod way;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::sync::{Mutex, mpsc, watch as channel};

use super::{
    fleet::FleetState,
    guard::{Order, Snapshot},
};
use crate::{
    decide::Freeze,
    engine::PersonWord,
    explain::clean,
    ports::{Clock, Command, Desk, DeskError, HistoryError, Images, Note, Platform, SharedHistory, Trail},
    record::{Action, CONTROLLER_CHAIN, Deed, StoredAudit, TargetHistory},
    web::Reception,
    words::{Actor, Moment, Standing, TargetKey, Version, VersionName},
};
use live::LiveDesk;
pub use store::StoreDesk;

/// A guard as the desk knows it.
#[derive(Clone)]
pub struct Handle {
    /// What it knows.
    pub snapshot: channel::Receiver<Snapshot>,
    /// Where people's words go.
    pub orders: mpsc::Sender<Order>,
    /// Where the target runs.
    pub platform: Arc<dyn Platform>,
}

/// The guards that run, by target.
pub type Handles = Arc<std::sync::RwLock<BTreeMap<TargetKey, Handle>>>;

/// Gives each person a desk of the running controller.
pub struct Counter {
    /// The guards.
    pub handles: Handles,
    /// All services together.
    pub fleet: Arc<Mutex<FleetState>>,
    /// What survives.
    pub store: SharedHistory,
    /// The registries of images.
    pub images: Arc<dyn Images>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

impl Reception for Counter {
    fn desk(&self, actor: Actor) -> Arc<dyn Desk> {
        Arc::new(LiveDesk {
            handles: self.handles.clone(),
            fleet: self.fleet.clone(),
            store: self.store.clone(),
            images: self.images.clone(),
            clock: self.clock.clone(),
            actor,
        })
    }
}

/// What is said where a person's word on a version changed nothing: that it stands so already, or how it stands instead.
fn unchanged(history: &TargetHistory, version: &Version, word: PersonWord) -> Result<String, DeskError> {
    let standing = history.known(version).map(|known| known.standing);
    let so_already = match word {
        PersonWord::Prove => standing == Some(Standing::Proven),
        PersonWord::Quarantine => standing == Some(Standing::Quarantined),
        PersonWord::Allow => standing != Some(Standing::Quarantined),
    };
    let stands = standing.map_or_else(|| "not known".to_owned(), |standing| standing.to_string());
    let name = clean(version.name.as_str());
    if so_already {
        Ok(format!("nothing to change: {name} of {} is {stands}", history.target.service))
    } else {
        Err(DeskError::Refused(format!(
            "nothing changed: {name} of {} is {stands}",
            history.target.service
        )))
    }
}

/// Characters of what a command says of itself.
const LONGEST_NOTE: usize = 500;

/// What a command hears that noted something.
const NOTED: &str = "noted";

/// What a command hears that changed what runs.
const LOOKED: &str = "looked at";

/// That all services, or one, were frozen or not already.
const SO_ALREADY: &str = " (it was so already)";

/// How often in a row someone else may change the history before it is given up.
const MOST_CONFLICTS: u32 = 8;
/// How long is waited after the first of them; after each the same again and as long once more. A guard that catches up stores step after step.
const AFTER_CONFLICT: Duration = Duration::from_millis(25);

/// Waits after `met` conflicts were met before.
async fn pause(met: u32) {
    tokio::time::sleep(AFTER_CONFLICT * 2_u32.saturating_pow(met)).await;
}

/// Changes what the store has of a target, whoever else does at the same time. `change` makes of what is there what is stored in its place,
/// where anything is, and what is said.
///
/// # Errors
/// When `change` refuses, or it cannot be stored.
async fn changed(
    store: &SharedHistory,
    target: &TargetKey,
    change: impl Fn(TargetHistory) -> Result<(Option<TargetHistory>, String), DeskError>,
) -> Result<String, DeskError> {
    for met in 0..MOST_CONFLICTS {
        let (history, revision) = store.load(target).await.map_err(|error| failed(&error))?.unzip();
        let (new, said) = change(history.unwrap_or_else(|| TargetHistory::new(target.clone())))?;
        let Some(new) = new else { return Ok(said) };
        match store.commit(&new, revision.as_ref()).await {
            Ok(_) => return Ok(said),
            Err(HistoryError::Conflict(_)) => pause(met).await,
            Err(error) => return Err(failed(&error)),
        }
    }
    Err(contended(target))
}

fn contended(target: &TargetKey) -> DeskError {
    DeskError::Failed(format!(
        "the history of {target} is changed by someone else again and again: look with `lastgood status`, then try again"
    ))
}

fn failed(error: &HistoryError) -> DeskError {
    DeskError::Failed(error.to_string())
}

fn unknown_target<'a>(target: &TargetKey, known: impl Iterator<Item = &'a TargetKey>) -> DeskError {
    let known: Vec<String> = known.map(|key| format!("{} (env {})", key.service, key.env)).collect();
    let known = if known.is_empty() {
        "none is guarded yet".to_owned()
    } else {
        known.join(", ")
    };
    DeskError::Unknown(format!(
        "no service `{}` in env `{}`; known: {known}",
        target.service, target.env
    ))
}

/// The newest version of this name.
fn version_of(history: &TargetHistory, name: &VersionName) -> Result<Version, DeskError> {
    let found = history.versions.iter().rev().find(|known| known.version.name == *name);
    found.map(|known| known.version.clone()).ok_or_else(|| {
        let service = &history.target.service;
        let name = clean(name.as_str());
        let newest = history.versions.iter().rev().take(5);
        let known: Vec<String> = newest.map(|known| clean(known.version.name.as_str())).collect();
        DeskError::Unknown(if known.is_empty() {
            format!("{service} never ran a version `{name}`, nor any other that lastgood saw")
        } else {
            format!(
                "{service} never ran a version `{name}`; the last ones are {}",
                known.join(", ")
            )
        })
    })
}

fn word_sentence(target: &TargetKey, version: &Version, word: PersonWord) -> String {
    let (service, name) = (&target.service, clean(version.name.as_str()));
    match word {
        PersonWord::Prove => format!("{name} of {service} is proven, by your word"),
        PersonWord::Quarantine => format!("{name} of {service} is quarantined: it will not be gone back to"),
        PersonWord::Allow => format!("{name} of {service} may be shipped again; it will be judged as a new release"),
    }
}

fn going_back(target: &TargetKey, from: &VersionName, to: &Version) -> String {
    format!(
        "{} goes back from {} to {}",
        target.service,
        clean(from.as_str()),
        clean(to.name.as_str())
    )
}

/// The audit of one chain or of all, and the ends that the store itself knows of.
async fn trail(store: &SharedHistory, chain: Option<&str>) -> Result<Trail, DeskError> {
    let told = |error: HistoryError| failed(&error);
    let StoredAudit { entries, cut } = store.audit(chain).await.map_err(told)?;
    let (controller, _) = store.load_controller().await.map_err(told)?;
    let mut heads = vec![controller.audit.head(CONTROLLER_CHAIN)];
    heads.extend(controller.outbox.iter().filter_map(|alert| alert.audit.clone()));
    for target in store.targets().await.map_err(told)? {
        if let Some((history, _)) = store.load(&target).await.map_err(told)? {
            heads.push(history.audit.head(&target.to_string()));
            heads.extend(history.outbox.iter().filter_map(|alert| alert.audit.clone()));
        }
    }
    heads.retain(|head| chain.is_none_or(|chain| head.chain == chain));
    Ok(Trail { entries, heads, cut })
}

/// Freezes all services for a reason; allows reverts again without one.
async fn freeze_all(
    fleet: &Mutex<FleetState>,
    by: &Actor,
    reason: Option<String>,
    origin: String,
    now: Moment,
) -> Result<String, DeskError> {
    let freeze = reason.map(|reason| Freeze {
        since: now,
        by: by.clone(),
        reason,
    });
    let frozen = freeze.is_some();
    let deed = freeze_of_all(by, freeze.as_ref(), origin);
    let stored = fleet.lock().await.set_frozen(freeze, deed, now).await;
    stored.map(|()| frozen_sentence(None, frozen)).map_err(|error| failed(&error))
}

/// Notes a refusal that belongs to no target's chain.
async fn note_of_all(fleet: &Mutex<FleetState>, deed: Deed, now: Moment) -> Result<(), DeskError> {
    let noted = fleet.lock().await.note_deed(deed, now).await;
    noted.map_err(|error| failed(&error))
}

/// What cannot be noted is in the log: nothing was done either way.
fn log_unnoted(noted: Result<(), DeskError>) {
    if let Err(error) = noted {
        tracing::error!(%error, "a refusal could not be noted in the audit");
    }
}

/// That a person froze all services, or allowed reverts again.
fn freeze_of_all(by: &Actor, freeze: Option<&Freeze>, origin: String) -> Deed {
    Deed {
        by: by.clone(),
        origin,
        action: if freeze.is_some() { Action::Freeze } else { Action::Unfreeze },
        what: "all services".to_owned(),
        why: freeze.map(|freeze| freeze.reason.clone()).unwrap_or_default(),
        refused: false,
        rollout: None,
    }
}

/// What was asked for and refused, as the audit notes it, and the target whose it is; none where it was to be noted only.
fn refused(command: &Command, because: &DeskError, by: &Actor, origin: String) -> Option<(Option<TargetKey>, Deed)> {
    let (target, action, what, why) = match command {
        Command::Note(_) | Command::Brought { .. } => return None,
        Command::Word {
            target,
            version,
            word,
            reason,
        } => {
            let word = match word {
                PersonWord::Prove => "prove",
                PersonWord::Quarantine => "quarantine",
                PersonWord::Allow => "allow",
            };
            (Some(target), Action::Release, format!("{word} {version}"), reason.as_str())
        }
        Command::GoBack {
            target,
            from,
            to,
            reason,
        } => (Some(target), Action::Rollback, format!("{from} -> {to}"), reason.as_str()),
        Command::Record { target, manifest } => (Some(target), Action::Record, manifest.version.to_string(), ""),
        Command::Approve { rollout, .. } => {
            let which = rollout.map_or_else(|| "the one that waits".to_owned(), |rollout| rollout.to_string());
            (None, Action::Approve, which, "")
        }
        Command::Forget { target, reason } => (Some(target), Action::Forget, "what is known".to_owned(), reason.as_str()),
        Command::GoOn { target, reason } => (Some(target), Action::Hold, format!("let {target} go on"), reason.as_str()),
        Command::Freeze { target, reason } => (target.as_ref(), Action::Freeze, named(target.as_ref()), reason.as_str()),
        Command::Unfreeze { target } => (target.as_ref(), Action::Unfreeze, named(target.as_ref()), ""),
    };
    let why = if why.is_empty() {
        format!("refused: {because}")
    } else {
        format!("{why}; refused: {because}")
    };
    let deed = Deed {
        by: by.clone(),
        origin,
        action,
        what,
        why,
        refused: true,
        rollout: None,
    };
    Some((target.cloned(), deed))
}

/// What a command did or refused by itself, as the audit notes it.
fn noted(note: Note, by: &Actor, origin: String) -> (TargetKey, Deed) {
    let clipped = |text: String| text.chars().take(LONGEST_NOTE).collect();
    let deed = Deed {
        by: by.clone(),
        origin,
        action: note.action.into(),
        what: clipped(note.what),
        why: clipped(note.why),
        refused: note.refused,
        rollout: None,
    };
    (note.target, deed)
}

/// For a chain that is not the target's own: it says whose the deed is.
fn beside(target: Option<TargetKey>, deed: Deed) -> Deed {
    match target {
        Some(target) if !deed.what.contains(&target.to_string()) => Deed {
            what: format!("{target}: {}", deed.what),
            ..deed
        },
        _ => deed,
    }
}

fn named(target: Option<&TargetKey>) -> String {
    target.map_or_else(|| "all services".to_owned(), ToString::to_string)
}

/// What becomes of what is held, by a person's word.
fn goes_on(history: &TargetHistory) -> Result<String, DeskError> {
    let service = &history.target.service;
    match &history.hold {
        Some(hold) => Ok(format!(
            "{} of {service} goes on; it is not held again",
            clean(hold.version.name.as_str())
        )),
        None => Err(DeskError::Refused(format!(
            "nothing of {service} is held; see `lastgood hold list`"
        ))),
    }
}

fn frozen_sentence(target: Option<&TargetKey>, frozen: bool) -> String {
    match (target, frozen) {
        (None, true) => "frozen: no service is reverted until `lastgood unfreeze`; judging and alerts go on".to_owned(),
        (None, false) => "reverts are possible again".to_owned(),
        (Some(target), true) => {
            let service = &target.service;
            format!("{service} is not reverted until `lastgood unfreeze {service}`; judging and alerts go on")
        }
        (Some(target), false) => format!("{} is reverted again when it has to be", target.service),
    }
}
