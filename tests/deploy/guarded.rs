//! With a controller: it judges what is deployed, `--wait` waits for it, and what it knows of a version is heeded.

use std::{process::Command, thread, time::Duration};

use lastgood::demo::Child;

use crate::rig::Scene;

/// The scene's controller, once it answers and sees `version` run. Its Prometheus is not there.
fn controller(scene: &Scene, version: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lastgood"));
    command.arg("run").arg("--config").arg(scene.path("lastgood.toml"));
    command.stderr(std::fs::File::create(scene.path("run.log")).expect("a log"));
    let child = Child::start("lastgood", command).expect("lastgood");
    // Not by commands: where no controller answers yet they would hold the store that it is to open.
    for _ in 0..300 {
        if std::os::unix::net::UnixStream::connect(scene.path("lastgood.sock")).is_ok() {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    until(scene, &["explain", "myapp"], &format!("to              {version} ("));
    child
}

/// Asks until the answer holds `wanted`, at most 30 seconds.
fn until(scene: &Scene, arguments: &[&str], wanted: &str) {
    for _ in 0..300 {
        if scene.lastgood(arguments).out.contains(wanted) {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
    let said = scene.lastgood(arguments);
    assert!(said.out.contains(wanted), "{said:?}");
}

#[test]
fn a_running_controller_judges_what_is_deployed_and_what_it_knows_is_heeded() {
    let scene = Scene::with_v1();
    let _controller = controller(&scene, "v1");
    let archive = scene.release("v2");
    let said = scene.deploy("v2", &["--from", &archive]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.err
            .contains("it is judged now: `lastgood wait myapp --to v2` waits for the verdict"),
        "{said:?}"
    );
    until(&scene, &["explain", "myapp"], "to              v2 (");
    let archive = scene.release("v3");
    let said = scene.deploy("v3", &["--from", &archive, "--wait", "--timeout", "2s"]);
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.err.contains("myapp: v3 runs, v2 ran before"), "{said:?}");
    assert!(said.err.contains("no verdict within 2s; the watch goes on"), "{said:?}");
    let said = scene.lastgood(&["release", "quarantine", "myapp", "v2", "--reason", "red"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = scene.deploy("v2", &[]);
    assert_eq!(said.code, Some(5), "{said:?}");
    assert!(said.err.contains("nothing was changed: v2 is quarantined"), "{said:?}");
    assert_eq!(scene.deploy("v2", &["--force"]).code, Some(0));
    assert_eq!(scene.current().as_deref(), Some("releases/v2"));
}

/// Version, standing and environments of each release, newest first.
fn releases(scene: &Scene) -> Vec<(String, String, String)> {
    let said = scene.lastgood(&["releases", "myapp", "-o", "json"]);
    let list: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    let items = list["items"].as_array().expect("items").iter();
    let text = |value: &serde_json::Value| value.to_string().replace('"', "");
    items
        .map(|item| (text(&item["version"]), text(&item["standing"]), text(&item["runs_in"])))
        .collect()
}

#[test]
fn without_a_controller_a_deploy_notes_what_runs_and_the_one_that_comes_judges_it_against_the_one_before() {
    let scene = Scene::with_v1();
    let row = |version: &str, standing: &str, runs: &str| (version.to_owned(), standing.to_owned(), runs.to_owned());
    assert_eq!(releases(&scene), [row("v1", "assumed", "[prod]")]);
    let archive = scene.release("v2");
    assert_eq!(scene.deploy("v2", &["--from", &archive]).code, Some(0));
    assert_eq!(
        releases(&scene),
        [row("v2", "unproven", "[prod]"), row("v1", "assumed", "[]")]
    );
    let later = controller(&scene, "v2");
    until(&scene, &["explain", "myapp"], "compared with   v1 (");
    until(&scene, &["explain", "myapp"], "(known by deploy)");
    // Back by a deploy: a return, in its place at once.
    drop(later);
    assert_eq!(scene.deploy("v1", &[]).code, Some(0));
    assert_eq!(
        releases(&scene),
        [row("v2", "unproven", "[]"), row("v1", "assumed", "[prod]")]
    );
}
