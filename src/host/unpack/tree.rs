//! The tree that is unpacked into: every path is opened below its root without following a link, and everything is counted.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::File,
    io::{self, Read, Write},
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{Mode, OFlags, ResolveFlags, fchmod, fsync, mkdirat, open, openat, openat2, symlinkat},
    io::Errno,
};
use tokio_util::sync::CancellationToken;

use super::{Limits, UnpackError, Unpacked};
use crate::{host::link::open_beneath, ports::crash};

/// Below so many bytes nobody is a bomb, however well it was packed.
const SMALL: u64 = 16 << 20;
const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::RDONLY);

/// A release directory that is being filled.
pub(super) struct Tree {
    root: OwnedFd,
    path: PathBuf,
    limits: Limits,
    stop: CancellationToken,
    /// What is being unpacked, its size, and what came out of it so far.
    artifact: String,
    packed: u64,
    from_artifact: u64,
    bytes: u64,
    entries: u64,
    /// Whether there is anything but directories.
    filled: bool,
    /// Their modes.
    directories: BTreeMap<PathBuf, u32>,
    links: Vec<(String, PathBuf)>,
}

impl Tree {
    pub fn open(path: &Path, limits: Limits, stop: CancellationToken) -> Result<Self, UnpackError> {
        let root = open(path, DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW, Mode::empty());
        Ok(Self {
            root: root.map_err(|error| UnpackError::disk("open", path, &error.into()))?,
            path: path.to_path_buf(),
            limits,
            stop,
            artifact: String::new(),
            packed: 0,
            from_artifact: 0,
            bytes: 0,
            entries: 0,
            filled: false,
            directories: BTreeMap::from([(PathBuf::from("."), 0o755)]),
            links: Vec::new(),
        })
    }

    /// What comes now is of `artifact`, which has `packed` bytes.
    pub fn begin(&mut self, artifact: &str, packed: u64) {
        artifact.clone_into(&mut self.artifact);
        self.packed = packed;
        self.from_artifact = 0;
    }

    /// Whether there is something at `path`.
    pub fn holds(&self, path: &Path) -> bool {
        open_beneath(&self.root, path, OFlags::PATH | OFlags::NOFOLLOW).is_ok()
    }

    pub fn wrong(&self, why: &str) -> UnpackError {
        UnpackError::Broken {
            artifact: self.artifact.clone(),
            why: why.to_owned(),
        }
    }

    pub fn broken(&self, error: &io::Error) -> UnpackError {
        self.wrong(&format!("{error}; build and upload it again"))
    }

    pub fn refused(&self, entry: &Path, why: &'static str) -> UnpackError {
        UnpackError::Unsafe {
            artifact: self.artifact.clone(),
            entry: entry.display().to_string(),
            why,
        }
    }

    /// Most entries that may come.
    pub const fn most_entries(&self) -> u64 {
        self.limits.entries
    }

    /// Counts an entry, whatever it is.
    pub fn count(&mut self) -> Result<(), UnpackError> {
        self.entries += 1;
        if self.stop.is_cancelled() {
            return Err(UnpackError::Interrupted);
        }
        if self.entries > self.limits.entries {
            return Err(self.too_many());
        }
        Ok(())
    }

    pub fn too_many(&self) -> UnpackError {
        self.too_much(format!(
            "it holds more than {} files, directories and links; raise --max-entries if that is right",
            self.limits.entries
        ))
    }

    fn too_much(&self, why: String) -> UnpackError {
        UnpackError::TooMuch {
            artifact: self.artifact.clone(),
            why,
        }
    }

    /// An entry's path, which must stay inside by its text alone.
    pub fn inside(&self, raw: &[u8]) -> Result<PathBuf, UnpackError> {
        let raw = Path::new(OsStr::from_bytes(raw));
        let mut path = PathBuf::new();
        for part in raw.components() {
            match part {
                Component::Normal(part) => path.push(part),
                Component::CurDir => {}
                Component::ParentDir => return Err(self.refused(raw, "leads out of the release with `..`")),
                Component::RootDir | Component::Prefix(_) => return Err(self.refused(raw, "has an absolute path")),
            }
        }
        Ok(path)
    }

