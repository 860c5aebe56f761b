//! What the commits of a guard mean: whether an event convicts, and which crash points a commit lies between.

use crate::{
    engine::{Event, Stage},
    record::{Happened, Phase, Record, TargetHistory},
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
pub(in crate::app) fn durable_step(before: &TargetHistory, after: &TargetHistory) -> (&'static str, &'static str) {
    if after.outbox.len() < before.outbox.len() {
        return ("delivered.before", "delivered.after");
    }
    let opened = |open: &Record| before.open.as_ref().is_none_or(|was| was.id != open.id);
    if after
        .open
        .as_ref()
        .is_some_and(|open| opened(open) && open.ordered().is_some())
    {
        return ("order.before", "order.after");
    }
    if after.open.as_ref().is_some_and(opened) {
        return ("opened.before", "opened.after");
    }
    let was = before.open.as_ref();
    let is = was.and_then(|was| {
        let mut records = after.open.iter().chain(after.closed.last());
        records.find(|record| record.id == was.id)
    });
    let told = match (was, is) {
        (Some(was), Some(is)) => of_record(was, is),
        _ => None,
    };
    told.unwrap_or_else(|| beside_a_record(before, after))
}

/// What became of a rollout: the greatest of what its timeline gained.
fn of_record(was: &Record, is: &Record) -> Option<(&'static str, &'static str)> {
    // A timeline that is full drops an entry for each that it gains.
    let gained = &is.timeline[was.timeline.len().min(is.timeline.len())..];
    let gained = if gained.is_empty() && was.timeline != is.timeline {
        is.timeline.get(is.timeline.len().saturating_sub(1)..).unwrap_or_default()
    } else {
        gained
    };
    let holds = |wanted: fn(&Happened) -> bool| gained.iter().any(|entry| wanted(&entry.what));
    let acted = was.phase == Phase::Reverting && is.phase != Phase::Reverting;
    Some(if holds(|what| matches!(what, Happened::Intended)) {
        ("intent.before", "intent.after")
    } else if acted {
        ("outcome.before", "outcome.after")
    } else if holds(|what| matches!(what, Happened::Looked { .. })) {
        ("looked.before", "looked.after")
    } else if holds(|what| matches!(what, Happened::Settled { .. })) {
        ("settled.before", "settled.after")
    } else if holds(|what| matches!(what, Happened::Closed)) {
        ("closed.before", "closed.after")
    } else if holds(|what| matches!(what, Happened::Activated)) {
        ("activated.before", "activated.after")
    } else if holds(|what| matches!(what, Happened::Calibrated)) {
        ("calibrated.before", "calibrated.after")
    } else if holds(|what| matches!(what, Happened::Judged { .. } | Happened::Decided)) {
        ("verdict.before", "verdict.after")
    } else if holds(|what| matches!(what, Happened::Stood { .. })) {
        ("stood.before", "stood.after")
    } else if holds(|what| matches!(what, Happened::Data { .. })) {
        ("data.before", "data.after")
    } else if !gained.is_empty() {
        ("remarked.before", "remarked.after")
    } else if was.evidence != is.evidence {
        ("evidence.before", "evidence.after")
    } else {
        return None;
    })
}

/// What changed without a rollout: standings and switches by a person's word, readiness, attempts to deliver, and else what was seen
/// of the link and the process.
fn beside_a_record(before: &TargetHistory, after: &TargetHistory) -> (&'static str, &'static str) {
    let standings = |history: &TargetHistory| history.versions.iter().map(|known| known.standing).collect::<Vec<_>>();
    if before.audit != after.audit && before.versions == after.versions && before.off == after.off {
        ("noted.before", "noted.after")
    } else if before.unready != after.unready {
        ("readiness.before", "readiness.after")
    } else if before.off != after.off || standings(before) != standings(after) {
        ("word.before", "word.after")
    } else if before.outbox != after.outbox {
        ("postponed.before", "postponed.after")
    } else {
        ("seen.before", "seen.after")
    }
}
