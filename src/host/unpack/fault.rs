//! Why an artifact is not unpacked, as sentences that say what to do next.

use std::{io, path::Path};

use super::super::trouble::sentence;

/// Why an artifact is not unpacked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnpackError {
    /// It holds something that no release needs, and an attack does.
    #[error("`{artifact}` is refused: its entry `{entry}` {why}; build it without")]
    Unsafe {
        /// The artifact.
        artifact: String,
        /// The entry's path as it stands there.
        entry: String,
        /// What it is.
        why: &'static str,
    },
    /// It becomes more than it may.
    #[error("`{artifact}` is refused: {why}")]
    TooMuch {
        /// The artifact.
        artifact: String,
        /// Which limit, and its option.
        why: String,
    },
    /// It cannot be read as what its name says it is.
    #[error("`{artifact}` cannot be unpacked: {why}")]
    Broken {
        /// The artifact.
        artifact: String,
        /// What was met.
        why: String,
    },
    /// It cannot be written here.
    #[error("{0}")]
    Disk(String),
    /// A person ended it.
    #[error("interrupted")]
    Interrupted,
}

impl UnpackError {
    /// What was met while `doing` something to `path` of this host.
    pub(in crate::host) fn disk(doing: &str, path: &Path, error: &io::Error) -> Self {
        Self::Disk(sentence(doing, path, error))
    }
}
