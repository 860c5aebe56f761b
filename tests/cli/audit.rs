//! The audit: who did what; and every change of it by somebody else is found.

use std::collections::BTreeMap;

use lastgood::{app::clock::SystemClock, ports::Clock as _, words::Moment};

use super::home::{Home, Said};

fn home() -> Home {
    let home = Home::new("http://127.0.0.1:9");
    home.service("myapp", "v2", "{command: [/bin/true]}");
    home.release("myapp", "v1");
    home
}

/// A home in which a controller ran and people did things, some of them refused.
fn lived_in() -> Home {
    let home = home();
    let controller = home.controller();
    home.until(&["status", "myapp"], |said| said.out.contains("watching"));
    let done = |arguments: &[&str], code| {
        let said = home.lastgood(arguments);
        assert_eq!(said.code, code, "{arguments:?}: {}", said.err);
    };
    done(&["freeze", "myapp", "--reason", "a migration"], 0);
    done(&["freeze", "--reason", "an incident"], 0);
    done(&["rollback", "myapp", "--to", "v1", "--yes", "--reason", "checkout fails"], 0);
    done(&["release", "quarantine", "myapp", "v2", "--reason", "loses orders"], 0);
    done(&["release", "prove", "myapp", "v9"], 2);
    done(&["unfreeze"], 0);
    drop(controller);
    home
}

fn items(home: &Home, arguments: &[&str]) -> Vec<serde_json::Value> {
    let said = home.lastgood(&[&["audit", "-o", "json"], arguments].concat());
    assert_eq!(said.code, 0, "{}", said.err);
    let list: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(list["kind"], "AuditList");
    list["items"].as_array().expect("a list").clone()
}

fn verified(home: &Home, heads: &[&str]) -> Said {
    let heads = heads.iter().flat_map(|head| ["--head", head]);
    home.lastgood(&["audit", "verify"].into_iter().chain(heads).collect::<Vec<_>>())
}

#[test]
fn every_command_policy_and_refusal_is_there_with_who_what_when_why_and_from_where() {
    let home = lived_in();
    let all = items(&home, &[]);
    let me = lastgood::web::actor(rustix::process::getuid().as_raw()).0;
    let find = |action: &str, refused: bool| {
        let found = all
            .iter()
            .filter(|item| item["action"] == action && item["refused"] == refused);
        found.cloned().collect::<Vec<_>>()
    };
    let policy = find("policy", false);
    assert_eq!(policy.len(), 1, "{all:#?}");
    assert!(
        policy[0]["origin"].as_str().expect("text").contains("policies/myapp.yaml"),
        "{policy:?}"
    );
    let rollback = find("rollback", false);
    assert_eq!(rollback.len(), 1);
    assert_eq!(rollback[0]["by"], me.as_str());
    assert_eq!(rollback[0]["what"], "v2 -> v1");
    assert_eq!(rollback[0]["why"], "checkout fails");
    assert!(
        rollback[0]["origin"].as_str().expect("text").starts_with("socket on "),
        "{rollback:?}"
    );
    assert_eq!(find("act", false)[0]["rollout"], rollback[0]["rollout"]);
    assert_eq!(find("freeze", false).len(), 2);
    assert_eq!(find("unfreeze", false).len(), 1);
    assert_eq!(find("release", false)[0]["why"], "loses orders");
    let refused = find("release", true);
    assert_eq!(refused[0]["what"], "prove v9", "{all:#?}");
    // Each entry is a line of the log too.
    let is_entry = |line: &&str| line.contains("\"lastgood::audit\"");
    home.until(&["audit"], |_| home.log().lines().filter(is_entry).count() == all.len());
    filters(&home, &me);
}

