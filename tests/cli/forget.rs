//! What is known of a service is forgotten by a person's word: with a controller and without, guarded and not guarded any more.

use rustix::process::{Pid, Signal, kill_process};

use super::home::{Home, ends};

/// One service whose v1 a person proved.
fn proven() -> (Home, lastgood::demo::Child) {
    let home = Home::new("http://127.0.0.1:9");
    home.service("myapp", "v1", "{command: [/bin/true]}");
    let controller = home.controller();
    home.until(&["status", "myapp"], |said| said.out.contains("watching"));
    ends(
        &home,
        &["forget", "myapp", "--yes"],
        5,
        "the rollout of myapp to v1 is not over",
    );
    ends(&home, &["release", "prove", "myapp", "v1"], 0, "is proven");
    (home, controller)
}

const FORGOTTEN: &str = "what was known of myapp (prod) is forgotten";

#[test]
fn a_guarded_service_begins_anew() {
    let (home, controller) = proven();
    ends(
        &home,
        &["forget", "myapp"],
        2,
        "there is no terminal to ask at; say yes with --yes",
    );
    ends(&home, &["forget", "nobody", "--yes"], 2, "nothing is known of nobody");
    let first = home.lastgood(&["explain", "myapp", "-o", "name"]).out;
    ends(&home, &["forget", "myapp", "--yes", "--reason", "another one"], 0, FORGOTTEN);
    home.until(&["status", "myapp"], |said| said.out.contains("watching"));
    let again = home.lastgood(&["explain", "myapp", "-o", "name"]).out;
    assert_ne!(first, again, "v1 was seen for the first time once more");
    ends(&home, &["explain", first.trim()], 2, "is recorded here");
    let audit = ends(&home, &["audit", "--action", "forget", "-o", "json"], 0, "another one").out;
    assert!(
        audit.contains("1 version and 0 recorded releases") && audit.contains("socket on "),
        "{audit}"
    );
    assert!(audit.contains("is not over"), "the refusal is noted too: {audit}");
    ends(&home, &["audit", "verify"], 0, "");
    drop(controller);
    ends(&home, &["forget", "myapp", "--yes"], 5, "is not over");
}

#[test]
fn a_service_that_nobody_guards_any_more_leaves_nothing_but_its_audit() {
    let (home, controller) = proven();
    std::fs::remove_file(home.path("policies/myapp.yaml")).expect("removed");
    home.service("other", "v1", "{command: [/bin/true]}");
    let process = Pid::from_raw(i32::try_from(controller.id()).expect("an id")).expect("a pid");
    kill_process(process, Signal::HUP).expect("told");
    home.until(&["status", "-o", "name"], |said| said.out == "prod/other\n");
    ends(&home, &["forget", "myapp", "--yes"], 0, FORGOTTEN);
    ends(&home, &["releases", "myapp"], 2, "no service `myapp`");
    ends(&home, &["forget", "myapp", "--yes"], 2, "nothing is known of myapp");
    drop(controller);
    ends(&home, &["audit", "--action", "forget", "--service", "myapp"], 0, "1 version");
    ends(&home, &["audit", "verify"], 0, "");
}

#[test]
fn without_a_controller_the_store_forgets() {
    let (home, controller) = proven();
    drop(controller);
    home.until(&["status", "-q"], |said| said.code == 0);
    ends(
        &home,
        &["forget", "--service", "myapp", "--env", "prod", "--yes"],
        0,
        FORGOTTEN,
    );
    let found = ends(&home, &["audit", "--action", "forget", "-o", "json"], 0, "command line on ").out;
    assert!(found.contains("1 version"), "{found}");
    home.service("other", "v1", "{command: [/bin/true]}");
    let controller = home.controller();
    home.until(&["status", "other"], |said| said.out.contains("watching"));
    ends(&home, &["release", "prove", "other", "v1"], 0, "is proven");
    drop(controller);
    home.until(&["status", "-q"], |said| said.code == 0);
    std::fs::remove_file(home.path("policies/other.yaml")).expect("removed");
    ends(
        &home,
        &["forget", "other", "--yes"],
        0,
        "what was known of other (prod) is forgotten",
    );
    ends(&home, &["releases", "other"], 2, "no service `other`");
}
