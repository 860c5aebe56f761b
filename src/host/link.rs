//! Where `current` points to: read, resolved, and never outside the releases.

use std::{
    ffi::{OsStr, OsString},
    fs, io,
    os::fd::OwnedFd,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, Mode, OFlags, ResolveFlags, StatxFlags, openat2, statx},
    io::Errno,
};
use serde::{Deserialize, Serialize};

use super::trouble::sentence;
use crate::{
    policy::HostTarget,
    ports::PlatformError,
    words::{Moment, VersionName},
};

/// Which directory this is, whatever it is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DirId {
    /// The device; may change at a reboot.
    pub device: u64,
    /// The inode; a deleted directory's may be given out again.
    pub inode: u64,
    /// Nanoseconds since the epoch at which it was created, where the file system knows.
    pub born: Option<i64>,
}

impl DirId {
    /// Whether both are the same directory. A birth time tells more than a device number, which changes at reboots.
    pub fn is(&self, other: &Self) -> bool {
        self.inode == other.inode
            && match (self.born, other.born) {
                (Some(mine), Some(theirs)) => mine == theirs,
                _ => self.device == other.device,
            }
    }
}

/// What a link points to: a directory of the releases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pointed {
    /// The link's own text.
    pub text: OsString,
    /// The name of the release directory.
    pub name: VersionName,
    /// Which directory that is.
    pub directory: DirId,
    /// When the link came to be here: its change time, which a rename sets too. Its modification time is the one that it was made with,
    /// or that a tool gave it (`rsync -a`, `tar -x`), and may lie days back.
    pub moved_at: Moment,
    /// The same, in nanoseconds since the epoch.
    pub moved_nanos: i64,
}

/// The two paths of a host target.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The directory of the releases.
    pub releases: PathBuf,
    /// The link.
    pub current: PathBuf,
    /// The directory that holds the link.
    pub parent: PathBuf,
    /// The link's name in it.
    pub name: OsString,
}

impl Place {
    pub fn new(target: &HostTarget) -> Self {
        Self {
            releases: target.releases.clone(),
            current: target.current.clone(),
            parent: target.current.parent().unwrap_or(Path::new("/")).to_path_buf(),
            name: target.current.file_name().unwrap_or_default().to_owned(),
        }
    }

    /// Where `current` points to; none while it is missing.
    ///
    /// # Errors
    /// When it is no link, dangles or leaves the releases, or cannot be read.
    pub fn pointed(&self) -> Result<Option<Pointed>, PlatformError> {
        self.follow(&self.name)
    }

