//! The evidence in words: counts and rates of both sides, how many times worse, what is excluded, where the noise came from.

use super::{
    Language, gone,
    language::say,
    number::{count, share, times, written_share},
    span_of_time::latency,
    told::{bold, outside},
    values,
};
use crate::{
    judge::{BoundEvidence, Comparison, Estimate, Evidence, MetricEvidence},
    policy::MetricKind,
    record::Record,
    words::{Verdict, Version},
};

/// The metric that weighs most: of those that may revert, or, where a metric that only warns is what regressed, that one.
pub(super) fn heaviest(evidence: &Evidence) -> Option<&MetricEvidence> {
    let most = |may_revert: bool| {
        evidence
            .metrics
            .iter()
            .filter(move |metric| metric.may_revert == may_revert)
            .max_by(|a, b| weight(a).total_cmp(&weight(b)))
    };
    let warned = most(false).filter(|metric| weight(metric) >= metric.needed_harm_log10);
    let convicted = |metric: &MetricEvidence| {
        evidence.harm_log10 >= evidence.needed_harm_log10 || weight(metric) >= evidence.needed_harm_log10
    };
    match most(true) {
        Some(metric) if warned.is_none() || convicted(metric) => Some(metric),
        other => warned.or(other),
    }
}

/// Odds of harm; a plain bound weighs nothing until it is broken, and then more than any odds.
fn weight(metric: &MetricEvidence) -> f64 {
    match (metric.rule(), metric.verdict) {
        (None, _) => metric.harm_log10,
        (Some(_), Some(Verdict::Regression)) => f64::INFINITY,
        (Some(_), _) => f64::NEG_INFINITY,
    }
}

/// The bound of a histogram that weighs most.
pub(super) fn heaviest_bound(metric: &MetricEvidence) -> Option<&BoundEvidence> {
    metric.bounds.iter().max_by(|a, b| a.harm_log10.total_cmp(&b.harm_log10))
}

/// What the evidence is compared with: the version's name, where there is one.
pub(super) fn compared(record: &Record) -> Option<&Version> {
    record.baseline.as_ref().map(|(version, _)| version)
}

/// A few words for a headline: `errors 8 times worse`.
pub(super) fn gist(metric: &MetricEvidence, language: Language) -> String {
    let name = outside(&metric.name);
    if let Some(objective) = metric.objective {
        let objective = written_share(objective);
        return say!(
            language,
            "{name} below the objective of {objective}",
            "{name} 低于目标 {objective}"
        );
    }
    if metric.value.is_some() {
        return values::gist(metric, language);
    }
    let bound = heaviest_bound(metric);
    let (ratio, baseline) = bound.map_or((metric.ratio, gone::all_of(metric.baseline, metric.alone)), |bound| {
        (bound.ratio, gone::all_of(bound.baseline, bound.alone))
    });
    // A multiple that reads as one says nothing.
    let worse = worse(ratio.filter(|ratio| ratio.median >= 1.05), baseline, language);
    match (worse, bound.is_some()) {
        (None, _) => say!(language, "{name} worse", "{name} 变差"),
        (Some(worse), false) => say!(language, "{name} {worse} times worse", "{name} 恶化到{worse} 倍"),
        (Some(worse), true) => say!(language, "{worse} times as many slow requests", "慢请求增至{worse} 倍"),
    }
}

/// How many times, in Chinese with its leading space; where the other side had no bad event at all only the lower end can be said.
fn worse(ratio: Option<Estimate>, baseline: [f64; 2], language: Language) -> Option<String> {
    let ratio = ratio?;
    if baseline[0] > 0.0 {
        let median = times(ratio.median);
        return Some(say!(language, "{median}", " {median}"));
    }
    let low = times(ratio.low);
    Some(say!(language, "at least {low}", "至少 {low}"))
}

/// The sentence of one metric: both sides, and how many times worse.
pub(super) fn sides(metric: &MetricEvidence, evidence: &Evidence, record: &Record, language: Language) -> String {
    let name = outside(&metric.name);
    if let Some(because) = &metric.unusable {
        let because = outside(because);
        return say!(
            language,
            "{name}: could not be judged: {because}.",
            "{name}：无法判定：{because}。"
        );
    }
    if evidence.compare == Comparison::None && is_histogram(metric, record) {
        let (all, to) = (count(metric.candidate[1]), bold(&record.to.name));
        return say!(
            language,
            "{name}: {all} requests on {to}; which are slow is known only by comparison.",
            "{name}：{to} 上 {all} 个请求；须有比较对象才知道哪些算慢。"
        );
    }
    if let Some(value) = &metric.value {
        return values::levels(metric, value, record, language);
    }
    let said = match heaviest_bound(metric) {
        Some(bound) => slow(&name, bound, metric, evidence, record, language),
        None => failed(&name, metric, evidence, record, language),
    };
    said + &gone::not_used(metric, evidence, record, language)
}

