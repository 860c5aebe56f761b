//! What the platform saw: did `current` move, did a process begin, and what either means for the open rollout.

use std::time::Duration;

use super::{deciding::settled, draft::Draft, gone, holding, opening, pods, waiting};
use crate::{
    record::{Happened, Observation, Phase, ProofBasis, Record, RolloutKind},
    words::{Moment, Outcome, Standing, Verdict, Version},
};

/// Two clocks tell of one start: within this time of the activation a new process is the one that was meant.
const SAME_START: Duration = Duration::from_secs(5);

/// No look takes longer: one that seems to be older than an act by more was taken after the clock had been set back.
const LONGEST_LOOK: Duration = Duration::from_secs(60);
/// So many remarks on one rollout are kept: a service that changes its own files all the time must not push out what was done.
const MOST_REMARKS: usize = 20;

/// The platform looked. Level-triggered: all that matters is what it sees and what the history remembers.
pub(super) fn observed(draft: &mut Draft<'_>, observation: &Observation) {
    if overtaken(draft, observation) {
        return;
    }
    if gone::seen(draft, observation) {
        return;
    }
    // A missing link is a moment of `ln -sfn`, no event; the process behind it is still one.
    if let Some(version) = &observation.version {
        pointed(draft, version, observation);
        remarked(draft, &observation.remarks);
    }
    process_seen(draft, observation);
    pods::seen(draft, observation);
    holding::seen(draft, observation);
    waiting::overdue(draft);
}

/// Whether the platform looked before our own act ended: then it tells of a world that the act has changed since.
fn overtaken(draft: &Draft<'_>, observation: &Observation) -> bool {
    let newest = draft.history.open.as_ref().or(draft.history.closed.last());
    newest.is_some_and(|record| {
        record
            .timeline
            .iter()
            .filter(|entry| matches!(entry.what, Happened::Acted { .. } | Happened::Looked { .. }))
            .any(|entry| entry.at > observation.at && entry.at.since(observation.at) < LONGEST_LOOK)
    })
}

fn pointed(draft: &mut Draft<'_>, version: &Version, observation: &Observation) {
    if draft.history.versions.is_empty() {
        draft.history.current = Some(version.clone());
        opening::first_sight(draft, version, observation);
        return;
    }
    if draft.history.current.as_ref() == Some(version) {
        return;
    }
    match own_act(draft) {
        // The act is on its way: its outcome comes first. What else is seen now is seen again afterwards.
        Some(Act::OnItsWay { to }) if to != *version => return,
        Some(Act::OnItsWay { .. }) => {
            draft.history.current = Some(version.clone());
            return;
        }
        Some(Act::Done { to }) if to == *version => {
            draft.history.current = Some(version.clone());
            return;
        }
        Some(Act::Done { .. }) | None => {}
    }
    moved(draft, version, observation);
}

/// Our own change of `current`: it opens no rollout.
enum Act {
    OnItsWay { to: Version },
    Done { to: Version },
}

fn own_act(draft: &Draft<'_>) -> Option<Act> {
    let open = draft.history.open.as_ref()?;
    let to = open.intent.as_ref()?.to.clone();
    match open.phase {
        Phase::Reverting => Some(Act::OnItsWay { to }),
        Phase::Verifying { .. } => Some(Act::Done { to }),
        _ => None,
    }
}

fn moved(draft: &mut Draft<'_>, version: &Version, observation: &Observation) {
    let moved_at = observation.moved_at.unwrap_or(observation.at).min(draft.now);
    let returns = draft.ran_before(version) && !draft.allowed_again(version);
    draft.runs_at(draft.now);
    if let Some(rollout) = draft.open_in(|_| true) {
        draft.with_open(rollout, |draft, record| replaced(draft, record, returns));
    }
    let from = draft.history.current.replace(version.clone());
    if returns {
        opening::comeback(draft, from, version, moved_at);
    } else {
        opening::release(draft, from, version, moved_at);
    }
}

/// Something else runs: the open rollout is over. A healthy candidate passed if something newer replaced it; one that a person
/// went back from did not.
pub(super) fn replaced(draft: &mut Draft<'_>, record: &mut Record, returns: bool) {
    if record.outcome.is_none() {
        let outcome = match (returns, record.kind) {
            (true, RolloutKind::Release | RolloutKind::FirstSight) => Outcome::ReturnedByPerson,
            _ => Outcome::Superseded,
        };
        settled(draft, record, outcome, "");
    }
    let healthy = record.verdict == Some(Verdict::Healthy) && record.kind == RolloutKind::Release;
    if healthy && !returns && draft.standing(&record.to) == Some(Standing::Unproven) {
        let to = record.to.clone();
        draft.stand(Some(record), &to, Standing::Passed, ProofBasis::Evidence);
    }
    draft.close(record);
}

fn process_seen(draft: &mut Draft<'_>, observation: &Observation) {
    let Some(process) = &observation.process else {
        return;
    };
    let before = draft.history.process.clone();
    if before.as_ref() == Some(process) {
        return;
    }
    let waits_since = draft.history.open.as_ref().and_then(|open| match open.phase {
        Phase::WaitingForActivation { moved_at } => Some((open.id, moved_at)),
        _ => None,
    });
    match waits_since {
        Some((rollout, moved_at)) => {
            if let Some(activation) = waiting::begun(before.as_ref(), process, moved_at, draft.now) {
                draft.with_open(rollout, |draft, record| waiting::begin(draft, record, activation));
            }
        }
        None => started_again(draft, observation),
    }
    draft.history.process = Some(process.clone());
}

/// A process began though nothing waits for one: a restart, or a version whose own rollout is over serves at last.
fn started_again(draft: &mut Draft<'_>, observation: &Observation) {
    let (Some(before), Some(process)) = (&draft.history.process, &observation.process) else {
        return;
    };
    let restarted = before.invocation != process.invocation || process.restarts > before.restarts;
    let started_at = process.started_at.unwrap_or(observation.at).min(draft.now);
    if draft.history.open.is_none() && process.active && (restarted || before.started_at != process.started_at) {
        if let Some(current) = draft.history.current.clone() {
            draft.serves(&current, started_at);
        }
        return;
    }
    if !restarted {
        return;
    }
    if let Some(rollout) = draft.open_in(|phase| matches!(phase, Phase::Watching { .. })) {
        draft.with_open(rollout, |draft, record| {
            let activated = record
                .activation
                .as_ref()
                .map_or(Moment::from_millis(i64::MIN), |activation| activation.at);
            if started_at > activated.plus(SAME_START) {
                draft.note(record, Happened::Restarted);
            }
        });
    }
}

fn remarked(draft: &mut Draft<'_>, remarks: &[String]) {
    let Some(rollout) = draft.open_in(|_| true) else {
        return;
    };
    for remark in remarks {
        let said = Happened::Remarked { remark: remark.clone() };
        draft.with_open(rollout, |draft, record| {
            let remarks = || {
                record
                    .timeline
                    .iter()
                    .filter(|entry| matches!(entry.what, Happened::Remarked { .. }))
            };
            if remarks().count() < MOST_REMARKS && !remarks().any(|entry| entry.what == said) {
                draft.note(record, said);
            }
        });
    }
}
