//! The end of a watch: healthy is proven; without a verdict it was inconclusive, or blind.

use std::{collections::BTreeMap, time::Duration};

use super::{deciding, draft::Draft, watching};
use crate::{
    judge::Evidence,
    policy::OnInconclusive,
    record::{AlertKind, DataFault, Happened, Phase, ProofBasis, Record},
    words::{GapReason, Moment, Standing, Verdict},
};

/// The step where none was learnt.
const USUAL_STEP: Duration = Duration::from_secs(15);
/// Beyond the last step so many steps may go by before a watch ends without it: samples come late, and a query may fail once.
const STEPS: u32 = 3;
/// Beyond those, a Prometheus that is away has as long again to come back, within these bounds. The lower one is what one query may take
/// by default: whoever answers the last but one in time is still asked for the last, and `app` tells no time while a query is under way.
const COMES_BACK: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(30));

/// The remark of [`slept_through`].
const SLEPT_THROUGH: &str = "lastgood began again after the end of this watch; what Prometheus kept of it is judged first";

/// Notes that nobody looked when a watch, or a verification, should have ended.
pub(super) fn slept_through(draft: &mut Draft<'_>) {
    let now = draft.now;
    let missed = |phase: &Phase| matches!(phase, Phase::Watching { until } | Phase::Verifying { until } if *until <= now);
    if let Some(rollout) = draft.open_in(missed) {
        let remark = SLEPT_THROUGH.to_owned();
        draft.with_open(rollout, |draft, record| draft.note(record, Happened::Remarked { remark }));
    }
}

/// When a watch, or a verification, that should end at `until` ends by time alone: its last steps get some grace, also where all of it had
/// passed when it was seen, or when lastgood began again.
pub(super) fn latest(record: &Record, until: Moment) -> Moment {
    let step = record.plan.as_ref().map_or(USUAL_STEP, |plan| plan.step);
    let slept = record.timeline.iter().rev().find_map(|entry| match &entry.what {
        Happened::Remarked { remark } if remark == SLEPT_THROUGH => Some(entry.at),
        _ => None,
    });
    until.max(record.seen_at).max(slept.unwrap_or(until)).plus(grace(step))
}

/// 75 s for steps of 15 s, 13 s for steps of a second.
fn grace(step: Duration) -> Duration {
    let steps = step.saturating_mul(STEPS);
    steps.saturating_add(steps.clamp(COMES_BACK.0, COMES_BACK.1))
}

/// Whether `evidence` holds the last whole step before `until`. Steps are aligned, so that `until` itself is seldom the end of one.
pub(super) fn holds_the_last_step(record: &Record, evidence: &Evidence, until: Moment) -> bool {
    let step = record.plan.as_ref().map_or(Duration::ZERO, |plan| plan.step);
    evidence.at >= until || evidence.at.plus(step) > until
}

/// What ended a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndedBy {
    /// Evidence that reaches its end.
    Evidence,
    /// Time alone: its last steps are missing, and nobody is reverted for that.
    Time,
}

/// Ends the watch by what was stored of it.
pub(super) fn end(draft: &mut Draft<'_>, record: &mut Record, by: EndedBy) {
    let used = record.evidence.as_ref().map_or(0, |evidence| evidence.used);
    if record.verdict == Some(Verdict::Healthy) && watching::looping(record) {
        inconclusive(draft, record, by);
        return;
    }
    if record.verdict == Some(Verdict::Healthy) && (seen_for_long_enough(record, used) || proven(draft, record)) {
        if draft.prove(record, ProofBasis::Evidence) {
            draft.tell(record, AlertKind::Proven);
        }
        draft.close(record);
        return;
    }
    let steps = record.plan.as_ref().map_or(0, |plan| plan.steps);
    if watching::whole(used, steps) {
        inconclusive(draft, record, by);
    } else {
        blind(draft, record);
    }
}

/// Whether a healthy candidate was judged for as long as a proof asks, all its usable steps together: healthy for three minutes and
/// unseen ever since is no proof.
fn seen_for_long_enough(record: &Record, used: u32) -> bool {
    let step = record.plan.as_ref().map_or(Duration::ZERO, |plan| plan.step);
    let watch = &record.policy.watch;
    step.saturating_mul(used).saturating_mul(10) >= watch.prove_after.min(watch.length).saturating_mul(8)
}

