//! A person's rollback, told: who, what and why.

use super::{
    Language, Told,
    clean::bounded,
    grounds::{DETAIL, closing},
    language::say,
    told::{bold, code, outside},
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
    if let Some(only) = record.intent.as_ref().and_then(|intent| intent.image_only()) {
        let (container, image) = (code(&only.container), code(&only.image));
        lines.push(say!(
            language,
            "Only the image of {container} went back, to {image}: nothing was kept of its pod template, all else stayed as it was.",
            "只有容器 {container} 的镜像恢复为 {image}：没有保存它的 Pod 模板，其余保持不变。"
        ));
    }
    if !reason.trim().is_empty() {
        let reason = outside(bounded(reason, DETAIL));
        lines.push(say!(language, "Why: {reason}", "原因：{reason}"));
    }
    Told::new(&headline, &closing(lines, record, language))
}
