//! The audit in the journal of a real systemd-journald.

use std::{fs, path::Path};

use serde_json::Value;
use tokio::process::Command;

use crate::pid1::Systemd;

/// What a program inside this systemd's namespaces says; it must end well.
async fn inside(systemd: &Systemd, line: &[&str]) -> String {
    let output = Command::new("nsenter")
        .args(["-t", &systemd.init.to_string(), "-a"])
        .args(line)
        .output()
        .await
        .expect("nsenter");
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line:?}: {err}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A service that runs v2, with v1 beside it, and settings that want the audit in the journal.
fn home(root: &Path) {
    for version in ["v1", "v2"] {
        let release = root.join("myapp/releases").join(version);
        fs::create_dir_all(&release).expect("a directory");
        fs::write(release.join("program"), version).expect("a file");
    }
    std::os::unix::fs::symlink("releases/v2", root.join("myapp/current")).expect("a link");
    let shown = root.display();
    let policy = format!(
        "apiVersion: lastgood.dev/v1\nkind: Policy\nmetadata: {{name: myapp}}\nspec:\n  target:\n    host: {{releases: {shown}/myapp/releases, \
         current: {shown}/myapp/current, activate: {{command: [/bin/true]}}}}\n  metrics:\n    - name: errors\n      \
         ratio: {{bad: bad_total, total: all_total}}\n"
    );
    let settings = format!(
        "policies = [\"{shown}/policy.yaml\"]\n[prometheus]\nurl = \"http://127.0.0.1:9\"\n[store]\nurl = \"sqlite:{shown}/history.db\"\n\
         [server]\nsocket = \"{shown}/lastgood.sock\"\n[audit]\njournald = true\n"
    );
    fs::write(root.join("policy.yaml"), policy).expect("a policy");
    fs::write(root.join("lastgood.toml"), settings).expect("settings");
}

#[tokio::test]
async fn each_entry_is_in_the_journal_with_its_keys_as_fields_and_is_checked_against_the_store() {
    let name = "journal::each_entry_is_in_the_journal_with_its_keys_as_fields_and_is_checked_against_the_store";
    let journald = "/lib/systemd/systemd-journald";
    if !Path::new(journald).exists() {
        eprintln!("skipped: {name}: `{journald}` is not here; install the package systemd");
        return;
    }
    let unit = format!("Type=notify\nExecStart={journald}\n");
    let Some(systemd) = Systemd::start(name, &unit).await else {
        return;
    };
    let root = systemd.directory.path().to_owned();
    home(&root);
    let settings = root.join("lastgood.toml");
    let settings = settings.to_str().expect("text");
    let lastgood = async |arguments: &[&str]| {
        let line = [&[env!("CARGO_BIN_EXE_lastgood")], arguments, &["--config", settings]].concat();
        inside(&systemd, &line).await
    };
    // Nobody listens yet: said, and in nobody's way.
    lastgood(&["rollback", "myapp", "--to", "v1", "--yes"]).await;
    // In memory alone, and nothing of the machine's kernel.
    let alone = "mkdir -p /run/systemd/journald.conf.d && \
         printf '[Journal]\\nStorage=volatile\\nReadKMsg=no\\nAudit=no\\n' > /run/systemd/journald.conf.d/alone.conf";
    inside(&systemd, &["sh", "-c", alone]).await;
    systemd.start_app().await;
    lastgood(&["rollback", "myapp", "--to", "v2", "--yes", "--reason", "two\nlines"]).await;
    inside(&systemd, &["journalctl", "--sync"]).await;
    let found = inside(
        &systemd,
        &["journalctl", "-t", "lastgood", "-o", "json", "LASTGOOD_ACTION=rollback"],
    )
    .await;
    let found: Vec<Value> = found.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let [entry] = found.as_slice() else {
        panic!("one rollback since the journal runs: {found:?}")
    };
    for (field, value) in [
        ("PRIORITY", "6"),
        ("SYSLOG_IDENTIFIER", "lastgood"),
        ("LASTGOOD_CHAIN", "prod/myapp"),
        ("LASTGOOD_WHAT", "v1 -> v2"),
        ("LASTGOOD_WHY", "two\nlines"),
        ("LASTGOOD_REFUSED", "false"),
        ("_UID", "0"),
    ] {
        assert_eq!(entry[field], value, "{field}: {entry}");
    }
    // The lines, as they were sent, are those of the store.
    let lines = inside(
        &systemd,
        &["journalctl", "-t", "lastgood", "-o", "cat", "LASTGOOD_CHAIN=prod/myapp"],
    )
    .await;
    assert!(lines.lines().count() > 1, "{lines}");
    let file = root.join("journal.jsonl");
    fs::write(&file, &lines).expect("written");
    let told = lastgood(&["audit", "verify", "--file", file.to_str().expect("text")]).await;
    assert!(told.contains("lines are as the store has them"), "{told}");
}
