//! The odds of evidence in words; a plain bound has none.

use super::{Language, language::say, number::odds};
use crate::judge::{Evidence, MetricEvidence};

/// `Odds of evidence over 1,000,000 : 1, needed 100 : 1.` Of all metrics together, or of the one that only warns.
pub(super) fn odds_of(metric: &MetricEvidence, evidence: &Evidence, language: Language) -> String {
    if metric.rule().is_some() {
        return say!(
            language,
            "It is a plain bound of the policy: nothing is estimated.",
            "这是策略中的固定界限，不作估计。"
        );
    }
    let (found, needed) = if metric.may_revert {
        (evidence.harm_log10, evidence.needed_harm_log10)
    } else {
        (metric.harm_log10, metric.needed_harm_log10)
    };
    let (found, needed) = (odds_in(found, language), odds_in(needed, language));
    say!(
        language,
        "Odds of evidence {found}, needed {needed}.",
        "证据的胜算：{found}，所需：{needed}。"
    )
}

/// `odds of harm 1,300 : 1 (needed 100 : 1), of safety 1 : 50 (needed 20 : 1)`; none of a plain bound.
pub(super) fn both_odds(metric: &MetricEvidence, language: Language) -> Option<String> {
    if metric.rule().is_some() {
        return None;
    }
    let odds = |log10| odds_in(log10, language);
    let (harm, harm_needed) = (odds(metric.harm_log10), odds(metric.needed_harm_log10));
    let (safe, safe_needed) = (odds(metric.safe_log10), odds(metric.needed_safe_log10));
    Some(say!(
        language,
        "odds of harm {harm} (needed {harm_needed}), of safety {safe} (needed {safe_needed})",
        "有害的胜算：{harm}（所需：{harm_needed}），安全的胜算：{safe}（所需：{safe_needed}）"
    ))
}

/// `; odds of harm 1,300 : 1, needed 100 : 1`, of all metrics together; nothing where a plain bound alone decides.
pub(super) fn all_odds(evidence: &Evidence, language: Language) -> String {
    if !are_weighed(evidence) {
        return String::new();
    }
    let (harm, needed) = (
        odds_in(evidence.harm_log10, language),
        odds_in(evidence.needed_harm_log10, language),
    );
    say!(
        language,
        "; odds of harm {harm}, needed {needed}",
        "；有害的胜算：{harm}，所需：{needed}"
    )
}

/// Whether any metric that may revert is judged by evidence: else there are no odds of all together.
pub(super) fn are_weighed(evidence: &Evidence) -> bool {
    let mut deciding = evidence.metrics.iter().filter(|metric| metric.may_revert).peekable();
    deciding.peek().is_none() || deciding.any(|metric| metric.rule().is_none())
}

/// Odds with the reader's word for "over".
pub(super) fn odds_in(log10: f64, language: Language) -> String {
    match language {
        Language::En => odds(log10, "over"),
        Language::Zh => odds(log10, "超过"),
    }
}
