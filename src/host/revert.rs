//! The move of `current`, in steps that can each be the last: lock, prepare, exchange and inspect, finish.
//!
//! `current` always exists: it is exchanged, never removed and made again. What comes out is inspected; if a person moved the link
//! meanwhile it goes back in, and what comes out then is inspected too, until the newest change of theirs is in place.

use std::{
    ffi::OsString,
    fs, io,
    os::{fd::OwnedFd, unix::ffi::OsStrExt},
    path::{Component, Path, PathBuf},
    time::Duration,
};

use rustix::{
    fs::{
        AtFlags, FlockOperation, Mode, OFlags, RenameFlags, flock, fstat, fsync, open, openat, renameat_with, symlinkat, unlinkat,
    },
    io::Errno,
};

use super::{
    link::{DirId, Place, Pointed},
    trouble::sentence,
};
use crate::{ports::PlatformError, words::VersionName};

/// How long another holder of the lock is waited for, in pauses of [`PAUSE`].
const PATIENCE: u32 = 200;
const PAUSE: Duration = Duration::from_millis(50);
/// A link that someone moves so often within a moment is not fought over.
const MOST_EXCHANGES: usize = 1_000;

/// The advisory lock on the releases; ends when dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _held: OwnedFd,
}

/// What an exchange came to.
#[derive(Debug)]
pub(super) enum Exchanged {
    /// The bad version came out; `current` is moved.
    Moved,
    /// Something else came out, and is back in place.
    PutBack,
}

/// A prepared move: a link beside `current` that is not there yet.
#[derive(Debug)]
pub(super) struct Move<'a> {
    place: &'a Place,
    parent: OwnedFd,
    temporary: OsString,
    /// Holds our link's inode, so that no other link can get its number while we compare.
    ours: OwnedFd,
}

impl Place {
    /// Takes the lock on the releases that a deploy script may take too (`flock`), waiting up to ten seconds.
    ///
    /// # Errors
    /// When it stays taken, or the releases cannot be opened.
    pub async fn lock(&self) -> Result<Lock, PlatformError> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let held = open(&self.releases, flags, Mode::empty())
            .map_err(|error| PlatformError(sentence("open", &self.releases, &error.into())))?;
        for _ in 0..PATIENCE {
            match flock(&held, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Lock { _held: held }),
                Err(Errno::WOULDBLOCK | Errno::INTR) => tokio::time::sleep(PAUSE).await,
                Err(error) => return Err(PlatformError(sentence("lock", &self.releases, &error.into()))),
            }
        }
        Err(PlatformError(format!(
            "`{}` has been locked by another program for ten seconds; end it (`lsof` names it), then try again",
            self.releases.display()
        )))
    }

    /// The directory that holds `current`, opened.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open_parent(&self) -> Result<OwnedFd, PlatformError> {
        open(
            &self.parent,
            OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .map_err(|error| PlatformError(sentence("open", &self.parent, &error.into())))
    }

    /// The beginning of the names of our own links beside `current`.
    pub fn temporary_prefix(&self) -> OsString {
        let mut name = OsString::from(".");
        name.push(&self.name);
        name.push(".lastgood-");
        name
    }

    /// The text of a link to `to` in the manner of the one that it replaces: relative or absolute, the same way there.
    pub fn text_like(&self, replaced: &Pointed, to: &VersionName) -> PathBuf {
        let old = Path::new(&replaced.text);
        if old
            .file_name()
            .is_some_and(|name| name.as_bytes() == replaced.name.as_str().as_bytes())
        {
            return old.with_file_name(to.as_str());
        }
        if old.is_absolute() {
            return self.releases.join(to.as_str());
        }
        self.way_to_releases().join(to.as_str())
    }

    /// The way from the directory of `current` to the releases.
    pub fn way_to_releases(&self) -> PathBuf {
        relative(&self.parent, &self.releases)
    }
}

/// The way from one absolute directory to another, by their real paths where they can be told.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let (from, to) = (real(from), real(to));
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(to.components().skip(shared)).collect()
}

