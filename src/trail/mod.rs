//! Where the audit is written a second time, a line an entry: a file, the local syslog, the journal. The chain in the store is the truth.
//!
//! May touch: files, a Unix socket. Deliberately absent: what is noted (`engine`), the store (`history`), when to write (`app`).

mod datagrams;
mod file;
mod journald;
mod syslog;

pub use file::LineFile;
pub use journald::{Journald, SOCKET};
pub use syslog::Syslog;

/// Something that lines are added to, and never taken from.
pub trait Lines: Send {
    /// Adds one line, given without its end.
    ///
    /// # Errors
    /// What was met, and what to do next. Nobody else is to write it again.
    fn add(&mut self, line: &str) -> Result<(), String>;
}
