//! One line of what is being judged, where nothing can be redrawn.

use crate::{
    explain::{RolloutStatus, TargetStatus, odds},
    judge::{Comparison, Evidence, MetricEvidence},
    policy::share_text,
    record::Phase,
    words::{GapReason, Moment},
};

/// The status in one line; a fault in full only where it was not `told` before.
pub(super) fn plain(status: &TargetStatus, now: Moment, told: Option<&str>) -> String {
    match (&status.rollout, &status.runs) {
        (Some(rollout), _) => open(rollout, now, told),
        (None, Some(runs)) => format!("  {} runs, {}", runs.version.name, runs.standing),
        (None, None) => "  nothing is known yet".to_owned(),
    }
}

fn open(rollout: &RolloutStatus, now: Moment, told: Option<&str>) -> String {
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
        match told == Some(fault.because.as_str()) {
            true => line.push_str("; still no usable data"),
            // The first scrapes are on their way.
            false if fault.reason == GapReason::NoPrevious => line.push_str("; learning how often it is scraped"),
            false => line.push_str(&format!("; no usable data: {}", fault.because)),
        }
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
        Comparison::Concurrent | Comparison::Auto | Comparison::BeforeAfter => format!(
            "; odds of harm {}, needed {}",
            odds(evidence.harm_log10, "over"),
            odds(evidence.needed_harm_log10, "over")
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
    let heaviest = metric.bounds.iter().max_by(|a, b| a.harm_log10.total_cmp(&b.harm_log10));
    let (candidate, baseline) = heaviest.map_or((metric.candidate, metric.baseline), |bound| (bound.candidate, bound.baseline));
    match compare {
        // What is slow is not known without a comparison, so no share of it is said.
        Comparison::None if metric.candidate[0] <= 0.0 => format!("{}: {:.0} requests", metric.name, metric.candidate[1]),
        Comparison::None => format!("{}: {}{bad}", metric.name, share(candidate)),
        Comparison::Concurrent | Comparison::Auto => {
            format!("{}: {}{bad}, {} beside it", metric.name, share(candidate), share(baseline))
        }
        Comparison::BeforeAfter => {
            format!("{}: {}{bad}, {} before", metric.name, share(candidate), share(baseline))
        }
    }
}