fn filters(home: &Home, me: &str) {
    let of_all = items(home, &[]).len();
    let of_service = items(home, &["--service", "myapp", "--env", "prod"]);
    assert!(of_service.iter().all(|item| item["chain"] == "prod/myapp"));
    assert_eq!(
        of_all - of_service.len(),
        3,
        "the settings, a freeze of all and its end are the controller's"
    );
    assert_eq!(items(home, &["--service", "myapp"]), of_service);
    assert_eq!(items(home, &["--action", "rollback"]).len(), 1);
    assert!(items(home, &["--actor", me]).iter().all(|item| item["by"] == me));
    assert_eq!(items(home, &["--since", "1h"]).len(), of_all);
    assert_eq!(items(home, &["--until", "1h"]).len(), 0);
    assert_eq!(items(home, &["--since", "2000-01-01T00:00:00Z"]).len(), of_all);
    assert_eq!(home.lastgood(&["audit", "--since", "yesterday"]).code, 2);
    let table = home.lastgood(&["audit", "--action", "rollback"]).out;
    assert!(table.contains("v2 -> v1") && table.contains("checkout fails"), "{table}");
}

#[test]
fn without_a_controller_a_command_is_noted_too() {
    let home = home();
    assert_eq!(home.lastgood(&["rollback", "myapp", "--to", "v1", "--yes"]).code, 0);
    let found = items(&home, &["--action", "rollback"]);
    assert!(
        found[0]["origin"].as_str().expect("text").starts_with("command line on "),
        "{found:?}"
    );
    assert_eq!(home.lastgood(&["release", "prove", "myapp", "v9"]).code, 2);
    assert_eq!(items(&home, &["--action", "release"])[0]["refused"], true);
    assert_eq!(verified(&home, &[]).code, 0);
}

/// What somebody with the disk may do to one row, each as SQL; `{seq}` is the row.
const CHANGES: [&str; 5] = [
    "UPDATE audit SET document = replace(document, 'myapp', 'other') WHERE chain = 'prod/myapp' AND seq = {seq}",
    "UPDATE audit SET document = json_set(document, '$.why', 'forged') WHERE chain = 'prod/myapp' AND seq = {seq}",
    "UPDATE audit SET hash = 'sha256:' || substr(hash, 9) || '0' WHERE chain = 'prod/myapp' AND seq = {seq}",
    "DELETE FROM audit WHERE chain = 'prod/myapp' AND seq = {seq}",
    "UPDATE audit SET seq = seq + 1000 WHERE chain = 'prod/myapp' AND seq = {seq}",
];

#[test]
fn s15_every_edit_deletion_and_swap_in_the_store_is_found() {
    let home = lived_in();
    let whole = verified(&home, &[]);
    assert_eq!(whole.code, 0, "{}\n{}", whole.out, whole.err);
    let store = home.path("history.db");
    let kept = std::fs::read(&store).expect("the store");
    let count = items(&home, &["--service", "myapp"]).len();
    let tampered = |sql: &str| {
        let connection = rusqlite::Connection::open(&store).expect("the store");
        let changed = connection.execute(sql, []).expect(sql);
        connection.close().expect("closed");
        assert!(changed > 0, "{sql}");
        let found = verified(&home, &[]);
        std::fs::write(&store, &kept).expect("restored");
        assert_eq!(found.code, 1, "{sql}: {}", found.out);
        assert!(found.out.contains("NOT WHOLE: prod/myapp"), "{sql}: {}", found.out);
    };
    for seq in 1..=count {
        for change in CHANGES {
            tampered(&change.replace("{seq}", &seq.to_string()));
        }
    }
    for seq in 1..count {
        let (one, two) = (seq, seq + 1);
        tampered(&format!(
            "UPDATE audit SET (hash, document) = (SELECT hash, document FROM audit AS other WHERE chain = 'prod/myapp' \
             AND other.seq = {two} + {one} - audit.seq) WHERE chain = 'prod/myapp' AND seq IN ({one}, {two})"
        ));
    }
    assert_eq!(verified(&home, &[]).code, 0, "restored");
}

