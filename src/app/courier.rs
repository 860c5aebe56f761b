//! Delivers what waits in an outbox, through the channels that the settings name. Acts never wait for it.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    alert::courier,
    engine::Event,
    ports::{AlertSink, crash},
    record::Alert,
    words::{ChannelName, Moment},
};

/// The channels by name.
pub struct Sinks(BTreeMap<ChannelName, Arc<dyn AlertSink>>);

impl Sinks {
    /// Takes the channels.
    pub const fn new(sinks: BTreeMap<ChannelName, Arc<dyn AlertSink>>) -> Self {
        Self(sinks)
    }

    /// Whether a channel of this name exists.
    pub fn has(&self, channel: &ChannelName) -> bool {
        self.0.contains_key(channel)
    }

    /// Whether anything is due.
    pub fn any_due(&self, outbox: &[Alert], now: Moment) -> bool {
        !courier::due(outbox, now).is_empty()
    }

    /// Sends what is due and tells what became of it.
    pub async fn deliver(&self, outbox: &[Alert], now: Moment) -> Vec<Event> {
        crash::point("alert.before");
        let events = courier::carry(outbox, now, &self.0).await;
        crash::point("alert.after");
        events
    }
}