impl<'a> Move<'a> {
    /// Makes the link beside `current`, named after `label`, that points to `to`; proves that it leads to `directory`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn prepare(place: &'a Place, label: &str, text: &Path, directory: &DirId) -> Result<Self, PlatformError> {
        let parent = place.open_parent()?;
        let mut temporary = place.temporary_prefix();
        temporary.push(label);
        let path = place.parent.join(&temporary);
        remove(&parent, place, &temporary)?;
        symlinkat(text, &parent, &temporary).map_err(|error| PlatformError(sentence("create", &path, &error.into())))?;
        let ours = hold(&parent, &temporary).map_err(|error| PlatformError(sentence("open", &path, &error.into())))?;
        let prepared = Self {
            place,
            parent,
            temporary,
            ours,
        };
        match place.follow(&prepared.temporary) {
            Ok(Some(leads)) if leads.directory.is(directory) => Ok(prepared),
            found => {
                prepared.finish()?;
                let found = found.map_or_else(|error| error.0, |_| "it leads elsewhere".to_owned());
                Err(PlatformError(format!(
                    "a link `{}` would not lead to the version to put back: {found}; something changes `{}` meanwhile",
                    text.display(),
                    place.releases.display()
                )))
            }
        }
    }

    /// Exchanges the links and inspects what came out: `from`, or else it goes back in.
    ///
    /// # Errors
    /// When the links cannot be exchanged; `current` is as it was then.
    pub fn exchange(&self, from: &DirId) -> Result<Exchanged, PlatformError> {
        match self.swap() {
            Ok(()) => {}
            // A person's script is between removing `current` and making it again.
            Err(Errno::NOENT) => return Ok(Exchanged::PutBack),
            Err(error) => return Err(self.refused(error)),
        }
        let out = self.place.follow(&self.temporary);
        if matches!(&out, Ok(Some(out)) if out.directory.is(from)) {
            return Ok(Exchanged::Moved);
        }
        self.put_back().map_err(|error| self.refused(error))?;
        Ok(Exchanged::PutBack)
    }

    /// Puts back what is beside `current` now, which a person made; what comes out must be ours, else it is newer and goes back in.
    fn put_back(&self) -> Result<(), Errno> {
        let mut expected = self
            .ours
            .try_clone()
            .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        let mut in_hand = hold(&self.parent, &self.temporary)?;
        for _ in 0..MOST_EXCHANGES {
            match self.swap() {
                Ok(()) => {}
                // Removed by a person after the exchange: that is the newest of their changes.
                Err(Errno::NOENT) => return Ok(()),
                Err(error) => return Err(error),
            }
            let out = hold(&self.parent, &self.temporary)?;
            if same(&out, &expected)? {
                return Ok(());
            }
            expected = std::mem::replace(&mut in_hand, out);
        }
        Ok(())
    }

    fn swap(&self) -> Result<(), Errno> {
        renameat_with(
            &self.parent,
            &self.temporary,
            &self.parent,
            &self.place.name,
            RenameFlags::EXCHANGE,
        )
    }

    fn refused(&self, error: Errno) -> PlatformError {
        let current = self.place.current.display();
        PlatformError(match error {
            Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP => format!(
                "the file system of `{current}` cannot exchange two links (RENAME_EXCHANGE); keep it on ext4, xfs, btrfs or tmpfs"
            ),
            error => sentence("exchange", &self.place.current, &error.into()),
        })
    }

    /// Removes the link beside `current` and makes the move durable.
    ///
    /// # Errors
    /// When either fails; `current` stays as it is.
    pub fn finish(self) -> Result<(), PlatformError> {
        remove(&self.parent, self.place, &self.temporary)?;
        fsync(&self.parent).map_err(|error| PlatformError(sentence("make durable", &self.place.parent, &error.into())))
    }
}

/// Removes `name` beside `current`, if it is there.
///
/// # Errors
/// When it cannot be removed.
pub(super) fn remove(parent: &OwnedFd, place: &Place, name: &OsString) -> Result<(), PlatformError> {
    match unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(PlatformError(sentence("remove", &place.parent.join(name), &error.into()))),
    }
}

