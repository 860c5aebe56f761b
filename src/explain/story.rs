//! One sentence that holds a rollout's whole story, by how it ended or where it is. Alerts, status and documents begin with it.

use super::{
    Language,
    comparison::{gist, heaviest},
    guard, held,
    language::say,
    not_helped,
    span_of_time::{clock, long},
    startup,
    told::{bold, outside},
    waiting::waiting,
};
use crate::{
    decide::{Decision, Guard},
    judge::Comparison,
    record::{ActResult, Happened, Phase, Record, RolloutKind},
    words::{Outcome, Standing, Verdict, Version},
};

/// `**myapp** (prod)`.
pub(super) fn who(record: &Record, language: Language) -> String {
    let (service, env) = (bold(&record.service), outside(&record.env));
    say!(language, "{service} ({env})", "{service}（{env}）")
}

/// The version that a revert puts, or would put, back.
pub(super) fn back_to(record: &Record) -> Option<&Version> {
    let decided = match &record.decision {
        Some(Decision::Revert { to, .. } | Decision::Propose { to, .. }) => Some(to),
        _ => None,
    };
    if record.kind == RolloutKind::Return {
        return Some(&record.to);
    }
    let intended = record.intent.as_ref().map(|intent| &intent.to);
    intended.or(decided).or(record.baseline.as_ref().map(|(version, _)| version))
}

/// The version that a revert puts back, in bold; where none is known, "the last good version".
pub(super) fn back(record: &Record, language: Language) -> String {
    back_to(record).map_or_else(
        || say!(language, "the last good version", "良好版本"),
        |version| bold(&version.name),
    )
}

/// The version that is left, in bold: the candidate; where a version came back, what ran before it.
pub(super) fn left(record: &Record) -> String {
    let before = record.from.as_ref().filter(|_| record.kind == RolloutKind::Return);
    bold(&before.unwrap_or(&record.to).name)
}

/// `: errors 8 times worse`, where the evidence says so.
pub(super) fn why(record: &Record, language: Language) -> String {
    if record.verdict == Some(Verdict::Inconclusive) {
        return say!(
            language,
            ": watched to the end without a verdict, and the policy goes back then",
            "：观察期结束仍无结论，按策略回滚"
        );
    }
    let measured = || Some(gist(record.evidence.as_ref().and_then(heaviest)?, language));
    match startup::gist(record, language).or_else(measured) {
        Some(gist) => say!(language, ": {gist}", "：{gist}"),
        None => String::new(),
    }
}

/// ` (errors 8 times worse)`, where the evidence says so.
fn aside(record: &Record, language: Language) -> String {
    let measured = || Some(gist(record.evidence.as_ref().and_then(heaviest)?, language));
    match startup::gist(record, language).or_else(measured) {
        Some(gist) if record.verdict == Some(Verdict::Regression) => say!(language, " ({gist})", "（{gist}）"),
        _ => String::new(),
    }
}

/// It went back.
pub(super) fn reverted(record: &Record, language: Language) -> String {
    let (who, to, back, why) = (
        who(record, language),
        left(record),
        back(record, language),
        why(record, language),
    );
    say!(
        language,
        "{who} went back from {to} to {back}{why}.",
        "{who}已从 {to} 回滚到 {back}{why}。"
    )
}

/// It went back, and recovered.
pub(super) fn verified(record: &Record, language: Language) -> String {
    let (who, to, back) = (who(record, language), left(record), back(record, language));
    if record.verification.as_ref().is_some_and(|seen| seen.evidence.is_none()) {
        return match record.ready.map(|pods| pods.ready) {
            Some(ready) => say!(
                language,
                "{who} went back from {to} to {back}; all its pods are ready ({ready}), and no data tell more.",
                "{who}已从 {to} 回滚到 {back}；其全部 pod（{ready} 个）已就绪，但没有更多数据可供核实。"
            ),
            None => say!(
                language,
                "{who} went back from {to} to {back}; its unit is active, and no data tell more.",
                "{who}已从 {to} 回滚到 {back}；其 unit 处于 active 状态，但没有数据可供核实。"
            ),
        };
    }
    say!(
        language,
        "{who} went back from {to} to {back}, and is well again.",
        "{who}已从 {to} 回滚到 {back}，服务已恢复正常。"
    )
}

/// How the last act ended.
pub(super) fn last_act(record: &Record) -> Option<&ActResult> {
    record.timeline.iter().rev().find_map(|entry| match &entry.what {
        Happened::Acted { result } => Some(result),
        _ => None,
    })
}

