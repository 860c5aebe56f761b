//! SHA-256 of files, remembered as long as a file's times and size stay: a look every few seconds must not read a gigabyte.

use std::{
    collections::BTreeMap,
    fs::{File, Metadata},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    sync::{Mutex, PoisonError},
};

use sha2::{Digest, Sha256};

/// How many digests are remembered; beyond it they are forgotten all at once.
const REMEMBERED: usize = 50_000;

/// Device and inode.
type Key = (u64, u64);
/// Size, modification and change time in seconds and nanoseconds.
type Stamp = (u64, i64, i64, i64, i64);

/// Digests of files.
#[derive(Debug, Default)]
pub(super) struct Digests(Mutex<BTreeMap<Key, (Stamp, [u8; 32])>>);

impl Digests {
    /// The digest of an open file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(&self, mut file: File) -> io::Result<[u8; 32]> {
        let meta = file.metadata()?;
        let (key, stamp) = ((meta.dev(), meta.ino()), stamp(&meta));
        if let Some((known, digest)) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key)
            && *known == stamp
        {
            return Ok(*digest);
        }
        let digest = read(&mut file)?;
        // A file that changed while it was read is not remembered.
        if stamp == self::stamp(&file.metadata()?) {
            let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if remembered.len() >= REMEMBERED {
                remembered.clear();
            }
            remembered.insert(key, (stamp, digest));
        }
        Ok(digest)
    }
}

fn stamp(meta: &Metadata) -> Stamp {
    (meta.size(), meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec())
}

fn read(file: &mut File) -> io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finalize().into()),
            Ok(read) => hasher.update(buffer.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