    /// Where the link `name` beside `current` points to; none while it is missing.
    ///
    /// # Errors
    /// As [`Place::pointed`].
    pub fn follow(&self, name: &OsStr) -> Result<Option<Pointed>, PlatformError> {
        let link = self.parent.join(name);
        let (text, meta) = match read_link(&link) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return match fs::metadata(&self.parent) {
                    Ok(_) => Ok(None),
                    Err(error) => Err(PlatformError(sentence("read", &self.parent, &error))),
                };
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                return Err(PlatformError(format!(
                    "`{}` is not a symlink; make it one that points to a directory of `{}`",
                    link.display(),
                    self.releases.display()
                )));
            }
            Err(error) => return Err(PlatformError(sentence("read the link", &link, &error))),
        };
        let inside = self.inside(&link, &text)?;
        let name: VersionName = self.version_name(&inside)?;
        let directory = self.directory(&name)?;
        let moved_nanos = meta.ctime() * 1_000_000_000 + meta.ctime_nsec();
        Ok(Some(Pointed {
            text,
            name,
            directory,
            moved_at: Moment::from_millis(meta.ctime() * 1000 + meta.ctime_nsec() / 1_000_000),
            moved_nanos,
        }))
    }

    /// The path below the releases that `text`, the text of `link`, leads to.
    fn inside(&self, link: &Path, text: &OsStr) -> Result<PathBuf, PlatformError> {
        let (link, to, releases) = (link.display(), Path::new(text).display(), self.releases.display());
        let root = fs::canonicalize(&self.releases).map_err(|e| PlatformError(sentence("read", &self.releases, &e)))?;
        let real = fs::canonicalize(self.parent.join(text)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => PlatformError(format!(
                "`{link}` points to `{to}`, which does not exist; point it to a directory of `{releases}`"
            )),
            _ => PlatformError(sentence("follow", &self.parent.join(text), &error)),
        })?;
        real.strip_prefix(&root).map(Path::to_path_buf).map_err(|_| {
            PlatformError(format!(
                "`{link}` points to `{to}`, outside of `{releases}`; point it to a directory in there, or correct `releases` in the policy"
            ))
        })
    }

    fn version_name(&self, inside: &Path) -> Result<VersionName, PlatformError> {
        let (current, releases) = (self.current.display(), self.releases.display());
        let mut parts = inside.components();
        let (first, rest) = (parts.next(), parts.next());
        match (first, rest) {
            (Some(only), None) => {
                let text = only.as_os_str().to_str().ok_or_else(|| {
                    PlatformError(format!(
                        "the directory that `{current}` points to has a name that is not UTF-8; rename it"
                    ))
                })?;
                text.parse()
                    .map_err(|error| PlatformError(format!("`{current}`: {error}; rename the directory")))
            }
            _ => Err(PlatformError(format!(
                "`{current}` points to `{}` in `{releases}`; point it to a directory right in there, one a version",
                inside.display()
            ))),
        }
    }

    /// Opens the release `name`, which must be a directory right in the releases and no symlink.
    ///
    /// # Errors
    /// Those of the system call.
    pub fn open_release(&self, name: &VersionName) -> io::Result<OwnedFd> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let root = rustix::fs::open(&self.releases, flags, Mode::empty())?;
        Ok(open_beneath(&root, Path::new(name.as_str()), flags)?)
    }

    fn directory(&self, name: &VersionName) -> Result<DirId, PlatformError> {
        let path = self.releases.join(name.as_str());
        let opened = self
            .open_release(name)
            .map_err(|e| PlatformError(sentence("open", &path, &e)))?;
        dir_id(&opened).map_err(|e| PlatformError(sentence("look at", &path, &e)))
    }
}

/// A link's text and metadata, of one and the same link: what is replaced between the two calls is read again.
fn read_link(link: &Path) -> io::Result<(OsString, fs::Metadata)> {
    loop {
        let before = fs::symlink_metadata(link)?;
        let text = fs::read_link(link)?.into_os_string();
        let after = fs::symlink_metadata(link)?;
        let same = |m: &fs::Metadata| (m.ino(), m.ctime(), m.ctime_nsec());
        if same(&before) == same(&after) {
            return Ok((text, after));
        }
    }
}

/// Opens `path` below `root`, following no symlink and never leaving it.
///
/// # Errors
/// Those of the system call; `ELOOP` for a symlink, `EXDEV` for a way out.
pub(super) fn open_beneath(root: &OwnedFd, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    loop {
        match openat2(root, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
            // Both only say that something was renamed meanwhile.
            Err(Errno::AGAIN | Errno::INTR) => {}
            done => return done,
        }
    }
}

/// Which directory an open one is.
///
/// # Errors
/// Those of the system call.
pub(super) fn dir_id(directory: &OwnedFd) -> io::Result<DirId> {
    let found = statx(
        directory,
        "",
        AtFlags::EMPTY_PATH,
        StatxFlags::BASIC_STATS | StatxFlags::BTIME,
    )?;
    let knows_birth = StatxFlags::from_bits_retain(found.stx_mask).contains(StatxFlags::BTIME);
    Ok(DirId {
        device: rustix::fs::makedev(found.stx_dev_major, found.stx_dev_minor),
        inode: found.stx_ino,
        born: knows_birth.then(|| found.stx_btime.tv_sec * 1_000_000_000 + i64::from(found.stx_btime.tv_nsec)),
    })
}
