//! A person's rollback, told: who, what and why.

use super::{
    Language, Told,
    clean::bounded,
    grounds::{DETAIL, closing},
    language::say,
    told::{bold, outside},
};
use crate::record::Record;

/// A person went back. The first line is the one that people know from their own scripts.
pub(super) fn rolled_back(record: &Record, language: Language) -> Told {
    let (by, reason) = record
        .ordered()
        .map_or(("?", ""), |ordered| (ordered.by.0.as_str(), ordered.reason.as_str()));
    let (service, env, by) = (outside(&record.service), outside(&record.env), outside(by));
    let back = outside(&record.to.name);
    let headline = say!(
        language,
        "@ops rollback {service} → {back}, triggered by {by}",
        "@ops 回滚 {service} → {back}，由 {by} 触发"
    );
    let from = record.from.as_ref().map_or_else(|| "?".to_owned(), |from| bold(&from.name));
    let to = bold(&record.to.name);
    let mut lines = vec![say!(
        language,
        "{env}: from {from} to {to}. It was not judged first, and lastgood will not undo it.",
        "{env}：从 {from} 回到 {to}。未经判定，lastgood 也不会撤销。"
    )];
    if !reason.trim().is_empty() {
        let reason = outside(bounded(reason, DETAIL));
        lines.push(say!(language, "Why: {reason}", "原因：{reason}"));
    }
    Told::new(&headline, &closing(lines, record, language))
}
