//! tar archives. Owners, times and special bits are not taken over; only files, directories and links are.

use std::{
    borrow::Cow,
    cell::Cell,
    io::{self, Read},
    path::{Path, PathBuf},
    rc::Rc,
};

use tar::{Archive, Entry, EntryType};

use super::{UnpackError, tree::Tree};

/// Headers, long names and padding between two files never need more, and are held in memory.
const MOST_BETWEEN: u64 = 1 << 20;

/// Hands on what it reads, within an allowance.
struct Metered<R> {
    inner: R,
    allowance: Rc<Cell<u64>>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        let left = self.allowance.get().checked_sub(read as u64);
        self.allowance
            .set(left.ok_or_else(|| io::Error::other("over 1 MiB of headers stand between two files"))?);
        Ok(read)
    }
}

/// Unpacks all of it.
pub(super) fn unpack(tree: &mut Tree, packed: impl Read) -> Result<(), UnpackError> {
    let allowance = Rc::new(Cell::new(MOST_BETWEEN));
    let mut archive = Archive::new(Metered {
        inner: packed,
        allowance: Rc::clone(&allowance),
    });
    let mut entries = archive.entries().map_err(|error| tree.broken(&error))?;
    loop {
        allowance.set(MOST_BETWEEN);
        let Some(entry) = entries.next() else { return Ok(()) };
        let mut entry = entry.map_err(|error| tree.broken(&error))?;
        // What is read of a file is counted by the tree.
        allowance.set(u64::MAX);
        one(tree, &mut entry)?;
    }
}

fn one(tree: &mut Tree, entry: &mut Entry<'_, impl Read>) -> Result<(), UnpackError> {
    let kind = entry.header().entry_type();
    let mode = entry.header().mode().map_err(|error| tree.broken(&error))?;
    let path = tree.inside(&entry.path_bytes())?;
    match kind {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            tree.expect(entry.size())?;
            tree.file(&path, mode, entry)
        }
        EntryType::Directory => {
            tree.count()?;
            tree.directory(&path, mode)
        }
        EntryType::Symlink => {
            let target = target(tree, &path, entry.link_name().map_err(|error| tree.broken(&error))?)?;
            tree.symlink(&path, &target)
        }
        EntryType::Link => {
            let target = entry.link_name_bytes().map(Cow::into_owned);
            tree.hardlink(&path, &target.unwrap_or_default(), mode)
        }
        EntryType::Char | EntryType::Block => Err(tree.refused(&path, "is a device")),
        EntryType::Fifo => Err(tree.refused(&path, "is a pipe")),
        // What is said of the whole archive, as `git archive` says its commit.
        EntryType::XGlobalHeader => Ok(()),
        _ => Err(tree.refused(&path, "is of a kind that no release needs")),
    }
}

fn target(tree: &Tree, path: &Path, target: Option<Cow<'_, Path>>) -> Result<PathBuf, UnpackError> {
    target
        .map(Cow::into_owned)
        .ok_or_else(|| tree.refused(path, "is a link to nothing"))
}
