//! A workload of Kubernetes as the target.

use crate::policy::{KubernetesTarget, WorkloadKind, error::Faults, file::KubernetesFile, given::Given, nearest::shown};

pub(super) fn workload(given: &Given<KubernetesFile>, faults: &Faults) -> Option<KubernetesTarget> {
    let file = given.as_ref()?;
    if !file.namespace.is_written() {
        faults.add(given.lacks("namespace", "write the workload's namespace: `namespace: shop`"));
    }
    let kinds = [
        (WorkloadKind::Deployment, &file.deployment),
        (WorkloadKind::StatefulSet, &file.stateful_set),
        (WorkloadKind::DaemonSet, &file.daemon_set),
    ];
    let mut written = kinds.into_iter().filter(|(_, name)| name.is_written());
    let named = match (written.next(), written.next()) {
        (Some(named), None) => Some(named),
        (None, _) => {
            let help = "write `deployment: myapp`, `statefulSet: myapp` or `daemonSet: myapp`";
            faults.add(given.fault("no workload is named", help));
            None
        }
        (Some(_), Some(_)) => {
            let help = "one policy guards one workload: keep one of `deployment`, `statefulSet`, `daemonSet`";
            faults.add(given.fault("more than one workload is named", help));
            None
        }
    };
    let namespace = name(&file.namespace, 63, label, "a namespace", faults);
    let container = match file.container.is_written() {
        true => Some(name(&file.container, 63, label, "a container's name", faults)?),
        false => None,
    };
    let (kind, given) = named?;
    let name = name(given, 253, |c| label(c) || c == '.', "a workload's name", faults)?;
    Some(KubernetesTarget {
        namespace: namespace?,
        kind,
        name,
        container,
    })
}

fn label(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
}

/// A name as the API server allows it (RFC 1123).
fn name(given: &Given<String>, most: usize, allowed: impl Fn(char) -> bool, what: &str, faults: &Faults) -> Option<String> {
    let text = given.as_ref()?;
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if text.len() <= most && text.chars().all(allowed) && edge(text.chars().next()) && edge(text.chars().next_back()) {
        return Some(text.clone());
    }
    let found = if text.is_empty() {
        "empty text".to_owned()
    } else {
        format!("`{}`", shown(text))
    };
    let help =
        "write it as `kubectl get` shows it: lower-case letters, digits and `-`, beginning and ending with a letter or digit";
    faults.add(given.fault(format!("{found} is not {what}"), help));
    None
}
