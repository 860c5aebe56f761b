//! Why an artifact is not there, as sentences that say what to do next.

use std::{io, path::Path};

use rustix::io::Errno;

use crate::words::Fingerprint;

/// Why an artifact is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The network, however often it was tried. What came is kept.
    #[error("cannot fetch `{name}` from {from}: {because}; {got} bytes of it are kept: the same command goes on there")]
    Cut {
        /// The artifact.
        name: String,
        /// Where from, without secrets.
        from: String,
        /// What was met.
        because: String,
        /// Bytes that came.
        got: u64,
    },
    /// The server, or the file system, has no such thing or does not give it.
    #[error("cannot fetch `{name}` from {from}: {because}")]
    Refused {
        /// The artifact.
        name: String,
        /// Where from, without secrets.
        from: String,
        /// What was met, and what to do next.
        because: String,
    },
    /// Something else than what was built.
    #[error(
        "`{name}` is not what was built: its digest is {found}, it should be {wanted}; build and upload it again, or correct the digest"
    )]
    Digest {
        /// The artifact.
        name: String,
        /// What came.
        found: Fingerprint,
        /// What should have come.
        wanted: Fingerprint,
    },
    /// Another size than the manifest says.
    #[error(
        "`{name}` is not what was built: it has {found} bytes, it should have {wanted}; build and upload it again, or correct the manifest"
    )]
    Size {
        /// The artifact.
        name: String,
        /// Bytes there.
        found: u64,
        /// Bytes wanted.
        wanted: u64,
    },
    /// Beyond the limit.
    #[error("`{name}` has more than {most} bytes; raise --max-bytes if that is right")]
    TooLarge {
        /// The artifact.
        name: String,
        /// The limit.
        most: u64,
    },
    /// It cannot be written here.
    #[error("{0}")]
    Disk(String),
    /// A person ended it.
    #[error("interrupted")]
    Interrupted,
}

impl FetchError {
    /// Whether what is there already is worth keeping for the next try.
    #[must_use]
    pub const fn may_go_on(&self) -> bool {
        matches!(self, Self::Cut { .. })
    }

    /// What was met while `doing` something to `path` of this host.
    pub(super) fn disk(doing: &str, path: &Path, error: &io::Error) -> Self {
        Self::Disk(format!("cannot {doing} `{}`: {}", path.display(), next(error)))
    }
}

/// What an error of the file system says, and what to do next.
pub(super) fn next(error: &io::Error) -> String {
    match Errno::from_io_error(error) {
        Some(Errno::ACCESS | Errno::PERM) => "permission denied; run this as a user who may".to_owned(),
        Some(Errno::NOSPC | Errno::DQUOT) => "no space is left; free some space or raise the quota".to_owned(),
        Some(Errno::NOENT) => "it does not exist; correct the path".to_owned(),
        _ => format!("{error}; look at the disk and at the kernel's log"),
    }
}
