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
    async fn deliver(&self, outbox: &[Alert], now: Moment) -> Vec<Event> {
        crash::point("alert.before");
        let events = courier::carry(outbox, now, &self.0).await;
        crash::point("alert.after");
        events
    }
}

/// Delivers in a task of its own: an alert that breaks its channel is tried again later, and nobody else waits for it.
pub async fn deliver(sinks: Arc<Sinks>, outbox: Vec<Alert>, now: Moment) -> Vec<Event> {
    let due = courier::due(&outbox, now);
    let delivery = tokio::spawn(async move { sinks.deliver(&outbox, now).await });
    delivery.await.unwrap_or_else(|error| {
        tracing::error!(%error, "internal error in a channel");
        due.into_iter()
            .map(|(alert, channel)| Event::NotDelivered {
                alert,
                channel,
                error: format!("internal error: {error}"),
                retry: true,
            })
            .collect()
    })
}
