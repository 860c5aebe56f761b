//! The examples that help shows: each is run as it stands.

use std::{fs::File, process::Output};

use rstest::rstest;

use super::home::{Home, command};

/// The command lines below `Examples:`, without what is before a pipe, after one, or a remark.
fn examples(verb: &str) -> Vec<String> {
    let help = Home::new("http://127.0.0.1:9").with(&[verb, "--help"], &[]).out;
    let below = help.split("Examples:\n").nth(1).unwrap_or_default();
    let lines = below.lines().take_while(|line| !line.is_empty());
    let example = |line: &str| {
        let from = line.find("lastgood ").unwrap_or_else(|| panic!("no command: {line}"));
        let line = &line[from..];
        let end = [" | ", "   "].iter().filter_map(|end| line.find(end)).min();
        line[..end.unwrap_or(line.len())].to_owned()
    };
    lines.map(example).collect()
}

/// A policy, a directory of them, and rollouts.
fn home() -> Home {
    let home = Home::new("http://127.0.0.1:9");
    home.service("myapp", "v1", "{command: [/bin/true]}");
    home.write(
        "policy.yaml",
        &home.policy("myapp", "{command: [/bin/true]}", "requests_total"),
    );
    let rollouts: String = ["one", "two"]
        .iter()
        .map(|id| format!("{{\"id\":\"{id}\",\"steps\":[{{\"candidate\":{{\"a\":[0,9]}},\"baseline\":{{\"b\":[1,9]}}}}]}}\n"))
        .collect();
    home.write("rollouts.ndjson", &rollouts);
    home
}

fn run(home: &Home, example: &str) -> Output {
    // Prometheus is another test's: here nobody answers.
    let example = example.replace("http://127.0.0.1:9090", "http://127.0.0.1:9");
    command()
        .args(example.split_whitespace().skip(1))
        .env("LASTGOOD_CONFIG", home.path("lastgood.toml"))
        .current_dir(home.root())
        .stdin(File::open(home.path("rollouts.ndjson")).expect("rollouts"))
        .output()
        .expect("lastgood")
}

#[rstest]
#[case("check", 4)]
#[case("judge", 2)]
fn every_example_of_help_runs(#[case] verb: &str, #[case] count: usize) {
    let (home, examples) = (home(), examples(verb));
    assert_eq!(examples.len(), count, "{examples:?}");
    for example in examples {
        let output = run(&home, &example);
        let wanted = if example.contains("--prometheus") { 4 } else { 0 };
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(wanted), "{example}: {said}");
        assert!(!output.stdout.is_empty(), "{example}: {said}");
    }
}
