//! From the move of `current` to the first moment that the new process serves.

use std::time::Duration;

use super::draft::Draft;
use crate::{
    policy::Target,
    record::{Activation, Happened, Phase, Process, Record, RolloutKind},
    words::{Moment, RolloutId},
};

/// After this time without a new process the move itself counts (product.md, From counters to counts).
pub const ACTIVATION_TIME: Duration = Duration::from_secs(60);

/// A process tells its start from the boot time, which the kernel rounds to seconds.
const START_ERROR: Duration = Duration::from_secs(2);

/// Whether `process` is one that began, or was reloaded, for the move at `moved_at`, given the one seen before.
pub(super) fn begun(before: Option<&Process>, process: &Process, moved_at: Moment, now: Moment) -> Option<Activation> {
    let same_process = before.is_some_and(|before| {
        before.invocation == process.invocation && before.main_pid == process.main_pid && before.restarts == process.restarts
    });
    let started_anew = before.is_some() && !same_process;
    // Without the time of the start only a change tells of it; with it, a start before the move is another one's.
    let after_move = process.started_at.map_or(started_anew, |started_at| started_at >= moved_at);
    let changed = !same_process || before.and_then(|before| before.started_at) != process.started_at;
    (process.active && after_move && changed).then(|| Activation {
        at: process.started_at.unwrap_or(now).min(now),
        known_by: "unit".to_owned(),
        fresh_counters: !same_process,
    })
}

/// Prometheus tells that the new process began.
pub(super) fn told_by_metrics(draft: &mut Draft<'_>, rollout: RolloutId, activation: &Activation) {
    draft.with_open(rollout, |draft, record| {
        if let Phase::WaitingForActivation { moved_at } = record.phase
            && activation.at.plus(START_ERROR) >= moved_at
        {
            let at = activation.at.max(moved_at).min(draft.now);
            begin(
                draft,
                record,
                Activation {
                    at,
                    ..activation.clone()
                },
            );
        }
    });
}

/// Time passed.
pub(super) fn tick(draft: &mut Draft<'_>) {
    overdue(draft);
}

/// Nothing began within [`ACTIVATION_TIME`]: the move itself counts, and that is said.
pub(super) fn overdue(draft: &mut Draft<'_>) {
    let Some(rollout) = draft.open_in(|phase| matches!(phase, Phase::WaitingForActivation { .. })) else {
        return;
    };
    draft.with_open(rollout, |draft, record| {
        let Phase::WaitingForActivation { moved_at } = record.phase else {
            return;
        };
        // Pods tell when they are ready, however long that takes.
        if matches!(record.policy.target, Target::Kubernetes(_)) {
            return;
        }
        // The link's own time may be long before it was put in place; a process gets its time from when the move was seen.
        if draft.now.since(moved_at.max(record.seen_at)) >= ACTIVATION_TIME {
            let remark = "no new process was seen within 60 s, so the move itself counts".to_owned();
            draft.note(record, Happened::Remarked { remark });
            let activation = Activation {
                at: moved_at,
                known_by: "moved".to_owned(),
                fresh_counters: false,
            };
            begin(draft, record, activation);
        }
    });
}

/// The version serves: it is watched, or verified where it is one that came back.
pub(super) fn begin(draft: &mut Draft<'_>, record: &mut Record, activation: Activation) {
    let at = activation.at;
    draft.serves(&record.to, at);
    record.phase = match record.kind {
        RolloutKind::Return => Phase::Verifying {
            until: at.plus(record.policy.revert.verify_for),
        },
        RolloutKind::FirstSight | RolloutKind::Release => Phase::Watching {
            until: at.plus(record.policy.watch.length),
        },
    };
    record.activation = Some(activation);
    draft.note(record, Happened::Activated);
}