#[test]
fn s15_a_store_that_was_set_back_as_a_whole_is_found_by_the_end_that_an_alert_carried() {
    let home = home();
    assert_eq!(home.lastgood(&["rollback", "myapp", "--to", "v1", "--yes"]).code, 0);
    let store = home.path("history.db");
    let before = std::fs::read(&store).expect("the store");
    let told = home.lastgood(&["rollback", "myapp", "--to", "v2", "--yes"]);
    let at = told.err.find("prod/myapp@").expect("the alert in the log carries an end");
    let end: String = told.err[at..].chars().take_while(|c| !"`\" ".contains(*c)).collect();
    assert_eq!(verified(&home, &[&end]).code, 0, "{end}");
    std::fs::write(&store, &before).expect("set back");
    assert_eq!(verified(&home, &[]).code, 0, "the store alone cannot tell");
    let found = verified(&home, &[&end]);
    assert_eq!(found.code, 1, "{}", found.out);
    assert!(found.out.contains("it was cut off"), "{}", found.out);
    assert_eq!(verified(&home, &["nonsense"]).code, 2);
}

/// The settings' lines that name `file` and `syslog` for the audit.
fn written_to(home: &Home, file: &str, syslog: &str) {
    let settings = std::fs::read_to_string(home.path("lastgood.toml")).expect("settings");
    let root = home.root().display();
    home.write(
        "lastgood.toml",
        &format!("{settings}[audit]\nfile = \"{root}/{file}\"\nsyslog = \"{root}/{syslog}\"\n"),
    );
}

#[test]
fn each_entry_is_a_line_of_a_file_and_of_the_syslog_and_the_file_is_checked_against_the_store() {
    let home = home();
    written_to(&home, "audit.jsonl", "syslog");
    let syslog = std::os::unix::net::UnixDatagram::bind(home.path("syslog")).expect("a socket");
    let controller = home.controller();
    home.until(&["status", "myapp"], |said| said.out.contains("watching"));
    assert_eq!(home.lastgood(&["freeze", "myapp", "--reason", "a migration"]).code, 0);
    // An answer waits for half a second at most until its lines are written.
    let written = || std::fs::read_to_string(home.path("audit.jsonl")).is_ok_and(|text| text.contains("a migration"));
    home.until(&["status", "myapp"], |_| written());
    std::fs::rename(home.path("audit.jsonl"), home.path("audit.jsonl.1")).expect("rotated");
    assert_eq!(home.lastgood(&["rollback", "myapp", "--to", "v1", "--yes"]).code, 0);
    drop(controller);
    // By a command alone, too.
    assert_eq!(home.lastgood(&["unfreeze", "myapp"]).code, 0);
    let entries = items(&home, &[]);
    let read = |name: &str| std::fs::read_to_string(home.path(name)).expect("a file");
    let (first, second) = (read("audit.jsonl.1"), read("audit.jsonl"));
    let mut lines: Vec<serde_json::Value> = first
        .lines()
        .chain(second.lines())
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert!(
        first.contains("a migration") && second.contains("\"rollback\""),
        "{first}\n{second}"
    );
    assert_eq!(lines.len(), entries.len());
    // By moments, not by their texts: those end without zeros, and 0.87 s is before 0.877 s.
    let moment = |line: &serde_json::Value| serde_json::from_value::<Moment>(line["at"].clone()).expect("a moment");
    let key = |line: &serde_json::Value| (moment(line), line["chain"].to_string(), line["seq"].as_u64());
    lines.sort_by_key(key);
    for (line, entry) in lines.iter().zip(&entries) {
        assert!(line["hash"].as_str().is_some_and(|hash| hash.starts_with("sha256:")));
        assert_eq!(
            (&line["what"], &line["by"], &line["at"]),
            (&entry["what"], &entry["by"], &entry["at"])
        );
    }
    syslog.set_nonblocking(true).expect("nonblocking");
    for line in first.lines().chain(second.lines()) {
        let mut taken = [0; 4096];
        let size = syslog.recv(&mut taken).expect("a datagram");
        let taken = String::from_utf8_lossy(&taken[..size]);
        assert!(
            taken.starts_with("<86>lastgood[") && taken.ends_with(&format!("]: {line}")),
            "{taken}"
        );
    }
    checked(&home, &second);
}

