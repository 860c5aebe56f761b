//! docs/deploy.md: its commands are run in their order, and say what stands there.

use std::{fs, os::unix::fs::PermissionsExt};

use crate::rig::{Scene, gzip, sha256, small_tar};

/// A manifest of `version` beside its archive.
fn manifest(scene: &Scene, version: &str, passed: bool) {
    let archive = gzip(&small_tar(version));
    let text = format!(
        "{{\"version\":\"{version}\",\"commit\":\"0123456789abcdef\",\"built_at\":\"2026-11-24T18:00:00Z\",\"passed_smoke_test\":{passed},\
         \"artifacts\":[{{\"name\":\"myapp-{version}.tar.gz\",\"url\":\"file://{}\",\"sha256\":\"{}\",\"size\":{}}}]}}",
        scene.release(version),
        sha256(&archive),
        archive.len()
    );
    scene.write(&format!("{version}.json"), text.as_bytes());
}

/// The commands of the page and what it shows of each.
fn shown() -> Vec<(String, String)> {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/deploy.md")).expect("the page");
    let blocks = page.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next());
    let text: String = blocks.collect();
    let commands = text.split("$ lastgood ").skip(1);
    let parted = commands.filter_map(|command| command.split_once('\n'));
    parted
        .map(|(command, output)| (command.to_owned(), output.to_owned()))
        .collect()
}

#[test]
fn each_command_of_the_page_says_what_the_page_shows() {
    let scene = Scene::new("{command: [APP/reload]}");
    scene.write("app/reload", b"#!/bin/sh\necho reloaded\n");
    fs::set_permissions(scene.path("app/reload"), fs::Permissions::from_mode(0o755)).expect("its mode");
    scene.release("v1.2.2");
    manifest(&scene, "v1.2.3", true);
    manifest(&scene, "v1.2.4", false);
    let digest = sha256(&gzip(&small_tar("v1.2.3")))[..12].to_owned();
    let shown = shown();
    assert_eq!(shown.len(), 6, "{shown:?}");
    let (mut said_all, mut shown_all) = (String::new(), String::new());
    for (command, output) in shown {
        let said = scene.lastgood(&command.split_whitespace().collect::<Vec<_>>());
        // The manifest holds a path of this place, so its size is this place's too.
        let manifest = fs::metadata(scene.path("app/releases/v1.2.3/release.json")).map_or(0, |meta| meta.len());
        let text = format!("{}{}", said.out, said.err)
            .replace("HOME/app/", "/opt/myapp/")
            .replace("HOME/lastgood.sock", "/run/lastgood/lastgood.sock")
            .replace("HOME/myapp-", "/srv/builds/myapp-")
            .replace(&digest, "DIGEST")
            .replace(&format!("4 entries, {} bytes", 39 + manifest), "4 entries, SIZE bytes");
        said_all += &format!("$ lastgood {command}\n{text}");
        shown_all += &format!("$ lastgood {command}\n{output}");
    }
    assert_eq!(said_all, shown_all, "said, and shown on the page:\n{said_all}");
}
