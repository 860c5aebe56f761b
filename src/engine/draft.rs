//! A history while one step changes it: the open rollout taken out and put back, and alerts that are written last, so that each
//! holds its record as the whole step left it.

use std::time::Duration;

use super::{Context, Effect, Transition, marks, outbox};
use crate::{
    judge,
    record::{AlertKind, Entry, Happened, Phase, Record, TargetHistory},
    words::{Arm, Moment, RolloutId},
};

/// Closed rollouts that a history keeps.
const CLOSED_KEPT: usize = 10;
/// Entries that a timeline keeps.
const TIMELINE_KEPT: usize = 100;
/// Of these the first ones: how a rollout began is worth more than its hundredth restart.
const TIMELINE_BEGINNING: usize = 20;
/// How often it is told at the most that a version was shipped again.
const CONTESTED_EVERY: Duration = Duration::from_secs(3600);

/// An alert that is to be written when the step is over.
pub(super) struct Telling {
    pub id: String,
    pub kind: AlertKind,
    pub rollout: Option<RolloutId>,
}

/// A history while one step changes it.
pub(super) struct Draft<'a> {
    pub history: TargetHistory,
    pub context: &'a Context<'a>,
    pub now: Moment,
    pub effects: Vec<Effect>,
    tellings: Vec<Telling>,
}

impl<'a> Draft<'a> {
    pub fn new(history: &TargetHistory, context: &'a Context<'a>, now: Moment) -> Self {
        Self {
            history: history.clone(),
            context,
            now,
            effects: Vec::new(),
            tellings: Vec::new(),
        }
    }

    /// The id of the open rollout, if its phase is one that `wanted` accepts.
    pub fn open_in(&self, wanted: impl FnOnce(&Phase) -> bool) -> Option<RolloutId> {
        self.history
            .open
            .as_ref()
            .filter(|open| wanted(&open.phase))
            .map(|open| open.id)
    }

    /// Changes the open rollout, if it is `rollout`; closes it where `change` left it closed.
    pub fn with_open(&mut self, rollout: RolloutId, change: impl FnOnce(&mut Self, &mut Record)) {
        let Some(mut record) = self.history.open.take_if(|open| open.id == rollout) else {
            return;
        };
        change(self, &mut record);
        if record.phase == Phase::Closed {
            self.history.closed.push(record);
            let surplus = self.history.closed.len().saturating_sub(CLOSED_KEPT);
            self.history.closed.drain(..surplus);
        } else {
            self.history.open = Some(record);
        }
    }

    /// Adds to the record's timeline.
    pub fn note(&mut self, record: &mut Record, what: Happened) {
        self.audit_happened(record, &what);
        if record.timeline.len() >= TIMELINE_KEPT {
            record.timeline.remove(TIMELINE_BEGINNING);
        }
        record.timeline.push(Entry { at: self.now, what });
    }

    /// Closes the record; [`Draft::with_open`] moves it.
    pub fn close(&mut self, record: &mut Record) {
        record.phase = Phase::Closed;
        record.closed_at = Some(self.now);
        // Who was on which side is needed to count, and there is nothing more to count.
        let gone = record
            .pods
            .iter()
            .filter(|pod| pod.arm == Arm::Baseline)
            .all(|pod| pod.gone_at.is_some());
        record.pods.clear();
        // Once for each pod: one that serves on is in the hour before the next rollout.
        let old_pods = std::mem::take(&mut record.old_pods);
        if gone && record.outcome.is_none() {
            judge::remember(&mut self.history.past_pods, old_pods);
        }
        self.note(record, Happened::Closed);
    }

    /// Tells people of the rollout, once for each kind.
    pub fn tell(&mut self, record: &Record, kind: AlertKind) {
        let id = format!("{}/{}", record.id, kind.name());
        self.tell_as(id, Some(record.id), kind);
    }

    /// Tells people that the candidate, a quarantined version, was shipped again: of each version once an hour, however often a bot
    /// ships it.
    pub fn tell_contested(&mut self, record: &Record) {
        let version = record.to.clone();
        let hour = self.now.aligned_down(CONTESTED_EVERY);
        let id = format!("{}/contested/{}/{hour}", self.history.target, version.fingerprint);
        self.tell_as(id, Some(record.id), AlertKind::Contested { version });
    }

    /// Tells people under an id of its own.
    pub fn tell_as(&mut self, id: String, rollout: Option<RolloutId>, kind: AlertKind) {
        self.tellings.push(Telling { id, kind, rollout });
    }

    /// The step's result.
    pub fn finish(mut self) -> Transition {
        marks::follow(&mut self);
        for telling in std::mem::take(&mut self.tellings) {
            outbox::write(&mut self, telling);
        }
        self.history.forget(self.context.fleet.retention, self.now);
        Transition {
            history: self.history,
            effects: self.effects,
        }
    }
}
