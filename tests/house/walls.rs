//! The walls: which room may name which, and which crates (the map is in ARCHITECTURE.md).

use std::collections::BTreeSet;

use super::{
    source::{Source, hold, sources},
    tree::of_tests,
};

/// Every room but the top one, from the ground up: whatever may name all rooms below it may name a beginning of this.
const EVERY_ROOM: [&str; 23] = [
    "words",
    "policy",
    "manifest",
    "question",
    "count",
    "judge",
    "decide",
    "record",
    "explain",
    "engine",
    "ports",
    "host",
    "kubernetes",
    "prometheus",
    "fetch",
    "registry",
    "alert",
    "trail",
    "history",
    "web",
    "settings",
    "app",
    "demo",
];
/// Rooms without async, IO, clock, logging and randomness.
const PURE: &[&str] = EVERY_ROOM.split_at(10).0;
/// What an adapter may name: the pure rooms and `ports`.
const BELOW_ADAPTERS: &[&str] = EVERY_ROOM.split_at(11).0;
const BELOW_APP: &[&str] = EVERY_ROOM.split_at(21).0;
const BELOW_DEMO: &[&str] = EVERY_ROOM.split_at(22).0;

/// Whom each room may name beside itself.
const MAY_NAME: [(&str, &[&str]); 25] = [
    ("words", &[]),
    ("policy", &["words"]),
    ("manifest", &["words", "policy"]),
    ("question", &["words", "policy"]),
    ("count", &["words", "policy", "question"]),
    ("judge", &["words", "policy"]),
    ("decide", &["words", "policy", "judge"]),
    ("record", &["words", "policy", "manifest", "judge", "decide"]),
    ("explain", &["words", "policy", "manifest", "judge", "decide", "record"]),
    (
        "engine",
        &[
            "words", "policy", "manifest", "question", "count", "judge", "decide", "record",
        ],
    ),
    ("ports", PURE),
    ("host", BELOW_ADAPTERS),
    ("kubernetes", BELOW_ADAPTERS),
    ("prometheus", BELOW_ADAPTERS),
    ("fetch", BELOW_ADAPTERS),
    ("registry", BELOW_ADAPTERS),
    ("alert", BELOW_ADAPTERS),
    ("trail", BELOW_ADAPTERS),
    ("history", BELOW_ADAPTERS),
    ("web", BELOW_ADAPTERS),
    ("settings", &["words", "policy", "explain"]),
    ("app", BELOW_APP),
    ("demo", BELOW_DEMO),
    ("cli", &EVERY_ROOM),
    ("main", &["cli", "lastgood"]),
];

/// What no pure room names: the outside world, async, clocks, logs, chance.
const OUTSIDE: [&str; 24] = [
    "tokio::",
    "tokio_util::",
    "futures::",
    "axum::",
    "reqwest::",
    "hyper::",
    "zbus::",
    "kube::",
    "k8s_openapi::",
    "rusqlite::",
    "refinery::",
    "rustix::",
    "inotify::",
    "sd_notify::",
    "tracing::",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::os::",
    "async fn",
];

/// Crates that belong to one kind of outside world, and the rooms that may name them.
const CRATES: [(&str, &[&str]); 18] = [
    ("zbus::", &["host"]),
    ("inotify::", &["host"]),
    ("kube::", &["kubernetes"]),
    ("k8s_openapi::", &["kubernetes"]),
    ("json_patch::", &["kubernetes"]),
    ("tar::", &["host"]),
    ("zip::", &["host"]),
    ("zstd::", &["host"]),
    ("flate2::", &["host", "kubernetes"]),
    ("indicatif::", &["cli"]),
    ("rusqlite::", &["history"]),
    ("refinery::", &["history"]),
    ("prometheus_http_query::", &["prometheus"]),
    ("prometheus_client::", &["web", "app", "demo"]),
    ("axum::", &["web", "demo"]),
    ("sd_notify::", &["app"]),
    ("clap::", &["cli"]),
    ("anyhow::", &["app", "cli", "main"]),
];

/// Every file of the rooms but those that only tests have: a test may look wherever it likes.
fn rooms() -> Vec<Source> {
    let mut rooms = sources(&["src"]);
    let tests = of_tests(&rooms);
    let in_tests = |path: &str| {
        let module = path.trim_end_matches(".rs");
        tests
            .iter()
            .any(|test| module == test || module.starts_with(&format!("{test}/")))
    };
    rooms.retain(|source| source.path != "src/lib.rs" && !in_tests(&source.path));
    rooms
}