/// A person is asked.
pub(super) fn proposed(record: &Record, language: Language) -> String {
    let (worse, back) = (worse(record, language), back(record, language));
    say!(
        language,
        "{worse}. Go back to {back}? It waits for your word.",
        "{worse}。是否回滚到 {back}？等待你的批准。"
    )
}

/// A guard refused.
pub(super) fn refused(record: &Record, language: Language) -> String {
    let worse = worse(record, language);
    let guard = refusing(record)
        .map(|guard| guard::because(guard, language))
        .unwrap_or_default();
    say!(
        language,
        "{worse} and was not reverted: {guard}.",
        "{worse}；未回滚：{guard}。"
    )
}

/// `**myapp** (prod): **v1.2.3** is worse than its policy allows (errors 8 times worse)`.
pub(super) fn worse(record: &Record, language: Language) -> String {
    let (who, to, aside) = (who(record, language), bold(&record.to.name), aside(record, language));
    if record.verdict == Some(Verdict::Inconclusive) {
        return say!(
            language,
            "{who}: {to} was watched to the end without a verdict, and its policy goes back then",
            "{who}：对 {to} 的观察期结束仍无结论，按策略应当回滚"
        );
    }
    say!(
        language,
        "{who}: {to} is worse than its policy allows{aside}",
        "{who}：{to} 的恶化超出策略容许{aside}"
    )
}

/// The guard that refused.
pub(super) fn refusing(record: &Record) -> Option<&Guard> {
    match &record.decision {
        Some(Decision::Refuse { guard }) => Some(guard),
        _ => None,
    }
}

/// Worse, and only told.
pub(super) fn regression(record: &Record, language: Language) -> String {
    let (worse, to) = (worse(record, language), bold(&record.to.name));
    say!(
        language,
        "{worse}. Only an alert is wanted here: {to} still serves.",
        "{worse}。此处仅要求告警：{to} 仍在提供服务。"
    )
}

/// The data were not fit to judge.
pub(super) fn blind(record: &Record, language: Language) -> String {
    let (who, to) = (who(record, language), bold(&record.to.name));
    match &record.fault {
        Some(fault) => {
            let (since, reason) = (clock(fault.since), super::words::gap(fault.reason, language));
            say!(
                language,
                "{who}: {to} could not be judged since {since}: {reason}. Nothing was reverted.",
                "{who}：自 {since} 起无法判定 {to}：{reason}。未做任何回滚。"
            )
        }
        None => say!(
            language,
            "{who}: {to} could not be judged, because the data were not fit for it. Nothing was reverted.",
            "{who}：数据不足以判定 {to}。未做任何回滚。"
        ),
    }
}

/// Watched to the end without a verdict.
pub(super) fn inconclusive(record: &Record, language: Language) -> String {
    let (who, to) = (who(record, language), bold(&record.to.name));
    let length = long(record.policy.watch.length, language);
    say!(
        language,
        "{who}: {to} was watched for {length}, and the evidence suffices neither way.",
        "{who}：已观察 {to} {length}，证据不足以得出任何结论。"
    )
}

/// The candidate was proven.
pub(super) fn proven(record: &Record, language: Language) -> String {
    let (who, to) = (who(record, language), bold(&record.to.name));
    say!(
        language,
        "{who}: {to} is proven. It is the version to go back to from now on.",
        "{who}：{to} 已被证明良好。今后将回滚到此版本。"
    )
}

/// The story of a record, whatever its state.
pub(super) fn sentence(record: &Record, language: Language) -> String {
    match record.outcome {
        Some(Outcome::Reverted) => reverted(record, language),
        Some(Outcome::Verified) => verified(record, language),
        Some(Outcome::DidNotHelp | Outcome::Failed | Outcome::Stuck) => not_helped::headline(record, language),
        Some(Outcome::Refused) => refused(record, language),
        Some(other) => ended(record, other, language),
        None => by_phase(record, language) + &held::so_far(record, language),
    }
}

