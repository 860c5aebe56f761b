//! The watch: evidence comes in, and is stored only where something follows from it.

use std::time::Duration;

use super::{
    deciding,
    draft::Draft,
    ending::{self, EndedBy},
};
use crate::{
    judge::{Comparison, Evidence, PastPods, Plan},
    record::{AlertKind, DataFault, Happened, Phase, ProofBasis, Record, RolloutKind},
    words::{Moment, RolloutId, Verdict},
};

/// Data that were not fit to judge for this long are told of, while the watch goes on.
const GOING_BLIND_AFTER: Duration = Duration::from_secs(300);
/// Evidence without consequence is stored this often in a watch, so that the end of one without data is judged by what there was.
const KEPT_IN_A_WATCH: u32 = 20;
/// So many restarts in one watch are a loop.
const LOOPING: usize = 3;

/// Judging begins: what was learnt is pinned, once.
pub(super) fn calibrated(
    draft: &mut Draft<'_>,
    rollout: RolloutId,
    plan: &Plan,
    (calibration, old_pods): (&serde_json::Value, &[PastPods]),
    queries: &[String],
) {
    draft.with_open(rollout, |draft, record| {
        if record.plan.is_some() {
            return;
        }
        record.plan = Some(plan.clone());
        record.calibration = Some(calibration.clone());
        record.old_pods = old_pods.to_vec();
        record.queries = queries.to_vec();
        draft.note(record, Happened::Calibrated);
    });
}

/// The data are not fit to judge, or are again.
pub(super) fn data(draft: &mut Draft<'_>, rollout: RolloutId, fault: Option<&DataFault>) {
    draft.with_open(rollout, |draft, record| {
        let fault = fault.cloned().map(|mut fault| {
            // One stretch of blindness, whatever it is called from step to step.
            if let Some(before) = &record.fault {
                fault.since = fault.since.min(before.since);
            }
            fault
        });
        if !same_fault(record.fault.as_ref(), fault.as_ref()) {
            record.fault.clone_from(&fault);
            draft.note(record, Happened::Data { fault });
        }
        going_blind(draft, record);
    });
}

/// The sentence of a fault may hold figures that change with each step; what it is does not.
fn same_fault(before: Option<&DataFault>, fault: Option<&DataFault>) -> bool {
    let what = |fault: &DataFault| (fault.reason, fault.query.clone());
    before.map(what) == fault.map(what)
}

fn going_blind(draft: &mut Draft<'_>, record: &Record) {
    let watching = matches!(record.phase, Phase::Watching { .. });
    if let Some(fault) = record.fault.as_ref().filter(|_| watching)
        && draft.now.since(fault.since) >= GOING_BLIND_AFTER
    {
        let id = format!("{}/{}/{}", record.id, AlertKind::GoingBlind.name(), fault.since);
        draft.tell_as(id, Some(record.id), AlertKind::GoingBlind);
    }
}

/// Time passed.
pub(super) fn tick(draft: &mut Draft<'_>) {
    let Some(rollout) = draft.open_in(|phase| matches!(phase, Phase::Watching { .. })) else {
        return;
    };
    draft.with_open(rollout, |draft, record| {
        if let Phase::Watching { until } = record.phase
            && draft.now >= ending::latest(record, until)
        {
            ending::end(draft, record, EndedBy::Time);
        } else {
            going_blind(draft, record);
        }
    });
}

/// A step was judged.
pub(super) fn judged(draft: &mut Draft<'_>, rollout: RolloutId, evidence: &Evidence) {
    draft.with_open(rollout, |draft, record| {
        let Phase::Watching { until } = record.phase else {
            return;
        };
        warned(draft, record, evidence);
        if lone(record, evidence) {
            soaked(draft, record, evidence);
        } else {
            weighed(draft, record, evidence);
        }
        kept(record, evidence);
        let whole = ending::holds_the_last_step(record, evidence, until);
        let over = whole || draft.now >= ending::latest(record, until);
        if over && matches!(record.phase, Phase::Watching { .. }) {
            record.evidence = Some(evidence.clone());
            let by = if whole { EndedBy::Evidence } else { EndedBy::Time };
            ending::end(draft, record, by);
        }
    });
}

/// Whether there is nothing to compare with: then nothing can be convicted.
pub(super) fn lone(record: &Record, evidence: &Evidence) -> bool {
    record.kind == RolloutKind::FirstSight || evidence.compare == Comparison::None || without_past(evidence)
}

/// Whether no metric that may revert has anything to be compared with: Prometheus kept nothing of the last good version's own hour.
fn without_past(evidence: &Evidence) -> bool {
    let mut deciding = evidence.metrics.iter().filter(|metric| metric.may_revert).peekable();
    deciding.peek().is_some() && deciding.all(|metric| metric.unusable.is_some())
}

