//! What is linked: one of each, and nothing that was refused (deny.toml holds the licences).

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use super::source::{hold, root};

/// Every package that is built on any platform, tests included, with its versions. Cargo.lock holds more: what optional features of others
/// would bring.
fn packages() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--locked",
            "--target",
            "all",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut packages: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let mut words = line.split_whitespace().map(str::to_owned);
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            packages.entry(name).or_default().insert(version);
        }
    }
    assert!(packages.contains_key("lastgood"), "cargo tree is not read as it is written");
    packages
}

#[test]
fn there_is_one_http_stack_one_tls_and_one_runtime() {
    let packages = packages();
    let faults: Vec<String> = ["reqwest", "rustls", "hyper", "tokio", "libsqlite3-sys", "jiff"]
        .iter()
        .filter(|name| packages.get(**name).is_some_and(|versions| versions.len() > 1))
        .map(|name| {
            let versions: Vec<&str> = packages[*name].iter().map(String::as_str).collect();
            format!("{name}: {}", versions.join(", "))
        })
        .collect();
    hold(
        &faults,
        "One version each of reqwest, rustls, hyper, tokio, SQLite and jiff: two do not know each other's types or providers.",
    );
}

#[test]
fn nothing_that_was_refused_is_linked() {
    let refused = ["ring", "openssl", "openssl-sys", "native-tls", "serde_yaml", "chrono"];
    let packages = packages();
    let faults: Vec<String> = refused
        .iter()
        .filter(|name| packages.contains_key(**name))
        .map(|name| (*name).to_owned())
        .collect();
    hold(
        &faults,
        "Not linked: ring and OpenSSL (TLS is aws-lc-rs), serde_yaml (archived), chrono (time is jiff).",
    );
}