/// The file against the store: as it is, edited, and a store that was cut back.
fn checked(home: &Home, second: &str) {
    let verify = |file: &str| home.lastgood(&["audit", "verify", "--file", home.path(file).to_str().expect("text")]);
    let whole = verify("audit.jsonl.1");
    assert_eq!(whole.code, 0, "{}", whole.out);
    assert!(whole.out.contains("lines are as the store has them"), "{}", whole.out);
    home.write("forged.jsonl", &second.replacen("\"why\":\"", "\"why\":\"forged ", 1));
    home.write("torn.jsonl", &second[..second.len() / 2]);
    for file in ["forged.jsonl", "torn.jsonl"] {
        let found = verify(file);
        assert_eq!(found.code, 1, "{file}: {}", found.out);
        assert!(found.out.contains(&format!("NOT WHOLE: HOME/{file}: line ")), "{}", found.out);
    }
    assert_eq!(verify("missing.jsonl").code, 2);
    let connection = rusqlite::Connection::open(home.path("history.db")).expect("the store");
    let cut = "DELETE FROM audit WHERE chain = 'prod/myapp' AND seq = (SELECT max(seq) FROM audit WHERE chain = 'prod/myapp')";
    assert_eq!(connection.execute(cut, []).expect("cut"), 1);
    connection.close().expect("closed");
    let found = verify("audit.jsonl");
    assert_eq!(found.code, 1);
    assert!(found.out.contains("it was cut off"), "{}", found.out);
}

