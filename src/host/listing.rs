//! What a release directory holds: its listing, the document that is kept of a version, and the fingerprint that comes from it.

use std::{
    collections::BTreeMap,
    fs::{self, File, Metadata},
    io,
    os::fd::OwnedFd,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    digest::Digests,
    link::{DirId, open_beneath},
    trouble::sentence,
};
use crate::{
    ports::PlatformError,
    words::{Fingerprint, VersionName},
};

/// The format of [`Listing`] that this binary writes; a newer one is refused.
const FORMAT: u32 = 1;
/// Beyond so many entries a directory is known by its name and inode only.
const MOST_FILES: usize = 10_000;
/// Beyond so many bytes a directory is known by its name and inode only.
const MOST_BYTES: u64 = 1 << 30;
/// A version's listing: the document kept in `Contents`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listing {
    /// [`FORMAT`].
    pub format: u32,
    /// The directory it was taken from.
    pub directory: DirId,
    /// What it rests on.
    pub basis: Basis,
    /// By path below the directory; empty where the basis is the inode.
    pub files: BTreeMap<String, Entry>,
}

/// What a listing rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Basis {
    /// The files that `release.json` lists.
    Manifest,
    /// All files.
    Files,
    /// Too large to read whole: name and inode.
    Inode,
}

/// One listed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Entry {
    /// A file.
    File {
        /// Whether its owner may execute it.
        executable: bool,
        /// Bytes.
        size: u64,
        /// Hexadecimal; none where lastgood may not read it.
        sha256: Option<String>,
    },
    /// A directory.
    Directory,
    /// A symlink, by the text of its target.
    Symlink {
        /// The text.
        target: String,
    },
    /// A socket, pipe or device.
    Other,
    /// Listed by `release.json`, and not there.
    Missing,
}

impl Listing {
    /// Reads a kept document.
    ///
    /// # Errors
    /// When a newer lastgood wrote it, or it is damaged.
    pub fn parse(name: &VersionName, document: &str) -> Result<Self, PlatformError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let damaged = |e| {
            PlatformError(format!(
                "the kept listing of `{name}` is damaged: {e}; restore the store from a backup"
            ))
        };
        let found: Format = serde_json::from_str(document).map_err(damaged)?;
        if found.format > FORMAT {
            return Err(PlatformError(format!(
                "the listing of `{name}` was written by a newer lastgood (format {}, this one knows up to {FORMAT}); run that version",
                found.format
            )));
        }
        serde_json::from_str(document).map_err(damaged)
    }

    /// The document to keep.
    ///
    /// # Errors
    /// Never in practice; whatever the serializer says.
    pub fn document(&self) -> Result<String, PlatformError> {
        serde_json::to_string(self).map_err(|e| PlatformError(format!("cannot write a listing: {e}; report this")))
    }

    /// SHA-256 of the sorted entries as JSON; of name and directory where it is too large to read.
    ///
    /// # Errors
    /// Never in practice; whatever the serializer says.
    pub fn fingerprint(&self, name: &VersionName) -> Result<Fingerprint, PlatformError> {
        let bytes = match self.basis {
            Basis::Inode => serde_json::to_vec(&(name, &self.directory)),
            Basis::Manifest | Basis::Files => serde_json::to_vec(&self.files),
        };
        let bytes = bytes.map_err(|e| PlatformError(format!("cannot digest a listing: {e}; report this")))?;
        Ok(Fingerprint::from_sha256(&Sha256::digest(&bytes).into()))
    }
}

/// A release directory that is open for reading.
#[derive(Debug)]
pub(super) struct Release<'a> {
    /// Its path, for people and for walking.
    pub path: &'a Path,
    /// The same, opened.
    pub root: OwnedFd,
    /// Where digests are remembered.
    pub digests: &'a Digests,
}

/// A walk that stays within the limits, or not.
struct Walk {
    files: BTreeMap<String, Entry>,
    bytes: u64,
    not_utf8: usize,
}

