//! `lastgood --version`: what a report of a problem needs.

use crate::{history, record};

/// The version, and what it was built with and reads.
pub fn long() -> String {
    format!(
        "{}\nsqlite {}, history format {}\n{} {}",
        env!("CARGO_PKG_VERSION"),
        history::sqlite_version(),
        record::FORMAT,
        std::env::consts::OS,
        std::env::consts::ARCH
    )
}