/// The rooms that `code`, in `room`, names: `crate::x`, `crate::{x, y::{…}}`, `lastgood::x`.
fn named(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for path in ["crate::", "lastgood::"] {
        for (at, _) in code.match_indices(path) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
                continue;
            }
            heads(&code[at + path.len()..], &mut names);
        }
    }
    names
}

/// The first segments of a use tree: of `a::b` it is `a`, of `{a::{b}, c}` they are `a` and `c`.
fn heads(tree: &str, names: &mut BTreeSet<String>) {
    let word = |text: &str| -> String { text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let Some(inner) = tree.strip_prefix('{') else {
        names.insert(word(tree));
        return;
    };
    let mut depth = 0_usize;
    let mut item = String::new();
    for c in inner.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.insert(word(item.trim()));
                item.clear();
                continue;
            }
            _ => {}
        }
        item.push(c);
    }
    names.insert(word(item.trim()));
    names.remove("");
}

/// The rooms that a file reaches by climbing out of its own with `super::`.
fn climbs_out(source: &Source) -> bool {
    // src/ROOM/a/b.rs and src/ROOM/a/mod.rs: how many modules deep the file's own module lies below the crate's root.
    let inner = source
        .path
        .trim_start_matches("src/")
        .trim_end_matches(".rs")
        .trim_end_matches("/mod");
    let depth = inner.split('/').count();
    source.own().contains(&"super::".repeat(depth))
}

#[test]
fn each_room_names_only_rooms_below_it() {
    let mut faults = Vec::new();
    for source in rooms() {
        let Some(room) = source.room() else { continue };
        let Some((_, allowed)) = MAY_NAME.iter().find(|(name, _)| *name == room) else {
            faults.push(format!("{}: the room `{room}` is not on the map", source.path));
            continue;
        };
        for name in named(source.own()) {
            if name != room && !allowed.contains(&name.as_str()) && EVERY_ROOM.contains(&name.as_str()) {
                faults.push(format!(
                    "{}: `{room}` names `{name}`; it may name {}",
                    source.path,
                    allowed.join(", ")
                ));
            }
        }
        if climbs_out(&source) {
            faults.push(format!(
                "{}: climbs out of its room with `super::`; write `crate::ROOM`",
                source.path
            ));
        }
    }
    hold(
        &faults,
        "The walls: words <- policy <- {manifest, question, count, judge} <- decide <- record <- {explain, engine} || ports <- adapters <- app <- cli <- main.\n\
         Adapters never name each other. Move what is shared down, or pass it in; a new edge needs a reason in ARCHITECTURE.md.",
    );
}

#[test]
fn pure_rooms_name_no_outside_world() {
    let mut faults = Vec::new();
    for source in rooms()
        .iter()
        .filter(|source| source.room().is_some_and(|room| PURE.contains(&room)))
    {
        for outside in OUTSIDE.iter().filter(|outside| names(source.own(), outside)) {
            faults.push(format!("{}: names `{}`", source.path, outside.trim_end_matches("::")));
        }
    }
    hold(
        &faults,
        "Pure rooms know no async, IO, clock, logging or chance: `now`, seeds and whatever was read are arguments.",
    );
}

#[test]
fn each_outside_world_has_one_door() {
    let mut faults = Vec::new();
    for source in rooms() {
        let room = source.room().unwrap_or_default();
        for (name, doors) in CRATES {
            if !doors.contains(&room) && names(source.own(), name) {
                let name = name.trim_end_matches("::");
                faults.push(format!(
                    "{}: names `{name}`, which belongs to {}",
                    source.path,
                    doors.join(", ")
                ));
            }
        }
    }
    hold(
        &faults,
        "Each outside world has one door: the room that owns the crate speaks to it, all others through `ports`.",
    );
}

/// Whether `code` names `path` as a path of its own, and not as the end of a longer one.
fn names(code: &str, path: &str) -> bool {
    code.match_indices(path).any(|(at, _)| {
        let before = &code[..at];
        !before.ends_with("::") && !before.ends_with(|c: char| c.is_alphanumeric() || c == '_')
    })
}

#[test]
fn the_walls_see_every_way_to_name_a_room() {
    let code = "use crate::{\n    app::{a, b},\n    web,\n};\nfn f() { crate::host::x(); mycrate::cli::y(); crate::words::Z }";
    let found: Vec<String> = named(code).into_iter().collect();
    assert_eq!(found, ["app", "host", "web", "words"]);
    assert!(names("tokio::spawn", "tokio::") && !names("my_tokio::x; a::tokio::x", "tokio::"));
}
