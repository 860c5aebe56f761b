//! What every file keeps: its first line, its place in the tree, the clock's door, the words that are not used.

use std::collections::BTreeSet;

use super::{
    source::{Source, hold, sources},
    tree::{children, declared, is_root},
};

const EVERYWHERE: [&str; 3] = ["src", "tests", "benches"];

#[test]
fn every_file_opens_with_what_it_is_for() {
    let faults: Vec<String> = sources(&EVERYWHERE)
        .iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| format!("{}:1: {}", source.path, source.text.lines().next().unwrap_or_default()))
        .collect();
    hold(
        &faults,
        "Line 1 of every file is its `//!` documentation: what it is for, in one sentence.",
    );
}

#[test]
fn clocks_are_read_in_one_place() {
    let clocks = ["SystemTime::now", "Instant::now", "Timestamp::now", "Zoned::now"];
    let mut faults = Vec::new();
    for source in sources(&["src"]).iter().filter(|source| source.path != "src/app/clock.rs") {
        for clock in clocks.iter().filter(|clock| source.code.contains(**clock)) {
            faults.push(format!("{}: {clock}", source.path));
        }
    }
    hold(
        &faults,
        "Clocks are read in src/app/clock.rs alone; everywhere else `now` is an argument or comes from `ports::Clock`.",
    );
}

#[test]
fn names_say_what_a_thing_is() {
    let empty = ["manager", "helper", "util", "common", "misc", "v2"];
    let said = |name: &str| {
        let lower = name.to_lowercase();
        lower
            .split('_')
            .any(|word| empty.contains(&word.trim_end_matches('s')) || empty.contains(&word))
    };
    let mut faults = Vec::new();
    for source in sources(&EVERYWHERE) {
        if source.path.split(['/', '.']).any(said) {
            faults.push(format!("{}: the file's name", source.path));
        }
        for (keyword, name) in declared(&source.code) {
            if said(&name) || empty[..3].iter().any(|word| name.to_lowercase().ends_with(word)) {
                faults.push(format!("{}: `{keyword} {name}`", source.path));
            }
        }
    }
    hold(
        &faults,
        "Names say what a thing is: no manager, helper, util, common, misc, v2.",
    );
}

#[test]
fn nothing_is_left_for_later() {
    // Written in two halves, as this file is read too.
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("HA", "CK"),
    ];
    let mut faults = Vec::new();
    for source in sources(&EVERYWHERE) {
        for (number, line) in source.text.lines().enumerate() {
            let words = || line.split(|c: char| !c.is_alphanumeric() && c != '_');
            if words().any(|word| marks.contains(&word)) {
                faults.push(format!("{}:{}: {}", source.path, number + 1, line.trim()));
            }
        }
    }
    hold(&faults, "Nothing is left for later in the code: finish it, or open an issue.");
}

#[test]
fn lints_are_expected_with_a_reason_and_never_allowed() {
    let mut faults = Vec::new();
    for source in sources(&EVERYWHERE) {
        for forbidden in [concat!("#[", "allow("), concat!("#![", "allow("), concat!("#[", "ignore")] {
            if source.code.contains(forbidden) {
                faults.push(format!("{}: {forbidden}…", source.path));
            }
        }
    }
    hold(
        &faults,
        "`#[expect(lint, reason = \"…\")]`, never `#[allow]`; a test that cannot run says `skipped:` and why, never `#[ignore]`.",
    );
}

#[test]
fn every_file_is_reached_by_a_mod() {
    let all = sources(&EVERYWHERE);
    let mut reached: BTreeSet<String> = BTreeSet::new();
    let mut waiting: Vec<&Source> = all.iter().filter(|source| is_root(&source.path)).collect();
    while let Some(source) = waiting.pop() {
        if !reached.insert(source.path.clone()) {
            continue;
        }
        let children = children(source);
        waiting.extend(all.iter().filter(|other| children.contains(&other.path)));
    }
    let faults: Vec<String> = all
        .iter()
        .filter(|source| !reached.contains(&source.path))
        .map(|source| source.path.clone())
        .collect();
    hold(
        &faults,
        "Every file is reached by a `mod`: one that is not is never compiled, so its tests never run.",
    );
}
