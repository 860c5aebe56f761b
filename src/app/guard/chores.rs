//! What a guard does beside judging: finding out when a process began, rehearsing a revert, delivering alerts. Each in a task of its own.

use std::{borrow::Cow, time::Duration};

use super::{Guard, Message, QUICK_LOOK};
use crate::{
    app::{courier::deliver, readiness, watch},
    engine::{Event, News, settle_outbox},
    policy::{Activate, Target},
    record::Phase,
    words::Moment,
};

/// How often it is tried whether a revert would be possible, and how often while it would not be.
const READINESS: Duration = Duration::from_secs(180);
const UNREADY: Duration = Duration::from_secs(20);
/// So long after the move Prometheus is asked for the new process; a little longer than the state machine waits.
const FIND_FOR: Duration = Duration::from_secs(90);

impl Guard {
    /// Without a unit only Prometheus can tell when the new process began.
    pub(super) fn find_activation(&mut self) {
        // Pods tell by themselves when they are ready.
        let Target::Host(host) = &self.policy.target else { return };
        let Some(open) = &self.history.open else { return };
        let Phase::WaitingForActivation { moved_at } = open.phase else {
            return;
        };
        let found = self.finding.as_ref().is_some_and(|(rollout, _)| *rollout == open.id);
        if found || !matches!(host.activate, Activate::Command { .. }) {
            return;
        }
        let (outside, post, policy, rollout) = (self.outside.clone(), self.post.clone(), open.policy.clone(), open.id);
        let search = tokio::spawn(async move {
            loop {
                let now = outside.clock.now();
                if let Some(activation) = watch::find_activation(&*outside.source, &policy, moved_at, now).await {
                    let _ = post
                        .send(Message::Happened(Box::new(Event::Activated { rollout, activation })))
                        .await;
                    return;
                }
                if now.since(moved_at) > FIND_FOR || post.is_closed() {
                    return;
                }
                tokio::time::sleep(QUICK_LOOK).await;
            }
        });
        // The search for a rollout that was replaced meanwhile would find the start of its successor.
        if let Some((_, before)) = self.finding.replace((rollout, search.abort_handle())) {
            before.abort();
        }
    }

    pub(super) fn rehearse(&mut self, now: Moment) {
        let pause = if self.history.unready.is_empty() { READINESS } else { UNREADY };
        let nothing_seen = self.history.current.is_none() && self.cannot_look.is_none();
        if self.busy || nothing_seen || !now.is_due(self.rehearsed_at, pause) {
            return;
        }
        self.rehearsed_at = now;
        let (outside, post, policy) = (self.outside.clone(), self.post.clone(), self.policy.clone());
        let (history, cannot_look) = (self.history.clone(), self.cannot_look.clone());
        tokio::spawn(async move {
            let unready = readiness::rehearse(&outside, &policy, &history, cannot_look).await;
            let _ = post.send(Message::Happened(Box::new(Event::Readiness(unready)))).await;
        });
    }

    /// Tells what became of a rollout where the target lives. Nothing waits for it, and what cannot be told is not told again.
    pub(super) fn announce(&self, news: Vec<News>) {
        if news.is_empty() {
            return;
        }
        let (platform, target) = (self.outside.platform.clone(), self.history.target.clone());
        tokio::spawn(async move {
            for news in news {
                if let Err(error) = platform.announce(&news).await {
                    tracing::warn!(target_key = %target, %error, "not told at the target");
                }
            }
        });
    }

    /// Delivers what is due. What was delivered and could not be stored yet is not sent again.
    pub(super) fn deliver(&mut self, now: Moment) {
        if self.delivering || self.history.outbox.is_empty() {
            return;
        }
        let owed = self.owed.events();
        let outbox = if owed.is_empty() {
            Cow::Borrowed(&self.history.outbox)
        } else {
            Cow::Owned(settle_outbox(&self.history.outbox, owed, now))
        };
        if !self.outside.sinks.any_due(&outbox, now) {
            return;
        }
        self.delivering = true;
        let (sinks, post, outbox) = (self.outside.sinks.clone(), self.post.clone(), outbox.into_owned());
        tokio::spawn(async move {
            let events = deliver(sinks, outbox, now).await;
            let _ = post.send(Message::Delivered(events)).await;
        });
    }
}
