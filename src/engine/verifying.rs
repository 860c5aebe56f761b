//! After a version came back, by us or by a person: did the metric recover, is the unit active? Nothing is reverted from here.

use super::{deciding::settled, draft::Draft, ending};
use crate::{
    judge::Evidence,
    record::{AlertKind, Happened, Phase, ReadyPods, Record, Verification},
    words::{Outcome, RolloutId, Verdict},
};

/// A step of the verification was judged.
pub(super) fn judged(draft: &mut Draft<'_>, rollout: RolloutId, evidence: &Evidence) {
    draft.with_open(rollout, |draft, record| {
        let Phase::Verifying { until } = record.phase else {
            return;
        };
        match evidence.verdict {
            Some(Verdict::Regression) => settle(draft, record, Some(evidence), Outcome::DidNotHelp),
            Some(Verdict::Healthy) => settle(draft, record, Some(evidence), Outcome::Verified),
            _ if ending::holds_the_last_step(record, evidence, until) => unconvicted(draft, record, Some(evidence)),
            _ => {}
        }
    });
}

/// Time passed.
pub(super) fn tick(draft: &mut Draft<'_>) {
    let Some(rollout) = draft.open_in(|phase| matches!(phase, Phase::Verifying { .. })) else {
        return;
    };
    draft.with_open(rollout, |draft, record| {
        if let Phase::Verifying { until } = record.phase
            && draft.now >= ending::latest(record, until)
        {
            unconvicted(draft, record, None);
        }
    });
}

/// The end without a verdict: what remains is whether the unit is active, where there is one.
fn unconvicted(draft: &mut Draft<'_>, record: &mut Record, evidence: Option<&Evidence>) {
    match (active(draft, record), evidence) {
        (Some(false), _) => settle(draft, record, evidence, Outcome::Failed),
        // Neither a unit nor data: it was reverted, and nobody can say more.
        (None, None) => {
            let remark = "nothing was there to verify it by: neither a unit nor data".to_owned();
            draft.note(record, Happened::Remarked { remark });
            draft.close(record);
        }
        _ => settle(draft, record, evidence, Outcome::Verified),
    }
}

/// Whether what was put back runs: its unit is active, or all of its pods are ready.
fn active(draft: &Draft<'_>, record: &Record) -> Option<bool> {
    let unit = draft.history.process.as_ref().map(|process| process.active);
    unit.or_else(|| record.ready.map(ReadyPods::all))
}

fn settle(draft: &mut Draft<'_>, record: &mut Record, evidence: Option<&Evidence>, outcome: Outcome) {
    record.verification = Some(Verification {
        active: active(draft, record),
        evidence: evidence.cloned(),
        at: draft.now,
    });
    // A quarantined version that came back was announced; how it does changes nothing of that.
    if record.outcome != Some(Outcome::Contested) {
        let detail = match outcome {
            Outcome::Failed if record.ready.is_some() => "not all of its pods are ready",
            Outcome::Failed => "the unit is not active",
            _ => "",
        };
        let before = record.outcome_detail.clone();
        settled(draft, record, outcome, detail);
        if record.outcome_detail.is_none() {
            record.outcome_detail = before;
        }
        let kind = match outcome {
            Outcome::Verified => AlertKind::Verified,
            _ => AlertKind::NotHelped,
        };
        draft.tell(record, kind);
    }
    draft.close(record);
}
