//! A revert that is not over by itself, in words: it did not help, could not be done, is half done or stuck, or what is back does not run.

use super::{
    Language,
    by_hand::{activate, go_back},
    clean::bounded,
    grounds::{DETAIL, closing, since_then},
    hindrance,
    language::say,
    story::{back, back_to, last_act, left, who},
    told::{Told, bold, code, outside, signed},
};
use crate::{
    policy::Target,
    record::{ActResult, Record},
    words::{Outcome, Version},
};

/// The alert.
pub(super) fn told(record: &Record, language: Language) -> Told {
    let mut lines = Vec::new();
    if let Some(detail) = &record.outcome_detail {
        let detail = outside(bounded(detail, DETAIL));
        lines.push(say!(language, "What happened: {detail}", "经过：{detail}"));
    }
    let active = record.verification.as_ref().and_then(|verification| verification.active);
    // Of pods the detail says it.
    if active == Some(false) && matches!(record.policy.target, Target::Host(_)) {
        lines.push(say!(language, "Its unit is not active.", "其 unit 未处于 active 状态。"));
    }
    if record.outcome == Some(Outcome::DidNotHelp) {
        lines.push(since_then(record, language));
        lines.push(say!(
            language,
            "So the release is probably not the cause: look at what the service depends on. lastgood reverts nothing twice.",
            "因此原因很可能不在该版本：请检查该服务的依赖。lastgood 不会重复回滚。"
        ));
    } else if let Some(back) = back_to(record) {
        lines.push(finish_by_hand(record, back, language));
    }
    Told::new(&signed("🛑", &headline(record, language)), &closing(lines, record, language))
}

/// It went back and that did not help; or could not go back; or is stuck.
pub(super) fn headline(record: &Record, language: Language) -> String {
    let (who, to, back) = (who(record, language), left(record), back(record, language));
    match (record.outcome, last_act(record), &record.policy.target) {
        (Some(Outcome::DidNotHelp), ..) => say!(
            language,
            "{who} went back from {to} to {back}, and that did not help: it is still bad.",
            "{who}已从 {to} 回滚到 {back}，但没有效果：服务仍不正常。"
        ),
        (Some(Outcome::Stuck), ..) => say!(
            language,
            "{who} is stuck on its way from {to} back to {back}: a person is needed.",
            "{who}从 {to} 回滚到 {back} 的过程卡住了：需要人工处理。"
        ),
        (_, Some(ActResult::NotActivated { .. }), Target::Kubernetes(_)) => say!(
            language,
            "{who} is half-way back: the template of {back} is back, and its pods are not; {to} may still serve.",
            "{who}的回滚只完成了一半：{back} 的模板已恢复，但其 pod 尚未恢复；{to} 可能仍在提供服务。"
        ),
        (_, Some(ActResult::NotActivated { .. }), Target::Host(_)) => say!(
            language,
            "{who} is half-way back: the link points to {back}, and activating it failed; {to} may still serve.",
            "{who}的回滚只完成了一半：链接已指向 {back}，但激活失败；{to} 可能仍在提供服务。"
        ),
        (_, Some(ActResult::Applied { .. }), Target::Kubernetes(_)) => say!(
            language,
            "{who} went back from {to} to {back}, and pods of {back} do not start: a person is needed.",
            "{who}已从 {to} 回滚到 {back}，但 {back} 的 pod 无法启动：需要人工处理。"
        ),
        (_, Some(ActResult::Applied { .. }), Target::Host(_)) => say!(
            language,
            "{who} went back from {to} to {back}, and {back} does not run: a person is needed.",
            "{who}已从 {to} 回滚到 {back}，但 {back} 无法运行：需要人工处理。"
        ),
        _ => say!(
            language,
            "{who} could not go back from {to} to {back}: {to} still serves.",
            "{who}未能从 {to} 回滚到 {back}：{to} 仍在提供服务。"
        ),
    }
}

/// The line that finishes a revert that is half done or not begun; in a cluster that has taken it, the one that shows what it waits for.
fn finish_by_hand(record: &Record, back: &Version, language: Language) -> String {
    let line = match (moved(record), &record.policy.target) {
        (false, _) => code(go_back(record, back)),
        (true, Target::Host(host)) => code(activate(record, host, back)),
        (true, Target::Kubernetes(workload)) => {
            let (back, look) = (bold(&back.name), code(hindrance::look(record, workload)));
            return say!(
                language,
                "Look at it: {look}. Nothing is moved a second time: give {back} what it lacks, or ship another version.",
                "查看：{look}。不会再次切换：请补齐 {back} 所缺，或发布其他版本。"
            );
        }
    };
    say!(language, "To finish it by hand: {line}", "手动完成回滚：{line}")
}

/// Whether the last act put back what shall run, also where it could not be activated.
fn moved(record: &Record) -> bool {
    matches!(
        last_act(record),
        Some(ActResult::Applied { .. } | ActResult::NotActivated { .. })
    )
}
