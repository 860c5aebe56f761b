//! Plain hosts: release directories, the `current` symlink, units over D-Bus, commands. Writes only on an effect, with a precondition,
//! or for a person who deploys.
//!
//! May touch: `ports`, the pure rooms' types, the file system, D-Bus, processes. Deliberately absent: other adapters, judgments.

mod activate;
mod command;
mod compare;
mod deploy;
mod digest;
mod doorbell;
mod identity;
mod incoming;
mod link;
mod listing;
mod manifest;
mod mark;
mod platform;
mod rehearse;
mod revert;
mod settle;
mod switch;
mod systemd;
mod trouble;
mod unit;
mod unpack;

pub use deploy::{Arrived, Site};
pub use incoming::{BeginError, Incoming, Keep};
pub use platform::Host;
pub use unpack::{Artifact, Limits, UnpackError, Unpacked};