#[test]
fn a_file_that_cannot_be_written_and_a_syslog_that_is_not_there_are_said_and_stand_in_nobodys_way() {
    let home = home();
    written_to(&home, "missing/audit.jsonl", "nobody");
    let said = home.lastgood(&["rollback", "myapp", "--to", "v1", "--yes"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(home.points_to("myapp"), "v1");
    for told in [
        "cannot append to HOME/missing/audit.jsonl",
        "cannot send to the syslog at HOME/nobody",
    ] {
        assert_eq!(said.err.matches(told).count(), 1, "said once: {}", said.err);
    }
    assert_eq!(verified(&home, &[]).code, 0);
    std::fs::create_dir(home.path("missing")).expect("a directory");
    assert_eq!(home.lastgood(&["rollback", "myapp", "--to", "v2", "--yes"]).code, 0);
    let written = std::fs::read_to_string(home.path("missing/audit.jsonl")).expect("a file");
    assert!(written.contains("v1 -> v2"), "{written}");
}

#[test]
fn a_syslog_that_takes_nothing_any_more_is_waited_for_half_a_second_at_most() {
    let home = home();
    written_to(&home, "audit.jsonl", "syslog");
    let _never_read = std::os::unix::net::UnixDatagram::bind(home.path("syslog")).expect("a socket");
    // One sender may not fill what the receiver takes.
    let fills = |filler: std::os::unix::net::UnixDatagram| {
        filler.set_nonblocking(true).expect("nonblocking");
        std::iter::repeat_with(|| filler.send_to(b"full", home.path("syslog")))
            .take_while(Result::is_ok)
            .count()
    };
    while fills(std::os::unix::net::UnixDatagram::unbound().expect("a socket")) > 0 {}
    let begun = SystemClock.now();
    let said = home.lastgood(&["rollback", "myapp", "--to", "v1", "--yes"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let took = SystemClock.now().since(begun);
    // Who waits for the reader waits for good; the machine may be busy.
    assert!(took.as_secs() < 20, "{took:?}");
    assert_eq!(home.points_to("myapp"), "v1");
    assert!(said.err.contains("hangs: nothing waits for it"), "{}", said.err);
}

#[test]
fn what_a_command_refuses_by_itself_is_noted_too() {
    let home = home();
    assert_eq!(
        home.lastgood(&["rollback", "myapp", "--to", "v2", "--yes", "--reason", "a slip"])
            .code,
        5
    );
    assert_eq!(home.lastgood(&["rollback", "myapp", "--to", "v2", "--dry-run"]).code, 5);
    let noted = items(&home, &["--action", "rollback"]);
    assert_eq!(noted.len(), 1, "{noted:?}");
    let why = noted[0]["why"].as_str().expect("text");
    assert_eq!(
        (noted[0]["what"].as_str(), noted[0]["refused"].as_bool()),
        (Some("to v2"), Some(true))
    );
    assert!(
        why.starts_with("a slip; refused: nothing to do: v2 of myapp runs already"),
        "{why}"
    );
    let dirty = home.lastgood(&["release", "prove", "myapp", "v1-dirty"]);
    assert_eq!(dirty.code, 5, "{}", dirty.err);
    let noted = items(&home, &["--action", "release"]);
    assert_eq!(
        (noted.len(), noted[0]["what"].as_str()),
        (1, Some("prove v1-dirty")),
        "{noted:?}"
    );
    assert_eq!(verified(&home, &[]).code, 0);
}

#[test]
fn a_policy_is_noted_once_and_again_when_it_is_another() {
    let home = home();
    for _ in 0..2 {
        let controller = home.controller();
        home.until(&["status", "myapp"], |said| said.out.contains("watching"));
        drop(controller);
    }
    assert_eq!(items(&home, &["--action", "policy"]).len(), 1);
    let stricter = std::fs::read_to_string(home.path("policies/myapp.yaml")).expect("a policy") + "  mode: observe\n";
    home.write("policies/myapp.yaml", &stricter);
    let controller = home.controller();
    let noted = home.until(&["audit", "--action", "policy", "-o", "name"], |said| {
        said.out.lines().count() == 2
    });
    drop(controller);
    let chains: BTreeMap<&str, usize> = noted.out.lines().map(|line| (line, 1)).collect();
    assert_eq!(chains.len(), 2, "{}", noted.out);
}

#[test]
fn settings_are_noted_at_the_first_start_and_again_where_they_are_others() {
    let home = home();
    let start = |mode: &str| {
        let controller = home.controller_with(&[("LASTGOOD__MODE", mode)]);
        home.until(&["status", "myapp"], |said| said.out.contains("watching"));
        drop(controller);
    };
    ["enforce", "enforce", "observe"].into_iter().for_each(start);
    let noted = items(&home, &["--action", "settings"]);
    let what: Vec<&str> = noted.iter().filter_map(|item| item["what"].as_str()).collect();
    assert_eq!(what, ["came into force", "mode: enforce -> observe"], "{noted:?}");
    let origin = noted[0]["origin"].as_str().expect("text");
    assert!(origin.starts_with("settings file HOME/lastgood.toml on "), "{origin}");
}

#[cfg(feature = "crash-points")]
#[test]
fn c01_killed_around_a_note_it_is_noted_once() {
    for point in lastgood::ports::crash::POINTS_OF_A_NOTE {
        let home = home();
        let mut killed = super::home::command();
        killed
            .arg("run")
            .arg("--config")
            .arg(home.path("lastgood.toml"))
            .env("LASTGOOD_CRASH_AT", point);
        let ended = killed.stderr(std::process::Stdio::null()).status().expect("lastgood");
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&ended),
            Some(9),
            "{point} was never reached"
        );
        let controller = home.controller();
        home.until(&["status", "myapp"], |said| said.out.contains("watching"));
        drop(controller);
        assert_eq!(items(&home, &["--action", "policy"]).len(), 1, "{point}");
        assert_eq!(verified(&home, &[]).code, 0, "{point}");
    }
}
