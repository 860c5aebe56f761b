//! Every deploy is in the audit, and every one that was refused: who, what, when, why, from where.

use crate::rig::{NOTING, Scene, gzip, sha256, small_tar};

/// `(what, why, refused)` of each deploy in the audit, without this place's own path.
fn deploys(scene: &Scene) -> Vec<(String, String, bool)> {
    let said = scene.lastgood(&["audit", "--service", "myapp", "--action", "deploy", "-o", "json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let list: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    let me = lastgood::web::actor(rustix::process::getuid().as_raw()).0;
    let items = list["items"].as_array().expect("a list").iter().map(|item| {
        let text = |key: &str| item[key].as_str().expect("text").to_owned();
        assert_eq!(text("by"), me);
        assert!(text("origin").contains(" on "), "{item}");
        assert_eq!(text("chain"), "prod/myapp");
        (text("what"), text("why"), item["refused"] == true)
    });
    items.collect()
}

fn entry(what: &str, why: &str) -> (String, String, bool) {
    (what.to_owned(), why.to_owned(), false)
}

#[test]
fn a_deploy_is_noted_when_it_begins_and_when_it_ends_also_the_first_of_all() {
    let scene = Scene::new(NOTING);
    let archive = scene.release("v1");
    assert_eq!(scene.deploy("v1", &["--from", &archive, "--dry-run"]).code, Some(0));
    assert!(!scene.path("history.db").exists(), "a plan leaves nothing");
    assert_eq!(
        scene.deploy("v1", &["--from", &archive, "--reason", "the first"]).code,
        Some(0)
    );
    let archive = scene.release("v2");
    assert_eq!(scene.deploy("v2", &["--from", &archive, "--force"]).code, Some(0));
    let done = "`/bin/sh` succeeded; without output";
    let expected = [
        entry("v1", "the first"),
        entry("v1 runs", done),
        entry("v1 -> v2 (--force)", ""),
        entry("v2 runs", done),
    ];
    assert_eq!(deploys(&scene), expected);
    let verified = scene.lastgood(&["audit", "verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
}

#[test]
fn what_was_refused_is_noted_with_its_reason_and_wrong_usage_is_nobodys_deed() {
    let scene = Scene::with_v1();
    let archive = gzip(&small_tar("v2"));
    let file = scene.release("v2");
    let text = format!(
        "{{\"version\":\"v2\",\"commit\":\"abc1234\",\"built_at\":\"2026-11-24T18:00:00Z\",\"passed_smoke_test\":false,\"artifacts\":[\
         {{\"name\":\"myapp-v2.tar.gz\",\"url\":\"file://{file}\",\"sha256\":\"{}\",\"size\":{}}}]}}",
        sha256(&archive),
        archive.len()
    );
    let manifest = scene.write("v2.json", text.as_bytes());
    let other = sha256(b"other");
    for (arguments, code) in [
        (&["--manifest", &manifest, "--reason", "it is urgent"][..], 5),
        (&["--from", &file, "--sha256", &other], 1),
        (&[], 2),
    ] {
        assert_eq!(scene.deploy("v2", arguments).code, Some(code), "{arguments:?}");
    }
    let found = deploys(&scene);
    let refused: Vec<_> = found.iter().filter(|(_, _, refused)| *refused).collect();
    assert_eq!(refused.len(), 2, "{found:?}");
    assert!(refused.iter().all(|(what, _, _)| what == "v1 -> v2"), "{refused:?}");
    assert!(
        refused[0]
            .1
            .starts_with("it is urgent; refused: nothing was changed: v2 failed its smoke test"),
        "{refused:?}"
    );
    assert!(refused[1].1.contains("is not what was built"), "{refused:?}");
    scene.untouched();
}

#[test]
fn a_deploy_that_failed_to_activate_is_noted_as_that() {
    let scene = Scene::new("{command: [/bin/false]}");
    let archive = scene.release("v1");
    assert_eq!(scene.deploy("v1", &["--from", &archive]).code, Some(1));
    let found = deploys(&scene);
    assert_eq!(found[1].0, "v1: moved, and not activated", "{found:?}");
    assert!(found[1].1.contains("/bin/false"), "{found:?}");
}

#[test]
fn where_the_audit_cannot_be_written_that_is_said_and_the_deploy_goes_on() {
    let scene = Scene::new(NOTING);
    let settings = std::fs::read_to_string(scene.path("lastgood.toml")).expect("settings");
    scene.write(
        "lastgood.toml",
        settings.replace("history.db", "no/such/history.db").as_bytes(),
    );
    let archive = scene.release("v1");
    let said = scene.deploy("v1", &["--from", &archive]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.err
            .contains("warning: this is not in the audit: the directory of the store, HOME/no/such, is missing"),
        "{said:?}"
    );
    scene.untouched();
}
