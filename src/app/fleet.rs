//! All services together: the budget over all, and freezes.
//!
//! One lock serializes "decide and store" of what takes from the budget: two services that are judged bad at the same moment cannot both take
//! its last revert.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::origin;
use crate::{
    decide::{Fleet, Freeze},
    engine::{Event, settle_outbox},
    policy::Mode,
    ports::{HistoryError, Revision, SharedHistory},
    record::{Action, Alert, AlertKind, CONTROLLER_CHAIN, ControllerState, Deed, Delivery, Intent, TargetHistory},
    settings::{self, Loaded, Settings},
    words::{Actor, ChannelName, Moment, Retention, TargetKey},
};

/// An hour: what budgets are counted over.
const HOUR: Duration = Duration::from_secs(3600);
/// Services that turn bad within this time of each other are one incident.
const INCIDENT: Duration = Duration::from_secs(600);

/// What is known of all services. Always behind one lock.
pub struct FleetState {
    mode: Mode,
    reverts_per_hour: u32,
    freeze_at: usize,
    retention: Retention,
    channels: Vec<ChannelName>,
    reverts: BTreeMap<TargetKey, Vec<Moment>>,
    /// Intents without an outcome, by target.
    intended: BTreeMap<TargetKey, Moment>,
    convicted: BTreeMap<TargetKey, Moment>,
    store: SharedHistory,
    state: ControllerState,
    revision: Option<Revision>,
}

