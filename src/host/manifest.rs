//! `release.json`: its text, and which files it says make a release.

use std::{
    fs::File,
    io::{self, Read as _},
    os::unix::fs::MetadataExt,
    path::{Component, Path, PathBuf},
};

use rustix::{fs::OFlags, io::Errno};

use super::{
    link::{Place, open_beneath},
    listing::Release,
    trouble::sentence,
};
use crate::{policy::MAX_BYTES, ports::PlatformError, words::VersionName};

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
            // Most manifests say nothing of files: all of them make the release.
            Ok(value) if value.is_object() && value.get("files").is_none() => return Ok(None),
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

/// The text of `release.json` of the version of this name; none where there is none. A byte more than a manifest may have is read, so
/// that a larger one is refused where it is parsed.
///
/// # Errors
/// When it is there and cannot be read, or is no text.
pub(super) fn manifest_text(place: &Place, version: &VersionName) -> Result<Option<String>, PlatformError> {
    let path = place.releases.join(version.as_str()).join("release.json");
    let broken = |error: io::Error| PlatformError(sentence("read", &path, &error));
    let root = place.open_release(version).map_err(broken)?;
    let file = match open_beneath(&root, Path::new("release.json"), OFlags::RDONLY | OFlags::NONBLOCK) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(broken(error.into())),
    };
    let mut text = String::new();
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most).read_to_string(&mut text).map_err(broken)?;
    Ok(Some(text))
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
