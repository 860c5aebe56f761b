//! Each kind of alert in words: a headline that is the whole story, the lines that bear it out, and what to type.

use super::{
    Language, Told,
    by_hand::release,
    clean::bounded,
    comparison::{heaviest, sides},
    grounds::{DETAIL, basis, by_hand, closing, conviction, fault, found, measured, since_then, timing},
    guard, held, hindrance,
    language::say,
    marked::{Marked, marked},
    not_helped,
    odds::odds_in,
    operational::{frozen, not_ready, policy_rejected, target},
    ordered::rolled_back,
    past::of_the_past,
    span_of_time::{clock, long},
    story::{self, who},
    told::{bold, code, outside, signed, spans},
    words,
};
use crate::{
    decide::{Decision, Guard},
    judge::Comparison,
    policy::Target,
    record::{Alert, AlertKind, Record},
    words::{Env, Standing, TargetKey, Version},
};

/// An alert in words, from it alone. Its last line is the end of the audit, which is safe from whoever changes the store later.
#[must_use]
pub fn alert(alert: &Alert, language: Language) -> Told {
    let mut told = in_words(alert, language);
    if let Some(head) = &alert.audit {
        let head = code(head);
        told.lines.push(spans(&say!(language, "Audit: {head}", "审计：{head}")));
    }
    told
}

fn in_words(alert: &Alert, language: Language) -> Told {
    match (&alert.kind, alert.record.as_deref()) {
        (AlertKind::NotReady { unready }, _) => not_ready(alert.target.as_ref(), unready, language),
        (AlertKind::PolicyRejected { errors }, _) => policy_rejected(alert.target.as_ref(), errors, language),
        (
            AlertKind::Mark {
                mark,
                name,
                to,
                left,
                result,
            },
            _,
        ) => {
            let left = left.as_ref();
            let kind = *mark;
            marked(
                alert.target.as_ref(),
                &Marked {
                    kind,
                    name,
                    to,
                    left,
                    result,
                },
                language,
            )
        }
        (AlertKind::Frozen { freeze }, _) => frozen(freeze, language),
        (AlertKind::Contested { version }, record) => contested(version, record, alert.target.as_ref(), language),
        (kind, Some(record)) => of_rollout(kind, record, alert, language),
        (kind, None) => {
            let (target, name) = (target(alert.target.as_ref(), language), kind.name());
            Told::new(&say!(language, "{target}: {name}.", "{target}：{name}。"), &[])
        }
    }
}

fn of_rollout(kind: &AlertKind, record: &Record, alert: &Alert, language: Language) -> Told {
    match kind {
        AlertKind::RolledBack => rolled_back(record, language),
        AlertKind::Verified => verified(record, language),
        AlertKind::NotHelped => not_helped::told(record, language),
        AlertKind::Proposed => proposed(record, language),
        AlertKind::Refused => refused(record, language),
        AlertKind::Regression => regression(record, language),
        AlertKind::Blind => blind(record, language),
        AlertKind::GoingBlind => going_blind(record, alert, language),
        AlertKind::Inconclusive => inconclusive(record, language),
        AlertKind::Proven => proven(record, language),
        AlertKind::Late => late(record, language),
        AlertKind::ClusterFault => hindrance::told(record, language),
        AlertKind::ClusterFaultOver => hindrance::over(record, language),
        AlertKind::NotHeld { because } => held::not_held(record, because, language),
        AlertKind::HeldTooLong => held::too_long(record, language),
        AlertKind::Skipped { env, standing } => skipped(record, env, *standing, language),
        _ => reverted(record, language),
    }
}

fn reverted(record: &Record, language: Language) -> Told {
    let mut lines = conviction(record, language);
    lines.push(timing(record, language));
    let to = bold(&record.to.name);
    let allow = code(release("allow", record, &record.to));
    lines.push(say!(
        language,
        "{to} is quarantined. To ship it again anyway: {allow}",
        "{to} 已被隔离。如仍要再次上线：{allow}"
    ));
    lines.extend(left_to_do(record, language));
    Told::new(
        &signed("↩️", &story::reverted(record, language)),
        &closing(lines, record, language),
    )
}

