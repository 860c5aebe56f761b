//! What the commits of a guard mean: whether an event convicts, and which crash points a commit lies between.

use crate::{
    engine::{Event, Stage},
    record::{Happened, TargetHistory},
    words::Verdict,
};

/// Whether this event convicts the open rollout for the first time.
pub(super) fn convicts(event: &Event, history: &TargetHistory) -> bool {
    let Event::Judged {
        rollout,
        stage: Stage::Watch,
        evidence,
    } = event
    else {
        return false;
    };
    evidence.verdict == Some(Verdict::Regression)
        && history
            .open
            .as_ref()
            .is_some_and(|open| open.id == *rollout && open.verdict != Some(Verdict::Regression))
}

/// What a commit stores, as the names of the crash points before and after it.
pub(super) fn durable_step(before: &TargetHistory, after: &TargetHistory) -> (&'static str, &'static str) {
    let newest = |history: &TargetHistory| {
        let record = history.open.as_ref().or(history.closed.last())?;
        Some((record.id, record.timeline.last().map(|entry| entry.what.clone())))
    };
    if after.outbox.len() < before.outbox.len() {
        return ("delivered.before", "delivered.after");
    }
    match newest(after).and_then(|(_, what)| what) {
        Some(Happened::Seen) => ("opened.before", "opened.after"),
        Some(Happened::Activated) => ("activated.before", "activated.after"),
        Some(Happened::Calibrated) => ("calibrated.before", "calibrated.after"),
        Some(Happened::Intended) => ("intent.before", "intent.after"),
        Some(Happened::Closed) => ("closed.before", "closed.after"),
        _ if after.reverts.len() > before.reverts.len() => ("outcome.before", "outcome.after"),
        _ => ("other.before", "other.after"),
    }
}
