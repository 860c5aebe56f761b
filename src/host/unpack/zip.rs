//! zip archives: stored or deflated; only files, directories and symlinks.

use std::{
    ffi::OsStr,
    io::{Read, Seek},
    os::unix::ffi::OsStrExt,
    path::Path,
};

use zip::{ZipArchive, result::ZipError};

use super::{UnpackError, tree::Tree};

const KIND: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;
const SYMLINK: u32 = 0o120_000;
/// Linux knows no longer path.
const LONGEST_PATH: u64 = 4096;

/// Unpacks all of it.
pub(super) fn unpack(tree: &mut Tree, packed: impl Read + Seek) -> Result<(), UnpackError> {
    let broken = |tree: &Tree, error: ZipError| tree.wrong(&format!("{error}; build and upload it again"));
    let mut archive = ZipArchive::new(packed).map_err(|error| broken(tree, error))?;
    if archive.len() as u64 > tree.most_entries() {
        return Err(tree.too_many());
    }
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|error| broken(tree, error))?;
        let path = tree.inside(entry.name_raw())?;
        let mode = entry.unix_mode().unwrap_or(if entry.is_dir() { 0o755 } else { 0o644 });
        match mode & KIND {
            _ if entry.is_dir() => {
                tree.count()?;
                tree.directory(&path, mode)?;
            }
            0 | REGULAR => {
                tree.expect(entry.size())?;
                tree.file(&path, mode, &mut entry)?;
            }
            DIRECTORY => tree.directory(&path, mode)?,
            SYMLINK => {
                let mut target = Vec::new();
                let read = entry.take(LONGEST_PATH).read_to_end(&mut target);
                read.map_err(|error| tree.broken(&error))?;
                tree.symlink(&path, Path::new(OsStr::from_bytes(&target)))?;
            }
            _ => return Err(tree.refused(&path, "is a device, a pipe or a socket")),
        }
    }
    Ok(())
}