/// In a cluster, what a revert leaves for people to know of: fields that the next apply does not remove, a tool whose record disagrees.
fn left_to_do(record: &Record, language: Language) -> Option<String> {
    let Target::Kubernetes(_) = record.policy.target else {
        return None;
    };
    let detail = outside(bounded(record.outcome_detail.as_ref()?, DETAIL));
    Some(say!(language, "To know: {detail}.", "请注意：{detail}。"))
}

fn verified(record: &Record, language: Language) -> Told {
    let lines = vec![timing(record, language), since_then(record, language)];
    Told::new(
        &signed("✅", &story::verified(record, language)),
        &closing(lines, record, language),
    )
}

fn proposed(record: &Record, language: Language) -> Told {
    let mut lines = conviction(record, language);
    let approve = code(format_args!("lastgood approve {}", record.id));
    let (to, until) = (bold(&record.to.name), proposal_end(record));
    lines.push(say!(
        language,
        "Yes: {approve}, until {until}. Without an answer nothing is reverted and {to} stays.",
        "同意请执行：{approve}，{until} 前有效。无人答复则不回滚，{to} 保持运行。"
    ));
    lines.extend(held::stays(record, language));
    Told::new(
        &signed("🙋", &story::proposed(record, language)),
        &closing(lines, record, language),
    )
}

fn proposal_end(record: &Record) -> String {
    match &record.decision {
        Some(Decision::Propose { until, .. }) => clock(*until),
        _ => "?".to_owned(),
    }
}

fn refused(record: &Record, language: Language) -> Told {
    let mut lines = conviction(record, language);
    if let Some(guard) = story::refusing(record) {
        let next = guard::next(guard, record, language);
        lines.push(say!(language, "{next}.", "{next}。"));
        // These guards leave a version that could be gone back to, and say nothing of how.
        if matches!(
            guard,
            Guard::ServiceBudget { .. } | Guard::FleetBudget { .. } | Guard::Frozen { .. }
        ) {
            lines.push(by_hand(record, language));
        }
    }
    lines.extend(held::stays(record, language));
    Told::new(
        &signed("⛔", &story::refused(record, language)),
        &closing(lines, record, language),
    )
}

fn regression(record: &Record, language: Language) -> Told {
    let mut lines = conviction(record, language);
    lines.push(timing(record, language));
    lines.push(by_hand(record, language));
    lines.extend(held::stays(record, language));
    Told::new(
        &signed("⚠️", &story::regression(record, language)),
        &closing(lines, record, language),
    )
}

fn blind(record: &Record, language: Language) -> Told {
    // Since when and in a word what is in the headline.
    let mut lines = vec![found(record, language)];
    let to = bold(&record.to.name);
    let prove = code(release("prove", record, &record.to));
    lines.push(say!(
        language,
        "Missing data never convict: {to} stays, unproven. If you know that it is good: {prove}",
        "数据缺失绝不作为定罪依据：{to} 保持运行，状态为未证明。如果你确认它良好：{prove}"
    ));
    Told::new(
        &signed("🙈", &story::blind(record, language)),
        &closing(lines, record, language),
    )
}

fn going_blind(record: &Record, alert: &Alert, language: Language) -> Told {
    let (who, to) = (who(record, language), bold(&record.to.name));
    let headline = match &record.fault {
        Some(fault) => {
            let lasting = long(alert.at.since(fault.since), language);
            say!(
                language,
                "{who}: {to} has not been judged for {lasting}, because the data are not fit for it. The watch goes on.",
                "{who}：数据异常，{to} 已 {lasting}无法判定。观察仍在继续。"
            )
        }
        None => say!(
            language,
            "{who}: {to} is not being judged. The watch goes on.",
            "{who}：{to} 当前无法判定。观察仍在继续。"
        ),
    };
    let lines = vec![
        fault(record, language),
        say!(
            language,
            "Nothing is reverted on missing data. When they are whole again, what was missed is asked for again.",
            "数据缺失不会触发回滚。数据恢复后会补查缺失的部分。"
        ),
    ];
    Told::new(&signed("🙈", &headline), &closing(lines, record, language))
}

