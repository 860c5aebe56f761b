//! What is there of an artifact: a file that grows, its digest so far, and by what its origin would know it again.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{FetchError, Fetched, Source};
use crate::{ports::crash, words::Fingerprint};

/// What is kept beside a partial file, to know whether it can be gone on with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Origin {
    /// Of the location; it may hold a signature, so it is not kept itself.
    location: Fingerprint,
    /// What the answer must still be called: an ETag, or a time of modification.
    validator: Option<String>,
}

/// An artifact, as far as it is there.
#[derive(Debug)]
pub(super) struct Partial {
    path: PathBuf,
    file: File,
    digest: Sha256,
    length: u64,
    origin: Origin,
}

impl Partial {
    /// Opens the file, and goes on with what is in it if that came from the same place.
    ///
    /// # Errors
    /// When it cannot be read or made.
    pub fn open(path: &Path, source: &Source) -> Result<Self, FetchError> {
        let location = match &source.location {
            super::Location::Http(url) => url.as_str().to_owned(),
            super::Location::File(path) => path.display().to_string(),
        };
        let location = Fingerprint::from_sha256(&Sha256::digest(location.as_bytes()).into());
        let disk = |error| FetchError::disk("create", path, &error);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or_default())
            .open(path)
            .map_err(disk)?;
        let mut partial = Self {
            path: path.to_path_buf(),
            file,
            digest: Sha256::new(),
            length: 0,
            origin: Origin {
                location,
                validator: None,
            },
        };
        let kept = fs::read(partial.beside()).ok();
        match kept.and_then(|bytes| serde_json::from_slice::<Origin>(&bytes).ok()) {
            Some(origin) if origin.location == partial.origin.location => {
                partial.origin = origin;
                partial.take_up()?;
            }
            _ => partial.restart(None)?,
        }
        Ok(partial)
    }

    fn beside(&self) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(".from");
        PathBuf::from(name)
    }

    /// Digests what is there already.
    fn take_up(&mut self) -> Result<(), FetchError> {
        let mut piece = vec![0; 1 << 16];
        loop {
            let read = self
                .file
                .read(&mut piece)
                .map_err(|error| FetchError::disk("read", &self.path, &error))?;
            if read == 0 {
                return Ok(());
            }
            self.digest.update(piece.get(..read).unwrap_or_default());
            self.length += read as u64;
        }
    }

    /// Bytes that are there.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// What the origin's answer must still be called for it to be gone on with.
    pub fn validator(&self) -> Option<&str> {
        self.origin.validator.as_deref()
    }

    /// Empties it; what comes now is called `validator`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn restart(&mut self, validator: Option<String>) -> Result<(), FetchError> {
        self.digest = Sha256::new();
        self.length = 0;
        let emptied = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map_err(|error| FetchError::disk("write", &self.path, &error))?;
        self.origin.validator = validator;
        let beside = self.beside();
        let text = serde_json::to_vec(&self.origin).map_err(|error| FetchError::Disk(format!("{error}; report this")))?;
        fs::write(&beside, text).map_err(|error| FetchError::disk("write", &beside, &error))
    }

    /// Adds a piece.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&mut self, piece: &[u8]) -> Result<(), FetchError> {
        self.file
            .write_all(piece)
            .map_err(|error| FetchError::disk("write", &self.path, &error))?;
        self.digest.update(piece);
        self.length += piece.len() as u64;
        crash::point("deploy.fetching");
        Ok(())
    }

    /// Makes it durable.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn finish(self) -> Result<Fetched, FetchError> {
        self.file
            .sync_all()
            .map_err(|error| FetchError::disk("make durable", &self.path, &error))?;
        Ok(Fetched {
            bytes: self.length,
            digest: Fingerprint::from_sha256(&self.digest.finalize().into()),
        })
    }
}