fn proven(draft: &Draft<'_>, record: &Record) -> bool {
    draft.standing(&record.to) == Some(Standing::Proven)
}

fn inconclusive(draft: &mut Draft<'_>, record: &mut Record, by: EndedBy) {
    verdict(draft, record, Verdict::Inconclusive);
    let lone = record
        .evidence
        .as_ref()
        .is_none_or(|evidence| watching::lone(record, evidence));
    if lone {
        // Whole data to the end prove what has nothing beside it, unless it restarted or broke an objective.
        let broken = record.evidence.as_ref().is_some_and(watching::broken);
        if !broken && !watching::restarted(record) && draft.prove(record, ProofBasis::Soaked) {
            draft.tell(record, AlertKind::Proven);
        } else {
            draft.tell(record, AlertKind::Inconclusive);
        }
        draft.close(record);
        return;
    }
    match record.policy.on_inconclusive {
        OnInconclusive::Prove if !watching::looping(record) && !suspect(record) => {
            let metrics = record.evidence.as_ref().map(excluded).unwrap_or_default();
            if draft.prove(record, ProofBasis::Excluded { metrics }) {
                draft.tell(record, AlertKind::Proven);
            }
            draft.close(record);
        }
        OnInconclusive::Revert if by == EndedBy::Evidence => deciding::decide(draft, record),
        OnInconclusive::Prove | OnInconclusive::Revert | OnInconclusive::Keep => {
            draft.tell(record, AlertKind::Inconclusive);
            draft.close(record);
        }
    }
}

/// Whether the evidence speaks for harm, though not loudly enough to convict: such a version is nothing to go back to.
fn suspect(record: &Record) -> bool {
    record.evidence.as_ref().is_some_and(Evidence::is_suspect)
}

fn excluded(evidence: &Evidence) -> Vec<(String, Option<f64>)> {
    let metrics = evidence.metrics.iter();
    metrics.map(|metric| (metric.name.clone(), metric.excluded_times)).collect()
}

fn blind(draft: &mut Draft<'_>, record: &mut Record) {
    verdict(draft, record, Verdict::Blind);
    if record.fault.is_none() {
        record.fault = Some(fault_of_gaps(draft, record));
    }
    draft.tell(record, AlertKind::Blind);
    draft.close(record);
}

fn verdict(draft: &mut Draft<'_>, record: &mut Record, verdict: Verdict) {
    record.verdict = Some(verdict);
    record.decided_at = Some(draft.now);
    draft.note(record, Happened::Judged { verdict });
}

/// Where no fault is in force at the end, the most frequent gap of the watch is its reason.
fn fault_of_gaps(draft: &Draft<'_>, record: &Record) -> DataFault {
    let mut lost: BTreeMap<GapReason, u32> = BTreeMap::new();
    for (reason, steps) in record
        .evidence
        .iter()
        .flat_map(|evidence| &evidence.metrics)
        .flat_map(|metric| &metric.gaps)
    {
        let sum = lost.entry(*reason).or_default();
        *sum = sum.saturating_add(*steps);
    }
    let worst = lost.iter().max_by_key(|(_, steps)| **steps).map(|(reason, _)| *reason);
    let used = record.evidence.as_ref().map_or(0, |evidence| evidence.used);
    let steps = record.plan.as_ref().map_or(0, |plan| plan.steps);
    DataFault {
        since: record.activation.as_ref().map_or(draft.now, |activation| activation.at),
        reason: worst.unwrap_or(GapReason::NoData),
        because: format!("{used} of {steps} steps of the watch could be judged, at least 80 % are needed"),
        query: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grace_is_short_for_short_steps_and_never_shorter_than_three_steps_and_a_query() {
        let graces = [1, 5, 15, 60].map(|step| grace(Duration::from_secs(step)).as_secs());
        assert_eq!(graces, [3 + 10, 15 + 15, 45 + 30, 180 + 30]);
    }
}