    /// A directory, and those above it.
    pub fn directory(&mut self, path: &Path, mode: u32) -> Result<(), UnpackError> {
        self.above(path)?;
        if !path.as_os_str().is_empty() {
            self.make(path, mode & 0o755 | 0o700)?;
            self.directories.insert(path.to_path_buf(), mode & 0o755 | 0o700);
        }
        Ok(())
    }

    /// Makes the directories above `path`.
    fn above(&mut self, path: &Path) -> Result<(), UnpackError> {
        let mut upper: Vec<&Path> = path
            .ancestors()
            .skip(1)
            .filter(|above| !above.as_os_str().is_empty())
            .collect();
        upper.reverse();
        for above in upper {
            if !self.directories.contains_key(above) {
                self.count()?;
                self.make(above, 0o755)?;
                self.directories.insert(above.to_path_buf(), 0o755);
            }
        }
        Ok(())
    }

    fn make(&self, path: &Path, mode: u32) -> Result<(), UnpackError> {
        let (parent, name) = self.parent_of(path)?;
        match mkdirat(&parent, name, Mode::from_raw_mode(mode)) {
            Ok(()) => Ok(()),
            // Listed twice, unless it is something else.
            Err(Errno::EXIST) => open_beneath(&self.root, path, DIRECTORY)
                .map(drop)
                .map_err(|_| self.twice(path)),
            Err(error) => Err(self.disk("create", path, error)),
        }
    }

    fn twice(&self, path: &Path) -> UnpackError {
        self.refused(path, "comes twice, or leads through a link or a file")
    }

