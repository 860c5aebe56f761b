//! A person goes back: with a controller and without one, refused clearly, and killed at every step.

use std::{io::Write as _, process::Stdio};

use lastgood::{app::clock::SystemClock, ports::Clock as _};

use super::home::{self, Home, Said, command};

const COMMAND: &str = "{command: [/bin/true]}";

/// A service that runs v2, with v1 and v0 beside it.
fn home() -> Home {
    let home = Home::new("http://127.0.0.1:9");
    home.service("myapp", "v2", COMMAND);
    home.release("myapp", "v1");
    home.release("myapp", "v0");
    home
}

#[track_caller]
fn ends(home: &Home, arguments: &[&str], code: i32, says: &str) -> Said {
    home::ends(home, &[&["rollback"], arguments].concat(), code, says)
}

#[test]
fn without_a_controller_a_store_or_prometheus_it_goes_straight_to_the_target() {
    let home = home();
    let said = ends(&home, &["myapp", "--to", "v1", "--reason", "checkout fails", "--yes"], 0, "");
    assert_eq!(home.points_to("myapp"), "v1");
    assert_eq!(said.out, "myapp (prod) went back from v2 to v1.\n");
    for says in [
        "myapp (prod): from v2 to v1",
        "error rate and latency are not known: ",
        "HOME/myapp/current will point to HOME/myapp/releases/v1 instead of v2",
        "this command will be run: /bin/true",
    ] {
        assert!(said.err.contains(says), "{says}: {}", said.err);
    }
    let explained = home.lastgood(&["explain", "myapp", "-o", "json"]).out;
    let record: serde_json::Value = serde_json::from_str(&explained).expect("JSON");
    assert_eq!(record["intent"]["ordered"]["reason"], "checkout fails");
    assert_eq!(record["outcome"], "reverted");
    assert!(home.leftovers("myapp").is_empty());
}

#[test]
fn what_cannot_be_done_is_refused_clearly_and_changes_nothing() {
    let home = home();
    what_is_refused(&home);
    assert_eq!(home.points_to("myapp"), "v2");
    std::fs::remove_dir_all(home.path("myapp/releases/v1")).expect("removed");
    ends(&home, &["myapp", "--to", "v1", "--yes"], 2, "myapp never ran a version `v1`");
    assert!(home.leftovers("myapp").is_empty());
}

fn what_is_refused(home: &Home) {
    let nobody = "nothing was done: there is no terminal to ask at; say yes with --yes";
    ends(home, &["myapp", "--to", "v1"], 2, nobody);
    ends(home, &["none", "--to", "v1", "--yes"], 2, "no service `none` is guarded here");
    let wrong = "no service `myapp` in env `staging` is guarded here; guarded is myapp (env prod)";
    ends(home, &["myapp", "--to", "v1", "--env", "staging", "--yes"], 2, wrong);
    ends(
        home,
        &["myapp", "--to", "v2", "--yes"],
        5,
        "nothing to do: v2 of myapp runs already",
    );
    ends(home, &["myapp", "--to", "v22", "--yes"], 2, "did you mean `v2`?");
    ends(home, &["myapp", "--to", "../v1", "--yes"], 2, "");
    ends(
        home,
        &["myapp", "--yes"],
        5,
        "myapp has no last good version beside the one that runs",
    );
    let plan = ends(
        home,
        &["myapp", "--to", "v1", "--dry-run"],
        0,
        "nothing was changed (--dry-run)",
    );
    assert!(plan.out.contains("will point to"), "{}", plan.out);
    let json = ends(home, &["myapp", "--to", "v1", "--dry-run", "-o", "json"], 0, "RollbackPlan").out;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["way"]["to"]["version"]["name"], "v1");
}

#[test]
fn a_release_that_ran_and_is_gone_or_half_there_is_refused() {
    let home = home();
    ends(&home, &["myapp", "--to", "v1", "--yes"], 0, "");
    std::fs::remove_file(home.path("myapp/releases/v2/program")).expect("removed");
    let half = ends(&home, &["myapp", "--to", "v2", "--yes"], 5, "is incomplete");
    assert!(half.err.contains("nothing was changed"), "{}", half.err);
    std::fs::remove_dir_all(home.path("myapp/releases/v2")).expect("removed");
    let gone = "v2 of myapp ran here and its release is gone: ship it again, as you ship any version";
    ends(&home, &["myapp", "--to", "v2", "--yes"], 5, gone);
    assert_eq!(home.points_to("myapp"), "v1");
}

