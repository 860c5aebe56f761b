//! What docs/rollback.md shows is what happens: each of its commands is run, and prints what stands there but for numbers and hashes.

use regex::Regex;

use super::home::Home;

/// The commands of the page with the lines that follow each.
fn shown() -> Vec<(String, Vec<String>)> {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rollback.md")).expect("the page");
    let mut shown: Vec<(String, Vec<String>)> = Vec::new();
    let blocks = page.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next());
    for line in blocks.flat_map(str::lines) {
        match (line.strip_prefix("$ "), shown.last_mut()) {
            (Some(command), _) => shown.push((command.to_owned(), Vec::new())),
            (None, Some((_, lines))) => lines.push(line.to_owned()),
            (None, None) => panic!("{line}: output of nothing"),
        }
    }
    shown
}

/// A line without what differs from run to run.
fn masked(line: &str) -> String {
    let hashes = Regex::new("[0-9a-f]{12}").expect("a pattern").replace_all(line, "H");
    let numbers = Regex::new("[0-9]+").expect("a pattern").replace_all(&hashes, "N");
    let spaces = Regex::new(" +").expect("a pattern").replace_all(&numbers, " ");
    spaces.into_owned()
}

#[test]
fn every_command_of_the_page_prints_what_stands_there() {
    let home = Home::new("http://127.0.0.1:9");
    home.service("myapp", "v1.2.3", "{command: [/bin/true]}");
    home.release("myapp", "v1.2.2");
    let commands = shown();
    assert!(commands.len() >= 5, "{commands:?}");
    for (line, wanted) in commands {
        let verbs = line
            .strip_prefix("lastgood ")
            .expect("a command of lastgood")
            .replace("'checkout fails'", "'checkout_fails'");
        let words: Vec<String> = verbs
            .split_whitespace()
            .map(|word| word.trim_matches('\'').replace('_', " "))
            .collect();
        let said = home.lastgood(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(said.code, 0, "{line}: {}", said.err);
        let mut printed = said.out.lines().map(masked);
        for wanted in wanted.iter().filter(|wanted| *wanted != "…") {
            let wanted = masked(wanted.trim_end_matches('…'));
            assert!(
                printed.any(|line| line.starts_with(wanted.trim_end())),
                "{line}: {wanted}\n{}",
                said.out
            );
        }
    }
}
