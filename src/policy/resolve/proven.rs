//! `onProven`: the names that follow the newest proven version.

use crate::policy::{OnProven, Target, error::Faults, file::OnProvenFile, given::Given, nearest::shown};

pub(super) fn on_proven(given: &Given<OnProvenFile>, target: Option<&Target>, faults: &Faults) -> OnProven {
    let file = given.value.clone().unwrap_or_default();
    OnProven {
        tag_image: checked(&file.tag_image, tag, faults),
        link: checked(&file.link, |text| link(text, target), faults),
    }
}

fn checked(given: &Given<String>, wrong: impl FnOnce(&str) -> Option<(String, &'static str)>, faults: &Faults) -> Option<String> {
    let text = given.as_ref()?;
    match wrong(text) {
        None => Some(text.clone()),
        Some((message, help)) => {
            faults.add(given.fault(message, help));
            None
        }
    }
}

/// A tag as registries allow it; `latest` is what people push to by accident.
fn tag(text: &str) -> Option<(String, &'static str)> {
    if text == "latest" {
        let help = "write a name that nothing else moves: `tagImage: stable`";
        return Some(("`latest` is the tag of every push without one".to_owned(), help));
    }
    let help = "write a tag as registries allow it: `stable`; letters, digits, `_`, `.` and `-`, at most 128, none of the last two first";
    (!is_name(text, 128)).then(|| (format!("`{}` is no tag", shown(text)), help))
}

fn link(text: &str, target: Option<&Target>) -> Option<(String, &'static str)> {
    let Some(Target::Host(host)) = target else {
        let help = "remove it, or write `tagImage: stable`";
        return target.map(|_| ("there is no `current` on Kubernetes to put a link beside".to_owned(), help));
    };
    let help = "write a name beside `current`, not a path: `link: stable`";
    if host.current.file_name().is_some_and(|current| current == text) || host.releases == host.current.with_file_name(text) {
        return Some((format!("`{}` is taken by the target itself", shown(text)), help));
    }
    (!is_name(text, 100)).then(|| (format!("`{}` is no name for a link", shown(text)), help))
}

fn is_name(text: &str, most: usize) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.len() <= most && text.starts_with(word) && text.chars().all(|c| word(c) || c == '.' || c == '-')
}
