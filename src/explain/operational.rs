//! Alerts that belong to no rollout: readiness, rejected policies, a freeze.

use super::{
    Language, Told,
    clean::bounded,
    grounds::DETAIL,
    language::say,
    span_of_time::stamp,
    told::{bold, code, outside, signed},
};
use crate::{decide::Freeze, record::Unready, words::TargetKey};

/// Lines of a rejected policy's errors that an alert shows.
const ERROR_LINES: usize = 24;

/// `**myapp** (prod)`, or lastgood itself.
pub(super) fn target(key: Option<&TargetKey>, language: Language) -> String {
    match key {
        Some(key) => {
            let (service, env) = (bold(&key.service), outside(&key.env));
            say!(language, "{service} ({env})", "{service}（{env}）")
        }
        None => bold("lastgood"),
    }
}

/// lastgood could not act, or can again.
pub(super) fn not_ready(key: Option<&TargetKey>, unready: &[Unready], language: Language) -> Told {
    let who = target(key, language);
    if unready.is_empty() {
        let headline = say!(
            language,
            "{who}: lastgood can act again if it has to.",
            "{who}：lastgood 已恢复，必要时可以回滚。"
        );
        return Told::new(&signed("✅", &headline), &[]);
    }
    let names: Vec<&str> = unready.iter().map(|reason| reason.name.as_str()).collect();
    let names = outside(names.join(", "));
    let headline = say!(
        language,
        "{who}: lastgood could not go back now if it had to: {names}.",
        "{who}：lastgood 目前无法回滚：{names}。"
    );
    let mut lines: Vec<String> = unready
        .iter()
        .map(|reason| {
            let because = outside(bounded(&reason.because, DETAIL));
            say!(language, "• {because}", "• {because}")
        })
        .collect();
    if let Some(key) = key {
        let status = code(format_args!("lastgood status {}", key.service));
        lines.push(say!(
            language,
            "It is tried again every few minutes; how it stands: {status}",
            "每隔几分钟会重试；当前状态：{status}"
        ));
    }
    Told::new(&signed("🔧", &headline), &lines)
}

/// A policy file was rejected.
pub(super) fn policy_rejected(key: Option<&TargetKey>, errors: &str, language: Language) -> Told {
    let whose = key
        .map(|key| target(Some(key), language))
        .map_or_else(String::new, |target| say!(language, "{target}: ", "{target}："));
    let headline = say!(
        language,
        "{whose}a policy file was rejected; the one before stays in force.",
        "{whose}策略文件被拒绝；之前的策略继续生效。"
    );
    let mut lines: Vec<String> = errors.lines().take(ERROR_LINES).map(code).collect();
    let more = errors.lines().count().saturating_sub(ERROR_LINES);
    if more > 0 {
        lines.push(say!(language, "… and {more} more lines", "……另有 {more} 行"));
    }
    let check = code("lastgood check PATH");
    lines.push(say!(
        language,
        "Once corrected, try it first: {check}",
        "修改后请先检查：{check}"
    ));
    Told::new(&signed("🔧", &headline), &lines)
}

/// All reverts are frozen.
pub(super) fn frozen(freeze: &Freeze, language: Language) -> Told {
    let (reason, by, since) = (
        outside(bounded(&freeze.reason, DETAIL)),
        outside(&freeze.by),
        stamp(freeze.since),
    );
    let headline = say!(language, "All reverts are frozen: {reason}.", "所有回滚已冻结：{reason}。");
    let unfreeze = code("lastgood unfreeze");
    let lines = [
        say!(
            language,
            "Since {since}, by {by}. Rollouts are still judged and told.",
            "自 {since} 起，由 {by} 冻结。发布仍会判定并告警。"
        ),
        say!(
            language,
            "So many services bad at once are an incident, not a release. When it is over: {unfreeze}",
            "多个服务同时异常通常是事故而非发布问题。结束后执行：{unfreeze}"
        ),
    ];
    Told::new(&signed("🧊", &headline), &lines)
}
