//! People's commands: with a controller, with its store alone, and with neither.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use super::home::{self, Home, Said, command};

const COMMAND: &str = "{command: [/bin/true]}";
/// A release's name that would color the terminal, end the line and turn the writing around.
const ODD: &str = "v\u{1b}[31mred\nline\u{202e}";

/// Four services: one that is fine, one whose unit nobody knows, one whose link leads nowhere, one whose version has an evil name.
fn home() -> Home {
    let home = Home::new("http://127.0.0.1:9");
    home.service("myapp", "v1", COMMAND);
    home.service("nounit", "v1", "{unit: no-such-unit.service, by: restart}");
    home.service("dangling", "v1", COMMAND);
    std::fs::remove_dir_all(home.path("dangling/releases/v1")).expect("removed");
    home.service("odd", ODD, COMMAND);
    home
}

fn harmless(said: &Said) {
    for text in [&said.out, &said.err] {
        assert!(!text.contains(['\u{1b}', '\u{202e}']) && !text.contains("\nline"), "{text:?}");
    }
}

#[track_caller]
fn ends(home: &Home, arguments: &[&str], code: i32, says: &str) -> Said {
    let said = home::ends(home, arguments, code, says);
    harmless(&said);
    said
}

/// What is the same of all is told once.
const NO_DATA: &str =
    "\nprod/dangling, prod/myapp, prod/nounit, prod/odd: no_data: Prometheus at http://127.0.0.1:9 cannot be reached";

#[test]
fn with_a_controller_everything_answers_and_says_what_to_do() {
    let home = home();
    let _controller = home.controller();
    home.until(&["status", "odd"], |said| said.out.contains("watching"));
    // Each is rehearsed in its own time.
    home.until(&["status"], |said| {
        said.out.contains(NO_DATA) && said.out.contains("\nprod/nounit: ")
    });
    status_says_why_not_ready(&home);
    status_comes_in_every_format(&home);
    explain_finds_a_rollout_by_service_and_id(&home);
    wait_ends_and_says_what_it_waited_for(&home);
    a_word_on_a_version_is_taken_once(&home);
    a_freeze_is_shown_with_the_way_out(&home);
    piped_watch_is_json_lines_and_ends_with_its_reader(&home);
    an_interrupted_wait_ends_with_130(&home);
}

fn status_says_why_not_ready(home: &Home) {
    let status = ends(
        home,
        &["status"],
        0,
        "HOME/dangling/current` points to `releases/v1`, which does not exist",
    );
    assert_eq!(status.err, "");
    let unready = status.out.lines().find(|line| line.starts_with("nounit ")).expect("a row");
    assert!(unready.contains("no: "), "{unready}");
    assert!(
        status.out.lines().any(|line| line.starts_with("prod/nounit: ")),
        "why its unit cannot be restarted: {}",
        status.out
    );
}

fn status_comes_in_every_format(home: &Home) {
    ends(home, &["status", "-o", "wide"], 0, "enforce");
    assert_eq!(
        ends(home, &["status", "-o", "name"], 0, "").out,
        "prod/dangling\nprod/myapp\nprod/nounit\nprod/odd\n"
    );
    for format in ["json", "yaml"] {
        ends(home, &["status", "-o", format], 0, "StatusList");
        ends(home, &["explain", "odd", "-o", format], 0, "Rollout");
    }
    let json: serde_json::Value = serde_json::from_str(&home.lastgood(&["status", "odd", "-o", "json"]).out).expect("JSON");
    assert_eq!(json["items"][0]["runs"]["version"]["name"], ODD, "data stay what they are");
    ends(
        home,
        &["status", "none"],
        2,
        "no service `none` is guarded here; guarded are dangling (env prod), myapp (env prod)",
    );
    ends(
        home,
        &["status", "myapp", "-e", "staging"],
        2,
        "no service `myapp` in env `staging` is guarded here",
    );
}

fn explain_finds_a_rollout_by_service_and_id(home: &Home) {
    ends(home, &["explain", "odd"], 0, "v\\x1b[31mred\\nline\\u202e is being watched");
    ends(home, &["explain", "dangling"], 2, "no rollout is recorded yet");
    ends(home, &["explain", "none"], 2, "no service `none`");
    let id = home.lastgood(&["explain", "--service", "myapp", "-o", "name"]).out;
    ends(home, &["explain", id.trim()], 0, "myapp (prod): v1 is being watched");
    ends(
        home,
        &["explain", "019a2f3c-0000-7000-8000-000000000000"],
        2,
        "no rollout 019a2f3c-0000-7000-8000-000000000000 is recorded here",
    );
}

fn wait_ends_and_says_what_it_waited_for(home: &Home) {
    ends(home, &["wait", "none"], 2, "no service `none`");
    ends(
        home,
        &["wait", "myapp", "--timeout", "1s"],
        4,
        "no verdict within 1s; the watch goes on",
    );
    ends(
        home,
        &["wait", "--service", "myapp", "--to", "v2", "--timeout", "1s"],
        4,
        "myapp: waiting for a rollout to v2",
    );
    ends(home, &["approve"], 2, "no proposed revert waits for an answer");
}