    /// The directory that holds `path`, reached without following a link.
    fn parent_of<'a>(&self, path: &'a Path) -> Result<(OwnedFd, &'a OsStr), UnpackError> {
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let opened = open_beneath(&self.root, parent, DIRECTORY).map_err(|error| match error {
            Errno::LOOP | Errno::XDEV | Errno::NOTDIR => self.refused(path, "leads through a link or a file"),
            error => self.disk("open", parent, error),
        })?;
        Ok((opened, path.file_name().unwrap_or_default()))
    }

    fn disk(&self, doing: &str, path: &Path, error: Errno) -> UnpackError {
        UnpackError::disk(doing, &self.path.join(path), &error.into())
    }

    /// A file, made durable.
    pub fn file(&mut self, path: &Path, mode: u32, content: &mut dyn Read) -> Result<(), UnpackError> {
        self.count()?;
        if path.as_os_str().is_empty() {
            return Err(self.refused(path, "has no name"));
        }
        self.above(path)?;
        let (parent, name) = self.parent_of(path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match openat(&parent, name, flags, Mode::from_raw_mode(0o600)) {
            Ok(file) => File::from(file),
            Err(Errno::EXIST) => return Err(self.twice(path)),
            Err(error) => return Err(self.disk("create", path, error)),
        };
        self.copy(path, content, &file)?;
        self.filled = true;
        let done = fchmod(&file, Mode::from_raw_mode(mode & 0o755 | 0o600)).and_then(|()| fsync(&file));
        done.map_err(|error| self.disk("make durable", path, error))?;
        crash::point("deploy.unpacking");
        Ok(())
    }

    fn copy(&mut self, path: &Path, content: &mut dyn Read, mut file: &File) -> Result<(), UnpackError> {
        let mut piece = vec![0; 1 << 16];
        loop {
            let read = content.read(&mut piece).map_err(|error| self.broken(&error))?;
            if read == 0 {
                return Ok(());
            }
            self.weigh(read as u64)?;
            file.write_all(piece.get(..read).unwrap_or_default())
                .map_err(|error| UnpackError::disk("write", &self.path.join(path), &error))?;
        }
    }

    /// Counts bytes that are about to be written.
    fn weigh(&mut self, bytes: u64) -> Result<(), UnpackError> {
        if self.stop.is_cancelled() {
            return Err(UnpackError::Interrupted);
        }
        self.expect(bytes)?;
        self.bytes += bytes;
        self.from_artifact += bytes;
        Ok(())
    }

    /// Whether `bytes` more would be within the limits: an archive says a file's size before it comes, and may lie.
    pub fn expect(&self, bytes: u64) -> Result<(), UnpackError> {
        let (all, of_it) = (self.bytes.saturating_add(bytes), self.from_artifact.saturating_add(bytes));
        if all > self.limits.bytes {
            return Err(self.too_much(format!(
                "it unpacks to more than {} bytes; raise --max-bytes if that is right",
                self.limits.bytes
            )));
        }
        if of_it > SMALL && of_it / self.limits.ratio.max(1) > self.packed {
            return Err(self.too_much(format!(
                "it unpacks to more than {} times its {} bytes, as a bomb does; raise --max-ratio if that is right",
                self.limits.ratio, self.packed
            )));
        }
        Ok(())
    }

    /// A symlink; where it leads is looked at once all is there.
    pub fn symlink(&mut self, path: &Path, target: &Path) -> Result<(), UnpackError> {
        self.count()?;
        if target.is_absolute() {
            return Err(self.refused(path, "is a link to an absolute path"));
        }
        let mut depth = path.components().count().saturating_sub(1);
        for part in target.components() {
            match part {
                Component::Normal(_) => depth += 1,
                Component::ParentDir if depth == 0 => return Err(self.refused(path, "is a link out of the release")),
                Component::ParentDir => depth -= 1,
                _ => {}
            }
        }
        self.above(path)?;
        let (parent, name) = self.parent_of(path)?;
        match symlinkat(target, &parent, name) {
            Ok(()) => {}
            Err(Errno::EXIST) => return Err(self.twice(path)),
            Err(error) => return Err(self.disk("create", path, error)),
        }
        self.filled = true;
        self.links.push((self.artifact.clone(), path.to_path_buf()));
        Ok(())
    }

    /// A hard link, as a copy of the file that it names, which must have come before.
    pub fn hardlink(&mut self, path: &Path, raw_target: &[u8], mode: u32) -> Result<(), UnpackError> {
        let out = |_| self.refused(path, "is a hard link out of the release");
        let target = self.inside(raw_target).map_err(out)?;
        let opened = open_beneath(&self.root, &target, OFlags::RDONLY | OFlags::NONBLOCK);
        let mut opened = File::from(opened.map_err(|_| self.refused(path, "is a hard link to nothing that came before it"))?);
        self.file(path, mode, &mut opened)
    }

    /// Looks where the links lead now that all is there, and makes the directories durable.
    pub fn seal(self) -> Result<Unpacked, UnpackError> {
        for (artifact, link) in &self.links {
            let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
            let leads = openat2(&self.root, link, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve);
            // One that leads nowhere may be filled by the service when it runs; it was seen to stay inside.
            if let Err(Errno::XDEV | Errno::LOOP) = leads {
                return Err(UnpackError::Unsafe {
                    artifact: artifact.clone(),
                    entry: link.display().to_string(),
                    why: "is a link out of the release, or in a circle",
                });
            }
        }
        if !self.filled {
            return Err(self.wrong("it holds no file; build and upload it again"));
        }
        for (path, mode) in self.directories.iter().rev() {
            let done = open_beneath(&self.root, path, DIRECTORY)
                .and_then(|opened| fchmod(&opened, Mode::from_raw_mode(*mode)).and_then(|()| fsync(&opened)));
            done.map_err(|error| self.disk("make durable", path, error))?;
        }
        Ok(Unpacked {
            entries: self.entries,
            bytes: self.bytes,
        })
    }
}