/// Opens the link itself, so that its inode lives as long as the handle.
fn hold(parent: &OwnedFd, name: &OsString) -> Result<OwnedFd, Errno> {
    openat(parent, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
}

fn same(one: &OwnedFd, other: &OwnedFd) -> Result<bool, Errno> {
    let (one, other) = (fstat(one)?, fstat(other)?);
    Ok((one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
}

impl Place {
    /// Our own links beside `current` that a crash left behind.
    ///
    /// # Errors
    /// When the directory cannot be listed.
    pub fn leftovers(&self) -> Result<Vec<OsString>, PlatformError> {
        let prefix = self.temporary_prefix();
        let list = || -> io::Result<Vec<OsString>> { fs::read_dir(&self.parent)?.map(|entry| Ok(entry?.file_name())).collect() };
        let names = list().map_err(|error| PlatformError(sentence("list", &self.parent, &error)))?;
        Ok(names
            .into_iter()
            .filter(|name| name.as_bytes().starts_with(prefix.as_bytes()))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::policy::{Activate, HostTarget};

    /// `current` points to `v2` and a move to `v1` is prepared.
    fn site() -> (tempfile::TempDir, Place) {
        let directory = tempfile::TempDir::new().expect("a directory");
        for version in ["v1", "v2", "v3", "v4"] {
            fs::create_dir_all(directory.path().join("releases").join(version)).expect("a release");
        }
        symlink("releases/v2", directory.path().join("current")).expect("a link");
        let place = Place::new(&HostTarget {
            releases: directory.path().join("releases"),
            current: directory.path().join("current"),
            activate: Activate::Command {
                command: vec!["true".to_owned()],
                timeout: Duration::from_secs(1),
            },
        });
        (directory, place)
    }

    fn id(place: &Place, version: &str) -> DirId {
        let opened = place.open_release(&version.parse().expect("a name")).expect("a release");
        super::super::link::dir_id(&opened).expect("its identity")
    }

    /// A link of a person, renamed over what is at `at`.
    fn person(place: &Place, to: &str, at: &Path) {
        let aside = place.parent.join("aside");
        symlink(to, &aside).expect("a link");
        fs::rename(&aside, at).expect("a switch");
    }

    #[test]
    fn b05_of_two_changes_of_a_person_around_the_exchange_the_newer_one_stays() {
        let (_directory, place) = site();
        let prepared = Move::prepare(&place, "x", Path::new("releases/v1"), &id(&place, "v1")).expect("a move");
        // The exchange brought the person's v3 out, and before it was put back they switched on to v4.
        person(&place, "releases/v3", &place.parent.join(&prepared.temporary));
        person(&place, "releases/v4", &place.current);
        prepared.put_back().expect("put back");
        prepared.finish().expect("finished");
        assert_eq!(fs::read_link(&place.current).expect("a link"), Path::new("releases/v4"));
    }

    #[test]
    fn b05_a_link_that_is_missing_at_the_exchange_is_left_to_the_person_who_removed_it() {
        let (_directory, place) = site();
        let prepared = Move::prepare(&place, "x", Path::new("releases/v1"), &id(&place, "v1")).expect("a move");
        fs::remove_file(&place.current).expect("removed");
        assert!(matches!(prepared.exchange(&id(&place, "v2")), Ok(Exchanged::PutBack)));
        prepared.finish().expect("finished");
        assert!(fs::symlink_metadata(&place.current).is_err());
        assert!(place.leftovers().expect("the directory").is_empty());
    }

    #[test]
    fn a_link_that_would_lead_elsewhere_is_not_prepared() {
        let (_directory, place) = site();
        let error = Move::prepare(&place, "x", Path::new("releases/v3"), &id(&place, "v1"))
            .expect_err("elsewhere")
            .0;
        assert!(error.contains("would not lead to the version to put back"), "{error}");
        assert!(place.leftovers().expect("the directory").is_empty());
    }
}
