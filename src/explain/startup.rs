//! A release that did not start, in words.

use super::{Language, hindrance, language::say, number, span_of_time::clock, told::code};
use crate::{
    policy::Target,
    record::{NotStarted, Record},
};

/// `its image does not exist`, where that is why it was convicted.
pub(super) fn gist(record: &Record, language: Language) -> Option<String> {
    let failure = record.startup.as_ref()?;
    Some(match failure.how {
        NotStarted::NoImage => say!(language, "its image does not exist", "其镜像不存在"),
        NotStarted::CrashLoop => say!(language, "its pods crash again and again", "其 pod 反复崩溃"),
        NotStarted::NeverReady => say!(language, "none of its pods became ready", "其 pod 从未就绪"),
    })
}

/// How many pods, since when, and what to type to look at one.
pub(super) fn grounds(record: &Record, language: Language) -> Option<String> {
    let (failure, gist) = (record.startup.as_ref()?, gist(record, language)?);
    let Target::Kubernetes(workload) = &record.policy.target else {
        return None;
    };
    let (pods, since) = (number::pods(failure.pods, language), clock(failure.since));
    let restarts = number::restarts(failure.restarts, language);
    let look = code(hindrance::look_at(&failure.pod, workload));
    Some(say!(
        language,
        "Since {since} {gist}: {pods}, {restarts}, and none was ever ready. Look at one, while it is there: {look}",
        "自 {since} 起{gist}：{pods}，{restarts}，无一就绪。查看其中一个（若仍存在）：{look}"
    ))
}
