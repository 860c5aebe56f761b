//! Plain hosts with everything real: directories, links, inotify, commands, and a systemd of its own.

#![expect(clippy::expect_used, clippy::panic, reason = "a rig that fails fails its test")]

mod doorbell;
mod faults;
mod identity;
mod journal;
mod namespace;
mod pid1;
mod races;
mod resume;
mod revert;
mod rig;
mod systemd;
