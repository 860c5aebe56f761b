//! b01, s18: killed at each step, the old version or the new one runs, whole, and the next run leaves nothing behind.

use lastgood::ports::crash::DEPLOYING;
use rustix::process::Signal;

use crate::rig::{NOTING, Scene};

fn killed_at(scene: &Scene, point: &str, version: &str) {
    let archive = scene.release(version);
    let said = scene.deploy_where(version, &["--from", &archive], &[("LASTGOOD_CRASH_AT", point)]);
    assert_eq!(said.signal, Some(Signal::KILL.as_raw()), "{point}: {said:?}");
}

#[test]
fn b01_killed_at_each_step_the_old_or_the_new_version_runs_and_the_next_run_ends_it() {
    assert!(DEPLOYING.len() >= 12);
    for point in DEPLOYING {
        let scene = Scene::with_v1();
        killed_at(&scene, point, "v2");
        let current = scene.current().expect("always a link");
        let runs = current.strip_prefix("releases/").expect("a release");
        assert!(matches!(runs, "v1" | "v2") && scene.whole(runs), "{point}: {current}");
        println!("b01: killed at {point}: {runs} runs");
        let archive = scene.release("v2");
        let said = scene.deploy("v2", &["--from", &archive]);
        assert_eq!(said.code, Some(0), "{point}: {said:?}");
        assert_eq!(scene.current().as_deref(), Some("releases/v2"), "{point}");
        assert!(scene.whole("v2"), "{point}");
        assert_eq!(scene.releases(), ["v1", "v2"], "{point}");
        assert_eq!(scene.beside(), ["activated", "current", "releases"], "{point}");
        assert!(
            scene.activations().last().is_some_and(|last| last.ends_with(">v2")),
            "{point}"
        );
    }
}

#[test]
fn b01_what_a_killed_deploy_left_is_removed_by_one_to_another_version() {
    for point in DEPLOYING {
        let scene = Scene::with_v1();
        killed_at(&scene, point, "v2");
        let archive = scene.release("v3");
        let said = scene.deploy("v3", &["--from", &archive]);
        assert_eq!(said.code, Some(0), "{point}: {said:?}");
        assert_eq!(scene.current().as_deref(), Some("releases/v3"), "{point}");
        let hidden: Vec<String> = scene.releases().into_iter().filter(|name| name.starts_with('.')).collect();
        assert!(hidden.is_empty(), "{point}: {hidden:?}");
        assert_eq!(scene.beside(), ["activated", "current", "releases"], "{point}");
    }
}

#[test]
fn b01_the_first_deploy_of_all_is_killed_at_each_step_and_done_by_the_next_run() {
    for point in DEPLOYING {
        let scene = Scene::new(NOTING);
        killed_at(&scene, point, "v1");
        assert!(
            scene
                .current()
                .is_none_or(|current| current == "releases/v1" && scene.whole("v1")),
            "{point}"
        );
        let archive = scene.release("v1");
        let said = scene.deploy("v1", &["--from", &archive]);
        assert_eq!(said.code, Some(0), "{point}: {said:?}");
        assert_eq!(scene.releases(), ["v1"], "{point}");
        assert_eq!(scene.beside(), ["activated", "current", "releases"], "{point}");
    }
}