fn failed(name: &str, metric: &MetricEvidence, evidence: &Evidence, record: &Record, language: Language) -> String {
    let to = bold(&record.to.name);
    if let Some(objective) = metric.objective {
        return promised(name, objective, metric, record, language);
    }
    let of = part(gone::while_both_ran(metric.candidate, metric.alone), language);
    let other = other_side(metric.baseline, evidence, record, language);
    let then = gone::then(metric.alone, record, language);
    let verdict = multiple(metric.ratio, gone::all_of(metric.baseline, metric.alone), language)
        .map(|multiple| say!(language, ": {multiple}", "：{multiple}"))
        .unwrap_or_default();
    say!(
        language,
        "{name}: {of} on {to}{other}{then}{verdict}.",
        "{name}：{to} 上 {of}{other}{then}{verdict}。"
    )
}

/// `availability: 4.1 % of 12,400 requests on v2; objective 99.5 %: 8 times what it allows (95 %: 7 to 10).`
fn promised(name: &str, objective: f64, metric: &MetricEvidence, record: &Record, language: Language) -> String {
    // What an objective allows is exact, not a count that may be too small to divide by.
    const EXACT: [f64; 2] = [1.0; 2];
    let to = bold(&record.to.name);
    let of = part(metric.candidate, language);
    let objective = written_share(objective);
    let allowed = worse(metric.ratio, EXACT, language)
        .map(|worse| {
            let interval = interval(metric.ratio, EXACT, language);
            say!(
                language,
                ": {worse} times what it allows{interval}",
                "：是其允许量的{worse} 倍{interval}"
            )
        })
        .unwrap_or_default();
    say!(
        language,
        "{name}: {of} on {to}; objective {objective}{allowed}.",
        "{name}：{to} 上 {of}；目标 {objective}{allowed}。"
    )
}

/// `4.1 % of 12,400 requests`.
pub(super) fn part([bad, total]: [f64; 2], language: Language) -> String {
    if total <= 0.0 {
        return say!(language, "no requests", "没有请求");
    }
    let all = count(total);
    if bad <= 0.0 {
        return say!(language, "none of {all} requests", "{all} 个请求中为 0");
    }
    let share = share(bad / total);
    say!(language, "{share} of {all} requests", "{all} 个请求的 {share}")
}

/// `0.5 % of 37,100`, where it was said before of what.
pub(super) fn of_those([bad, total]: [f64; 2], language: Language) -> String {
    let all = count(total);
    if bad <= 0.0 {
        return say!(language, "none of {all}", "{all} 个中为 0");
    }
    let share = share(bad / total);
    say!(language, "{share} of {all}", "{all} 个的 {share}")
}

/// `, 0.5 % of 37,100 on v1.2.2 beside it`.
fn other_side(baseline: [f64; 2], evidence: &Evidence, record: &Record, language: Language) -> String {
    let Some(version) = compared(record).filter(|_| evidence.compare != Comparison::None && baseline[1] > 0.0) else {
        return String::new();
    };
    let name = &version.name;
    let version = bold(name);
    let part = of_those(baseline, language);
    match evidence.compare {
        Comparison::BeforeAfter if record.to.name == *name => {
            say!(language, ", {part} in the hour before", "，之前一小时内 {part}")
        }
        Comparison::BeforeAfter => {
            say!(
                language,
                ", {part} on {version} in its own last hour",
                "，{version} 在自己的最后一小时内 {part}"
            )
        }
        _ => say!(
            language,
            ", {part} on {version} beside it",
            "，同时运行的 {version} 上 {part}"
        ),
    }
}

/// `8 times worse (95 %: 7 to 10)`.
fn multiple(ratio: Option<Estimate>, baseline: [f64; 2], language: Language) -> Option<String> {
    let worse = worse(ratio, baseline, language)?;
    let interval = interval(ratio, baseline, language);
    // "Worse" only where the whole interval says so.
    if ratio.is_some_and(|ratio| ratio.low > 1.0) {
        return Some(say!(language, "{worse} times worse{interval}", "恶化到{worse} 倍{interval}"));
    }
    Some(say!(
        language,
        "{worse} times the rate{interval}",
        "比率是其{worse} 倍{interval}"
    ))
}

fn interval(ratio: Option<Estimate>, baseline: [f64; 2], language: Language) -> String {
    match ratio {
        Some(ratio) if baseline[0] > 0.0 => {
            let (low, high) = (times(ratio.low), times(ratio.high));
            say!(language, " (95 %: {low} to {high})", "（95 %：{low} 到 {high}）")
        }
        _ => String::new(),
    }
}

