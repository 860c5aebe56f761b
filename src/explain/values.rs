//! The evidence about a value that is no count, in words: the levels of both sides, and how many times as much.

use super::{
    Language,
    language::say,
    number::{plain, share, times},
    span_of_time::long,
    told::{bold, outside},
};
use crate::{
    judge::{Estimate, MetricEvidence, ThresholdEvidence, ValueEvidence},
    policy::{MetricKind, Side, Threshold},
    record::Record,
};

/// A few words for a headline: `memory 2.1 times as much`.
pub(super) fn gist(metric: &MetricEvidence, language: Language) -> String {
    let name = outside(&metric.name);
    if let Some(ThresholdEvidence { rule, .. }) = metric.rule() {
        let (bound, allowed) = (bound(rule, language), long(rule.held_for, language));
        return match rule.held_for.is_zero() {
            true => format!("{name} {bound}"),
            false => say!(language, "{name} {bound} for {allowed}", "{name} {bound} 达 {allowed}"),
        };
    }
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
    if let Some(threshold) = value.threshold {
        return against(&name, value.candidate, threshold, &to, language);
    }
    let other = match value.beside {
        Some(beside) => at_once(beside, record, language),
        None => earlier(value.before, record, language),
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
    let since = value.since.map(plain).map(|since| {
        let earlier = earlier(value.before, record, language);
        say!(
            language,
            " Since nothing runs beside it: {since}; {earlier}.",
            "旧版本消失之后：{since}；{earlier}。"
        )
    });
    let since = since.unwrap_or_default();
    say!(
        language,
        "{name}: {candidate} on {to}, {other}{multiple}.{tolerated}{since}",
        "{name}：{to} 上为 {candidate}，{other}{multiple}。{tolerated}{since}"
    )
}

/// `196,083,712 on v1 beside it`
fn at_once(beside: f64, record: &Record, language: Language) -> String {
    let beside = plain(beside);
    match &record.baseline {
        Some((version, _)) => {
            let version = bold(&version.name);
            say!(
                language,
                "{beside} on {version} beside it",
                "同时运行的 {version} 上为 {beside}"
            )
        }
        None => say!(language, "{beside} beside it", "同时运行的版本上为 {beside}"),
    }
}

/// `196,083,712 on v1 in its own last hour`
fn earlier(before: Option<f64>, record: &Record, language: Language) -> String {
    let before = before.map_or_else(|| "-".to_owned(), plain);
    match &record.baseline {
        Some((version, _)) => {
            let version = bold(&version.name);
            say!(
                language,
                "{before} on {version} in its own last hour",
                "{version} 在自己的最后一小时内为 {before}"
            )
        }
        None => say!(language, "{before} before", "此前为 {before}"),
    }
}

/// `412,310,528 (before: 196,083,712): 2.1 times as much (95 %: 1.9 to 2.3)`
pub(super) fn row(metric: &MetricEvidence, value: &ValueEvidence, language: Language) -> String {
    let candidate = value.candidate.map_or_else(|| "-".to_owned(), plain);
    if let Some(threshold) = value.threshold {
        let held = held(threshold, language);
        return say!(language, "{candidate}: {held}", "{candidate}：{held}");
    }
    let before = value.before.map_or_else(|| "-".to_owned(), plain);
    let multiple = metric.ratio.map(|ratio| multiple(ratio, language)).unwrap_or_default();
    let Some(beside) = value.beside.map(plain) else {
        return say!(
            language,
            "{candidate} (before: {before}){multiple}",
            "{candidate}（之前：{before}）{multiple}"
        );
    };
    let since = value.since.map(plain).map(|since| {
        say!(
            language,
            "; alone: {since} (before: {before})",
            "；单独运行后：{since}（之前：{before}）"
        )
    });
    let since = since.unwrap_or_default();
    say!(
        language,
        "{candidate} (beside it: {beside}){multiple}{since}",
        "{candidate}（同时运行：{beside}）{multiple}{since}"
    )
}

/// `queue: 1,200 on v2: above 1,000 for 6 min; 5 min are a regression.`
fn against(name: &str, candidate: Option<f64>, threshold: ThresholdEvidence, to: &str, language: Language) -> String {
    let Some(candidate) = candidate.map(plain) else {
        return say!(language, "{name}: no value on {to} yet.", "{name}：{to} 上还没有数值。");
    };
    let held = held(threshold, language);
    say!(
        language,
        "{name}: {candidate} on {to}: {held}.",
        "{name}：{to} 上为 {candidate}：{held}。"
    )
}

/// `above 1,000 for 6 min; 5 min above it are a regression`, for alerts, pages and the live view. What broke it once is told after it ended too.
pub(super) fn held(ThresholdEvidence { rule, held, longest }: ThresholdEvidence, language: Language) -> String {
    let bound = bound(rule, language);
    let limit = limit(rule, language);
    let broke = longest.filter(|longest| *longest >= rule.held_for && held != Some(*longest));
    if let Some(time) = broke.map(|longest| long(longest, language)) {
        return say!(language, "was {bound} for {time}{limit}", "曾{bound}，持续 {time}{limit}");
    }
    match held.map(|held| long(held, language)) {
        Some(time) => say!(language, "{bound} for {time}{limit}", "{bound}，已持续 {time}{limit}"),
        None => say!(language, "not {bound}{limit}", "未{bound}{limit}"),
    }
}

/// `; 5 min above it are a regression`.
fn limit(rule: Threshold, language: Language) -> String {
    let allowed = long(rule.held_for, language);
    let side = match rule.side {
        Side::Above => "above",
        Side::Below => "below",
    };
    match rule.held_for.is_zero() {
        true => say!(language, "; any time {side} it is a regression", "；一旦出现即为退化"),
        false => say!(language, "; {allowed} {side} it are a regression", "；持续 {allowed}即为退化"),
    }
}

/// A bound with all of its digits, as it was written.
fn as_written(value: f64) -> String {
    if value.abs() >= 1000.0 && value.fract().abs() < f64::EPSILON {
        plain(value)
    } else {
        value.to_string()
    }
}

fn bound(rule: Threshold, language: Language) -> String {
    let value = as_written(rule.value);
    match rule.side {
        Side::Above => say!(language, "above {value}", "高于 {value}"),
        Side::Below => say!(language, "below {value}", "低于 {value}"),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::{
        specimen::{self, queue},
        told::unmarked,
    };

    #[test]
    fn a_plain_bound_says_for_how_long_it_was_broken_and_what_that_may_be() {
        let record = specimen::watching();
        let said =
            |metric: &MetricEvidence, language| unmarked(&levels(metric, &metric.value.expect("a value"), &record, language));
        let broken = queue(Some(360), Some(360));
        assert_eq!(
            said(&broken, Language::En),
            "queue: 1,200 on v1.2.3: above 1,000 for 6 min; 5 min above it are a regression."
        );
        assert_eq!(
            said(&queue(None, Some(60)), Language::Zh),
            "queue：v1.2.3 上为 1,200：未高于 1,000；持续 5 分钟即为退化。"
        );
        assert_eq!(gist(&broken, Language::En), "queue above 1,000 for 5 min");
        assert_eq!(
            row(&queue(Some(15), Some(360)), &broken.value.expect("a value"), Language::Zh),
            "1,200：高于 1,000，已持续 6 分钟；持续 5 分钟即为退化"
        );
        let ended = queue(None, Some(360));
        assert_eq!(
            row(&ended, &ended.value.expect("a value"), Language::En),
            "1,200: was above 1,000 for 6 min; 5 min above it are a regression"
        );
    }

    #[test]
    fn a_bound_is_said_with_all_of_its_digits() {
        let said = [0.9, 0.99995, 1_000.0, -1_500.0, 2_500.5].map(as_written);
        assert_eq!(said, ["0.9", "0.99995", "1,000", "-1,500", "2500.5"]);
    }
}
