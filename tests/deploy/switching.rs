//! From what was fetched to what runs: the first of all, the next one, its manifest, its smoke test, and what is refused before.

use std::{fs, os::unix::fs::symlink};

use crate::rig::{NOTING, Scene, gzip, sha256, small_tar};

/// A manifest of `version` with the archive that [`Scene::release`] makes.
fn manifest(scene: &Scene, version: &str, passed: bool) -> String {
    let archive = gzip(&small_tar(version));
    let url = format!("file://{}", scene.release(version));
    let text = format!(
        "{{\"version\":\"{version}\",\"commit\":\"abc1234\",\"built_at\":\"2026-11-24T18:00:00Z\",\"passed_smoke_test\":{passed},\
         \"artifacts\":[{{\"name\":\"myapp-{version}.tar.gz\",\"url\":\"{url}\",\"sha256\":\"{}\",\"size\":{}}}]}}",
        sha256(&archive),
        archive.len()
    );
    scene.write(&format!("{version}.json"), text.as_bytes())
}

#[test]
fn the_first_deploy_of_all_needs_no_link_no_controller_and_no_prometheus() {
    let scene = Scene::new(NOTING);
    let archive = scene.release("v1");
    let said = scene.deploy("v1", &["--from", &archive]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.err.contains("myapp: v1 runs; `/bin/sh` succeeded"), "{said:?}");
    assert!(
        said.err
            .contains("nobody guards it: no controller answers at HOME/lastgood.sock; start `lastgood run`"),
        "{said:?}"
    );
    scene.untouched();
    assert!(scene.whole("v1"));
}

#[test]
fn the_next_one_is_switched_to_in_the_manner_of_the_link_that_is_there() {
    let scene = Scene::with_v1();
    fs::remove_file(scene.path("app/current")).expect("removed");
    symlink(scene.path("app/releases/v1"), scene.path("app/current")).expect("an absolute link");
    let archive = scene.release("v2");
    let said = scene.deploy("v2", &["--from", &archive]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.err.contains("myapp: v2 runs, v1 ran before"), "{said:?}");
    assert_eq!(scene.current(), scene.path("app/releases/v2").to_str().map(str::to_owned));
    assert_eq!(scene.activations(), [">v1", "v1>v2"]);
    let back = scene.deploy("v1", &[]);
    assert_eq!(back.code, Some(0), "what is there already is not fetched: {back:?}");
    assert_eq!(scene.activations(), [">v1", "v1>v2", "v2>v1"]);
}

