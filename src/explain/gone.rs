//! What is said of the time after the old version has gone (`compare: auto`): what the rest of the watch was compared with, or that
//! it was not used.

use super::{
    Language,
    comparison::{compared, of_those, part},
    language::say,
    span_of_time::latency,
    told::bold,
};
use crate::{
    judge::{Alone, BoundEvidence, Evidence, MetricEvidence},
    record::Record,
};

/// The part of `candidate` that was counted while the old version ran beside it.
pub(super) fn while_both_ran(candidate: [f64; 2], alone: Option<Alone>) -> [f64; 2] {
    let [bad, total] = alone.map_or([0.0; 2], |alone| alone.candidate);
    [candidate[0] - bad, candidate[1] - total]
}

/// All that the candidate was compared with, beside it and before.
pub(super) fn all_of(baseline: [f64; 2], alone: Option<Alone>) -> [f64; 2] {
    let [bad, total] = alone.map_or([0.0; 2], |alone| alone.before);
    [baseline[0] + bad, baseline[1] + total]
}

/// `; since v1 has gone, 6.1 % of 5,000 requests on v2, 0.5 % of 90,000 on v1 in its own last hour`.
pub(super) fn then(alone: Option<Alone>, record: &Record, language: Language) -> String {
    let Some((alone, version)) = alone.zip(compared(record)).filter(|(alone, _)| alone.candidate[1] > 0.0) else {
        return String::new();
    };
    let (version, to) = (bold(&version.name), bold(&record.to.name));
    let (now, before) = (part(alone.candidate, language), of_those(alone.before, language));
    say!(
        language,
        "; since {version} has gone, {now} on {to}, {before} on {version} in its own last hour",
        "；{version} 退出后，{to} 上 {now}，{version} 在自己的最后一小时内 {before}"
    )
}

/// The same of requests slower than the bounds of a histogram.
pub(super) fn then_slow(bound: &BoundEvidence, record: &Record, language: Language) -> String {
    let Some((alone, version)) = bound
        .alone
        .zip(compared(record))
        .filter(|(alone, _)| alone.candidate[1] > 0.0)
    else {
        return String::new();
    };
    let (version, to) = (bold(&version.name), bold(&record.to.name));
    let (now, before) = (part(alone.candidate, language), of_those(alone.before, language));
    let (above, above_before) = (
        latency(bound.candidate_above, language),
        latency(bound.baseline_above, language),
    );
    say!(
        language,
        "; since {version} has gone, {now} slower than {above} on {to}, {before} slower than {above_before} on {version} in its own last hour",
        "；{version} 退出后，{to} 上 {now} 慢于 {above}，{version} 在自己的最后一小时内 {before} 慢于 {above_before}"
    )
}

/// ` v1 has gone since; nothing ran beside v2 after that, so its later requests are not used.`
pub(super) fn not_used(metric: &MetricEvidence, evidence: &Evidence, record: &Record, language: Language) -> String {
    let unused = evidence.alone_since.is_some() && metric.alone.is_none() && metric.objective.is_none();
    let Some(version) = compared(record).filter(|_| unused) else {
        return String::new();
    };
    let (version, to) = (bold(&version.name), bold(&record.to.name));
    say!(
        language,
        " {version} has gone since; nothing ran beside {to} after that, so its later requests are not used.",
        "此后 {version} 已退出，{to} 没有可比较的对象，之后的请求未计入。"
    )
}
