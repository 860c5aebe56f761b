//! What is wrong with the settings: every wrong value at once, each with where it came from.

use std::{fmt, path::PathBuf};

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file that was asked for is not there or no file.
    #[error("no settings file {path:?}, which {asked_by} names: create it, or name another one")]
    Missing {
        /// The file.
        path: PathBuf,
        /// `--config` or the variable.
        asked_by: &'static str,
    },
    /// The file cannot be read, or is no TOML.
    #[error("cannot use the settings file {path:?}: {message}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why; for TOML with line and column.
        message: String,
    },
    /// Values that are wrong.
    #[error("{}", lines(.0))]
    Wrong(Vec<SettingFault>),
}

/// One wrong setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingFault {
    /// Where the value came from: the file, the variable, or `default`.
    pub origin: String,
    /// The key: `server.listen`.
    pub key: String,
    /// What is wrong, and what to write instead.
    pub message: String,
}

impl fmt::Display for SettingFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.origin, self.key, self.message)
    }
}

fn lines(faults: &[SettingFault]) -> String {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    match lines.as_slice() {
        [one] => one.clone(),
        several => format!("{} settings are wrong\n  {}", several.len(), several.join("\n  ")),
    }
}