#[test]
fn a_manifest_says_where_its_artifacts_are_and_becomes_release_json() {
    let scene = Scene::with_v1();
    let manifest = manifest(&scene, "v2", true);
    let said = scene.deploy("v2", &["--manifest", &manifest]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(scene.whole("v2"));
    let kept = fs::read_to_string(scene.path("app/releases/v2/release.json")).expect("a manifest");
    assert_eq!(
        lastgood::manifest::parse(&kept, "release.json").expect("valid").commit,
        "abc1234"
    );
}

#[test]
fn a_file_beside_the_manifest_is_checked_against_it() {
    let scene = Scene::with_v1();
    let manifest = manifest(&scene, "v2", true);
    let other = scene.write("other.tar.gz", &gzip(&small_tar("v2")));
    let said = scene.deploy("v2", &["--manifest", &manifest, "--from", &other]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("it knows: myapp-v2.tar.gz"), "{said:?}");
    let changed = scene.write("myapp-v2.tar.gz", &gzip(&small_tar("v2!")));
    let said = scene.deploy("v2", &["--manifest", &manifest, "--from", &changed]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("`myapp-v2.tar.gz` is not what was built"), "{said:?}");
    scene.untouched();
}

#[test]
fn what_failed_its_smoke_test_is_deployed_only_by_force_also_when_it_is_there_already() {
    let scene = Scene::with_v1();
    let manifest = manifest(&scene, "v2", false);
    let said = scene.deploy("v2", &["--manifest", &manifest]);
    assert_eq!(said.code, Some(5), "{said:?}");
    assert!(said.err.contains("nothing was changed: v2 failed its smoke test"), "{said:?}");
    scene.untouched();
    let said = scene.deploy("v2", &["--manifest", &manifest, "--force"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(scene.deploy("v1", &[]).code, Some(0));
    assert_eq!(scene.deploy("v2", &[]).code, Some(5), "its release.json says so");
}

#[test]
fn a_version_is_built_once() {
    let scene = Scene::with_v1();
    let first = manifest(&scene, "v2", true);
    assert_eq!(scene.deploy("v2", &["--manifest", &first]).code, Some(0));
    let text = fs::read_to_string(&first).expect("a manifest");
    let archive = gzip(&small_tar("v2"));
    let other = scene.write("other.json", text.replace(&sha256(&archive), &sha256(b"other")).as_bytes());
    let said = scene.deploy("v2", &["--manifest", &other]);
    assert_eq!(said.code, Some(5), "{said:?}");
    assert!(
        said.err.contains("was made of other artifacts; a version is built once"),
        "{said:?}"
    );
}

#[test]
fn a_dry_run_shows_the_plan_and_does_nothing() {
    let scene = Scene::with_v1();
    let manifest = manifest(&scene, "v2", true);
    let said = scene.deploy("v2", &["--manifest", &manifest, "--dry-run"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines[0], "myapp (env prod): v1 runs, v2 will");
    assert!(lines[1].starts_with("fetch    HOME/myapp-v2.tar.gz ("), "{said:?}");
    assert_eq!(lines[2], "unpack   to HOME/app/releases/v2");
    assert_eq!(lines[3], "switch   HOME/app/current to it");
    assert!(lines[4].starts_with("activate run /bin/sh -c"), "{said:?}");
    assert_eq!(
        lines[5],
        "judge    nobody guards it: no controller answers at HOME/lastgood.sock"
    );
    scene.untouched();
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_fetched() {
    let scene = Scene::with_v1();
    let archive = scene.release("v2");
    for (version, arguments, code, says) in [
        (
            "v2",
            &[][..],
            2,
            "nothing says where it is: add --from URL or FILE, or --manifest FILE",
        ),
        (
            "v2",
            &["--env", "staging"],
            2,
            "no service `myapp` in env `staging` is guarded here",
        ),
        (
            "v2",
            &["--from", &archive, "--wait"],
            1,
            "nothing was done: nobody guards it: no controller answers",
        ),
        ("../v2", &["--from", &archive], 2, "version `../v2` is not allowed"),
        ("v2", &["--from", &archive, "--sha256", "abc"], 2, "`abc` is no SHA-256"),
    ] {
        let said = scene.deploy(version, arguments);
        assert_eq!(said.code, Some(code), "{said:?}");
        assert!(said.err.contains(says), "{said:?}");
        scene.untouched();
    }
}

#[test]
fn a_current_that_is_no_link_of_ours_is_left_alone() {
    let scene = Scene::with_v1();
    let archive = scene.release("v2");
    fs::remove_file(scene.path("app/current")).expect("removed");
    fs::create_dir(scene.path("app/current")).expect("a directory");
    let said = scene.deploy("v2", &["--from", &archive]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("`HOME/app/current` is not a symlink"), "{said:?}");
    assert_eq!(scene.releases(), ["v1"]);
}

#[test]
fn an_activation_that_fails_is_told_and_the_link_is_not_flipped_back() {
    let scene = Scene::new("{command: [/bin/false]}");
    let archive = scene.release("v1");
    let said = scene.deploy("v1", &["--from", &archive]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err
            .contains("HOME/app/current points to v1, but what serves did not take it up"),
        "{said:?}"
    );
    assert_eq!(scene.current().as_deref(), Some("releases/v1"));
    assert_eq!(scene.releases(), ["v1"]);
}

#[test]
fn what_was_recorded_says_where_it_is_what_it_must_be_and_whether_it_passed() {
    let scene = Scene::with_v1();
    for (version, passed) in [("v2", true), ("v3", false)] {
        let manifest = manifest(&scene, version, passed);
        let said = scene.lastgood(&["record", &manifest, "--service", "myapp", "--env", "prod"]);
        assert_eq!(said.code, Some(0), "{said:?}");
    }
    let said = scene.deploy("v2", &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(scene.whole("v2"));
    let said = scene.deploy("v3", &[]);
    assert_eq!(said.code, Some(5), "{said:?}");
    assert!(said.err.contains("nothing was changed: v3 failed its smoke test"), "{said:?}");
    let other = manifest(&scene, "v3", true);
    let said = scene.deploy("v3", &["--manifest", &other]);
    assert_eq!(said.code, Some(5), "{said:?}");
    assert!(
        said.err
            .contains("another manifest of v3 is recorded (it differs in passed_smoke_test)"),
        "{said:?}"
    );
    assert_eq!(scene.current().as_deref(), Some("releases/v2"));
}
