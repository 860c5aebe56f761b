//! Carries what is due from the outbox to the channels, and says what became of it. The engine owns the backoff; an act never waits here.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures::future::join_all;

use crate::{
    engine::{Event, backoff},
    ports::AlertSink,
    record::Alert,
    words::{ChannelName, Moment},
};

/// The channels by name.
pub type Channels = BTreeMap<ChannelName, Arc<dyn AlertSink>>;

/// Which alerts are due on which channels, oldest first.
#[must_use]
pub fn due(outbox: &[Alert], now: Moment) -> Vec<(String, ChannelName)> {
    pairs(outbox, now)
        .map(|(alert, channel)| (alert.id.clone(), channel.clone()))
        .collect()
}

/// Sends what is due, and returns for each attempt [`Event::Delivered`] or [`Event::NotDelivered`].
///
/// Channels do not wait for each other; on one channel alerts go one after another, and after one that another attempt may help the rest
/// stays due, so that a channel that is down costs one deadline a round. Not to be run twice at once over the same outbox: that sends twice.
pub async fn carry(outbox: &[Alert], now: Moment, channels: &Channels) -> Vec<Event> {
    let names: BTreeSet<&ChannelName> = pairs(outbox, now).map(|(_, channel)| channel).collect();
    let rounds = names.into_iter().map(|name| {
        let alerts = pairs(outbox, now)
            .filter(move |(_, channel)| *channel == name)
            .map(|(alert, _)| alert);
        carry_to(name, channels.get(name), alerts)
    });
    join_all(rounds).await.into_iter().flatten().collect()
}

async fn carry_to(name: &ChannelName, sink: Option<&Arc<dyn AlertSink>>, alerts: impl Iterator<Item = &Alert>) -> Vec<Event> {
    let mut events = Vec::new();
    for alert in alerts {
        let Some(sink) = sink else {
            events.push(not_delivered(alert, name, unknown(name), false));
            continue;
        };
        match sink.send(alert).await {
            Ok(()) => events.push(Event::Delivered {
                alert: alert.id.clone(),
                channel: name.clone(),
            }),
            Err(fault) => {
                events.push(not_delivered(alert, name, fault.because, fault.retry));
                if fault.retry {
                    break;
                }
            }
        }
    }
    events
}

fn pairs(outbox: &[Alert], now: Moment) -> impl Iterator<Item = (&Alert, &ChannelName)> {
    outbox.iter().flat_map(move |alert| {
        // No wait is longer: one that is was set before the clock was set back.
        let latest = now.plus(backoff(u32::MAX));
        let due = alert
            .deliveries
            .iter()
            .filter(move |delivery| delivery.next_at <= now || delivery.next_at > latest);
        due.map(move |delivery| (alert, &delivery.channel))
    })
}

fn unknown(name: &ChannelName) -> String {
    format!("the settings have no channel {name}; add channels.{name} there, or take it out of the policy's notify")
}

fn not_delivered(alert: &Alert, channel: &ChannelName, error: String, retry: bool) -> Event {
    Event::NotDelivered {
        alert: alert.id.clone(),
        channel: channel.clone(),
        error,
        retry,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        explain::specimen,
        record::{AlertKind, Delivery},
    };

    #[test]
    fn c11_a_wait_that_was_set_before_the_clock_was_set_back_is_over() {
        let failed_at = specimen::at(3600);
        let mut alert = specimen::alert(AlertKind::NotReady { unready: Vec::new() }, None);
        alert.deliveries = vec![Delivery {
            channel: "ops".parse().expect("a channel"),
            attempts: 1,
            next_at: failed_at.plus(backoff(1)),
            last_error: None,
        }];
        let outbox = [alert];
        assert_eq!(due(&outbox, failed_at), []);
        assert_eq!(due(&outbox, failed_at.minus(Duration::from_secs(3600))).len(), 1);
    }
}
