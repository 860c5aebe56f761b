//! The files that the rules read, and how a file's own code is told from its comments, strings and tests.

use std::path::{Path, PathBuf};

/// A Rust file of this package.
pub struct Source {
    /// Its path from the package's root, with forward slashes.
    pub path: String,
    /// The file as it is.
    pub text: String,
    /// The same without what comments and literals say: blanks in their place, so that lines stay where they are.
    pub code: String,
}

impl Source {
    /// The code before the file's inline tests, which stand at its end.
    pub fn own(&self) -> &str {
        let end = self.code.find("#[cfg(test)]\nmod tests {").unwrap_or(self.code.len());
        &self.code[..end]
    }

    /// The room of `src` that it belongs to; `main` and `lib` for the two files beside the rooms.
    pub fn room(&self) -> Option<&str> {
        let inner = self.path.strip_prefix("src/")?;
        Some(
            inner
                .split_once('/')
                .map_or_else(|| inner.trim_end_matches(".rs"), |(room, _)| room),
        )
    }
}

/// The package's root, as cargo says when it runs the tests: the same binary can read another checkout.
pub fn root() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

/// Every Rust file below `folders`, in order.
pub fn sources(folders: &[&str]) -> Vec<Source> {
    let mut paths = Vec::new();
    for folder in folders {
        collect(&root().join(folder), &mut paths);
    }
    paths.sort();
    let sources: Vec<Source> = paths.iter().map(|path| read(path)).collect();
    assert!(!sources.is_empty(), "no Rust file found below {folders:?}");
    sources
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

fn read(path: &Path) -> Source {
    let text = std::fs::read_to_string(path).expect("a readable file");
    let inner = path.strip_prefix(root()).expect("a path below the root");
    Source {
        path: inner.to_string_lossy().into_owned(),
        code: super::code::only(&text),
        text,
    }
}

/// Fails with every fault and the rule's sentence.
pub fn hold(faults: &[String], rule: &str) {
    assert!(faults.is_empty(), "\n  {}\n\n{rule}\n", faults.join("\n  "));
}
