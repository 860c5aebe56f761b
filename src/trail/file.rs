//! A file that lines are appended to. Whatever rotates it renames it: a new one is begun then.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::PathBuf,
};

use super::Lines;

/// A file, opened for appending alone.
#[derive(Debug)]
pub struct LineFile {
    path: PathBuf,
    opened: Option<File>,
    /// The last line was cut, by a full disk say: the next one begins on a line of its own.
    torn: bool,
}

impl LineFile {
    /// The file at `path`; it is made where it is missing, its directory is not.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self {
            path,
            opened: None,
            torn: false,
        }
    }

    /// The file that is at the path now.
    fn now(&mut self) -> io::Result<&mut File> {
        let there = fs::metadata(&self.path).ok().map(|meta| (meta.dev(), meta.ino()));
        let held = self
            .opened
            .as_ref()
            .and_then(|file| file.metadata().ok())
            .map(|meta| (meta.dev(), meta.ino()));
        let file = match self.opened.take() {
            Some(file) if held == there => file,
            _ => {
                self.torn = false;
                OpenOptions::new().append(true).create(true).mode(0o640).open(&self.path)?
            }
        };
        Ok(self.opened.insert(file))
    }
}

impl Lines for LineFile {
    fn add(&mut self, line: &str) -> Result<(), String> {
        let before = if self.torn { "\n" } else { "" };
        // One write: what another process appends comes before it or after it.
        let text = format!("{before}{line}\n");
        let mut torn = self.torn;
        let added = self.now().and_then(|file| {
            let written = file.write(text.as_bytes())?;
            torn = written < text.len();
            if torn {
                Err(io::ErrorKind::StorageFull.into())
            } else {
                Ok(())
            }
        });
        self.torn = torn;
        added.map_err(|error| {
            format!(
                "cannot append to {} ({error}); see that its directory is there, that this user may write to it, and that the disk is not full",
                self.path.display()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_appended_and_a_renamed_file_is_left_for_a_new_one() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("audit.jsonl");
        fs::write(&path, "before\n").expect("a file");
        let mut lines = LineFile::new(path.clone());
        lines.add("one").expect("added");
        fs::rename(&path, directory.path().join("audit.jsonl.1")).expect("rotated");
        lines.add("two").expect("added");
        fs::remove_file(&path).expect("removed");
        lines.add("three").expect("added");
        let read = |name: &str| fs::read_to_string(directory.path().join(name)).expect("a file");
        assert_eq!(read("audit.jsonl.1"), "before\none\n");
        assert_eq!(read("audit.jsonl"), "three\n");
        assert_eq!(fs::metadata(&path).expect("a file").mode() & 0o777, 0o640);
    }

    #[test]
    fn what_cannot_be_written_is_told_and_written_again_later() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("logs/audit.jsonl");
        let mut lines = LineFile::new(path.clone());
        let told = lines.add("one").expect_err("no directory");
        assert!(
            told.contains("logs/audit.jsonl (No such file") && told.contains("see that its directory is there"),
            "{told}"
        );
        fs::create_dir(directory.path().join("logs")).expect("a directory");
        lines.add("two").expect("added");
        assert_eq!(fs::read_to_string(&path).expect("a file"), "two\n");
        let full = LineFile::new(PathBuf::from("/dev/full"))
            .add("three")
            .expect_err("a full disk");
        assert!(full.contains("No space left on device"), "{full}");
    }
}
