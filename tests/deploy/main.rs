//! `lastgood deploy` with everything real: the program itself, servers that fail, archives that attack, disks that are full, kills.

#![expect(clippy::expect_used, reason = "a rig that fails fails its test")]

mod archives;
mod audited;
mod bar;
mod crashes;
mod document;
mod faults;
mod guarded;
#[path = "../host/namespace.rs"]
mod namespace;
mod network;
mod rig;
mod server;
mod story;
mod switching;
mod systemd;
