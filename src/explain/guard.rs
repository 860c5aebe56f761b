//! Each guard in words: what refused, and what to do next.

use super::{
    Language,
    by_hand::{go_back, release, release_named},
    clean::bounded,
    grounds::DETAIL,
    language::say,
    span_of_time::{clock, long, stamp},
    told::{bold, code, outside, unmarked},
};
use crate::{
    decide::{Brake, Freeze, Guard},
    policy::Target,
    record::Record,
};

/// One sentence on why a wanted revert was refused, ending in what to do next. Plain text, safe for a terminal.
#[must_use]
pub fn guard_sentence(guard: &Guard, record: &Record, language: Language) -> String {
    unmarked(&sentence(guard, record, language))
}

/// [`guard_sentence`], marked.
pub(super) fn sentence(guard: &Guard, record: &Record, language: Language) -> String {
    let (because, next) = (because(guard, language), next(guard, record, language));
    say!(
        language,
        "It was not reverted, because {because}. {next}.",
        "未回滚，原因：{because}。{next}。"
    )
}

/// Why, as a clause.
pub(super) fn because(guard: &Guard, language: Language) -> String {
    match guard {
        Guard::Superseded { runs: Some(runs) } => {
            let runs = bold(&runs.name);
            say!(
                language,
                "{runs} runs by now, and a newer rollout always wins",
                "现在运行的已是 {runs}，较新的发布始终优先"
            )
        }
        Guard::Superseded { runs: None } => {
            say!(
                language,
                "it no longer runs: `current` is missing or points elsewhere",
                "它已不再运行：current 链接缺失或指向别处"
            )
        }
        Guard::Observe => say!(
            language,
            "this mode only watches (observe)",
            "当前模式（observe）只观察不动作"
        ),
        Guard::Off { freeze } => because_frozen(freeze, false, language),
        Guard::Frozen { freeze } => because_frozen(freeze, true, language),
        Guard::Irreversible { reason } => {
            let reason = outside(bounded(reason, DETAIL));
            say!(
                language,
                "its manifest says that there is no way back ({reason})",
                "其发布清单声明不可回退（{reason}）"
            )
        }
        Guard::NoLastGood => say!(
            language,
            "there is no last good version to go back to",
            "没有可以回滚到的良好版本"
        ),
        Guard::Quarantined { version } => {
            let version = bold(&version.name);
            say!(
                language,
                "{version}, the version to go back to, is itself quarantined",
                "要回滚到的 {version} 本身已被隔离"
            )
        }
        _ => because_old(guard, language),
    }
}

fn because_old(guard: &Guard, language: Language) -> String {
    match guard {
        Guard::TooOld { version, age, allowed } => {
            let (version, age, allowed) = (bold(&version.name), long(*age, language), long(*allowed, language));
            say!(
                language,
                "{version}, the last good version, last ran {age} ago and the policy allows {allowed}",
                "良好版本 {version} 上次运行是在 {age}前，而策略最多允许 {allowed}"
            )
        }
        Guard::BelowMinimum { version, minimum } => {
            let (version, minimum) = (bold(&version.name), bold(minimum));
            say!(
                language,
                "{version}, the last good version, is older than {minimum}, the oldest that the policy allows to go back to",
                "良好版本 {version} 早于策略允许回滚到的最旧版本 {minimum}"
            )
        }
        _ => because_spent(guard, language),
    }
}

fn because_frozen(freeze: &Freeze, all: bool, language: Language) -> String {
    let (by, since, reason) = (outside(&freeze.by), stamp(freeze.since), outside(&freeze.reason));
    if all {
        say!(
            language,
            "all reverts are frozen since {since} by {by} ({reason})",
            "{by} 自 {since} 起冻结了所有回滚（{reason}）"
        )
    } else {
        say!(
            language,
            "this service is frozen since {since} by {by} ({reason})",
            "该服务自 {since} 起被 {by} 冻结（{reason}）"
        )
    }
}

fn because_spent(guard: &Guard, language: Language) -> String {
    match guard {
        Guard::ServiceBudget { spent, allowed } => say!(
            language,
            "the reverts of this service are spent ({spent} within the hour, and its policy allows {allowed})",
            "该服务的回滚次数已用完（一小时内 {spent} 次，策略允许 {allowed} 次）"
        ),
        Guard::FleetBudget { spent, allowed } => say!(
            language,
            "the reverts of all services together are spent ({spent} within the hour, and the settings allow {allowed})",
            "所有服务的回滚次数已用完（一小时内共 {spent} 次，设置允许 {allowed} 次）"
        ),
        Guard::NotApproved { until } => {
            let until = clock(*until);
            say!(language, "nobody approved it by {until}", "到 {until} 为止无人批准")
        }
        Guard::Unrestorable { found } => {
            let found = outside(found);
            say!(
                language,
                "the last good version cannot be restored ({found})",
                "良好版本无法恢复（{found}）"
            )
        }
        Guard::Braked { by, .. } => because_braked(*by, language),
        _ => say!(
            language,
            "its policy was removed, or made more cautious, meanwhile",
            "期间策略被移除，或被改得更谨慎"
        ),
    }
}

