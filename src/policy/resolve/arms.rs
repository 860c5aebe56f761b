//! What tells the versions apart, and what the candidate is compared with: both follow from the target.

use crate::policy::{
    Arms, Compare, Target,
    error::Faults,
    file::{ArmsBy, ArmsFile},
    given::Given,
    nearest::shown,
};

pub(super) fn arms(given: &Given<ArmsFile>, target: Option<&Target>, faults: &Faults) -> Arms {
    let file = given.value.clone().unwrap_or_default();
    match (target, file.by.value) {
        (Some(Target::Kubernetes(_)), Some(ArmsBy::Time)) => {
            let help = "leave `arms` out, or write `{by: pod}`: both versions serve side by side while a rollout goes on";
            faults.add(file.by.fault("the versions of a workload are not told apart by time", help));
            by_pod(&file, faults)
        }
        (Some(Target::Kubernetes(_)), _) | (None, Some(ArmsBy::Pod)) => by_pod(&file, faults),
        (Some(Target::Host(_)), Some(ArmsBy::Pod)) => {
            let help = "leave `arms` out, or write `{by: time}`";
            faults.add(file.by.fault("a host has no pods", help));
            by_time(&file, faults)
        }
        _ => by_time(&file, faults),
    }
}

fn by_time(file: &ArmsFile, faults: &Faults) -> Arms {
    for (key, given) in [("podLabel", &file.pod_label), ("namespaceLabel", &file.namespace_label)] {
        if given.is_written() {
            faults.add(given.fault(format!("`{key}` says nothing of a host"), "remove it"));
        }
    }
    if file.instance.as_ref().is_some_and(String::is_empty) {
        faults.add(
            file.instance
                .fault("found empty text", "write the instance as Prometheus has it: `10.0.0.1:8080`"),
        );
    }
    Arms::Time {
        instance: file.instance.value.clone(),
    }
}

fn by_pod(file: &ArmsFile, faults: &Faults) -> Arms {
    if file.instance.is_written() {
        let help = "remove it; pods are told apart by the labels `podLabel` and `namespaceLabel`";
        faults.add(file.instance.fault("`instance` says nothing of pods", help));
    }
    Arms::Pod {
        pod_label: label(&file.pod_label, "pod", faults),
        namespace_label: label(&file.namespace_label, "namespace", faults),
    }
}

fn label(given: &Given<String>, default: &str, faults: &Faults) -> String {
    let Some(text) = given.as_ref() else {
        return default.to_owned();
    };
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if text.chars().all(letter) && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return text.clone();
    }
    let help = format!("write the label's name as the metrics have it, letters, digits and `_`: `{default}`");
    faults.add(given.fault(format!("`{}` is no name of a label", shown(text)), help));
    default.to_owned()
}

pub(super) fn compare(given: &Given<Compare>, target: Option<&Target>, faults: &Faults) -> Compare {
    match (given.value, target) {
        (Some(Compare::Concurrent), Some(Target::Host(_))) => {
            faults.add(given.fault(
                "a host has nothing beside the new version to compare it with",
                "write `before-after`, or `auto`, which is the same on a host",
            ));
            Compare::Auto
        }
        (Some(compare), _) => compare,
        (None, _) => Compare::Auto,
    }
}