impl Release<'_> {
    /// Takes the listing. Files written after `activated_at` (nanoseconds since the epoch), when the link came to point here, are the
    /// service's own and not the release's, unless that would leave nothing.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn list(&self, directory: DirId, activated_at: Option<i64>) -> Result<(Listing, Vec<String>), PlatformError> {
        let mut remarks = Vec::new();
        let listed = self.manifest(&mut remarks)?;
        let basis = if listed.is_some() { Basis::Manifest } else { Basis::Files };
        let walk = match &listed {
            Some(paths) => self.walk_listed(paths)?,
            None => match self.walk(PathBuf::new(), activated_at)? {
                Some(walk) if walk.files.values().all(|entry| *entry == Entry::Directory) => self.walk(PathBuf::new(), None)?,
                walk => walk,
            },
        };
        let listing = |basis, files| Listing {
            format: FORMAT,
            directory: directory.clone(),
            basis,
            files,
        };
        let Some(walk) = walk else {
            remarks.push(format!(
                "`{}` holds over {MOST_FILES} files or 1 GiB: it is known by its name and inode, and a half-copied one is not noticed; list its files in release.json",
                self.path.display()
            ));
            return Ok((listing(Basis::Inode, BTreeMap::new()), remarks));
        };
        if walk.not_utf8 > 0 {
            remarks.push(format!(
                "{} files with names that are not UTF-8 are left out of the listing",
                walk.not_utf8
            ));
        }
        remarks.extend(unread(&walk.files));
        Ok((listing(basis, walk.files), remarks))
    }

    fn walk_listed(&self, paths: &[PathBuf]) -> Result<Option<Walk>, PlatformError> {
        let mut whole = Walk::new();
        for path in paths {
            match self.entry(path)? {
                Some(Entry::Directory) => {
                    let Some(below) = self.walk(path.clone(), None)? else {
                        return Ok(None);
                    };
                    whole.bytes += below.bytes;
                    whole.not_utf8 += below.not_utf8;
                    whole.files.extend(below.files);
                }
                found => whole.add(path, found.unwrap_or(Entry::Missing)),
            }
            if whole.too_large() {
                return Ok(None);
            }
        }
        Ok(Some(whole))
    }

    /// All below `start`; none once it is too large.
    fn walk(&self, start: PathBuf, activated_at: Option<i64>) -> Result<Option<Walk>, PlatformError> {
        let mut whole = Walk::new();
        let mut open = vec![start];
        while let Some(directory) = open.pop() {
            for path in self.names(&directory)? {
                let full = self.path.join(&path);
                let Some(meta) =
                    vanished(fs::symlink_metadata(&full)).map_err(|e| PlatformError(sentence("look at", &full, &e)))?
                else {
                    continue;
                };
                let written = meta.mtime() * 1_000_000_000 + meta.mtime_nsec();
                if !meta.is_dir() && activated_at.is_some_and(|at| written > at) {
                    continue;
                }
                if whole.bytes.saturating_add(meta.size()) > MOST_BYTES && meta.is_file() {
                    return Ok(None);
                }
                let Some(entry) = self.entry_of(&path, &meta)? else { continue };
                if entry == Entry::Directory {
                    open.push(path.clone());
                }
                whole.add(&path, entry);
                if whole.too_large() {
                    return Ok(None);
                }
            }
        }
        Ok(Some(whole))
    }

    fn names(&self, directory: &Path) -> Result<Vec<PathBuf>, PlatformError> {
        let full = self.path.join(directory);
        let read = || -> io::Result<Vec<PathBuf>> {
            let Some(entries) = vanished(fs::read_dir(&full))? else {
                return Ok(Vec::new());
            };
            entries.map(|entry| Ok(directory.join(entry?.file_name()))).collect()
        };
        read().map_err(|error| PlatformError(sentence("list", &full, &error)))
    }

    /// What is at `path` below the directory; none where nothing is.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn entry(&self, path: &Path) -> Result<Option<Entry>, PlatformError> {
        let full = self.path.join(path);
        match vanished(fs::symlink_metadata(&full)) {
            Ok(Some(meta)) => self.entry_of(path, &meta),
            Ok(None) => Ok(None),
            Err(error) => Err(PlatformError(sentence("look at", &full, &error))),
        }
    }

    fn entry_of(&self, path: &Path, meta: &Metadata) -> Result<Option<Entry>, PlatformError> {
        let full = self.path.join(path);
        let kind = meta.file_type();
        if kind.is_dir() {
            return Ok(Some(Entry::Directory));
        }
        if kind.is_symlink() {
            let text = vanished(fs::read_link(&full)).map_err(|e| PlatformError(sentence("read the link", &full, &e)))?;
            return Ok(text.map(|text| Entry::Symlink {
                target: text.to_string_lossy().into_owned(),
            }));
        }
        if !kind.is_file() {
            return Ok(Some(Entry::Other));
        }
        let sha256 = match open_beneath(&self.root, path, OFlags::RDONLY | OFlags::NONBLOCK) {
            Ok(file) => {
                let digest = self
                    .digests
                    .of(File::from(file))
                    .map_err(|e| PlatformError(sentence("read", &full, &e)))?;
                Some(
                    Fingerprint::from_sha256(&digest)
                        .as_str()
                        .trim_start_matches("sha256:")
                        .to_owned(),
                )
            }
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(rustix::io::Errno::ACCESS | rustix::io::Errno::PERM) => None,
            Err(error) => return Err(PlatformError(sentence("read", &full, &error.into()))),
        };
        Ok(Some(Entry::File {
            executable: meta.mode() & 0o100 != 0,
            size: meta.size(),
            sha256,
        }))
    }
}

impl Walk {
    fn new() -> Self {
        Self {
            files: BTreeMap::new(),
            bytes: 0,
            not_utf8: 0,
        }
    }

    fn add(&mut self, path: &Path, entry: Entry) {
        if let Entry::File { size, .. } = &entry {
            self.bytes = self.bytes.saturating_add(*size);
        }
        match path.to_str() {
            Some(text) => {
                self.files.insert(text.to_owned(), entry);
            }
            None => self.not_utf8 += 1,
        }
    }

    fn too_large(&self) -> bool {
        self.files.len() > MOST_FILES || self.bytes > MOST_BYTES
    }
}

/// `None` for what is gone: the service may delete its own files while we look.
fn vanished<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

fn unread(files: &BTreeMap<String, Entry>) -> Option<String> {
    let mut closed = files
        .iter()
        .filter(|(_, entry)| matches!(entry, Entry::File { sha256: None, .. }))
        .map(|(path, _)| path);
    let first = closed.next()?;
    Some(format!(
        "lastgood may not read `{first}` and {} others: they are known by their size only; let its user read them",
        closed.count()
    ))
}
