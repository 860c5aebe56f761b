//! Plain hosts: release directories, the `current` symlink, units over D-Bus, commands. Writes only on an effect, with a precondition.
//!
//! May touch: `ports`, the pure rooms' types, the file system, D-Bus, processes. Deliberately absent: other adapters, judgments.
