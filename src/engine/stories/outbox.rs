//! The outbox: nothing is lost, nothing is told twice, and nobody is asked for ever.

use std::time::Duration;

use super::script::{DAY, Story};
use crate::{
    engine::{Event, backoff},
    record::{AlertKind, Happened, Unready},
    words::{ChannelName, Verdict},
};

fn ops() -> ChannelName {
    "ops".parse().expect("a channel")
}

fn reverted() -> (Story, String) {
    let mut story = Story::with_candidate();
    story.history.outbox.clear();
    story.judged_as(Verdict::Regression);
    story.reverts("v2", "v1");
    story.applied();
    story.tells(&["reverted"]);
    let alert = story.history.outbox.last().expect("it is to be delivered");
    assert_eq!(alert.id, format!("{}/reverted", story.open().id));
    assert_eq!(alert.record.as_deref(), Some(story.open()), "the record as the step left it");
    let id = alert.id.clone();
    (story, id)
}

#[test]
fn n01_an_alert_stays_until_its_channel_confirmed() {
    let (mut story, alert) = reverted();
    let refused = |retry| Event::NotDelivered {
        alert: alert.clone(),
        channel: ops(),
        error: "503".to_owned(),
        retry,
    };
    story.happens(&refused(true));
    let delivery = story.history.outbox[0].deliveries[0].clone();
    assert_eq!((delivery.attempts, delivery.last_error.as_deref()), (1, Some("503")));
    assert_eq!(delivery.next_at, story.now.plus(Duration::from_secs(1)));
    story.happens(&Event::Delivered {
        alert: alert.clone(),
        channel: "other".parse().expect("a channel"),
    });
    assert_eq!(story.history.outbox.len(), 1);
    story.happens(&Event::Delivered {
        alert: alert.clone(),
        channel: ops(),
    });
    assert_eq!(story.history.outbox, []);
    story.happens(&refused(true));
    story.is_quiet();
}

#[test]
fn waits_double_up_to_five_minutes() {
    let waits: Vec<u64> = (0..12).map(|attempts| backoff(attempts).as_secs()).collect();
    assert_eq!(waits, [1, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    assert_eq!(backoff(u32::MAX).as_secs(), 300);
}

#[test]
fn an_alert_is_given_up_after_a_day_or_where_no_attempt_can_help() {
    for (retry, later) in [(true, DAY), (false, 0)] {
        let (mut story, alert) = reverted();
        story.later(later);
        story.happens(&Event::NotDelivered {
            alert,
            channel: ops(),
            error: "404".to_owned(),
            retry,
        });
        assert_eq!(story.history.outbox, []);
        let said = |what: &Happened| matches!(what, Happened::Remarked { remark } if remark.contains("ops: 404"));
        assert!(story.open().timeline.iter().any(|entry| said(&entry.what)));
    }
}

#[test]
fn an_alert_for_nobody_is_not_kept() {
    let mut story = Story::new();
    story.policy.notify.by.clear();
    story.switches("v1");
    story.later(DAY);
    story.judged(|_| {});
    story.tells(&["proven"]);
    assert_eq!(story.history.outbox, []);
}

#[test]
fn readiness_is_told_when_it_is_lost_and_when_it_is_back() {
    let mut story = Story::after_first_sight();
    let unready = |name: &str| Unready {
        name: name.to_owned(),
        because: "chown it".to_owned(),
    };
    story.happens(&Event::Readiness(vec![unready("link_not_writable")]));
    story.tells(&["not_ready"]);
    story.later(60);
    let both = vec![unready("link_not_writable"), unready("unit_not_found")];
    story.happens(&Event::Readiness(both.clone()));
    story.is_quiet();
    assert_eq!(story.history.unready, both);
    story.later(60);
    story.happens(&Event::Readiness(Vec::new()));
    story.tells(&["not_ready"]);
    let last = story
        .history
        .outbox
        .last()
        .map(|alert| (alert.kind.clone(), alert.record.clone()));
    assert_eq!(last, Some((AlertKind::NotReady { unready: Vec::new() }, None)));
}