fn ended(record: &Record, outcome: Outcome, language: Language) -> String {
    let (who, to) = (who(record, language), bold(&record.to.name));
    match outcome {
        Outcome::Superseded => say!(
            language,
            "{who}: a newer rollout replaced {to}.",
            "{who}：{to} 已被更新的发布取代。"
        ),
        Outcome::ReturnedByPerson => say!(
            language,
            "{who}: a person went back from {to} before lastgood did.",
            "{who}：在 lastgood 动作之前，已有人从 {to} 回退。"
        ),
        Outcome::Contested => say!(
            language,
            "{who}: {to} was shipped again although it is quarantined. lastgood leaves it there.",
            "{who}：已被隔离的 {to} 再次上线。lastgood 不与之对抗。"
        ),
        Outcome::Gone => say!(
            language,
            "{who}: its workload was deleted, or made again, before {to} was through. What is known of its versions stays.",
            "{who}：{to} 尚未有结果，其工作负载便已被删除或重建。各版本已知的状态保持不变。"
        ),
        Outcome::Held => say!(
            language,
            "{who}: the rollout of {to} is paused until the verdict.",
            "{who}：{to} 的发布已暂停，等待判定。"
        ),
        Outcome::Released => say!(
            language,
            "{who}: the rollout of {to} goes on.",
            "{who}：{to} 的发布继续进行。"
        ),
        _ => say!(
            language,
            "{who}: a revert of {to} was begun, and it is being looked at whether it was done.",
            "{who}：已开始回滚 {to}，正在核实是否完成。"
        ),
    }
}

fn by_phase(record: &Record, language: Language) -> String {
    let who = who(record, language);
    match &record.phase {
        Phase::WaitingForActivation { moved_at } => waiting(record, *moved_at, language),
        Phase::Watching { until } => watching(record, &clock(*until), language),
        Phase::AwaitingApproval { .. } => proposed(record, language),
        Phase::Reverting => {
            let (to, back) = (left(record), back(record, language));
            say!(
                language,
                "{who}: going back from {to} to {back}.",
                "{who}：正在从 {to} 回滚到 {back}。"
            )
        }
        Phase::Verifying { .. } => reverted(record, language),
        Phase::Closed => closed(record, language),
    }
}

fn watching(record: &Record, until: &str, language: Language) -> String {
    let (who, to) = (who(record, language), bold(&record.to.name));
    match record.verdict {
        Some(Verdict::Healthy) => {
            say!(
                language,
                "{who}: {to} is healthy so far, watched until {until}.",
                "{who}：{to} 目前健康，观察到 {until}。"
            )
        }
        Some(Verdict::Regression) => regression(record, language),
        _ => say!(
            language,
            "{who}: {to} is being watched until {until}.",
            "{who}：正在观察 {to}，到 {until} 为止。"
        ),
    }
}

fn closed(record: &Record, language: Language) -> String {
    let (who, to) = (who(record, language), bold(&record.to.name));
    match record.verdict {
        Some(Verdict::Healthy) => say!(
            language,
            "{who}: {to} was watched to the end and is healthy.",
            "{who}：{to} 已观察到底，状态健康。"
        ),
        Some(Verdict::Regression) => regression(record, language),
        None | Some(Verdict::Inconclusive) if proven_at_its_end(record) => proven_without_verdict(record, language),
        Some(Verdict::Inconclusive) => inconclusive(record, language),
        Some(Verdict::Blind) => blind(record, language),
        None => say!(
            language,
            "{who}: the watch of {to} ended before a verdict.",
            "{who}：对 {to} 的观察在得出结论前结束。"
        ),
    }
}

/// Whether the end of the watch itself proved the candidate, and not a person meanwhile.
fn proven_at_its_end(record: &Record) -> bool {
    record.timeline.iter().any(|entry| {
        let proven = matches!(&entry.what, Happened::Stood { version, standing: Standing::Proven } if *version == record.to);
        proven && Some(entry.at) == record.closed_at
    })
}

/// Proven by soaking, or by what its traffic could exclude.
fn proven_without_verdict(record: &Record, language: Language) -> String {
    let (who, to) = (who(record, language), bold(&record.to.name));
    let lone = record
        .evidence
        .as_ref()
        .is_none_or(|evidence| evidence.compare == Comparison::None);
    let ran = record.activation.as_ref().zip(record.closed_at);
    let ran = ran.map_or(record.policy.watch.length, |(activation, closed)| closed.since(activation.at));
    let ran = long(ran.min(record.policy.watch.length), language);
    if lone {
        say!(
            language,
            "{who}: {to} is proven: it ran for {ran} with whole data and without a restart, and nothing to compare it with.",
            "{who}：{to} 已被证明：运行 {ran}，数据完整且无重启，没有可比较的版本。"
        )
    } else {
        say!(
            language,
            "{who}: {to} is proven: it was watched for {ran} without a regression.",
            "{who}：{to} 已被证明：观察 {ran}未见恶化。"
        )
    }
}
