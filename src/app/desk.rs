//! The two desks: the running controller's, and the store's own where no controller runs.

mod live;
mod store;

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::{Mutex, mpsc, watch as channel};

use super::{
    fleet::FleetState,
    guard::{Order, Snapshot},
};
use crate::{
    engine::PersonWord,
    ports::{Clock, Desk, DeskError, HistoryError, SharedHistory},
    record::TargetHistory,
    web::Reception,
    words::{Actor, TargetKey, Version, VersionName},
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
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

impl Reception for Counter {
    fn desk(&self, actor: Actor) -> Arc<dyn Desk> {
        Arc::new(LiveDesk {
            handles: self.handles.clone(),
            fleet: self.fleet.clone(),
            store: self.store.clone(),
            clock: self.clock.clone(),
            actor,
        })
    }
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
        let known: Vec<&str> = history
            .versions
            .iter()
            .rev()
            .take(5)
            .map(|known| known.version.name.as_str())
            .collect();
        DeskError::Unknown(format!(
            "{} never ran a version `{name}`; the last ones are {}",
            history.target.service,
            known.join(", ")
        ))
    })
}

fn word_sentence(target: &TargetKey, version: &Version, word: PersonWord) -> String {
    let (service, name) = (&target.service, &version.name);
    match word {
        PersonWord::Prove => format!("{name} of {service} is proven, by your word"),
        PersonWord::Quarantine => format!("{name} of {service} is quarantined: it will not be gone back to"),
        PersonWord::Allow => format!("{name} of {service} may be shipped again; it will be judged as a new release"),
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
