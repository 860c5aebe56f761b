//! The target.

use std::path::{Component, Path, PathBuf};

use super::{MINUTE, SECOND, kubernetes, time};
use crate::policy::{
    Activate, HostTarget, Target,
    error::Faults,
    file::{ActivateFile, HostFile, SpecFile},
    given::Given,
    nearest::shown,
};

pub(super) fn target(spec_given: &Given<SpecFile>, spec: &SpecFile, faults: &Faults) -> Option<Target> {
    if !spec.target.is_written() {
        faults.add(spec_given.lacks(
            "target",
            "write what is guarded: `target: {host: {releases: …, current: …, activate: {unit: …, by: reload}}}`",
        ));
    }
    let target = spec.target.as_ref()?;
    match (target.host.is_written(), target.kubernetes.is_written()) {
        (true, false) => host(&target.host, faults).map(Target::Host),
        (false, true) => kubernetes::workload(&target.kubernetes, faults).map(Target::Kubernetes),
        (true, true) => {
            let help = "one policy guards one target: write two policies, with two names or environments";
            faults.add(spec.target.fault("a host and a workload of Kubernetes at once", help));
            None
        }
        (false, false) => {
            let help = "write `host: {releases: …, current: …, activate: …}` or `kubernetes: {namespace: …, deployment: …}`";
            faults.add(spec.target.lacks("host", help));
            None
        }
    }
}

fn host(given: &Given<HostFile>, faults: &Faults) -> Option<HostTarget> {
    let host = given.as_ref()?;
    for (key, written, example) in [
        (
            "releases",
            host.releases.is_written(),
            "write the directory with one directory a version: `/opt/myapp/releases`",
        ),
        (
            "current",
            host.current.is_written(),
            "write the symlink to the version that runs: `/opt/myapp/current`",
        ),
        (
            "activate",
            host.activate.is_written(),
            "write `activate: {unit: myapp.service, by: reload}` or `activate: {command: [/path/to/program]}`",
        ),
    ] {
        if !written {
            faults.add(given.lacks(key, example));
        }
    }
    let releases = absolute(&host.releases, faults);
    let current = absolute(&host.current, faults);
    let activate = activate(&host.activate, faults);
    let (releases, current) = (releases?, current?);
    if current.starts_with(&releases) {
        let message = format!("the link `{}` lies inside `releases`", current.display());
        let help = "every entry of `releases` is a version: put the link beside it, as `/opt/myapp/current`";
        faults.add(host.current.fault(message, help));
        return None;
    }
    if releases.starts_with(&current) {
        let message = format!("the releases lie below the link `{}`, which moves", current.display());
        faults.add(host.releases.fault(
            message,
            "put the two side by side: `/opt/myapp/releases`, `/opt/myapp/current`",
        ));
        return None;
    }
    Some(HostTarget {
        releases,
        current,
        activate: activate?,
    })
}

/// A path that means the same wherever lastgood runs: absolute, without `.` and `..`, not the root.
fn absolute(given: &Given<String>, faults: &Faults) -> Option<PathBuf> {
    let text = given.as_ref()?;
    let path = Path::new(text);
    let plain = path
        .components()
        .all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    let dotted = text.split('/').any(|part| part == "." || part == "..");
    if path.is_absolute() && plain && !dotted && path.parent().is_some() && !text.contains('\0') {
        // Rebuilt from its parts, so that a doubled or trailing slash makes no other path.
        return Some(path.components().collect());
    }
    let message = if path.is_absolute() {
        format!("`{}` cannot be used as a path", shown(text))
    } else {
        format!("`{}` is not absolute", shown(text))
    };
    faults.add(given.fault(
        message,
        "write the whole path from `/` on, without `.` and `..`: `/opt/myapp/releases`",
    ));
    None
}

fn activate(given: &Given<ActivateFile>, faults: &Faults) -> Option<Activate> {
    let file = given.as_ref()?;
    let unit_keys = file.unit.is_written() || file.by.is_written();
    let command_keys = file.command.is_written() || file.timeout.is_written();
    match (unit_keys, command_keys) {
        (true, false) => unit(given, file, faults),
        (false, true) => command(given, file, faults),
        (both, _) => {
            let message = if both {
                "a unit and a command at once"
            } else {
                "neither a unit nor a command"
            };
            let help = "write `{unit: myapp.service, by: reload}` or `{command: [/path/to/program], timeout: 60s}`";
            faults.add(given.fault(message, help));
            None
        }
    }
}

fn unit(given: &Given<ActivateFile>, file: &ActivateFile, faults: &Faults) -> Option<Activate> {
    for (key, written, help) in [
        (
            "unit",
            file.unit.is_written(),
            "write the unit's whole name: `unit: myapp.service`",
        ),
        ("by", file.by.is_written(), "write `by: reload` or `by: restart`"),
    ] {
        if !written {
            faults.add(given.lacks(key, help));
        }
    }
    let name = file.unit.as_ref()?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
    let good =
        name.len() <= 255 && name.chars().all(allowed) && name.strip_suffix(".service").is_some_and(|stem| !stem.is_empty());
    if !good {
        let help = if name.ends_with(".service") || name.contains(|c| !allowed(c)) {
            "write a name as systemd allows it: letters, digits and `:-_.\\@`, ending in `.service`".to_owned()
        } else {
            format!("write the whole name: `{}.service`", shown(name))
        };
        faults.add(file.unit.fault(format!("`{}` is no service unit", shown(name)), help));
        return None;
    }
    Some(Activate::Unit {
        unit: name.clone(),
        by: file.by.value?,
    })
}

fn command(given: &Given<ActivateFile>, file: &ActivateFile, faults: &Faults) -> Option<Activate> {
    if !file.command.is_written() {
        faults.add(given.lacks(
            "command",
            "write the program and its arguments: `command: [/path/to/program, --argument]`",
        ));
    }
    let timeout = time(&file.timeout, super::spec::COMMAND_TIMEOUT, SECOND, 60 * MINUTE, faults);
    let list = file.command.as_ref()?;
    let Some(program) = list.first() else {
        faults.add(
            file.command
                .fault("the list is empty", "write the program first, then its arguments"),
        );
        return None;
    };
    let command: Option<Vec<String>> = list.iter().map(|item| item.value.clone()).collect();
    let program_text = program.as_ref()?;
    let bare = !program_text.contains('/') && !program_text.contains(char::is_whitespace);
    let good = !program_text.is_empty() && (bare || program_text.starts_with('/')) && !program_text.contains('\0');
    if !good {
        let help =
            "write an absolute path, or a bare name to be found in PATH; there is no shell: each argument is its own list item";
        faults.add(program.fault(format!("`{}` is no program", shown(program_text)), help));
        return None;
    }
    Some(Activate::Command {
        command: command?,
        timeout,
    })
}
