//! The tree of modules: what a file declares, and which files that may mean.

use super::source::{Source, root};

/// What the code declares: keyword and name. The flags that all commands share may be called `Common`: they are what they have in common.
pub fn declared(code: &str) -> Vec<(&'static str, String)> {
    let mut names = Vec::new();
    for keyword in ["mod", "struct", "enum", "trait", "type"] {
        for (at, found) in code.match_indices(&format!("{keyword} ")) {
            if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let name: String = code[at + found.len()..]
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if name != "Common" {
                names.push((keyword, name));
            }
        }
    }
    names
}

/// Crate roots: the library, the binary, and each target of `tests` and `benches`.
pub fn is_root(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["src", file] => matches!(*file, "lib.rs" | "main.rs"),
        ["src", "bin", ..] => true,
        ["tests" | "benches", _] => true,
        ["tests" | "benches", _, "main.rs"] => true,
        _ => named_target(path),
    }
}

/// A target that Cargo.toml names by its path.
fn named_target(path: &str) -> bool {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    manifest.contains(&format!("path = \"{path}\""))
}

/// The files that a source's `mod` declarations may name.
pub fn children(source: &Source) -> Vec<String> {
    let folder = folder(source);
    let mut files: Vec<String> = declared(&source.code)
        .into_iter()
        .filter(|(keyword, _)| *keyword == "mod")
        .flat_map(|(_, name)| [format!("{folder}/{name}.rs"), format!("{folder}/{name}/mod.rs")])
        .collect();
    // `#[path = "…"]` is a literal, so it is looked up in the text.
    for (_, rest) in source
        .text
        .match_indices("#[path = \"")
        .map(|(at, found)| source.text.split_at(at + found.len()))
    {
        if let Some((path, _)) = rest.split_once('"') {
            let near = source.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            files.push(normal(&format!("{near}/{path}")));
        }
    }
    files
}

/// `a/b/../c` as `a/c`.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            ".." => {
                parts.pop();
            }
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Where the files of a source's modules lie.
fn folder(source: &Source) -> String {
    match source.path.rsplit_once('/') {
        Some((folder, "mod.rs" | "lib.rs")) => folder.to_owned(),
        Some((folder, _)) if is_root(&source.path) => folder.to_owned(),
        _ => source.path.trim_end_matches(".rs").to_owned(),
    }
}

/// The paths, without `.rs`, of modules that only tests have: those declared under `#[cfg(test)]`.
pub fn of_tests(all: &[Source]) -> Vec<String> {
    let mut paths = Vec::new();
    for source in all {
        for (at, mark) in source.code.match_indices("#[cfg(test)]\n") {
            let line = source.code[at + mark.len()..].lines().next().unwrap_or_default().trim();
            let name = line.split_once("mod ").and_then(|(_, name)| name.strip_suffix(';'));
            paths.extend(name.map(|name| format!("{}/{name}", folder(source))));
        }
    }
    paths
}