#[test]
fn a_unit_that_cannot_be_restarted_is_found_out_before_the_link_is_moved() {
    let home = Home::new("http://127.0.0.1:9");
    home.service("myapp", "v2", "{unit: no-such-unit.service, by: restart}");
    home.release("myapp", "v1");
    ends(&home, &["myapp", "--to", "v1", "--yes"], 5, "nothing was changed: ");
    assert_eq!(home.points_to("myapp"), "v2");
}

#[test]
fn an_activation_that_fails_is_said_and_the_link_says_where_it_is() {
    let home = Home::new("http://127.0.0.1:9");
    home.service("myapp", "v2", "{command: [/bin/false]}");
    home.release("myapp", "v1");
    let said = ends(
        &home,
        &["myapp", "--to", "v1", "--yes"],
        1,
        "the activation command `/bin/false` failed",
    );
    assert!(
        said.out.contains("myapp (prod) is stuck on its way from v2 back to v1"),
        "{}",
        said.out
    );
    assert_eq!(home.points_to("myapp"), "v1");
}

#[test]
fn with_a_controller_it_goes_through_it_and_a_freeze_does_not_stop_a_person() {
    let home = home();
    let _controller = home.controller();
    home.until(&["status", "myapp"], |said| said.out.contains("watching"));
    what_is_refused(&home);
    assert_eq!(home.lastgood(&["freeze", "--reason", "an incident"]).code, 0);
    let said = ends(
        &home,
        &["myapp", "--to", "v1", "--yes", "--reason", "slow"],
        0,
        "went back from v2 to v1",
    );
    assert!(
        said.err
            .contains("this rollout will be over: myapp (prod): v2 is being watched"),
        "{}",
        said.err
    );
    assert_eq!(home.points_to("myapp"), "v1");
    // The last good one is v2, which was there first; nothing of it was condemned.
    ends(&home, &["myapp", "--yes", "-q", "-o", "name"], 0, "");
    assert_eq!(home.points_to("myapp"), "v2");
    let me = lastgood::web::actor(rustix::process::getuid().as_raw());
    let told = format!("@ops rollback myapp → v1, triggered by {me}");
    home.until(&["status", "myapp"], |_| home.log().contains(&told));
}

