//! What is tracked knows no machine and no mirror.

use std::process::Command;

use super::source::{hold, root};

/// The files that git tracks, or, in a copy without git, none.
fn tracked() -> Vec<String> {
    let output = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output();
    let Some(output) = output.ok().filter(|output| output.status.success()) else {
        return Vec::new();
    };
    let names = String::from_utf8_lossy(&output.stdout).into_owned();
    names.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[test]
fn tracked_files_know_no_machine() {
    let files = tracked();
    if files.is_empty() {
        println!("skipped: tracked_files_know_no_machine: not a git checkout");
        return;
    }
    // In halves, as this file is tracked too.
    let places = [concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/wo", "rk/")];
    let mut faults = Vec::new();
    for file in files {
        let Ok(text) = std::fs::read_to_string(root().join(&file)) else {
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            let host = registry_host(line).filter(|_| file != "Cargo.lock");
            let place = places.iter().copied().find(|place| names_place(line, place));
            if let Some(found) = place.map(str::to_owned).or(host) {
                faults.push(format!("{file}:{}: {found}", number + 1));
            }
        }
    }
    hold(
        &faults,
        "Tracked files name no path of one machine and no host of a registry's mirror.",
    );
}

/// A path that begins with `place`, not one that holds it further in.
fn names_place(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        !line[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '/' | '}' | '*' | '$'))
    })
}

/// A `source` or `registry` that is fetched from elsewhere than crates.io.
fn registry_host(line: &str) -> Option<String> {
    let index = concat!("sparse", "+http");
    let replaced = concat!("replace", "-with");
    let lists = concat!("sources", ".list");
    [index, replaced, lists]
        .iter()
        .find(|mark| line.contains(**mark))
        .map(|mark| (*mark).to_owned())
}

#[test]
fn cargo_lock_knows_one_registry() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock");
    let faults: Vec<String> = lock
        .lines()
        .filter(|line| line.starts_with("source = ") && !line.contains("github.com/rust-lang/crates.io-index\""))
        .map(str::to_owned)
        .collect();
    hold(&faults, "Every crate comes from crates.io.");
}
