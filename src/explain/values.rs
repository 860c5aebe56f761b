//! The evidence about a value that is no count, in words: the levels of both sides, and how many times as much.

use super::{
    Language,
    language::say,
    number::{plain, share, times},
    told::{bold, outside},
};
use crate::{
    judge::{Estimate, MetricEvidence, ValueEvidence},
    policy::MetricKind,
    record::Record,
};

/// A few words for a headline: `memory 2.1 times as much`.
pub(super) fn gist(metric: &MetricEvidence, language: Language) -> String {
    let name = outside(&metric.name);
    match metric.ratio {
        Some(ratio) => {
            let median = times(ratio.median);
            say!(language, "{name} {median} times as much", "{name} 增至 {median} 倍")
        }
        None => say!(language, "{name} grew", "{name} 增大"),
    }
}

/// The sentence of a value: `memory: 412,310,528 on v2, 196,083,712 on v1 in its own last hour: 2.1 times as much (95 %: 1.9 to 2.3).`
pub(super) fn levels(metric: &MetricEvidence, value: &ValueEvidence, record: &Record, language: Language) -> String {
    let name = outside(&metric.name);
    let to = bold(&record.to.name);
    let before = plain(value.before);
    let other = match &record.baseline {
        Some((version, _)) => {
            let version = bold(&version.name);
            say!(
                language,
                "{before} on {version} in its own last hour",
                "{version} 在自己的最后一小时内为 {before}"
            )
        }
        None => say!(language, "{before} before", "此前为 {before}"),
    };
    let Some(candidate) = value.candidate.map(plain) else {
        return say!(
            language,
            "{name}: no value on {to} yet, {other}.",
            "{name}：{to} 上还没有数值，{other}。"
        );
    };
    let multiple = metric.ratio.map(|ratio| multiple(ratio, language)).unwrap_or_default();
    let tolerated = tolerated(metric, record, language);
    say!(
        language,
        "{name}: {candidate} on {to}, {other}{multiple}.{tolerated}",
        "{name}：{to} 上为 {candidate}，{other}{multiple}。{tolerated}"
    )
}

/// `412,310,528 (before: 196,083,712): 2.1 times as much (95 %: 1.9 to 2.3)`
pub(super) fn row(metric: &MetricEvidence, value: &ValueEvidence, language: Language) -> String {
    let candidate = value.candidate.map_or_else(|| "-".to_owned(), plain);
    let before = plain(value.before);
    let multiple = metric.ratio.map(|ratio| multiple(ratio, language)).unwrap_or_default();
    say!(
        language,
        "{candidate} (before: {before}){multiple}",
        "{candidate}（之前：{before}）{multiple}"
    )
}

fn multiple(ratio: Estimate, language: Language) -> String {
    let (median, low, high) = (times(ratio.median), times(ratio.low), times(ratio.high));
    say!(
        language,
        ": {median} times as much (95 %: {low} to {high})",
        "：是其 {median} 倍（95 %：{low} 至 {high}）"
    )
}

fn tolerated(metric: &MetricEvidence, record: &Record, language: Language) -> String {
    let known = record.policy.metrics.iter().find(|known| known.name == metric.name);
    match known.map(|known| &known.kind) {
        Some(MetricKind::Value(value)) => {
            let more = share(value.tolerate_more);
            say!(language, " The policy tolerates {more} more.", "策略容许增加 {more}。")
        }
        _ => String::new(),
    }
}
