//! The lines that bear an alert's headline out: evidence, times, faults, and what to type.

use super::{
    Language,
    by_hand::go_back,
    clean::bounded,
    comparison::{excluded, heaviest, sides},
    language::say,
    odds::odds_of,
    past::of_the_past,
    span_of_time::{clock, long},
    startup,
    story::{self, back_to},
    told::{bold, code, outside},
};
use crate::{
    judge::{Comparison, Evidence},
    record::{ActResult, Record},
    words::Verdict,
};

/// What an error or an output may take in an alert, in characters.
pub(super) const DETAIL: usize = 600;
/// What a query may take in an alert, in characters; the whole is in the record.
const QUERY: usize = 1_000;

/// The evidence that convicted: the metric that weighs most, others that say the same, the odds, assumed noise.
pub(super) fn conviction(record: &Record, language: Language) -> Vec<String> {
    if let Some(startup) = startup::grounds(record, language) {
        return vec![startup];
    }
    let Some(evidence) = &record.evidence else { return Vec::new() };
    let Some(top) = heaviest(evidence) else { return Vec::new() };
    let glue = match language {
        Language::En => " ",
        Language::Zh => "",
    };
    let mut lines = vec![[sides(top, evidence, record, language), odds_of(top, evidence, language)].join(glue)];
    let also = evidence
        .metrics
        .iter()
        .filter(|metric| metric.name != top.name && metric.verdict == Some(Verdict::Regression));
    lines.extend(also.map(|metric| sides(metric, evidence, record, language)));
    lines.push(of_the_past(top, language));
    lines
}

/// When it began, when it was decided, and what serves since.
pub(super) fn timing(record: &Record, language: Language) -> String {
    let began = began(record, language);
    let decided = record.decided_after().map(|after| {
        let after = long(after, language);
        say!(language, "decided after {after}", "{after}后作出判定")
    });
    let serves = match story::last_act(record) {
        Some(ActResult::Applied { activated_at, .. }) => {
            let (back, since) = (back_with_standing(record, language), clock(*activated_at));
            Some(say!(
                language,
                "{back} serves again since {since}",
                "{back}自 {since} 起恢复服务"
            ))
        }
        _ => None,
    };
    clauses([began, decided, serves], language)
}

/// The version gone back to, its standing and how long it has had it.
fn back_with_standing(record: &Record, language: Language) -> String {
    let back = story::back(record, language);
    let Some((version, standing)) = &record.baseline else {
        return back;
    };
    if back_to(record) != Some(version) {
        return back;
    }
    let standing = super::words::standing(*standing, language);
    let age = record
        .baseline_since
        .zip(record.decided_at)
        .map(|(since, decided)| long(decided.since(since), language));
    match age {
        Some(age) => say!(language, "{back} ({standing} for {age})", "{back}（{standing}，已 {age}）"),
        None => say!(language, "{back} ({standing})", "{back}（{standing}）"),
    }
}

/// How soon after its start the candidate was first seen to be bad.
fn began(record: &Record, language: Language) -> Option<String> {
    let first_bad = heaviest(record.evidence.as_ref()?)?.first_bad?;
    let after = long(first_bad.since(record.activation.as_ref()?.at), language);
    let to = bold(&record.to.name);
    Some(say!(
        language,
        "bad requests began within {after} of {to}'s start",
        "{to} 启动后 {after}内出现不良请求"
    ))
}

/// Clauses as one sentence.
fn clauses<const N: usize>(clauses: [Option<String>; N], language: Language) -> String {
    let (separator, end) = match language {
        Language::En => ("; ", "."),
        Language::Zh => ("；", "。"),
    };
    let clauses: Vec<String> = clauses.into_iter().flatten().collect();
    if clauses.is_empty() {
        return String::new();
    }
    let sentence = clauses.join(separator) + end;
    let mut chars = sentence.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}

