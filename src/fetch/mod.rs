//! Artifacts: brought from a server or from another file into a file of their own, their digest taken while they stream.
//!
//! May touch: `ports` (crash points), HTTP, the file that it is given. Deliberately absent: archives, policies, settings.

mod fault;
mod http;
mod local;
mod partial;
mod source;

pub use fault::FetchError;
pub use source::{Location, Source, SourceError};

use std::path::Path;

use tokio_util::sync::CancellationToken;

use crate::words::Fingerprint;
use partial::Partial;

/// How far a fetch is, told many times a second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress<'a> {
    /// Bytes of an artifact, and how many there are in all, where the server says so.
    At {
        /// The artifact.
        name: &'a str,
        /// Bytes that are there.
        got: u64,
        /// Bytes in all.
        total: Option<u64>,
    },
    /// The network was cut; it goes on in a moment.
    Again {
        /// The artifact.
        name: &'a str,
        /// What was met.
        because: &'a str,
    },
}

/// Whoever wants to know how far it is.
pub type Told<'a> = &'a (dyn Fn(Progress<'_>) + Send + Sync);

/// An artifact that is there, whole, and durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Its size in bytes.
    pub bytes: u64,
    /// Its digest.
    pub digest: Fingerprint,
}

/// Brings `source` into the file `into`, going on with what is there of it already. At most `most` bytes. Cancel `stop` to end it.
///
/// # Errors
/// Each has its sentence. The file stays where it is worth going on with ([`FetchError::may_go_on`]), else the caller removes it.
pub async fn fetch(
    source: &Source,
    into: &Path,
    most: u64,
    stop: &CancellationToken,
    told: Told<'_>,
) -> Result<Fetched, FetchError> {
    let mut partial = Partial::open(into, source)?;
    match &source.location {
        Location::Http(url) => http::fetch(source, url, &mut partial, most, stop, told).await?,
        Location::File(path) => local::fetch(source, path, &mut partial, most, stop, told).await?,
    }
    let fetched = partial.finish()?;
    if let Some(size) = source.size.filter(|size| *size != fetched.bytes) {
        return Err(FetchError::Size {
            name: source.name.clone(),
            found: fetched.bytes,
            wanted: size,
        });
    }
    match &source.digest {
        Some(wanted) if *wanted != fetched.digest => Err(FetchError::Digest {
            name: source.name.clone(),
            found: fetched.digest,
            wanted: wanted.clone(),
        }),
        _ => Ok(fetched),
    }
}
