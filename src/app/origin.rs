//! From where something is done, for the audit: the door that it came through, and the machine.

use super::guard::brought;
use crate::engine::Event;

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
        Event::Person { .. } | Event::Off { .. } | Event::Approved { .. } | Event::GoBack { .. } | Event::GoOn { .. } => socket(),
        // What a release brought along is recorded in the name of its file.
        Event::Recorded { by, .. } if by.0 != brought::FILE => socket(),
        Event::PolicyIs { file, .. } => on_this_machine(&format!("policy file {file}")),
        _ => controller(),
    }
}

fn on_this_machine(door: &str) -> String {
    format!("{door} on {}", rustix::system::uname().nodename().to_string_lossy())
}
