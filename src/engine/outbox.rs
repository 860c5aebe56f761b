//! The outbox: alerts are written in the step that they tell of, and stay until each channel confirmed or was given up.

use std::time::Duration;

use super::{
    Event,
    draft::{Draft, Telling},
};
use crate::{
    record::{Alert, AlertKind, Delivery, Happened, Record, Unready},
    words::{ChannelName, Moment},
};

/// A channel that did not take an alert for this long is given up for it.
pub const GIVE_UP_AFTER: Duration = Duration::from_secs(24 * 3600);
/// Ids of alerts that are remembered.
const TOLD_KEPT: usize = 200;

/// How long to wait after `attempts` failed attempts: 1 s, doubling, at most 5 minutes.
#[must_use]
pub fn backoff(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(9);
    Duration::from_secs((1_u64 << doublings).min(300))
}

/// Writes an alert for the channels that the policy in force names; once for each id.
pub(super) fn write(draft: &mut Draft<'_>, telling: Telling) {
    if draft.history.told.contains(&telling.id) {
        return;
    }
    draft.history.told.push(telling.id.clone());
    let surplus = draft.history.told.len().saturating_sub(TOLD_KEPT);
    draft.history.told.drain(..surplus);
    let deliveries = deliveries(draft, &telling.kind);
    if deliveries.is_empty() {
        return;
    }
    let history = &draft.history;
    let record = history
        .open
        .iter()
        .chain(&history.closed)
        .find(|record| Some(record.id) == telling.rollout)
        .map(|record| Box::new(told(record)));
    let chain = history.target.to_string();
    let audit = (history.audit.seq > 0).then(|| history.audit.head(&chain));
    draft.history.outbox.push(Alert {
        audit,
        id: telling.id,
        at: draft.now,
        target: Some(draft.history.target.clone()),
        kind: telling.kind,
        record,
        deliveries,
    });
}

/// The rollout without the pods by which it is counted: of a large workload they are hundreds, and no alert tells of them.
fn told(record: &Record) -> Record {
    let mut record = record.clone();
    record.pods.clear();
    record.old_pods.clear();
    record
}

fn deliveries(draft: &Draft<'_>, kind: &AlertKind) -> Vec<Delivery> {
    let channels = draft.context.policy.notify.channels(kind.notify_on());
    channels
        .iter()
        .map(|channel| Delivery {
            channel: channel.clone(),
            attempts: 0,
            next_at: draft.now,
            last_error: None,
        })
        .collect()
}

/// What deliveries make of an outbox that belongs to no target: the controller's own.
#[must_use]
pub fn settle_outbox(outbox: &[Alert], events: &[Event], now: Moment) -> Vec<Alert> {
    let mut outbox = outbox.to_vec();
    for event in events {
        match event {
            Event::Delivered { alert, channel } => confirm(&mut outbox, alert, channel),
            Event::NotDelivered {
                alert,
                channel,
                error,
                retry,
            } => {
                // Whether it was given up is in the log of the channel; there is no record to note it in.
                let _ = postpone(&mut outbox, alert, channel, error, *retry, now);
            }
            _ => {}
        }
    }
    outbox
}

/// A channel confirmed: it is not asked again, and an alert that all confirmed is gone.
fn confirm(outbox: &mut Vec<Alert>, alert: &str, channel: &ChannelName) {
    for told in outbox.iter_mut().filter(|told| told.id == alert) {
        told.deliveries.retain(|delivery| delivery.channel != *channel);
    }
    outbox.retain(|told| !told.deliveries.is_empty());
}

/// A channel refused: later again, or given up; then the remark that says so.
fn postpone(
    outbox: &mut Vec<Alert>,
    alert: &str,
    channel: &ChannelName,
    error: &str,
    retry: bool,
    now: Moment,
) -> Option<String> {
    let told = outbox.iter_mut().find(|told| told.id == alert)?;
    let delivery = told.deliveries.iter_mut().find(|delivery| delivery.channel == *channel)?;
    if retry && now.since(told.at) < GIVE_UP_AFTER {
        delivery.attempts = delivery.attempts.saturating_add(1);
        delivery.next_at = now.plus(backoff(delivery.attempts));
        delivery.last_error = Some(error.to_owned());
        return None;
    }
    confirm(outbox, alert, channel);
    Some(format!("alert {alert} was given up on channel {channel}: {error}"))
}

/// A channel confirmed an alert of this target.
pub(super) fn delivered(draft: &mut Draft<'_>, alert: &str, channel: &ChannelName) {
    confirm(&mut draft.history.outbox, alert, channel);
}

/// A channel did not take an alert of this target; giving up is noted in the open rollout.
pub(super) fn not_delivered(draft: &mut Draft<'_>, alert: &str, channel: &ChannelName, error: &str, retry: bool) {
    let now = draft.now;
    let Some(remark) = postpone(&mut draft.history.outbox, alert, channel, error, retry, now) else {
        return;
    };
    if let Some(rollout) = draft.open_in(|_| true) {
        draft.with_open(rollout, |draft, record| draft.note(record, Happened::Remarked { remark }));
    }
}

/// Whether lastgood could act: stored, and told when it is lost and when it is back.
pub(super) fn readiness(draft: &mut Draft<'_>, unready: &[Unready]) {
    let turned = draft.history.unready.is_empty() != unready.is_empty();
    if draft.history.unready != unready {
        draft.history.unready = unready.to_vec();
    }
    if turned {
        let id = moment_id(draft, "not_ready", draft.now);
        let unready = unready.to_vec();
        draft.tell_as(id, None, AlertKind::NotReady { unready });
    }
}

fn moment_id(draft: &Draft<'_>, kind: &str, at: Moment) -> String {
    format!("{}/{kind}/{at}", draft.history.target)
}