/// Where to read on, and the queries.
pub(super) fn closing(mut lines: Vec<String>, record: &Record, language: Language) -> Vec<String> {
    let explain = code(format_args!("lastgood explain {}", record.id));
    lines.push(say!(language, "Details: {explain}", "详情：{explain}"));
    let named = record.fault.as_ref().and_then(|fault| fault.query.as_ref());
    let queries: Vec<String> = record
        .queries
        .iter()
        .filter(|query| Some(*query) != named)
        .map(|query| code(bounded(query, QUERY)))
        .collect();
    if !queries.is_empty() {
        let queries = queries.join(" · ");
        lines.push(say!(language, "Queries: {queries}", "查询：{queries}"));
    }
    lines
}

/// What was measured after the act.
pub(super) fn since_then(record: &Record, language: Language) -> String {
    let Some(verification) = &record.verification else {
        return String::new();
    };
    let Some(evidence) = &verification.evidence else {
        return String::new();
    };
    let convicted = record.evidence.as_ref().and_then(heaviest);
    let same = convicted.and_then(|metric| evidence.metrics.iter().find(|other| other.name == metric.name));
    let Some(metric) = same.or_else(|| heaviest(evidence)) else {
        return String::new();
    };
    let mut seen = record.clone();
    if let Some(back) = back_to(record) {
        seen.to = back.clone();
    }
    let sides = sides(metric, evidence, &seen, language);
    say!(language, "Since then, {sides}", "此后，{sides}")
}

/// The line that goes back without lastgood.
pub(super) fn by_hand(record: &Record, language: Language) -> String {
    match back_to(record) {
        Some(back) => {
            let line = code(go_back(record, back));
            say!(language, "To go back by hand: {line}", "手动回滚：{line}")
        }
        None => String::new(),
    }
}

/// What was wrong with the data, since when, and the query.
pub(super) fn fault(record: &Record, language: Language) -> String {
    let Some(fault) = &record.fault else { return String::new() };
    let (since, because) = (clock(fault.since), outside(bounded(&fault.because, DETAIL)));
    let reason = super::words::gap(fault.reason, language);
    let query = fault.query.as_ref().map(|query| code(bounded(query, QUERY)));
    match query {
        Some(query) => say!(
            language,
            "Since {since}: {reason} ({because}). The query: {query}",
            "自 {since} 起：{reason}（{because}）。查询：{query}"
        ),
        None => say!(
            language,
            "Since {since}: {reason} ({because}).",
            "自 {since} 起：{reason}（{because}）。"
        ),
    }
}

/// What was met instead of data, and the query.
pub(super) fn found(record: &Record, language: Language) -> String {
    let Some(fault) = &record.fault else { return String::new() };
    let because = outside(bounded(&fault.because, DETAIL));
    let query = fault.query.as_ref().map(|query| code(bounded(query, QUERY)));
    match query {
        Some(query) => say!(
            language,
            "What was met: {because}. The query: {query}",
            "具体情况：{because}。查询：{query}"
        ),
        None => say!(language, "What was met: {because}.", "具体情况：{because}。"),
    }
}

/// What is excluded, and both sides of every metric.
pub(super) fn measured(record: &Record, language: Language) -> Vec<String> {
    let Some(evidence) = &record.evidence else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    if evidence.compare != Comparison::None {
        lines.push(excluded(evidence, language));
    }
    lines.extend(
        evidence
            .metrics
            .iter()
            .map(|metric| sides(metric, evidence, record, language)),
    );
    lines
}

/// What a proof rests on.
pub(super) fn basis(record: &Record, language: Language) -> String {
    let compared = record
        .evidence
        .as_ref()
        .is_some_and(|evidence: &Evidence| evidence.compare != Comparison::None);
    match record.verdict {
        _ if !compared => say!(
            language,
            "Basis: it ran with whole data and without a restart; there was nothing to compare it with.",
            "依据：运行期间数据完整且无重启；没有可比较的版本。"
        ),
        Some(Verdict::Inconclusive) => {
            let length = long(record.policy.watch.length, language);
            say!(
                language,
                "Basis: watched for {length} without a regression. What this traffic can exclude:",
                "依据：观察 {length}未见恶化。以当前流量能够排除的："
            )
        }
        _ => say!(language, "Basis: enough evidence of safety.", "依据：已有足够的安全证据。"),
    }
}
