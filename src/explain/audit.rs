//! What happened in a rollout's life, one clause an entry.

use super::{
    Language, held,
    language::say,
    span_of_time::clock,
    told::{bold, outside},
    words,
};
use crate::{
    policy::Target,
    record::{ActResult, Happened},
    words::Moment,
};

/// One entry of the timeline.
pub(super) fn happened(what: &Happened, target: &Target, language: Language) -> String {
    match what {
        Happened::Seen => say!(language, "seen", "发现发布"),
        Happened::Activated => say!(language, "it began to serve", "开始服务"),
        Happened::Calibrated => say!(language, "judging began", "开始判定"),
        Happened::Judged { verdict } => {
            let verdict = words::verdict(*verdict, language);
            say!(language, "verdict: {verdict}", "判定：{verdict}")
        }
        Happened::Decided => say!(language, "a decision was taken", "作出决定"),
        Happened::Approved { by } => {
            let by = outside(by);
            say!(language, "approved by {by}", "由 {by} 批准")
        }
        Happened::Intended => say!(language, "the intent was stored", "意图已保存"),
        Happened::Acted { result } => acted(result, target, language),
        Happened::Looked { found } => {
            let found = outside(found);
            say!(language, "after a restart it was looked at: {found}", "重启后核实：{found}")
        }
        Happened::Settled { outcome } => {
            let outcome = words::outcome(*outcome, language);
            say!(language, "outcome: {outcome}", "结果：{outcome}")
        }
        other => noticed(other, language),
    }
}

fn noticed(what: &Happened, language: Language) -> String {
    match what {
        Happened::Stood { version, standing } => {
            let (version, standing) = (bold(&version.name), words::standing(*standing, language));
            say!(
                language,
                "{version} is {standing} from now on",
                "{version} 状态变为：{standing}"
            )
        }
        Happened::Data { fault: Some(fault) } => {
            let because = outside(&fault.because);
            say!(language, "data went missing: {because}", "数据缺失：{because}")
        }
        Happened::Data { fault: None } => say!(language, "the data are whole again", "数据恢复完整"),
        Happened::Remarked { remark } => outside(remark),
        Happened::Holds => say!(language, "its rolling update is to be held", "准备暂停滚动更新"),
        Happened::Held { pods, of, until } => {
            let until = clock(*until);
            say!(
                language,
                "its rolling update is held at {pods} of {of} pods, until {until} at most",
                "滚动更新暂停在 {of} 个 pod 中的 {pods} 个，最迟到 {until}"
            )
        }
        Happened::NotHeld { because } => {
            let because = outside(because);
            say!(
                language,
                "its rolling update is not held: {because}",
                "滚动更新未暂停：{because}"
            )
        }
        Happened::WentOn { why } => {
            let why = held::why(why, language);
            say!(language, "its rolling update goes on: {why}", "滚动更新继续进行：{why}")
        }
        Happened::Restarted => say!(language, "the process restarted by itself", "进程自行重启"),
        _ => say!(language, "closed", "已结束"),
    }
}

/// It is done.
fn applied((moved_at, activated_at): (Moment, Moment), detail: &str, target: &Target, language: Language) -> String {
    let (moved, active) = (clock(moved_at), clock(activated_at));
    let detail = if detail.trim().is_empty() {
        String::new()
    } else {
        format!(" ({})", outside(detail.trim()))
    };
    match target {
        Target::Host(_) => say!(
            language,
            "link moved {moved}, active {active}{detail}",
            "链接切换 {moved}，激活 {active}{detail}"
        ),
        Target::Kubernetes(_) => say!(language, "template put back {moved}{detail}", "模板已于 {moved} 恢复{detail}"),
    }
}

/// How an act ended.
pub(super) fn acted(result: &ActResult, target: &Target, language: Language) -> String {
    match result {
        ActResult::Applied {
            moved_at,
            activated_at,
            detail,
        } => applied((*moved_at, *activated_at), detail, target, language),
        ActResult::Superseded { runs } => {
            let runs = runs.as_ref().map_or_else(|| "-".to_owned(), |runs| bold(&runs.name));
            say!(
                language,
                "nothing was changed: something else runs ({runs})",
                "未作改动：运行的是别的版本（{runs}）"
            )
        }
        ActResult::Gone => say!(
            language,
            "nothing was changed: the workload is gone",
            "未作改动：该工作负载已不存在"
        ),
        ActResult::Refused { found } | ActResult::Braked { found, .. } => {
            let found = outside(found);
            say!(language, "nothing was changed: {found}", "未作改动：{found}")
        }
        ActResult::NotMoved { error } => {
            let error = outside(error);
            match target {
                Target::Host(_) => say!(language, "the link was not moved: {error}", "链接未能切换：{error}"),
                Target::Kubernetes(_) => say!(language, "the template was not put back: {error}", "模板未能恢复：{error}"),
            }
        }
        ActResult::NotActivated { moved_at, error } => {
            let (moved, error) = (clock(*moved_at), outside(error));
            match target {
                Target::Host(_) => say!(
                    language,
                    "link moved {moved}, but activation failed: {error}",
                    "链接已于 {moved} 切换，但激活失败：{error}"
                ),
                Target::Kubernetes(_) => say!(
                    language,
                    "template put back {moved}: {error}",
                    "模板已于 {moved} 恢复：{error}"
                ),
            }
        }
    }
}