#[test]
fn of_two_people_at_once_one_wins_and_the_other_is_told() {
    let home = Home::new("http://127.0.0.1:9");
    home.service("myapp", "v2", "{command: [sleep, '0.3']}");
    home.release("myapp", "v1");
    home.release("myapp", "v0");
    let _controller = home.controller();
    home.until(&["status", "myapp"], |said| said.out.contains("watching"));
    let begun = ["v1", "v0"].map(|to| {
        let mut person = command();
        person.args(["rollback", "myapp", "--yes", "--to", to, "--config"]);
        person
            .arg(home.path("lastgood.toml"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        (to, person.spawn().expect("lastgood"))
    });
    let ended = begun.map(|(to, person)| (to, person.wait_with_output().expect("ended")));
    let won: Vec<&str> = ended
        .iter()
        .filter(|(_, how)| how.status.success())
        .map(|(to, _)| *to)
        .collect();
    let [winner] = won.as_slice() else {
        panic!("one wins: {ended:?}");
    };
    assert_eq!(home.points_to("myapp"), *winner);
    let (_, lost) = ended.iter().find(|(to, _)| to != winner).expect("the other");
    let told = String::from_utf8_lossy(&lost.stderr);
    assert_eq!(lost.status.code(), Some(5), "{told}");
    assert!(
        told.contains("on its way from v2 to") || told.contains("does not run any more"),
        "{told}"
    );
}

#[test]
fn on_a_terminal_a_person_picks_and_is_asked() {
    let home = home();
    ends(&home, &["myapp", "--to", "v1", "--yes"], 0, "");
    let typed = |answers: &str| {
        let lastgood = env!("CARGO_BIN_EXE_lastgood");
        let config = home.path("lastgood.toml");
        let line = format!("{lastgood} rollback myapp --config {}", config.display());
        let mut terminal = std::process::Command::new("script");
        terminal
            .args(["-qefc", &line, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut terminal = terminal.spawn().ok()?;
        terminal
            .stdin
            .take()
            .expect("stdin")
            .write_all(answers.as_bytes())
            .expect("typed");
        let output = terminal.wait_with_output().expect("ended");
        Some((output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned()))
    };
    let Some((code, shown)) = typed("1\nn\n") else {
        println!("skipped: on_a_terminal_a_person_picks_and_is_asked: `script` of util-linux is not here");
        return;
    };
    assert_eq!(code, Some(2), "{shown}");
    assert!(
        shown.contains("1  v2  assumed  <- last good") && shown.contains("Go back to v2? [y/N]"),
        "{shown}"
    );
    assert_eq!(home.points_to("myapp"), "v1", "no is no");
    let (code, shown) = typed("v0\ny\n").expect("a terminal");
    assert_eq!((code, home.points_to("myapp")), (Some(0), "v0".to_owned()), "{shown}");
}

#[test]
fn a_prometheus_that_never_answers_is_not_in_the_way() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let home = Home::new(&format!("http://{}", silent.local_addr().expect("an address")));
    home.service("myapp", "v2", COMMAND);
    home.release("myapp", "v1");
    let said = ends(&home, &["myapp", "--to", "v1", "--yes"], 0, "went back from v2 to v1");
    assert!(said.err.contains("Prometheus did not answer within 1 s"), "{}", said.err);
    let plan = ends(
        &home,
        &["myapp", "--to", "v2", "--dry-run"],
        0,
        "Prometheus did not answer within 3 s",
    );
    assert!(plan.out.contains("goes back to  v2: assumed"), "{}", plan.out);
    let took = moved_within(&home, &["rollback", "myapp", "--to", "v2", "--yes", "-q"], "v2");
    println!(
        "to the moved link, with a Prometheus that never answers: {} ms",
        took.as_millis()
    );
}

/// How long it takes from the start of the command to the moved link.
fn moved_within(home: &Home, arguments: &[&str], to: &str) -> std::time::Duration {
    let began = SystemClock.now();
    let mut person = command();
    person.args(arguments).arg("--config").arg(home.path("lastgood.toml"));
    let mut person = person.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("lastgood");
    while home.points_to("myapp") != to {
        assert!(SystemClock.now().since(began).as_secs() < 60, "never moved");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let took = SystemClock.now().since(began);
    assert_eq!(person.wait().expect("ended").code(), Some(0));
    took
}

/// The figures of docs/rollback.md. The bound is loose: tests share their processors with other tests.
#[test]
fn it_takes_a_fraction_of_a_second_to_the_moved_link() {
    let home = home();
    let median = |what: &str| {
        let mut took: Vec<_> = ["v1", "v2", "v1", "v2", "v1", "v2", "v1", "v2", "v1"]
            .map(|to| moved_within(&home, &["rollback", "myapp", "--to", to, "--yes", "-q"], to))
            .to_vec();
        home.lastgood(&["rollback", "myapp", "--to", "v2", "--yes", "-q"]);
        took.sort();
        println!(
            "to the moved link, {what}: median {} ms, slowest {} ms",
            took[4].as_millis(),
            took[8].as_millis()
        );
        assert!(took[4].as_secs() < 5, "{what}: {took:?}");
    };
    median("without a controller");
    let _controller = home.controller();
    home.until(&["status", "myapp"], |said| said.code == 0);
    median("through the controller");
}

/// One host of several is a case of its own: a loop over hosts stops at the first exit code that is not 0.
#[test]
fn b07_where_one_host_went_back_and_another_did_not_each_tells_of_itself_alone() {
    let (good, stuck) = (home(), Home::new("http://127.0.0.1:9"));
    stuck.service("myapp", "v2", "{command: [/bin/false]}");
    stuck.release("myapp", "v1");
    let arguments = ["myapp", "--to", "v1", "--yes", "--reason", "checkout fails"];
    ends(&good, &arguments, 0, "went back from v2 to v1");
    ends(&stuck, &arguments, 1, "is stuck on its way from v2 back to v1");
    for (home, outcome) in [(&good, "reverted"), (&stuck, "stuck")] {
        let record = home.lastgood(&["explain", "myapp", "-o", "json"]).out;
        let record: serde_json::Value = serde_json::from_str(&record).expect("JSON");
        assert_eq!(
            (record["outcome"].as_str(), home.points_to("myapp")),
            (Some(outcome), "v1".to_owned())
        );
        assert_eq!(home.lastgood(&["audit", "verify"]).code, 0);
    }
}

/// kill -9 at each step, with nobody but the command itself, and again with a controller that is started after it.
#[cfg(feature = "crash-points")]
#[test]
fn c01_killed_at_any_step_it_leaves_the_old_version_or_the_new_one_and_the_next_run_finishes() {
    use std::os::unix::process::ExitStatusExt as _;
    for point in lastgood::ports::crash::POINTS_OF_AN_ORDER {
        let home = home();
        let mut killed = command();
        killed
            .args(["rollback", "myapp", "--to", "v1", "--yes", "--config"])
            .arg(home.path("lastgood.toml"));
        let output = killed.env("LASTGOOD_CRASH_AT", point).output().expect("lastgood");
        assert_eq!(output.status.signal(), Some(9), "{point} was never reached: {output:?}");
        let left = home.points_to("myapp");
        assert!(["v1", "v2"].contains(&left.as_str()), "{point}: {left}");
        println!("c01: killed at {point}: current points to {left}");
        let again = home.lastgood(&["rollback", "myapp", "--to", "v1", "--yes"]);
        // What was done already, and stored, is not done twice.
        assert_eq!(
            again.code,
            if *point == "outcome.after" { 5 } else { 0 },
            "{point}: {}",
            again.err
        );
        assert_eq!(home.points_to("myapp"), "v1", "{point}");
        assert!(home.leftovers("myapp").is_empty(), "{point}: {:?}", home.leftovers("myapp"));
        let _controller = home.controller();
        home.until(&["status", "myapp", "-o", "json"], |said| {
            said.out.contains("\"name\": \"v1\"")
        });
        assert_eq!(home.points_to("myapp"), "v1", "{point}: nobody fights it");
    }
}

/// The same with a controller that dies in the act, and another one that is started after it.
#[cfg(feature = "crash-points")]
#[test]
fn c01_a_controller_that_is_killed_in_a_rollback_finishes_it_when_it_is_started_again() {
    for point in lastgood::ports::crash::POINTS_OF_AN_ORDER {
        let home = home();
        let mut controller = home.controller_with(&[("LASTGOOD_CRASH_AT", point)]);
        home.until(&["status", "myapp"], |said| said.out.contains("watching"));
        let said = home.lastgood(&["rollback", "myapp", "--to", "v1", "--yes"]);
        // Between the stored outcome and the end of the controller the answer may just get out.
        let answered = *point == "outcome.after" && said.code == 0;
        assert!(answered || said.code == 1, "{point}: {}", said.err);
        assert!(answered || said.err.contains("does not answer"), "{point}: {}", said.err);
        let mut waited = 0;
        while controller.ended().is_none() {
            assert!(waited < 600, "{point} was never reached");
            waited += 1;
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        let left = home.points_to("myapp");
        println!("c01: the controller was killed at {point}: current points to {left}");
        let _controller = home.controller();
        let wanted = if *point == "order.before" { "v2" } else { "v1" };
        home.until(&["status", "myapp", "-o", "json"], |said| {
            let back = said.out.contains(&format!("\"name\": \"{wanted}\"")) && !said.out.contains("\"phase\": \"reverting\"");
            // While it rehearses, the new one has a link of its own there.
            back && home.leftovers("myapp").is_empty()
        });
        assert_eq!(home.points_to("myapp"), wanted, "{point}");
    }
}