fn slow(
    name: &str,
    bound: &BoundEvidence,
    metric: &MetricEvidence,
    evidence: &Evidence,
    record: &Record,
    language: Language,
) -> String {
    let to = bold(&record.to.name);
    let quantile = quantile(bound.quantile);
    let above = latency(bound.candidate_above, language);
    let of = part(gone::while_both_ran(bound.candidate, bound.alone), language);
    let then = gone::then_slow(bound, record, language);
    let against = gone::all_of(bound.baseline, bound.alone);
    let other = slow_other_side(bound, evidence, record, language);
    let multiple = worse(bound.ratio, against, language)
        .map(|worse| {
            let interval = interval(bound.ratio, against, language);
            say!(
                language,
                ": {worse} times as many slow requests{interval}",
                "：慢请求是其{worse} 倍{interval}"
            )
        })
        .unwrap_or_default();
    let allowance = allowance(metric, bound, record, language);
    say!(
        language,
        "{name}, {quantile}: {of} slower than {above} on {to}{other}{then}{multiple}.{allowance}",
        "{name}（{quantile}）：{to} 上 {of} 慢于 {above}{other}{then}{multiple}。{allowance}"
    )
}

/// `, 1.0 % of 37,100 slower than 250 ms on v2 in its own last hour`.
fn slow_other_side(bound: &BoundEvidence, evidence: &Evidence, record: &Record, language: Language) -> String {
    let Some(version) = compared(record).filter(|_| evidence.compare != Comparison::None && bound.baseline[1] > 0.0) else {
        return String::new();
    };
    let name = &version.name;
    let version = bold(name);
    let above = latency(bound.baseline_above, language);
    let all = count(bound.baseline[1]);
    let part = if bound.baseline[0] <= 0.0 {
        say!(language, "none of {all}", "{all} 个中没有")
    } else {
        let share = share(bound.baseline[0] / bound.baseline[1]);
        say!(language, "{share} of {all}", "{all} 个的 {share} ")
    };
    match evidence.compare {
        Comparison::BeforeAfter if record.to.name == *name => say!(
            language,
            ", {part} slower than {above} in the hour before",
            "，之前一小时内 {part}慢于 {above}"
        ),
        Comparison::BeforeAfter => say!(
            language,
            ", {part} slower than {above} on {version} in its own last hour",
            "，{version} 在自己的最后一小时内 {part}慢于 {above}"
        ),
        _ => say!(
            language,
            ", {part} slower than {above} on {version} beside it",
            "，同时运行的 {version} 上 {part}慢于 {above}"
        ),
    }
}

fn is_histogram(metric: &MetricEvidence, record: &Record) -> bool {
    let known = record.policy.metrics.iter().find(|known| known.name == metric.name);
    known.is_some_and(|known| matches!(known.kind, MetricKind::Histogram(_)))
}

/// Why the two bounds differ, and whether one was interpolated.
fn allowance(metric: &MetricEvidence, bound: &BoundEvidence, record: &Record, language: Language) -> String {
    let tolerated = record
        .policy
        .metrics
        .iter()
        .find(|known| known.name == metric.name)
        .and_then(|known| match &known.kind {
            MetricKind::Histogram(histogram) if histogram.tolerate_slower > 0.0 => Some(share(histogram.tolerate_slower)),
            _ => None,
        });
    let tolerated = tolerated
        .map(|share| say!(language, " The policy tolerates {share} slower.", "策略容许慢 {share}。"))
        .unwrap_or_default();
    let interpolated = if bound.interpolated {
        say!(
            language,
            " The count is interpolated inside a bucket.",
            "该计数在桶内插值得出。"
        )
    } else {
        String::new()
    };
    format!("{tolerated}{interpolated}")
}

/// `p99`, `p99.9`.
pub(super) fn quantile(fraction: f64) -> String {
    let text = format!("{:.4}", fraction * 100.0);
    format!("p{}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// `errors: 5 times or worse is excluded`, for every metric that is not convicted; one sentence.
pub(super) fn excluded(evidence: &Evidence, language: Language) -> String {
    let all: Vec<String> = evidence
        .metrics
        .iter()
        .filter(|metric| metric.verdict != Some(Verdict::Regression))
        // A plain bound excludes nothing: it is kept, or not yet.
        .filter(|metric| metric.rule().is_none() || metric.verdict == Some(Verdict::Healthy))
        .map(|metric| {
            let name = outside(&metric.name);
            match metric.excluded_times {
                Some(excluded) => {
                    let excluded = times(excluded);
                    say!(
                        language,
                        "{name}: {excluded} times or worse is excluded",
                        "{name}：已排除恶化到 {excluded} 倍或更多"
                    )
                }
                None if metric.verdict == Some(Verdict::Healthy) => say!(language, "{name}: healthy", "{name}：健康"),
                None => say!(language, "{name}: nothing is excluded", "{name}：无法排除任何恶化"),
            }
        })
        .collect();
    match language {
        _ if all.is_empty() => String::new(),
        Language::En => format!("{}.", all.join("; ")),
        Language::Zh => format!("{}。", all.join("；")),
    }
}
