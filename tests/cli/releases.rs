//! Releases as CI and an on-call engineer meet them: recorded once, listed newest first, with a controller and without one.

use super::home::{Home, ends};

const COMMAND: &str = "{command: [/bin/true]}";

fn manifest(version: &str, day: u32, more: &str) -> String {
    format!(
        r#"{{"version":"{version}","commit":"abc123{day}","built_at":"2026-11-{day:02}T10:00:00Z","passed_smoke_test":true{more}}}"#
    )
}

fn names(home: &Home, arguments: &[&str]) -> String {
    ends(home, &[arguments, &["-o", "name"]].concat(), 0, "")
        .out
        .replace('\n', " ")
}

#[test]
fn recorded_releases_are_listed_before_anything_ran_or_was_guarded() {
    let home = Home::new("http://127.0.0.1:9");
    for (version, day) in [("v1.9.0", 1), ("v1.10.0", 2), ("v1.10.0-3-gabc1234-dirty", 3)] {
        let file = home.write("release.json", &manifest(version, day, ""));
        let file = file.to_str().expect("text");
        ends(
            &home,
            &["record", file, "--service", "myapp"],
            if day == 1 { 2 } else { 0 },
            if day == 1 { "--env" } else { "is recorded" },
        );
        ends(&home, &["record", file, "--service", "myapp", "--env", "prod"], 0, "recorded");
    }
    assert_eq!(
        names(&home, &["releases", "myapp"]),
        "v1.10.0-3-gabc1234-dirty v1.10.0 v1.9.0 "
    );
    assert_eq!(
        names(&home, &["releases", "--service", "myapp", "--limit", "1"]),
        "v1.10.0-3-gabc1234-dirty "
    );
    let table = ends(&home, &["releases", "myapp"], 0, "VERSION");
    let row = table.out.lines().find(|line| line.starts_with("v1.9.0")).expect("a row");
    assert!(
        row.contains("prod") && row.contains("abc1231") && row.contains("passed") && row.contains("never ran"),
        "{row}"
    );
    for (version, day) in [("v2.0.0", 4), ("v2.1.0", 5), ("v2.2.0", 6)] {
        let file = home.write("release.json", &manifest(version, day, ""));
        let file = file.to_str().expect("text");
        ends(&home, &["record", file, "--service", "myapp", "--env", "prod"], 0, "recorded");
    }
    assert_eq!(
        names(&home, &["releases", "myapp"]),
        "v2.2.0 v2.1.0 v2.0.0 v1.10.0-3-gabc1234-dirty v1.10.0 ",
        "the last five"
    );
    ends(
        &home,
        &["releases", "other"],
        2,
        "no service `other` is guarded here; nothing is guarded yet",
    );
}

