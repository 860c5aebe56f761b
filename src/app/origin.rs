//! From where something is done, for the audit: the door that it came through, and the machine.

use std::{os::unix::fs::MetadataExt as _, path::Path};

use super::guard::brought;
use crate::{engine::Event, web::actor, words::Actor};

/// What the controller does by itself.
pub fn controller() -> String {
    on_this_machine("controller")
}

/// What a person says through the controller's socket.
pub fn socket() -> String {
    on_this_machine("socket")
}

/// What a person does by a command alone, while no controller runs.
pub fn command_line() -> String {
    on_this_machine("command line")
}

/// Where an event of a guard comes from.
pub fn of(event: &Event) -> String {
    match event {
        Event::Person { .. }
        | Event::Off { .. }
        | Event::Approved { .. }
        | Event::Agreed { .. }
        | Event::GoBack { .. }
        | Event::Forget { .. }
        | Event::GoOn { .. } => socket(),
        // What a release brought along is recorded in the name of its file.
        Event::Recorded { by, .. } if by.0 != brought::FILE => socket(),
        Event::PolicyIs { file, .. } => on_this_machine(&format!("policy file {file}")),
        _ => controller(),
    }
}

/// Whose settings a controller starts with, and where they stand: the owner of the file, else whoever started it.
pub fn of_settings(file: Option<&Path>) -> (Actor, String) {
    match file {
        Some(file) => (owner(file), on_this_machine(&format!("settings file {}", file.display()))),
        None => (actor(rustix::process::getuid().as_raw()), controller()),
    }
}

/// Who owns a file.
pub fn owner(file: &Path) -> Actor {
    let metadata = std::fs::metadata(file).map(|metadata| actor(metadata.uid()));
    metadata.unwrap_or_else(|_| Actor("an unknown user".to_owned()))
}

fn on_this_machine(door: &str) -> String {
    format!("{door} on {}", rustix::system::uname().nodename().to_string_lossy())
}
