//! The commands that a person types: exact, quoted, and only such as exist.

use std::path::Path;

use super::clean::shell;
use crate::{
    policy::{Activate, ActivateBy, HostTarget, KubernetesTarget, Target},
    record::Record,
    words::Version,
};

/// `lastgood release WORD SERVICE VERSION`.
pub(super) fn release(word: &str, record: &Record, version: &Version) -> String {
    release_named(word, record, &shell(version.name.as_str()))
}

/// The same, for a version that the person is to fill in.
pub(super) fn release_named(word: &str, record: &Record, version: &str) -> String {
    format!("lastgood release {word} {} {version}", record.service)
}

/// The shell line that puts `to` back without lastgood: a new link exchanged for the old one, then the activation of the policy.
pub(super) fn go_back(record: &Record, to: &Version) -> String {
    let host = match &record.policy.target {
        Target::Host(host) => host,
        Target::Kubernetes(workload) => return undo(record, workload, to),
    };
    let release = path(&host.releases.join(to.name.as_str()));
    let current = path(&host.current);
    let fresh = path(&with_suffix(&host.current, ".by-hand"));
    format!(
        "ln -sfn {release} {fresh} && mv -T {fresh} {current} && {}",
        activate(record, host, to)
    )
}

/// Back to the template before, where that is the one to go back to; else a look at which revision is.
fn undo(record: &Record, workload: &KubernetesTarget, to: &Version) -> String {
    let verb = if record.from.as_ref() == Some(to) { "undo" } else { "history" };
    let KubernetesTarget {
        namespace, kind, name, ..
    } = workload;
    format!("kubectl -n {namespace} rollout {verb} {}/{name}", kind.as_str())
}

/// The shell line that activates what `current` points to.
pub(super) fn activate(record: &Record, host: &HostTarget, to: &Version) -> String {
    match &host.activate {
        Activate::Unit { unit, by } => {
            let verb = match by {
                ActivateBy::Reload => "reload",
                ActivateBy::Restart => "restart",
            };
            format!("systemctl {verb} {}", shell(unit))
        }
        Activate::Command { command, .. } => {
            let parent = host.current.parent().unwrap_or_else(|| Path::new("/"));
            let words: Vec<String> = command.iter().map(|word| shell(word)).collect();
            format!(
                "env -C {} LASTGOOD_SERVICE={} LASTGOOD_FROM={} LASTGOOD_TO={} LASTGOOD_RELEASE={} {}",
                path(parent),
                record.service,
                shell(record.to.name.as_str()),
                shell(to.name.as_str()),
                path(&host.releases.join(to.name.as_str())),
                words.join(" ")
            )
        }
    }
}

fn with_suffix(path: &Path, suffix: &str) -> std::path::PathBuf {
    let mut text = path.as_os_str().to_owned();
    text.push(suffix);
    text.into()
}

fn path(path: &Path) -> String {
    shell(&path.to_string_lossy())
}
