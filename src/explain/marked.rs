//! Alerts of marks: a tag or a link that follows the newest proof was moved, or could not be.

use super::{
    Language, Told,
    clean::bounded,
    grounds::DETAIL,
    language::say,
    operational::target,
    told::{bold, code, outside, signed},
};
use crate::{
    policy::MarkKind,
    record::MarkResult,
    words::{TargetKey, Version},
};

/// A mark, and what became of it.
pub(super) struct Marked<'a> {
    pub kind: MarkKind,
    pub name: &'a str,
    pub to: &'a Version,
    pub left: Option<&'a Version>,
    pub result: &'a MarkResult,
}

/// In words: what it is at, why, and what to do where it is not where it should be.
pub(super) fn marked(key: Option<&TargetKey>, marked: &Marked<'_>, language: Language) -> Told {
    let who = target(key, language);
    let mark = noun(marked, language);
    let to = bold(&marked.to.name);
    let withdrawn = marked.left.map(|left| {
        let left = bold(&left.name);
        say!(language, "The proof of {left} was withdrawn.", "{left} 的证明已撤回。")
    });
    let (sign, headline, line) = match marked.result {
        MarkResult::Already | MarkResult::Moved { .. } => {
            let headline = say!(language, "{who}: {mark} is at {to}.", "{who}：{mark}指向 {to}。");
            ("🏷️", headline, None)
        }
        MarkResult::Theirs { found } => {
            let found = found.as_ref().map_or_else(|| nothing(language), code);
            let headline = say!(
                language,
                "{who}: {mark} was moved by someone else and stays at {found}; it is not moved to {to}.",
                "{who}：{mark}已被他人移动，保持指向 {found}，不再移到 {to}。"
            );
            let line = say!(
                language,
                "If that was not meant, move it by hand.",
                "如果这并非有意，请手动移动。"
            );
            ("🏷️", headline, Some(line))
        }
        MarkResult::Impossible { because } => {
            let headline = say!(language, "{who}: {mark} is not moved.", "{who}：{mark}未移动。");
            ("🔧", headline, Some(told(because)))
        }
        MarkResult::NotYet { because } => {
            let headline = say!(
                language,
                "{who}: {mark} is not at {to} yet; it is tried again until it is.",
                "{who}：{mark}尚未指向 {to}；会一直重试。"
            );
            ("🔧", headline, Some(told(because)))
        }
    };
    let lines: Vec<String> = withdrawn.into_iter().chain(line).collect();
    Told::new(&signed(sign, &headline), &lines)
}

fn noun(marked: &Marked<'_>, language: Language) -> String {
    let name = code(marked.name);
    match marked.kind {
        MarkKind::TagImage => say!(language, "the tag {name}", "镜像标签 {name} "),
        MarkKind::Link => say!(language, "the link {name}", "链接 {name} "),
    }
}

fn nothing(language: Language) -> String {
    say!(language, "nothing", "空")
}

fn told(because: &str) -> String {
    outside(bounded(because, DETAIL))
}
