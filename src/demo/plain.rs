//! One line of what is being judged, where nothing can be redrawn.

use crate::{
    explain::{RolloutStatus, TargetStatus},
    judge::{Comparison, Evidence, MetricEvidence},
    policy::share_text,
    record::Phase,
    words::Moment,
};

/// The status in one line.
pub(super) fn plain(status: &TargetStatus, now: Moment) -> String {
    match (&status.rollout, &status.runs) {
        (Some(rollout), _) => open(rollout, now),
        (None, Some(runs)) => format!("  {} runs, {}", runs.version.name, runs.standing),
        (None, None) => "  nothing is known yet".to_owned(),
    }
}

fn open(rollout: &RolloutStatus, now: Moment) -> String {
    let since = rollout
        .activation
        .as_ref()
        .map_or(rollout.seen_at, |activation| activation.at);
    let phase = match rollout.phase {
        Phase::WaitingForActivation { .. } => "waiting for its process",
        Phase::Watching { .. } => "being watched",
        Phase::AwaitingApproval { .. } => "waiting for a person",
        Phase::Reverting => "being reverted",
        Phase::Verifying { .. } => "reverted, being verified",
        Phase::Closed => "closed",
    };
    let mut line = format!("  {} {phase}, {} s", rollout.to.name, now.since(since).as_secs());
    if let Some(verdict) = rollout.verdict {
        line.push_str(&format!(", {verdict}"));
    }
    if let Some(fault) = &rollout.fault {
        line.push_str(&format!("; no usable data: {}", fault.because));
    } else if let Some(evidence) = rollout.evidence.as_ref().filter(|evidence| evidence.used > 0) {
        line.push_str(&evident(evidence));
    }
    line
}

fn evident(evidence: &Evidence) -> String {
    let metrics: Vec<String> = evidence
        .metrics
        .iter()
        .map(|metric| sides(metric, evidence.compare))
        .collect();
    let odds = match evidence.compare {
        Comparison::None => String::new(),
        Comparison::Concurrent | Comparison::BeforeAfter => format!(
            "; odds of harm 10^{:.1}, needed 10^{:.1}",
            evidence.harm_log10, evidence.needed_harm_log10
        ),
    };
    format!("; {}{odds}", metrics.join("; "))
}

fn sides(metric: &MetricEvidence, compare: Comparison) -> String {
    let share = |[bad, total]: [f64; 2]| match total > 0.0 {
        true => format!("{:.2} % of {total:.0}", 100.0 * bad / total),
        false => "nothing".to_owned(),
    };
    let bad = if metric.bounds.is_empty() { "" } else { " slow" };
    if let Some(objective) = metric.objective {
        let objective = share_text(objective);
        return format!("{}: {}, objective {objective}", metric.name, share(metric.candidate));
    }
    match compare {
        Comparison::None => format!("{}: {}{bad}", metric.name, share(metric.candidate)),
        Comparison::Concurrent => {
            format!(
                "{}: {}{bad}, {} beside it",
                metric.name,
                share(metric.candidate),
                share(metric.baseline)
            )
        }
        Comparison::BeforeAfter => {
            format!(
                "{}: {}{bad}, {} before",
                metric.name,
                share(metric.candidate),
                share(metric.baseline)
            )
        }
    }
}
