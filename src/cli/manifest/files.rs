//! Files that were built or that were built from: their digests and sizes.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{toolchain::LOCK_FILES, unreadable};
use crate::cli::output::WrongUse;

/// A lock file and its digest.
#[derive(Debug)]
pub(super) struct Locked {
    /// Relative to the top of the sources.
    pub path: String,
    /// Hexadecimal.
    pub sha256: String,
}

/// The artifacts as a manifest lists them; each is fetched below `url`, where there is one.
///
/// # Errors
/// When one cannot be read.
pub(super) fn artifacts(paths: &[PathBuf], url: Option<&str>) -> Result<Vec<Value>, WrongUse> {
    paths.iter().map(|path| artifact(path, url)).collect()
}

fn artifact(path: &Path, url: Option<&str>) -> Result<Value, WrongUse> {
    let (sha256, size) = digest(path).map_err(|error| unreadable(path, &error))?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let mut artifact = json!({"name": name, "sha256": sha256, "size": size});
    if let (Some(url), Some(fields)) = (url, artifact.as_object_mut()) {
        let address = format!("{}/{}", url.trim_end_matches('/'), escaped(&name));
        fields.insert("url".to_owned(), json!(address));
    }
    Ok(artifact)
}

/// The lock files that were named, else those found in `root` and here, each once.
///
/// # Errors
/// When one that was named cannot be read.
pub(super) fn lock_files(root: &Path, named: &[PathBuf]) -> Result<Vec<Locked>, WrongUse> {
    let root = root.canonicalize().map_err(|error| unreadable(root, &error))?;
    let here = std::env::current_dir().map_err(|error| unreadable(Path::new("."), &error))?;
    let found = || {
        let both = [&root, &here];
        let paths = both
            .into_iter()
            .flat_map(|directory| LOCK_FILES.iter().map(|(name, _)| directory.join(name)));
        paths.filter(|path| path.is_file()).collect()
    };
    let paths: Vec<PathBuf> = if named.is_empty() { found() } else { named.to_vec() };
    let mut locked: Vec<Locked> = Vec::new();
    for path in paths {
        let whole = path.canonicalize().map_err(|error| unreadable(&path, &error))?;
        let (sha256, _) = digest(&whole).map_err(|error| unreadable(&path, &error))?;
        let inner = whole.strip_prefix(&root).unwrap_or(&path).to_string_lossy().into_owned();
        if !locked.iter().any(|other| other.path == inner) {
            locked.push(Locked { path: inner, sha256 });
        }
    }
    Ok(locked)
}

/// SHA-256 and size, read once.
fn digest(path: &Path) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let (mut hasher, mut size) = (Sha256::new(), 0_u64);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => {
                hasher.update(&buffer[..read]);
                size += u64::try_from(read).unwrap_or(u64::MAX);
            }
        }
    }
    let digest = crate::words::Fingerprint::from_sha256(&hasher.finalize().into());
    Ok((digest.as_str().trim_start_matches("sha256:").to_owned(), size))
}

/// A file name as a part of a URL.
fn escaped(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~+".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
