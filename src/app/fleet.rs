//! All services together: the budget over all, freezes, and the order in which steps are stored.
//!
//! One lock serializes "decide and store": two services that are judged bad at the same moment cannot both take the last revert of the budget.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    decide::{Fleet, Freeze},
    ports::{HistoryError, Revision, SharedHistory},
    record::{Alert, AlertKind, ControllerState, Delivery, TargetHistory},
    settings::Settings,
    words::{Actor, ChannelName, Moment, TargetKey},
};

/// An hour: what budgets are counted over.
const HOUR: Duration = Duration::from_secs(3600);
/// Services that turn bad within this time of each other are one incident.
const INCIDENT: Duration = Duration::from_secs(600);

/// What is known of all services. Always behind one lock.
pub struct FleetState {
    mode: crate::policy::Mode,
    reverts_per_hour: u32,
    freeze_at: usize,
    channels: Vec<ChannelName>,
    reverts: BTreeMap<TargetKey, Vec<Moment>>,
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
        let (state, revision) = store.load_controller().await?;
        let mut fleet = Self {
            mode: settings.mode,
            reverts_per_hour: settings.limits.reverts_per_hour,
            freeze_at: settings.limits.freeze_at as usize,
            channels: settings.channels.keys().cloned().collect(),
            reverts: BTreeMap::new(),
            convicted: BTreeMap::new(),
            store: store.clone(),
            state,
            revision,
        };
        for target in store.targets().await? {
            if let Some((history, _)) = store.load(&target).await? {
                fleet.note(&history);
            }
        }
        Ok(fleet)
    }

    /// Takes over what `history` says of reverts, done or intended.
    pub fn note(&mut self, history: &TargetHistory) {
        let intended = history
            .open
            .as_ref()
            .filter(|open| open.outcome.is_none())
            .and_then(|open| open.intent.as_ref());
        let reverts = history
            .reverts
            .iter()
            .copied()
            .chain(intended.map(|intent| intent.at))
            .collect();
        self.reverts.insert(history.target.clone(), reverts);
    }

    /// The fleet as a decision for `target` sees it.
    pub fn view(&self, now: Moment) -> Fleet {
        let within = |at: &&Moment| now.since(**at) < HOUR;
        let reverts_last_hour = self.reverts.values().flatten().filter(within).count();
        Fleet {
            mode: self.mode,
            reverts_last_hour: u32::try_from(reverts_last_hour).unwrap_or(u32::MAX),
            reverts_per_hour: self.reverts_per_hour,
            frozen: self.state.frozen.clone(),
        }
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
        self.state.frozen = Some(freeze.clone());
        self.alert(AlertKind::Frozen { freeze }, now).await
    }

    /// Freezes or unfreezes by a person's word.
    ///
    /// # Errors
    /// When it cannot be stored; nothing is changed then.
    pub async fn set_frozen(&mut self, freeze: Option<Freeze>) -> Result<(), HistoryError> {
        let mut state = self.state.clone();
        state.frozen = freeze;
        self.commit(state).await
    }

    /// Writes an alert of the controller's own to its outbox, for every channel.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn alert(&mut self, kind: AlertKind, now: Moment) -> Result<(), HistoryError> {
        let deliveries = self.channels.iter().map(|channel| Delivery {
            channel: channel.clone(),
            attempts: 0,
            next_at: now,
            last_error: None,
        });
        let alert = Alert {
            id: format!("controller/{}/{}", kind.name(), now.millis()),
            at: now,
            target: None,
            kind,
            record: None,
            deliveries: deliveries.collect(),
        };
        let mut state = self.state.clone();
        state.outbox.push(alert);
        self.commit(state).await
    }

    /// Replaces the controller's outbox after deliveries.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn set_outbox(&mut self, outbox: Vec<Alert>) -> Result<(), HistoryError> {
        let mut state = self.state.clone();
        state.outbox = outbox;
        self.commit(state).await
    }

    async fn commit(&mut self, state: ControllerState) -> Result<(), HistoryError> {
        self.revision = Some(self.store.commit_controller(&state, self.revision.as_ref()).await?);
        self.state = state;
        Ok(())
    }
}