/// What only ever alerts: a late change, metrics that may not revert, and objectives and plain bounds where there is nothing to go back to.
fn warned(draft: &mut Draft<'_>, record: &mut Record, evidence: &Evidence) {
    let late = evidence.metrics.iter().any(|metric| metric.late.is_some());
    let late = late.then(|| (format!("{}/{}", record.id, AlertKind::Late.name()), AlertKind::Late));
    // One id a metric: what is told of one of them must not silence the verdict over all.
    let worse = evidence
        .metrics
        .iter()
        .filter(|metric| metric.verdict == Some(Verdict::Regression))
        .filter(|metric| !metric.may_revert || (metric.stands_alone() && lone(record, evidence)))
        .map(|metric| {
            let kind = AlertKind::Regression;
            (format!("{}/{}/{}", record.id, kind.name(), metric.name), kind)
        });
    for (id, kind) in late.into_iter().chain(worse).collect::<Vec<_>>() {
        if !draft.history.told.contains(&id) {
            record.evidence = Some(evidence.clone());
            draft.tell_as(id, Some(record.id), kind);
        }
    }
}

/// The verdict so far, and what follows from it.
fn weighed(draft: &mut Draft<'_>, record: &mut Record, evidence: &Evidence) {
    match evidence.verdict {
        Some(Verdict::Regression) => {
            record.evidence = Some(evidence.clone());
            deciding::convict(draft, record);
        }
        Some(Verdict::Healthy) => {
            reached(draft, record, Verdict::Healthy, evidence);
            if old_enough(record, evidence.at)
                && whole(evidence.used, evidence.steps)
                && !looping(record)
                && draft.prove(record, ProofBasis::Evidence)
            {
                record.evidence = Some(evidence.clone());
                draft.tell(record, AlertKind::Proven);
            }
        }
        Some(Verdict::Inconclusive | Verdict::Blind) | None => {}
    }
}

/// Whether an objective is broken, or a plain bound that may revert.
pub(super) fn broken(evidence: &Evidence) -> bool {
    let mut metrics = evidence.metrics.iter();
    metrics.any(|metric| {
        let decides = metric.objective.is_some() || (metric.rule().is_some() && metric.may_revert);
        decides && metric.verdict == Some(Verdict::Regression)
    })
}

/// Nothing to compare with: whole data for long enough, no objective broken and no restart prove it; whole from the beginning, or, where the data came late,
/// from when they came.
fn soaked(draft: &mut Draft<'_>, record: &mut Record, evidence: &Evidence) {
    let long = record.policy.watch.prove_after.min(record.policy.watch.length);
    let of_late = evidence.whole_since.is_some_and(|since| evidence.at >= since.plus(long));
    let soaked = old_enough(record, evidence.at) && (whole(evidence.used, evidence.steps) || of_late);
    let sound = !restarted(record) && !broken(evidence);
    if soaked && sound && draft.prove(record, ProofBasis::Soaked) {
        record.evidence = Some(evidence.clone());
        draft.tell(record, AlertKind::Proven);
        draft.close(record);
    }
}

/// Stores a verdict the first time it is reached.
pub(super) fn reached(draft: &mut Draft<'_>, record: &mut Record, verdict: Verdict, evidence: &Evidence) {
    if record.verdict != Some(verdict) {
        record.verdict = Some(verdict);
        record.decided_at = Some(draft.now);
        record.evidence = Some(evidence.clone());
        draft.note(record, Happened::Judged { verdict });
    }
}

fn old_enough(record: &Record, at: Moment) -> bool {
    let watch = &record.policy.watch;
    record
        .activation
        .as_ref()
        .is_some_and(|activation| at >= activation.at.plus(watch.prove_after.min(watch.length)))
}

pub(super) fn restarted(record: &Record) -> bool {
    record.timeline.iter().any(|entry| entry.what == Happened::Restarted)
}

/// Whether it restarts again and again: one that does never becomes a version to go back to (failures.md, P05).
pub(super) fn looping(record: &Record) -> bool {
    let restarts = record.timeline.iter().filter(|entry| entry.what == Happened::Restarted);
    restarts.count() >= LOOPING
}

/// Whether at least 80 % of `steps` were used.
pub(super) fn whole(used: u32, steps: u32) -> bool {
    steps > 0 && u64::from(used) * 10 >= u64::from(steps) * 8
}

fn kept(record: &mut Record, evidence: &Evidence) {
    let steps = record.plan.as_ref().map_or(0, |plan| plan.steps);
    let stored = record.evidence.as_ref().map_or(0, |stored| stored.steps);
    if evidence.steps >= stored.saturating_add((steps / KEPT_IN_A_WATCH).max(1)) && steps > 0 {
        record.evidence = Some(evidence.clone());
    }
}
