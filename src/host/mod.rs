//! Plain hosts: release directories, the `current` symlink, units over D-Bus, commands. Writes only on an effect, with a precondition.
//!
//! May touch: `ports`, the pure rooms' types, the file system, D-Bus, processes. Deliberately absent: other adapters, judgments.

mod activate;
mod command;
mod compare;
mod digest;
mod doorbell;
mod identity;
mod link;
mod listing;
mod manifest;
mod platform;
mod rehearse;
mod revert;
mod settle;
mod systemd;
mod trouble;
mod unit;

pub use platform::Host;