#[test]
fn recording_twice_is_once_and_another_build_of_the_same_version_is_refused() {
    let home = Home::new("http://127.0.0.1:9");
    let record = |text: &str, code, says: &str| {
        let file = home.write("release.json", text);
        ends(
            &home,
            &["record", file.to_str().expect("text"), "-e", "prod", "--service", "myapp"],
            code,
            says,
        )
    };
    record(&manifest("v1", 1, ""), 0, "v1 of myapp (prod) is recorded\n");
    record(
        &manifest("v1", 1, ""),
        0,
        "nothing to change: v1 of myapp (prod) is recorded already",
    );
    record(
        &manifest("v1", 2, ""),
        5,
        "with another built_at, commit; a version is built once",
    );
    record(&manifest("latest", 1, ""), 2, "`latest` is a tag that moves");
    record(
        &manifest("v2", 1, r#","env":"staging""#),
        2,
        "the manifest says env `staging`, --env says `prod`",
    );
    assert_eq!(names(&home, &["releases", "myapp"]), "v1 ");
}

#[test]
fn a_manifest_comes_through_a_pipe_to_the_running_controller_and_what_it_brought_along_is_recorded() {
    let home = Home::new("http://127.0.0.1:9");
    home.service("myapp", "v1", COMMAND);
    home.service("other", "v1", COMMAND);
    home.write("myapp/releases/v1/release.json", &manifest("v1", 1, ""));
    home.write("other/releases/v1/release.json", r#"{"version":"v1","commit":"HEAD"}"#);
    let _controller = home.controller();
    home.until(&["releases", "myapp"], |said| said.out.contains("abc1231"));
    let row = ends(&home, &["releases", "myapp", "-o", "wide"], 0, "assumed").out;
    assert!(
        row.contains("release.json") && row.lines().nth(1).is_some_and(|row| row.contains("prod  ")),
        "{row}"
    );

    home.until(&["explain", "other", "-o", "json"], |said| {
        said.out.contains("`release.json` of v1 was not recorded") && said.out.contains("commit: found `HEAD`")
    });
    let file = home.write("v2.json", &manifest("v2", 2, ""));
    ends(
        &home,
        &["record", file.to_str().expect("text"), "--service", "myapp"],
        0,
        "v2 of myapp (prod) is recorded",
    );
    ends(
        &home,
        &["record", file.to_str().expect("text"), "--service", "myapp"],
        0,
        "recorded already",
    );
    let unguarded = ["record", file.to_str().expect("text"), "--service", "new", "--env", "prod"];
    ends(&home, &unguarded, 0, "v2 of new (prod) is recorded");
    assert_eq!(names(&home, &["releases", "myapp"]), "v2 v1 ");
    assert_eq!(names(&home, &["releases", "new"]), "v2 ");
    home.write("v2.json", &manifest("v2", 3, ""));
    ends(
        &home,
        &["record", file.to_str().expect("text"), "--service", "myapp"],
        5,
        "a version is built once",
    );
}

#[test]
fn a_dirty_version_is_proven_only_by_who_says_that_it_is_dirty() {
    let home = Home::new("http://127.0.0.1:9");
    home.service("myapp", "v1-dirty", COMMAND);
    let _controller = home.controller();
    home.until(&["status", "myapp"], |said| said.out.contains("assumed"));
    let status = home.until(&["status", "myapp"], |said| said.out.contains("no_last_good"));
    assert!(
        status.out.contains("no version of myapp is known to be good"),
        "{}",
        status.out
    );
    ends(&home, &["release", "prove", "myapp", "v1-dirty"], 5, "add --allow-dirty");
    ends(
        &home,
        &["release", "prove", "myapp", "v1-dirty", "--allow-dirty"],
        0,
        "is proven, by your word",
    );
    ends(&home, &["status", "myapp"], 0, "v1-dirty (proven");
}

/// The same service in two environments of one controller; prod demands that staging proved a version first.
fn two_environments() -> Home {
    let home = Home::new("http://127.0.0.1:9");
    for (env, version) in [("staging", "v2"), ("prod", "v1")] {
        home.write(&format!("{env}/releases/{version}/program"), version);
        std::os::unix::fs::symlink(format!("releases/{version}"), home.path(&format!("{env}/current"))).expect("a link");
        let more = match env {
            "prod" => "  require: {provenIn: staging}\n",
            _ => "  env: staging\n",
        };
        let policy = home
            .policy(env, COMMAND, "requests_total")
            .replace(&format!("name: {env}}}"), "name: myapp}")
            + more;
        home.write(&format!("policies/{env}.yaml"), &policy);
    }
    home
}

fn ship(home: &Home, version: &str) {
    home.write(&format!("prod/releases/{version}/program"), version);
    std::fs::remove_file(home.path("prod/current")).expect("a link");
    std::os::unix::fs::symlink(format!("releases/{version}"), home.path("prod/current")).expect("a link");
}

#[test]
fn what_staging_proved_is_shown_in_prod_and_what_skipped_it_is_told() {
    let home = two_environments();
    let controller = home.controller();
    home.until(&["status", "myapp", "-e", "staging"], |said| said.out.contains("assumed"));
    home.until(&["status", "myapp", "-e", "prod"], |said| said.out.contains("assumed"));
    ends(&home, &["release", "prove", "myapp", "v2", "-e", "staging"], 0, "is proven");

    ship(&home, "v3");
    home.until(&["releases", "myapp", "-e", "prod", "-o", "name"], |said| {
        said.out.contains("v3")
    });
    ship(&home, "v2");
    let table = home.until(&["releases", "myapp", "-e", "prod"], |said| {
        said.out.contains("(proven in staging")
    });
    assert!(
        table
            .out
            .lines()
            .any(|row| row.starts_with("v2") && row.contains("(proven in staging")),
        "{}",
        table.out
    );
    assert!(
        table.out.lines().any(|row| row.starts_with("v3") && !row.contains("staging")),
        "{}",
        table.out
    );
    home.until(&["status"], |_| {
        home.log().contains("v3 was shipped without being proven in staging")
    });
    drop(controller);
    assert!(!home.log().contains("v2 was shipped without"), "{}", home.log());
    let rows = home.lastgood(&["releases", "myapp", "-q"]).out;
    let of_v2 = |env: &str| rows.lines().any(|row| row.starts_with("v2") && row.contains(env));
    assert!(of_v2("staging") && of_v2("prod"), "{rows}");
}

#[test]
fn a_service_that_is_known_and_has_no_release_yet_says_what_to_do() {
    let home = Home::new("http://127.0.0.1:9");
    home.service("myapp", "v1", COMMAND);
    home.write("policies/empty.yaml", &home.policy("empty", COMMAND, "requests_total"));
    let _controller = home.controller();
    ends(
        &home,
        &["releases", "empty"],
        0,
        "nothing is known of empty yet: record a release",
    );
    ends(&home, &["releases", "none"], 2, "no service `none` is guarded here");
}
