//! The outbox is carried when channels can take it; nothing waits for them, nothing is lost.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::{FutureExt as _, future::BoxFuture};
use lastgood::{
    alert::courier::{self, Channels},
    engine::Event,
    history::Sqlite,
    ports::{AlertSink, History as _},
    record::TargetHistory,
    words::{ChannelName, Moment},
};

use crate::{
    channels::{reverted, slack, webhook},
    receiver::{Answer, Receiver},
    sample,
};

fn name(text: &str) -> ChannelName {
    text.parse().expect("a name")
}

fn channels(sinks: impl IntoIterator<Item = (&'static str, Arc<dyn AlertSink>)>) -> Channels {
    sinks.into_iter().map(|(channel, sink)| (name(channel), sink)).collect()
}

/// What the events make of the history.
fn told(history: &TargetHistory, events: &[Event], now: Moment) -> TargetHistory {
    let mut history = history.clone();
    for event in events {
        for alert in &mut history.outbox {
            match event {
                Event::Delivered { channel, .. } => alert.deliveries.retain(|delivery| delivery.channel != *channel),
                Event::NotDelivered { channel, error, .. } => {
                    let delivery = alert.deliveries.iter_mut().find(|delivery| delivery.channel == *channel);
                    let delivery = delivery.expect("it was on its way");
                    delivery.attempts += 1;
                    delivery.next_at = now.plus(Duration::from_secs(1));
                    delivery.last_error = Some(error.clone());
                }
                _ => panic!("{event:?}"),
            }
        }
        history.outbox.retain(|alert| !alert.deliveries.is_empty());
    }
    history
}

#[tokio::test]
async fn n01_an_alert_outlives_a_dead_endpoint_and_is_delivered_when_it_returns() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Sqlite::open(&directory.path().join("history.db")).expect("a store");
    let receiver = Receiver::start(Answer::Status(200, "ok"));
    let address = receiver.address;
    let channels = channels([("slack-ops", Arc::new(slack(&receiver.url("/hook"))) as Arc<dyn AlertSink>)]);
    drop(receiver);

    let mut alert = reverted("v1.2.3");
    alert.deliveries.retain(|delivery| delivery.channel == name("slack-ops"));
    let mut history = TargetHistory::new(sample::target("myapp"));
    history.outbox = vec![alert.clone()];
    let mut revision = store.commit(&history, None).await.expect("committed");
    let mut now = alert.at;
    for attempt in 1..=3 {
        let events = courier::carry(&history.outbox, now, &channels).await;
        let [Event::NotDelivered { error, retry: true, .. }] = &events[..] else {
            panic!("{events:?}")
        };
        assert!(error.contains("channel slack-ops cannot be reached"), "{error}");
        history = told(&history, &events, now);
        assert_eq!(history.outbox[0].deliveries[0].attempts, attempt);
        revision = store.commit(&history, Some(&revision)).await.expect("committed");
        // Not due again before the engine says so.
        assert!(courier::due(&history.outbox, now).is_empty());
        now = history.outbox[0].deliveries[0].next_at;
    }

    let returned = Receiver::start_at(address, Answer::Status(200, "ok"));
    let (stored, _) = store.load(&history.target).await.expect("loaded").expect("there is one");
    let events = courier::carry(&stored.outbox, now, &channels).await;
    let delivered = Event::Delivered {
        alert: alert.id,
        channel: name("slack-ops"),
    };
    assert_eq!(events, [delivered]);
    assert_eq!(returned.only().path, "/hook");
    assert_eq!(told(&stored, &events, now).outbox, []);
}

#[tokio::test]
async fn n01_a_commit_does_not_wait_for_an_endpoint_that_never_answers() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Sqlite::open(&directory.path().join("history.db")).expect("a store");
    let receiver = Receiver::start(Answer::Never);
    let channels = channels([("slack-ops", Arc::new(slack(&receiver.url("/"))) as Arc<dyn AlertSink>)]);
    let alert = reverted("v1.2.3");
    let mut history = TargetHistory::new(sample::target("myapp"));
    history.outbox = vec![alert.clone()];
    let mut revision = store.commit(&history, None).await.expect("committed");
    let outbox = history.outbox.clone();
    let mut sending = std::pin::pin!(courier::carry(&outbox, alert.at, &channels));
    for act in 0..20 {
        history.reverts = vec![sample::at(act)];
        revision = store.commit(&history, Some(&revision)).await.expect("committed");
        assert!((&mut sending).now_or_never().is_none(), "still on its way");
    }
}

