//! The closed lists in both languages.

use super::{Language, language::say};
use crate::{
    judge::Comparison,
    policy::{Mode, Target},
    record::{Phase, RolloutKind},
    words::{GapReason, Outcome, Standing, Verdict},
};

fn either(language: Language, en: &'static str, zh: &'static str) -> &'static str {
    match language {
        Language::En => en,
        Language::Zh => zh,
    }
}

/// A standing.
pub(super) fn standing(standing: Standing, language: Language) -> &'static str {
    let zh = match standing {
        Standing::Unproven => "未证明",
        Standing::Assumed => "假定良好",
        Standing::Passed => "已通过",
        Standing::Proven => "已证明",
        Standing::Quarantined => "已隔离",
    };
    either(language, standing.as_str(), zh)
}

/// A verdict.
pub(super) fn verdict(verdict: Verdict, language: Language) -> &'static str {
    let zh = match verdict {
        Verdict::Regression => "恶化",
        Verdict::Healthy => "健康",
        Verdict::Inconclusive => "无结论",
        Verdict::Blind => "无法判定",
    };
    either(language, verdict.as_str(), zh)
}

/// An outcome.
pub(super) fn outcome(outcome: Outcome, language: Language) -> &'static str {
    let (en, zh) = match outcome {
        Outcome::Reverted => ("reverted, being verified", "已回滚，核实中"),
        Outcome::Verified => ("reverted and verified", "已回滚并核实"),
        Outcome::DidNotHelp => ("reverted, did not help", "已回滚，但没有效果"),
        Outcome::Failed => ("the revert failed", "回滚失败"),
        Outcome::Stuck => ("the revert is stuck", "回滚卡住"),
        Outcome::Refused => ("refused by a guard", "被守卫拒绝"),
        Outcome::Unknown => ("not known yet, being looked at", "尚不清楚，正在核实"),
        Outcome::Superseded => ("superseded by a newer rollout", "被更新的发布取代"),
        Outcome::ReturnedByPerson => ("a person went back", "已由人工回退"),
        Outcome::Contested => (
            "contested: a quarantined version was shipped again",
            "有争议：已隔离的版本再次上线",
        ),
        Outcome::Gone => ("the target is gone", "目标已不存在"),
        Outcome::Held => ("held", "已暂停"),
        Outcome::Released => ("released", "已放行"),
    };
    either(language, en, zh)
}

/// A kind of rollout.
pub(super) fn change(kind: RolloutKind, language: Language) -> &'static str {
    match kind {
        RolloutKind::FirstSight => either(language, "first sight", "首次发现"),
        RolloutKind::Release => either(language, "release", "发布"),
        RolloutKind::Return => either(language, "return to a known version", "回到已知版本"),
    }
}

/// A phase, without its times.
pub(super) fn phase(phase: &Phase, language: Language) -> &'static str {
    match phase {
        Phase::WaitingForActivation { .. } => either(language, "waiting for activation", "等待激活"),
        Phase::Watching { .. } => either(language, "watching", "观察中"),
        Phase::AwaitingApproval { .. } => either(language, "awaiting approval", "等待批准"),
        Phase::Reverting => either(language, "reverting", "回滚中"),
        Phase::Verifying { .. } => either(language, "verifying", "核实中"),
        Phase::Closed => either(language, "closed", "已结束"),
    }
}

/// What the candidate is compared with.
pub(super) fn comparison(comparison: Comparison, language: Language) -> &'static str {
    match comparison {
        Comparison::Concurrent => either(language, "with the version beside it", "与同时运行的版本比较"),
        Comparison::Auto => either(
            language,
            "with the version beside it, then with that version's own last hour",
            "先与同时运行的版本比较，之后与该版本自己的最后一小时比较",
        ),
        Comparison::BeforeAfter => either(language, "with its own last hour", "与其自己的最后一小时比较"),
        Comparison::None => either(language, "with nothing (first sight)", "没有可比较的版本（首次发现）"),
    }
}

/// A mode.
pub(super) const fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Observe => "observe",
        Mode::Propose => "propose",
        Mode::Enforce => "enforce",
    }
}

/// Why a step was lost.
pub(super) fn gap(reason: GapReason, language: Language) -> &'static str {
    let (en, zh) = match reason {
        GapReason::NoData => ("no data", "没有数据"),
        GapReason::Stale => ("stale samples", "样本过旧"),
        GapReason::NoPrevious => ("nothing to difference with", "没有可做差分的前值"),
        GapReason::UnexplainedReset => ("a counter fell without a restart", "计数器下降但没有重启"),
        GapReason::SeriesVanished => ("series vanished", "时间序列消失"),
        GapReason::Switch => ("the switch itself", "切换本身"),
        GapReason::Coverage => ("too few pods counted", "计入的实例过少"),
        GapReason::SeveralInstances => ("several instances", "有多个实例"),
        GapReason::Duplicate => ("duplicate series", "序列重复"),
        GapReason::Warning => ("Prometheus warned", "Prometheus 发出警告"),
        GapReason::NotACount => ("not a count", "不是计数"),
        GapReason::BadAboveTotal => ("more bad than all", "不良数大于总数"),
        GapReason::FallingBuckets => ("bucket counts fall", "桶计数下降"),
        GapReason::BoundsDiffer => ("bucket bounds differ", "桶边界不一致"),
        GapReason::NoInfBucket => ("no +Inf bucket", "缺少 +Inf 桶"),
        GapReason::QueryFailed => ("the query failed", "查询失败"),
        GapReason::Missing => ("no longer in Prometheus", "Prometheus 中已不存在"),
        GapReason::WarmUp => ("warm-up", "预热期"),
        GapReason::NotPositive => ("a value of zero or less", "数值为零或负"),
    };
    either(language, en, zh)
}

/// `, the unit is active`: whether what was put back runs; nothing where that is not known.
pub(super) fn active(active: Option<bool>, target: &Target, language: Language) -> String {
    match (active, target) {
        (Some(true), Target::Host(_)) => say!(language, ", the unit is active", "，unit 处于 active 状态"),
        (Some(false), Target::Host(_)) => say!(language, ", the unit is not active", "，unit 未处于 active 状态"),
        (Some(true), Target::Kubernetes(_)) => say!(language, ", all of its pods are ready", "，其全部 pod 均已就绪"),
        (Some(false), Target::Kubernetes(_)) => say!(language, ", not all of its pods are ready", "，其 pod 未全部就绪"),
        (None, _) => String::new(),
    }
}