impl FleetState {
    /// Loads what the store knows.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn load(settings: &Settings, store: SharedHistory) -> Result<Self, HistoryError> {
        let all = store.all().await?;
        Self::knowing(settings, store, all.iter().map(|(history, _)| history)).await
    }

    /// The same where the histories were read already.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn knowing(
        settings: &Settings,
        store: SharedHistory,
        histories: impl Iterator<Item = &TargetHistory>,
    ) -> Result<Self, HistoryError> {
        let (state, revision) = store.load_controller().await?;
        let mut fleet = Self {
            mode: settings.mode,
            reverts_per_hour: settings.limits.reverts_per_hour,
            freeze_at: settings.limits.freeze_at as usize,
            retention: settings.retention,
            channels: settings.channels.keys().cloned().collect(),
            reverts: BTreeMap::new(),
            intended: BTreeMap::new(),
            convicted: BTreeMap::new(),
            store,
            state,
            revision,
        };
        for history in histories {
            fleet.note(history);
        }
        Ok(fleet)
    }

    /// Takes over what `history` says of reverts, done or intended.
    pub fn note(&mut self, history: &TargetHistory) {
        match intended(history) {
            Some(intent) => self.intended.insert(history.target.clone(), intent.at),
            None => self.intended.remove(&history.target),
        };
        self.reverts.insert(history.target.clone(), history.reverts.clone());
    }

    /// The fleet as a decision for `target` sees it: an intent of its own is what is decided on, and stands in nobody's way.
    pub fn view(&self, target: &TargetKey, now: Moment) -> Fleet {
        let within = |at: &&Moment| now.since(**at) < HOUR;
        let intended = self.intended.iter().filter(|(other, _)| *other != target).map(|(_, at)| at);
        let reverts_last_hour = self.reverts.values().flatten().chain(intended).filter(within).count();
        Fleet {
            mode: self.mode,
            reverts_last_hour: u32::try_from(reverts_last_hour).unwrap_or(u32::MAX),
            reverts_per_hour: self.reverts_per_hour,
            frozen: self.state.frozen.clone(),
            retention: self.retention,
        }
    }

    /// How much of the past is kept.
    pub const fn retention(&self) -> Retention {
        self.retention
    }

    /// The settings' mode.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// The freeze in force.
    pub const fn frozen(&self) -> Option<&Freeze> {
        self.state.frozen.as_ref()
    }

    /// The controller's own alerts that wait.
    pub fn outbox(&self) -> &[Alert] {
        &self.state.outbox
    }

    /// Notes that `target` was judged bad; freezes where so many are bad at once that it is an incident, not a release.
    ///
    /// # Errors
    /// When the freeze cannot be stored.
    pub async fn convict(&mut self, target: &TargetKey, now: Moment) -> Result<(), HistoryError> {
        self.convicted.insert(target.clone(), now);
        self.convicted.retain(|_, at| now.since(*at) < INCIDENT);
        if self.freeze_at == 0 || self.convicted.len() < self.freeze_at || self.state.frozen.is_some() {
            return Ok(());
        }
        let names: Vec<String> = self.convicted.keys().map(ToString::to_string).collect();
        let freeze = Freeze {
            since: now,
            by: Actor("lastgood".to_owned()),
            reason: format!("{} services turned bad within ten minutes: {}", names.len(), names.join(", ")),
        };
        // One commit: a freeze that is not durable, or that nobody is told of, is none.
        let mut state = self.state.clone();
        state.frozen = Some(freeze.clone());
        let deed = Deed {
            why: freeze.reason.clone(),
            ..own(Action::Freeze, "all services")
        };
        state.audit.add(CONTROLLER_CHAIN, now, deed);
        let alert = self.addressed(AlertKind::Frozen { freeze }, now);
        state.outbox.push(alert.of_chain(&state.audit));
        self.commit(state).await
    }

    /// Freezes or unfreezes by a person's word.
    ///
    /// # Errors
    /// When it cannot be stored; nothing is changed then.
    pub async fn set_frozen(&mut self, freeze: Option<Freeze>, deed: Deed, now: Moment) -> Result<(), HistoryError> {
        let mut state = self.state.clone();
        state.frozen = freeze;
        state.audit.add(CONTROLLER_CHAIN, now, deed);
        self.commit(state).await
    }

    /// Notes the settings of a controller that starts, as they may be shown, where they are others than before.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn settings_are(&mut self, loaded: &Loaded, now: Moment) -> Result<(), HistoryError> {
        let rows = settings::show(loaded).into_iter();
        let shown: BTreeMap<String, String> = rows.map(|(key, value, _)| (key, value)).collect();
        if self.state.settings == shown {
            return Ok(());
        }
        let (by, origin) = origin::of_settings(loaded.file.as_deref());
        let deed = Deed {
            by,
            origin,
            ..own(Action::Settings, &changes(&self.state.settings, &shown))
        };
        let mut state = self.state.clone();
        state.settings = shown;
        state.audit.add(CONTROLLER_CHAIN, now, deed);
        self.commit(state).await
    }

    /// Notes a deed that belongs to no target.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn note_deed(&mut self, deed: Deed, now: Moment) -> Result<(), HistoryError> {
        let mut state = self.state.clone();
        state.audit.add(CONTROLLER_CHAIN, now, deed);
        self.commit(state).await
    }

    /// Writes an alert of the controller's own to its outbox, for every channel, and what it tells of to the audit.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn alert(&mut self, kind: AlertKind, deed: Deed, now: Moment) -> Result<(), HistoryError> {
        let mut state = self.state.clone();
        state.audit.add(CONTROLLER_CHAIN, now, deed);
        let alert = self.addressed(kind, now);
        state.outbox.push(alert.of_chain(&state.audit));
        self.commit(state).await
    }

    /// Says something without the store, which may be what it is about: it is lost if the process ends before it was sent.
    pub fn alert_unstored(&mut self, kind: AlertKind, now: Moment) {
        let alert = self.addressed(kind, now);
        self.state.outbox.push(alert);
    }

    fn addressed(&self, kind: AlertKind, now: Moment) -> Alert {
        let deliveries = self.channels.iter().map(|channel| Delivery {
            channel: channel.clone(),
            attempts: 0,
            next_at: now,
            last_error: None,
        });
        Alert {
            id: format!("controller/{}/{}", kind.name(), now.millis()),
            at: now,
            target: None,
            kind,
            record: None,
            audit: None,
            deliveries: deliveries.collect(),
        }
    }

    /// Takes over what deliveries made of the controller's outbox. What was delivered is so whether or not it can be stored: it is not
    /// sent again by this process.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn settle(&mut self, events: &[Event], now: Moment) -> Result<(), HistoryError> {
        self.state.outbox = settle_outbox(&self.state.outbox, events, now);
        self.commit(self.state.clone()).await
    }

    /// Whether the store can be read; and, where `write` says so, written. What someone else wrote meanwhile is taken over.
    ///
    /// # Errors
    /// What it says.
    pub async fn probe(&mut self, write: bool) -> Result<(), HistoryError> {
        if write {
            return self.commit(self.state.clone()).await;
        }
        // A person's freeze, say, beside a running controller: it counts from now on.
        let (state, revision) = self.store.load_controller().await?;
        if revision != self.revision {
            (self.state, self.revision) = (state, revision);
        }
        Ok(())
    }

    async fn commit(&mut self, state: ControllerState) -> Result<(), HistoryError> {
        match self.store.commit_controller(&state, self.revision.as_ref()).await {
            Ok(revision) => {
                self.revision = Some(revision);
                self.state = state;
                Ok(())
            }
            Err(HistoryError::Conflict(who)) => {
                (self.state, self.revision) = self.store.load_controller().await?;
                Err(HistoryError::Conflict(who))
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether the step between these two begins a revert that counts for the budget.
pub fn takes_from_budget(before: &TargetHistory, after: &TargetHistory) -> bool {
    intended(after).is_some_and(|intent| intended(before) != Some(intent))
}

/// The revert of lastgood's own that is under way.
fn intended(history: &TargetHistory) -> Option<&Intent> {
    let open = history.open.as_ref().filter(|open| open.outcome.is_none())?;
    open.intent.as_ref().filter(|intent| intent.ordered.is_none())
}

/// What differs between two settings, a few words a key.
fn changes(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> String {
    if before.is_empty() {
        return "came into force".to_owned();
    }
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let shown = |value: Option<&String>| value.map_or("-", String::as_str).to_owned();
    let changed = keys.into_iter().filter(|key| before.get(*key) != after.get(*key));
    let changed = changed.map(|key| format!("{key}: {} -> {}", shown(before.get(key)), shown(after.get(key))));
    changed.collect::<Vec<_>>().join("; ")
}

/// A deed of lastgood's own, beyond single targets.
pub fn own(action: Action, what: &str) -> Deed {
    Deed {
        by: Actor("lastgood".to_owned()),
        origin: origin::controller(),
        action,
        what: what.to_owned(),
        why: String::new(),
        refused: false,
        rollout: None,
    }
}