fn because_braked(by: Brake, language: Language) -> String {
    match by {
        Brake::SwitchedOff => say!(
            language,
            "an annotation switches lastgood off for this workload",
            "该工作负载上的注解关闭了 lastgood"
        ),
        Brake::NoWayBack => say!(
            language,
            "an annotation says that there is no way back from this release",
            "注解声明该版本不可回退"
        ),
        Brake::Paused => say!(language, "a person paused its rollout", "有人暂停了它的发布"),
        Brake::Leaving => say!(language, "the workload is being deleted", "该工作负载正在被删除"),
        Brake::Owned => say!(
            language,
            "the workload is written by something that would write it back",
            "该工作负载由其他工具管理，回滚会被其覆盖"
        ),
    }
}

/// What to do next, without its full stop.
pub(super) fn next(guard: &Guard, record: &Record, language: Language) -> String {
    let id = code(format_args!("lastgood explain {}", record.id));
    let service = &record.service;
    match guard {
        Guard::Superseded { .. } => {
            say!(language, "Nothing to do; what was found: {id}", "无需处理；详情：{id}")
        }
        Guard::Off { .. } => {
            let unfreeze = code(format_args!("lastgood unfreeze {service}"));
            let by_hand = code(go_back_or_status(record));
            say!(
                language,
                "To go back by hand: {by_hand}. When it is over: {unfreeze}",
                "如需手动回滚：{by_hand}。事后执行：{unfreeze}"
            )
        }
        Guard::Unmanaged | Guard::Observe | Guard::NotApproved { .. } => {
            let by_hand = code(go_back_or_status(record));
            say!(language, "To go back by hand: {by_hand}", "如需手动回滚：{by_hand}")
        }
        Guard::Frozen { .. } => {
            let unfreeze = code("lastgood unfreeze");
            say!(
                language,
                "When the incident is over: {unfreeze}",
                "事故结束后执行：{unfreeze}"
            )
        }
        Guard::Braked { found, .. } => {
            let found = outside(bounded(found, DETAIL));
            say!(language, "What was found, and what to do: {found}", "现状与处理办法：{found}")
        }
        Guard::Irreversible { .. } => say!(language, "Repair it with a newer release", "请发布修复版本"),
        Guard::NoLastGood => {
            let prove = code(release_named("prove", record, "VERSION"));
            say!(
                language,
                "Name a version that is good: {prove}",
                "请指定一个良好版本：{prove}"
            )
        }
        Guard::Quarantined { version } => {
            let prove = code(release("prove", record, version));
            say!(language, "If it is good after all: {prove}", "如果它其实没有问题：{prove}")
        }
        Guard::TooOld { version, .. } => {
            let by_hand = code(go_back(record, version));
            say!(
                language,
                "If it is still good, go back by hand: {by_hand}",
                "如果它仍然良好，请手动回滚：{by_hand}"
            )
        }
        Guard::Unrestorable { .. } => next_to_restore(record, language),
        _ => next_beyond_limit(guard, language),
    }
}

fn next_to_restore(record: &Record, language: Language) -> String {
    let status = code(format_args!("lastgood status {}", record.service));
    match record.policy.target {
        Target::Kubernetes(_) => say!(
            language,
            "Ship a good version; whether lastgood can go back to it is in {status}, READY",
            "请发布一个良好版本；lastgood 能否回滚到它，见 {status} 的 READY 一列"
        ),
        Target::Host(_) => say!(
            language,
            "Put its release directory back as it was, then see READY in {status}",
            "请将其发布目录恢复原样，然后查看 {status} 的 READY 一列"
        ),
    }
}

fn next_beyond_limit(guard: &Guard, language: Language) -> String {
    match guard {
        Guard::BelowMinimum { .. } => {
            let key = code("revert.minVersion");
            say!(
                language,
                "Repair it with a newer release; the limit is {key} of its policy",
                "请发布修复版本；下限为其策略中的 {key}"
            )
        }
        Guard::ServiceBudget { .. } => {
            let limit = code("limits.revertsPerHour");
            say!(
                language,
                "Look at the service before its next release; the limit is {limit} of its policy",
                "下次发布前请先检查该服务；上限为其策略中的 {limit}"
            )
        }
        _ => {
            let limit = code("limits.reverts_per_hour");
            say!(
                language,
                "Look for a cause that services share; the limit is {limit} of the settings",
                "请查找各服务的共同原因；上限为设置中的 {limit}"
            )
        }
    }
}

/// The line to go back by hand; where nothing is known to go back to, the command that shows what there is.
fn go_back_or_status(record: &Record) -> String {
    match &record.baseline {
        Some((version, _)) => go_back(record, version),
        None => format!("lastgood status {}", record.service),
    }
}