#[tokio::test]
async fn a_channel_that_the_settings_do_not_have_is_named_and_not_tried_again() {
    let receiver = Receiver::start(Answer::Status(200, "ok"));
    let alert = reverted("v1.2.3");
    let channels = channels([("hook", Arc::new(webhook(&receiver.url("/"), None)) as Arc<dyn AlertSink>)]);
    let events = courier::carry(std::slice::from_ref(&alert), alert.at, &channels).await;
    let delivered = Event::Delivered {
        alert: alert.id.clone(),
        channel: name("hook"),
    };
    assert!(events.contains(&delivered), "{events:?}");
    let refused = events.iter().find(|event| **event != delivered);
    let Some(Event::NotDelivered {
        channel,
        error,
        retry: false,
        ..
    }) = refused
    else {
        panic!("{events:?}")
    };
    assert_eq!(*channel, name("slack-ops"));
    assert!(error.contains("no channel slack-ops; add channels.slack-ops"), "{error}");
}

#[tokio::test]
async fn a_slow_channel_holds_up_no_other_and_one_that_is_down_is_asked_once_a_round() {
    let (down, up) = (
        Receiver::start(Answer::Status(503, "")),
        Receiver::start(Answer::Status(200, "")),
    );
    let channels = channels([
        ("slack-ops", Arc::new(slack(&down.url("/"))) as Arc<dyn AlertSink>),
        ("hook", Arc::new(webhook(&up.url("/"), None))),
    ]);
    let mut outbox = vec![reverted("v1"), reverted("v2"), reverted("v3")];
    for (alert, id) in outbox.iter_mut().zip(["a", "b", "c"]) {
        alert.id = id.to_owned();
    }
    let events = courier::carry(&outbox, outbox[0].at, &channels).await;
    let delivered = |event: &&Event| matches!(event, Event::Delivered { .. });
    assert_eq!(events.iter().filter(delivered).count(), 3, "{events:?}");
    assert_eq!((events.len(), down.received().len()), (4, 1));
    let in_order: Vec<String> = up
        .received()
        .iter()
        .map(|request| request.header("webhook-id").to_owned())
        .collect();
    assert_eq!(in_order, ["a", "b", "c"]);
    // The next round tries again, from whatever is still due: an alert that a channel chokes on holds up no other for long.
    down.answers(Answer::Status(200, "ok"));
    outbox[0].deliveries[0].next_at = outbox[0].at.plus(Duration::from_secs(60));
    let events = courier::carry(&outbox[..2], outbox[0].at, &channels).await;
    assert_eq!(down.received().len(), 2);
    assert_eq!(events.iter().filter(delivered).count(), 3);
}

#[test]
fn an_alert_is_due_on_each_channel_at_its_own_time() {
    let mut alert = reverted("v1");
    alert.deliveries[1].next_at = alert.at.plus(Duration::from_millis(1));
    let outbox = [alert.clone()];
    assert_eq!(courier::due(&outbox, alert.at.minus(Duration::from_millis(1))), []);
    assert_eq!(courier::due(&outbox, alert.at), [(alert.id.clone(), name("slack-ops"))]);
    let later = courier::due(&outbox, alert.at.plus(Duration::from_millis(1)));
    assert_eq!(later, [(alert.id.clone(), name("slack-ops")), (alert.id, name("hook"))]);
}

/// The courier needs no more of a channel than the port: any future will do.
#[tokio::test]
async fn an_empty_outbox_asks_nobody() {
    struct Nobody;
    impl AlertSink for Nobody {
        fn send<'a>(&'a self, alert: &'a lastgood::record::Alert) -> BoxFuture<'a, Result<(), lastgood::ports::AlertFault>> {
            panic!("asked about {}", alert.id)
        }
    }
    let channels: Channels = BTreeMap::from([(name("hook"), Arc::new(Nobody) as Arc<dyn AlertSink>)]);
    assert_eq!(courier::carry(&[], sample::at(0), &channels).await, []);
}
