//! `release.json`, as far as it says which files make a release.

use std::{
    fs::File,
    io,
    os::unix::fs::MetadataExt,
    path::{Component, Path, PathBuf},
};

use rustix::{fs::OFlags, io::Errno};

use super::{link::open_beneath, listing::Release, trouble::sentence};
use crate::ports::PlatformError;

/// A manifest larger than this is no manifest.
const MOST_MANIFEST_BYTES: u64 = 8 << 20;

impl Release<'_> {
    /// The paths that `release.json` lists: its key `files`, texts or objects with `path`; none without such a list.
    ///
    /// # Errors
    /// When it is there and cannot be opened.
    pub(super) fn manifest(&self, remarks: &mut Vec<String>) -> Result<Option<Vec<PathBuf>>, PlatformError> {
        let path = self.path.join("release.json");
        let file = match open_beneath(&self.root, Path::new("release.json"), OFlags::RDONLY | OFlags::NONBLOCK) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(PlatformError(sentence("read", &path, &error.into()))),
        };
        let read = |file: File| -> io::Result<serde_json::Value> {
            if file.metadata()?.size() > MOST_MANIFEST_BYTES {
                return Err(io::Error::other("it is over 8 MiB"));
            }
            Ok(serde_json::from_reader(io::BufReader::new(file))?)
        };
        let listed = match read(file) {
            Ok(value) => listed_paths(&value),
            Err(error) => {
                remarks.push(format!(
                    "`{}` is not used: {error}; all files are listed instead",
                    path.display()
                ));
                return Ok(None);
            }
        };
        if listed.is_none() {
            remarks.push(format!(
                "`{}` has no list `files` of relative paths: all files are listed instead",
                path.display()
            ));
        }
        Ok(listed)
    }
}

/// The paths of the key `files`; none where it is not a list of relative paths.
fn listed_paths(manifest: &serde_json::Value) -> Option<Vec<PathBuf>> {
    let files = manifest.get("files")?.as_array()?;
    files
        .iter()
        .map(listed_path)
        .collect::<Option<Vec<_>>>()
        .filter(|paths| !paths.is_empty())
}

/// One element of `files`: a relative path that stays inside.
fn listed_path(value: &serde_json::Value) -> Option<PathBuf> {
    let text = value
        .as_str()
        .or_else(|| value.get("path").and_then(serde_json::Value::as_str))?;
    let path: PathBuf = Path::new(text)
        .components()
        .filter(|part| *part != Component::CurDir)
        .collect();
    let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
    (inside && path.components().next().is_some()).then_some(path)
}
