//! What README, ARCHITECTURE, CONTRIBUTING and the pages of docs show can be run: their policies parse, their settings load, their commands exist.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod ci;

use std::{collections::BTreeMap, path::Path, process::Command};

use lastgood::{manifest, policy, settings};

const PAGES: [&str; 5] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "docs/releases.md",
    "docs/kubernetes.md",
];

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Pages whose commands have a test of their own.
const MORE_PAGES: [&str; 2] = ["docs/deploy.md", "docs/rollback.md"];

/// The blocks of code of this kind in all pages.
fn blocks(kind: &str) -> Vec<String> {
    blocks_of(&PAGES, kind)
}

fn blocks_of(pages: &[&str], kind: &str) -> Vec<String> {
    let fence = format!("```{kind}\n");
    let of_page = |name: &&str| {
        let page = page(name);
        let after = page.split(&fence).skip(1);
        after.filter_map(|rest| rest.split("```").next()).map(str::to_owned).collect()
    };
    pages.iter().flat_map(|name| -> Vec<String> { of_page(name) }).collect()
}

#[test]
fn every_policy_that_is_shown_is_valid() {
    let policies = blocks("yaml");
    assert_eq!(policies.len(), 4);
    for text in policies {
        policy::parse(&text, "a page").unwrap_or_else(|errors| panic!("{errors}"));
    }
}

#[test]
fn every_manifest_that_is_shown_is_valid() {
    let manifests = blocks("json");
    assert_eq!(manifests.len(), 1);
    for text in manifests {
        manifest::parse(&text, "a page").unwrap_or_else(|errors| panic!("{errors}"));
    }
}

#[test]
fn all_settings_that_are_shown_load() {
    let shown = [blocks("toml"), blocks_of(&MORE_PAGES, "toml")].concat();
    assert_eq!(shown.len(), 5);
    let directory = tempfile::tempdir().expect("a directory");
    for text in shown {
        let file = directory.path().join("lastgood.toml");
        std::fs::write(&file, text).expect("written");
        settings::load(Some(&file), &BTreeMap::new()).unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Whole command lines of `lastgood`: of console blocks, and in backticks elsewhere.
fn command_lines() -> Vec<String> {
    let console = blocks("console").into_iter().flat_map(|block| {
        let lines = block.lines().filter_map(|line| line.strip_prefix("$ "));
        let lines = lines.filter_map(|line| line.split('#').next());
        lines.map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    });
    let ticked = PAGES.iter().flat_map(|name| {
        let page = page(name);
        let prose: String = page.split("```").step_by(2).collect();
        prose.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()
    });
    console.chain(ticked).filter(|line| line.starts_with("lastgood ")).collect()
}

fn help(verbs: &[&str]) -> Option<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_lastgood"))
        .args(verbs)
        .arg("--help")
        .output();
    let output = output.expect("lastgood runs");
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn every_command_that_is_shown_exists_with_its_options() {
    let lines = command_lines();
    assert!(lines.len() >= 10, "{lines:?}");
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        // Verbs are lowercase words before the first argument; `prove|quarantine` stands for each of them.
        let verbs: Vec<Vec<&str>> = words
            .iter()
            .take_while(|word| word.chars().all(|c| c.is_ascii_lowercase() || c == '|'))
            .map(|word| word.split('|').collect())
            .collect();
        let alternatives = verbs.iter().map(Vec::len).max().unwrap_or_default();
        assert!(alternatives > 0, "{line}: no verb");
        for index in 0..alternatives {
            let verbs: Vec<&str> = verbs.iter().map(|each| each[index.min(each.len() - 1)]).collect();
            let help = help(&verbs).unwrap_or_else(|| panic!("{line}: no command `{}`", verbs.join(" ")));
            for option in words.iter().filter(|word| word.starts_with('-')) {
                let option = option.trim_end_matches([',', '.']);
                assert!(help.contains(option), "{line}: no option {option} in\n{help}");
            }
        }
    }
}

#[test]
fn every_make_target_that_is_shown_exists() {
    let makefile = page("Makefile");
    for line in blocks("console").iter().flat_map(|block| block.lines()) {
        let words: Vec<&str> = line.split_whitespace().skip(1).take(2).collect();
        if let ["make", target] = words[..]
            && target != "#"
        {
            assert!(makefile.contains(&format!("\n{target}:")), "make {target}");
        }
    }
}

#[test]
fn every_file_that_is_linked_is_there() {
    for name in PAGES {
        let page = page(name);
        let links = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.starts_with("http")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let own = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
            let path = if file.is_empty() { own } else { own.with_file_name(file) };
            assert!(path.exists(), "{name}: {link}");
            assert!(
                anchor.is_empty() || headings(&path).any(|heading| heading == anchor),
                "{name}: {link}"
            );
        }
    }
}

/// The headings of a page, as links name them.
fn headings(path: &Path) -> impl Iterator<Item = String> {
    let page = std::fs::read_to_string(path).unwrap_or_default();
    let named = |heading: &str| {
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ');
        heading
            .trim()
            .to_lowercase()
            .chars()
            .filter(kept)
            .collect::<String>()
            .replace(' ', "-")
    };
    let headings: Vec<String> = page
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| named(line.trim_start_matches('#')))
        .collect();
    headings.into_iter()
}
