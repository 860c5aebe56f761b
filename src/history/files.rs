//! The files of the store: made private, and held by one lastgood at a time.

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use crate::ports::HistoryError;

/// The lock on a store; let go when it is dropped, or when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held, not used: closing the file lets the lock go")] File);

/// Makes the directory of the store (its last part only: a mistyped path is not built) and the file, both for the owner alone.
pub(super) fn prepare(path: &Path) -> Result<(), HistoryError> {
    let directory = directory(path);
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(HistoryError::Unavailable(format!(
                "the directory of the store, {}, is missing and cannot be made ({error}); make it, writable for the user that runs \
                 lastgood, or name another file in store.url",
                directory.display()
            )));
        }
        Ok(()) | Err(_) => {}
    }
    private(path).map(drop)
}

/// Takes the lock of the store at `path`.
pub(super) fn lock(path: &Path) -> Result<Lock, HistoryError> {
    let lock_path = beside(path);
    let mut file = private(&lock_path)?;
    match file.try_lock() {
        Ok(()) => {
            // On a full disk the pid cannot be noted; the lock holds all the same.
            let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
            Ok(Lock(file))
        }
        Err(TryLockError::WouldBlock) => Err(HistoryError::Unavailable(format!(
            "the store {} is in use by another lastgood ({}); ask that one through its socket, or end it",
            path.display(),
            holder(&mut file)
        ))),
        Err(TryLockError::Error(error)) => Err(unwritable(&lock_path, &error)),
    }
}

fn holder(file: &mut File) -> String {
    let mut pid = String::new();
    let read = file
        .seek(SeekFrom::Start(0))
        .and_then(|_| file.take(20).read_to_string(&mut pid));
    match read {
        Ok(_) if pid.parse::<u32>().is_ok() => format!("pid {pid}"),
        _ => "its pid is not known".to_owned(),
    }
}

fn private(path: &Path) -> Result<File, HistoryError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> HistoryError {
    HistoryError::Unavailable(format!(
        "{} cannot be written ({error}); see that the user that runs lastgood has write permission to it and its directory and that the \
         disk is not full, or name another file in store.url",
        path.display()
    ))
}

fn directory(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}