fn inconclusive(record: &Record, language: Language) -> Told {
    let mut lines = measured(record, language);
    let to = bold(&record.to.name);
    let prove = code(release("prove", record, &record.to));
    if let Some(evidence) = record.evidence.as_ref().filter(|evidence| evidence.is_suspect()) {
        let (harm, needed) = (
            odds_in(evidence.harm_log10, language),
            odds_in(evidence.needed_harm_log10, language),
        );
        lines.push(say!(
            language,
            "The evidence speaks for harm, odds {harm}, and {needed} were needed: look at it.",
            "证据倾向于有害，胜算 {harm}，判定需要 {needed}：请查看。"
        ));
    }
    lines.push(say!(
        language,
        "{to} stays, unproven. If you know that it is good: {prove}",
        "{to} 保持运行，状态为未证明。如果你确认它良好：{prove}"
    ));
    Told::new(
        &signed("❔", &story::inconclusive(record, language)),
        &closing(lines, record, language),
    )
}

fn proven(record: &Record, language: Language) -> Told {
    let mut lines = vec![basis(record, language)];
    lines.extend(measured(record, language));
    lines.extend(
        record
            .evidence
            .as_ref()
            .filter(|evidence| evidence.compare != Comparison::None)
            .and_then(heaviest)
            .map(|metric| of_the_past(metric, language)),
    );
    Told::new(
        &signed("✅", &story::proven(record, language)),
        &closing(lines, record, language),
    )
}

fn skipped(record: &Record, env: &Env, standing: Option<Standing>, language: Language) -> Told {
    let (who, to, env) = (who(record, language), bold(&record.to.name), bold(env));
    let there = match standing {
        Some(standing) => {
            let standing = words::standing(standing, language);
            say!(language, "it is {standing} there", "它在那里的状态为：{standing}")
        }
        None => say!(language, "it is not known there", "那里没有它的记录"),
    };
    let headline = say!(
        language,
        "{who}: {to} was shipped without being proven in {env}, as the policy demands: {there}.",
        "{who}：{to} 未按策略要求先在 {env} 得到验证便已上线：{there}。"
    );
    let line = say!(language, "It is judged as any other release.", "它会像其他版本一样接受判定。");
    Told::new(&signed("⏭️", &headline), &closing(vec![line], record, language))
}

fn late(record: &Record, language: Language) -> Told {
    let (who, to) = (who(record, language), bold(&record.to.name));
    let change = record
        .evidence
        .as_ref()
        .and_then(|evidence| evidence.metrics.iter().find(|metric| metric.late.is_some()));
    let after = change
        .and_then(|metric| metric.late)
        .zip(record.activation.as_ref())
        .map(|(late, activation)| long(late.at.since(activation.at), language));
    let name = change.map(|metric| outside(&metric.name)).unwrap_or_default();
    let headline = match after {
        Some(after) => say!(
            language,
            "{who}: {name} changed {after} after {to} began to serve; nothing ran beside it, so it may not be the release.",
            "{who}：{to} 开始服务 {after}后，{name} 发生变化；没有同时运行的版本可比，所以未必是该版本所致。"
        ),
        None => say!(
            language,
            "{who}: something changed after the rollout of {to}; nothing ran beside it, so it may not be the release.",
            "{who}：{to} 发布后出现变化；没有同时运行的版本可比，所以未必是该版本所致。"
        ),
    };
    let mut lines: Vec<String> = change
        .zip(record.evidence.as_ref())
        .map(|(metric, evidence)| sides(metric, evidence, record, language))
        .into_iter()
        .collect();
    lines.push(say!(language, "Nothing was reverted.", "未做任何回滚。"));
    lines.push(by_hand(record, language));
    Told::new(&signed("🕐", &headline), &closing(lines, record, language))
}

fn contested(version: &Version, record: Option<&Record>, key: Option<&TargetKey>, language: Language) -> Told {
    let who = record.map_or_else(|| target(key, language), |record| who(record, language));
    let name = bold(&version.name);
    let headline = say!(
        language,
        "{who}: {name} was shipped again although it is quarantined. lastgood leaves it there and will not revert it.",
        "{who}：已被隔离的 {name} 再次上线。lastgood 不与之对抗，不会回滚它。"
    );
    let mut lines = Vec::new();
    if let Some(record) = record {
        let allow = code(release("allow", record, version));
        lines.push(say!(
            language,
            "If that was meant, have it judged again: {allow}",
            "如果这是有意的，请允许重新判定：{allow}"
        ));
        lines.push(by_hand(record, language));
        lines = closing(lines, record, language);
    }
    Told::new(&signed("🔁", &headline), &lines)
}