fn a_word_on_a_version_is_taken_once(home: &Home) {
    ends(
        home,
        &["release", "allow", "odd", "v9"],
        2,
        "odd never ran a version `v9`; the last ones are v\\x1b[31mred\\nline\\u202e",
    );
    ends(home, &["release", "prove", "odd", ODD], 0, "is proven, by your word");
    ends(
        home,
        &["release", "prove", "odd", ODD],
        0,
        "nothing to change: v\\x1b[31mred\\nline\\u202e of odd is proven",
    );
    ends(
        home,
        &["release", "quarantine", "--service", "odd", ODD, "--reason", "red"],
        0,
        "is quarantined",
    );
    ends(
        home,
        &["release", "prove", "dangling", "v1"],
        2,
        "dangling never ran a version `v1`",
    );
}

fn a_freeze_is_shown_with_the_way_out(home: &Home) {
    ends(
        home,
        &["freeze", "myapp", "--reason", "a\u{1b}b"],
        0,
        "myapp is not reverted until `lastgood unfreeze myapp`",
    );
    ends(home, &["freeze", "myapp", "--reason", "c"], 0, "(it was so already)");
    ends(
        home,
        &["status", "myapp"],
        0,
        "a\\x1bb; to let it be reverted again: lastgood unfreeze myapp",
    );
    ends(home, &["unfreeze", "myapp"], 0, "myapp is reverted again when it has to be");
    ends(home, &["unfreeze", "myapp"], 0, "(it was so already)");
    ends(
        home,
        &["freeze", "--reason", "an incident"],
        0,
        "frozen: no service is reverted until `lastgood unfreeze`",
    );
    ends(
        home,
        &["status"],
        0,
        "an incident; when the incident is over: lastgood unfreeze",
    );
    ends(home, &["unfreeze"], 0, "reverts are possible again");
}

fn piped_watch_is_json_lines_and_ends_with_its_reader(home: &Home) {
    let config = home.path("lastgood.toml");
    let mut child = command()
        .args(["status", "-w", "--config"])
        .arg(config)
        .stdout(Stdio::piped())
        .spawn()
        .expect("lastgood");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().expect("stdout")));
    let line = lines.next().expect("a line").expect("text");
    assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok(), "{line}");
    drop(lines);
    assert_eq!(child.wait().expect("ended").code(), Some(0));
}

fn an_interrupted_wait_ends_with_130(home: &Home) {
    let config = home.path("lastgood.toml");
    let mut child = command()
        .args(["wait", "myapp", "--config"])
        .arg(config)
        .stderr(Stdio::piped())
        .spawn()
        .expect("lastgood");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().expect("stderr")));
    let said = lines.next().expect("a line").expect("text");
    assert!(said.starts_with("myapp (prod): v1 is being watched until"), "{said}");
    let id = Pid::from_raw(i32::try_from(child.id()).expect("an id")).expect("a pid");
    kill_process(id, Signal::INT).expect("interrupted");
    assert_eq!(child.wait().expect("ended").code(), Some(130));
}

#[test]
fn without_a_controller_the_store_answers_and_without_both_it_is_said() {
    let home = home();
    let nothing = "no controller answers at HOME/lastgood.sock and there is no store at HOME/history.db: start `lastgood run`";
    for arguments in [
        &["status"][..],
        &["explain"],
        &["freeze", "--reason", "x"],
        &["release", "prove", "myapp", "v1"],
    ] {
        ends(&home, arguments, 1, nothing);
    }
    let nobody = "no controller answers at HOME/lastgood.sock: start `lastgood run`";
    for arguments in [&["wait", "myapp"][..], &["approve"], &["status", "-w"]] {
        ends(&home, arguments, 1, nobody);
    }

    let controller = home.controller();
    home.until(&["status", "myapp"], |said| said.out.contains("watching"));
    drop(controller);
    let status = home.until(&["status"], |said| said.code == 0);
    assert!(
        status
            .err
            .starts_with("note: no controller answers at HOME/lastgood.sock: nothing is guarded now"),
        "{}",
        status.err
    );
    assert_eq!(home.lastgood(&["status", "-q"]).err, "");
    ends(&home, &["explain", "myapp"], 0, "v1 is being watched");
    ends(
        &home,
        &["release", "prove", "myapp", "v9"],
        2,
        "myapp never ran a version `v9`; the last ones are v1",
    );
    ends(
        &home,
        &["release", "quarantine", "myapp", "v1"],
        0,
        "v1 of myapp is quarantined",
    );
    ends(
        &home,
        &["release", "quarantine", "myapp", "v1"],
        0,
        "nothing to change: v1 of myapp is quarantined",
    );
    ends(&home, &["freeze", "myapp", "--reason", "x"], 0, "myapp is not reverted until");
    ends(&home, &["freeze", "myapp", "--reason", "x"], 0, "(it was so already)");
    ends(&home, &["unfreeze", "myapp"], 0, "myapp is reverted again");
    ends(&home, &["approve"], 1, nobody);

    home.write("policies/broken.yaml", "kind: Policy\n");
    ends(&home, &["status"], 0, "policies/broken.yaml");
}

#[test]
fn settings_are_shown_with_where_they_come_from() {
    let home = home();
    let table = ends(&home, &["config", "show"], 0, "HOME/lastgood.toml");
    assert!(table.out.lines().all(|line| line == line.trim_end()), "{}", table.out);
    let json: serde_json::Value = serde_json::from_str(&home.lastgood(&["config", "show", "-o", "json"]).out).expect("JSON");
    let of = |key: &str| {
        json.as_array()
            .expect("a list")
            .iter()
            .find(|row| row["key"] == key)
            .expect("the key")["origin"]
            .clone()
    };
    assert_eq!(
        (of("limits.freeze_at").as_str(), of("store.url").as_str().map(|_| ())),
        (Some("default"), Some(()))
    );
}
