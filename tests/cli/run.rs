//! `lastgood run`: why it does not start, and that it starts without its Prometheus.

use std::net::TcpListener;

use rstest::rstest;

use super::home::{Home, Said};

fn home() -> Home {
    let home = Home::new("http://127.0.0.1:9");
    home.service("myapp", "v1", "{command: [/bin/true]}");
    home
}

/// `lastgood run` in `home` with `from` in its settings replaced; it must end by itself.
fn refused(home: &Home, from: &str, to: &str) -> Said {
    let settings = std::fs::read_to_string(home.path("lastgood.toml")).expect("settings");
    assert!(settings.contains(from), "{settings}");
    let to = to.replace("HOME", &home.root().display().to_string());
    let file = home.write("other.toml", &settings.replace(from, &to));
    home.with(
        &["run", "--log-format", "text", "-q", "--config", file.to_str().expect("text")],
        &[],
    )
}

#[rstest]
#[case::unknown_key(
    "listen",
    "listn",
    "error: HOME/other.toml: server.listn: unknown key `listn`: did you mean `listen`?"
)]
#[case::wrong_value("\"5s\"", "\"5\"", "prometheus.timeout: found `5`")]
#[case::no_policies(
    "/policies\"",
    "/none\"",
    "error: HOME/none: cannot be read: there is no such file or directory"
)]
#[case::empty(
    "/policies\"",
    "/empty\"",
    "error: nothing to guard: no policy file (*.yaml, *.yml) is in HOME/empty"
)]
fn wrong_settings_and_policies_end_it_with_2(#[case] from: &str, #[case] to: &str, #[case] says: &str) {
    let home = home();
    std::fs::create_dir(home.path("empty")).expect("a directory");
    let said = refused(&home, from, to);
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(said.err.contains(says), "{}", said.err);
}

#[test]
fn an_unknown_variable_ends_it_with_2() {
    let said = home().with(&["run"], &[("LASTGOOD__STORE__ULR", "x"), ("LASTGOOD__MODES", "x")]);
    assert_eq!(said.code, 2);
    assert!(
        said.err.starts_with("error: 2 settings are wrong\n  LASTGOOD__"),
        "{}",
        said.err
    );
    assert!(
        said.err
            .contains("  LASTGOOD__STORE__ULR: store.ulr: unknown key `ulr`: did you mean `url`?"),
        "{}",
        said.err
    );
}

#[test]
fn an_invalid_policy_is_shown_as_check_shows_it() {
    let home = home();
    let text = std::fs::read_to_string(home.path("policies/myapp.yaml")).expect("the policy");
    home.write("policies/myapp.yaml", &text.replace("name: errors", "nam: errors"));
    let said = home.lastgood(&["run"]);
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(
        said.err
            .starts_with("error: nothing to guard: no policy can be used\n\nerror: spec.metrics[0]"),
        "{}",
        said.err
    );
    assert!(said.err.contains("did you mean `name`?"), "{}", said.err);
}

#[test]
fn a_store_that_cannot_be_used_is_named_with_what_to_do() {
    let home = home();
    let missing = refused(&home, "sqlite:", "sqlite:/proc/none");
    assert_eq!(missing.code, 1);
    assert!(
        missing.err.contains("cannot be made") && missing.err.contains("store.url"),
        "{}",
        missing.err
    );
    home.write("history.db", &"no database ".repeat(1000));
    for verb in ["run", "status"] {
        let damaged = home.lastgood(&[verb]);
        assert_eq!(damaged.code, 1);
        assert!(
            damaged
                .err
                .contains("error: the store is damaged: HOME/history.db is no SQLite database; move it away"),
            "{}",
            damaged.err
        );
    }
}

#[test]
fn what_another_program_holds_is_named_with_what_to_do() {
    let home = home();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let port = refused(&home, "127.0.0.1:0", &address);
    assert_eq!(port.code, 1);
    let because = format!("error: cannot listen on {address}: Address already in use (os error 98); end the program that does");
    assert!(port.err.starts_with(&because), "{}", port.err);

    let controller = home.controller();
    let store = home.lastgood(&["run", "-q"]);
    assert_eq!(store.code, 1);
    let because = format!(
        "the store HOME/history.db is in use by another lastgood (pid {})",
        controller.id()
    );
    assert!(store.err.contains(&because), "{}", store.err);
    let socket = refused(&home, "history.db", "other.db");
    assert_eq!(socket.code, 1);
    assert!(
        socket
            .err
            .contains("error: another lastgood answers at HOME/lastgood.sock: end it"),
        "{}",
        socket.err
    );
}
