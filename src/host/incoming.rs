//! A release that is on its way in: `releases/.incoming-VERSION`, locked as long as its deploy runs, removed by whoever comes next.
//!
//! The lock on the releases themselves, for which a revert waits, is only held for moments; a download may take an hour.

use std::{
    ffi::OsString,
    fs, io,
    os::{fd::OwnedFd, unix::ffi::OsStrExt, unix::fs::DirBuilderExt},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, FlockOperation, Mode, OFlags, RenameFlags, flock, fsync, open, renameat_with, unlinkat},
    io::Errno,
};

use super::{link::Place, switch::LABEL, trouble::sentence};
use crate::{
    ports::{PlatformError, crash},
    words::VersionName,
};

const PREFIX: &str = ".incoming-";
const TREE: &str = "tree";
const HOLDER: &str = "holder";

/// Why a deploy does not begin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BeginError {
    /// Another one runs.
    #[error("{0}")]
    Busy(String),
    /// The host's own state forbids it, or its file system.
    #[error(transparent)]
    Host(#[from] PlatformError),
}

/// A release on its way in.
#[derive(Debug)]
pub struct Incoming {
    place: Place,
    version: VersionName,
    path: PathBuf,
    _held: OwnedFd,
}

impl Incoming {
    /// Removes what ended deploys left behind, and begins one to `version` in the name of `holder`. Call it with the lock on the releases
    /// held.
    ///
    /// # Errors
    /// When another one runs, or the directories cannot be written.
    pub(super) fn begin(place: &Place, version: &VersionName, holder: &str) -> Result<Self, BeginError> {
        let path = place.releases.join(format!("{PREFIX}{version}"));
        for left in entries(place)? {
            let found = place.releases.join(&left);
            let Some(_held) = take(&found)? else {
                return Err(BeginError::Busy(busy(&found, &left)));
            };
            if found == path {
                remove_all(&found.join(TREE))?;
            } else {
                remove_all(&found)?;
            }
        }
        remove_links(place)?;
        match fs::DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(PlatformError(sentence("create", &path, &error)).into());
            }
            _ => {}
        }
        let held = take(&path)?.ok_or_else(|| BeginError::Busy(busy(&path, path.file_name().unwrap_or_default())))?;
        let by = path.join(HOLDER);
        fs::write(&by, holder).map_err(|error| PlatformError(sentence("write", &by, &error)))?;
        crash::point("deploy.begun");
        Ok(Self {
            place: place.clone(),
            version: version.clone(),
            path,
            _held: held,
        })
    }

    /// Where the artifact with this number is kept.
    #[must_use]
    pub fn artifact(&self, number: usize) -> PathBuf {
        self.path.join(format!("artifact-{number}"))
    }

    /// Where it is unpacked, made empty.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn tree(&self) -> Result<PathBuf, PlatformError> {
        let tree = self.path.join(TREE);
        fs::DirBuilder::new()
            .mode(0o755)
            .create(&tree)
            .map_err(|error| PlatformError(sentence("create", &tree, &error)))?;
        Ok(tree)
    }

    /// Makes what was unpacked the release `releases/VERSION`, durably. Call it with the lock on the releases held.
    ///
    /// # Errors
    /// When there is one already, or it cannot be renamed.
    pub(super) fn publish(&self) -> Result<(), PlatformError> {
        let releases = open_releases(&self.place)?;
        let within = Path::new(self.path.file_name().unwrap_or_default()).join(TREE);
        let to = self.place.releases.join(self.version.as_str());
        match renameat_with(&releases, &within, &releases, self.version.as_str(), RenameFlags::NOREPLACE) {
            Ok(()) => {}
            Err(Errno::EXIST | Errno::NOTEMPTY) => {
                return Err(PlatformError(format!(
                    "`{}` came to be meanwhile, made by someone else; look at it, then try again",
                    to.display()
                )));
            }
            Err(error) => return Err(PlatformError(sentence("create", &to, &error.into()))),
        }
        crash::point("deploy.renamed");
        fsync(&releases).map_err(|error| PlatformError(sentence("make durable", &self.place.releases, &error.into())))?;
        crash::point("deploy.published");
        Ok(())
    }

    /// Ends it, and leaves nothing but what `keep` says. Call it with the lock on the releases held.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub(super) fn end(self, keep: Keep) -> Result<(), PlatformError> {
        match keep {
            Keep::Nothing => remove_all(&self.path),
            Keep::Downloads => {
                remove_all(&self.path.join(TREE))?;
                remove_all(&self.path.join(HOLDER))
            }
        }
    }
}

/// What an ended deploy leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Nothing.
    Nothing,
    /// What was downloaded before the network was cut.
    Downloads,
}

/// The releases on their way in, running or left behind.
fn entries(place: &Place) -> Result<Vec<OsString>, PlatformError> {
    let list = || -> io::Result<Vec<OsString>> { fs::read_dir(&place.releases)?.map(|entry| Ok(entry?.file_name())).collect() };
    let names = list().map_err(|error| PlatformError(sentence("list", &place.releases, &error)))?;
    let ours = |name: &OsString| name.as_bytes().starts_with(PREFIX.as_bytes());
    Ok(names.into_iter().filter(ours).collect())
}

/// Opens and locks the directory; none where another one holds it.
fn take(path: &Path) -> Result<Option<OwnedFd>, PlatformError> {
    let failed = |error: Errno| PlatformError(sentence("open", path, &error.into()));
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = open(path, flags, Mode::empty()).map_err(failed)?;
    match flock(&opened, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(opened)),
        Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

fn busy(path: &Path, name: &std::ffi::OsStr) -> String {
    let by = fs::read_to_string(path.join(HOLDER)).unwrap_or_else(|_| "someone".to_owned());
    let version = name.to_string_lossy().replacen(PREFIX, "", 1);
    format!("{by} deploys {version} to this place just now; wait until that is done, or end it")
}

fn remove_all(path: &Path) -> Result<(), PlatformError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(PlatformError(sentence("remove", path, &error))),
        _ => Ok(()),
    }
}

/// Links beside `current` that a killed deploy left behind; a revert's are its own to settle.
fn remove_links(place: &Place) -> Result<(), PlatformError> {
    let parent = place.open_parent()?;
    let mut ours = place.temporary_prefix();
    ours.push(LABEL);
    match unlinkat(&parent, &ours, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(PlatformError(sentence("remove", &place.parent.join(&ours), &error.into()))),
    }
}

fn open_releases(place: &Place) -> Result<OwnedFd, PlatformError> {
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
    open(&place.releases, flags, Mode::empty()).map_err(|error| PlatformError(sentence("open", &place.releases, &error.into())))
}
