//! A rollout that serves nothing yet, in words.

use super::{Language, hindrance, language::say, span_of_time::clock, story::who, told::bold};
use crate::{policy::Target, record::Record, words::Moment};

/// Since when the candidate is there without serving, and why where that is known.
pub(super) fn waiting(record: &Record, since: Moment, language: Language) -> String {
    let (who, to, since) = (who(record, language), bold(&record.to.name), clock(since));
    if let Target::Host(_) = record.policy.target {
        return say!(
            language,
            "{who}: the link points to {to} since {since}; its process has not begun to serve yet.",
            "{who}：链接自 {since} 起指向 {to}；其进程尚未开始服务。"
        );
    }
    match hindrance::gist(record, language) {
        Some(gist) => say!(
            language,
            "{who}: {to} is rolled out since {since}, and none of its pods was ready yet: {gist}.",
            "{who}：{to} 自 {since} 起发布，尚无 pod 就绪：{gist}。"
        ),
        None => say!(
            language,
            "{who}: {to} is rolled out since {since}; none of its pods was ready yet.",
            "{who}：{to} 自 {since} 起发布；尚无 pod 就绪。"
        ),
    }
}
