//! A disk that is full or read-only, no permission, two at once: each is told, and what runs goes on as it was.

use std::{
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};

use crate::{
    rig::{Scene, gzip, sha256, small_tar},
    server::{Plan, Server},
};

/// Runs `script` in a mount namespace of its own, where `"$@"` deploys v2 and what is printed then tells the state; skipped where none
/// can be had.
fn in_a_namespace(name: &str, scene: &Scene, script: &str, arguments: &[&str]) -> Option<crate::rig::Said> {
    let namespace = ["--mount", "--propagation", "private"];
    let can = Command::new("unshare").args(namespace).arg("true").output();
    if !can.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: {name}: `unshare --mount` does not work here");
        return None;
    }
    let deploy = scene.command("v2", arguments);
    let script = format!("{script}; \"$@\"; echo \"code $?\"; ls -A app/releases; readlink app/current");
    let output = Command::new("unshare")
        .args(namespace)
        .args(["sh", "-c", &script, "sh"])
        .arg(deploy.get_program())
        .args(deploy.get_args())
        .current_dir(scene.root())
        .output();
    Some(scene.said(&output.expect("a namespace")))
}

#[test]
fn a_full_disk_is_told_and_the_old_version_stays() {
    let name = "faults::a_full_disk_is_told_and_the_old_version_stays";
    let scene = Scene::with_v1();
    // Noise does not compress: 3 MB onto a disk of 2.
    let mut noise = vec![0_u8; 3 << 20];
    let mut state = 1_u64;
    for byte in &mut noise {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        *byte = (state >> 56) as u8;
    }
    let program = scene.write("myapp", &noise);
    let full = "cp -a app kept && mount -t tmpfs -o size=2m tmpfs app && cp -a kept/. app";
    let Some(said) = in_a_namespace(name, &scene, full, &["--from", &program]) else {
        return;
    };
    assert!(
        said.err.contains("no space is left; free some space or raise the quota"),
        "{said:?}"
    );
    assert_eq!(said.out, "code 1\nv1\nreleases/v1\n", "{said:?}");
}

#[test]
fn a_read_only_file_system_is_told() {
    let name = "faults::a_read_only_file_system_is_told";
    let scene = Scene::with_v1();
    let archive = scene.release("v2");
    let read_only = "mount --bind app app && mount -o remount,bind,ro app";
    let Some(said) = in_a_namespace(name, &scene, read_only, &["--from", &archive]) else {
        return;
    };
    assert!(said.err.contains("the file system is read-only for lastgood"), "{said:?}");
    assert_eq!(said.out, "code 1\nv1\nreleases/v1\n", "{said:?}");
}

#[test]
fn s18_no_permission_is_told() {
    let name = "faults::s18_no_permission_is_told";
    let scene = Scene::with_v1();
    let archive = scene.release("v2");
    let deploy = scene.command("v2", &["--from", &archive]);
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "--"];
    let opened = Command::new("chmod").arg("755").arg(scene.root()).status().expect("chmod");
    assert!(opened.success());
    let can = Command::new("setpriv")
        .args(nobody)
        .args(["test", "-x"])
        .arg(deploy.get_program())
        .output();
    if !can.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: {name}: lastgood cannot be run as another user from here");
        return;
    }
    let output = Command::new("setpriv")
        .args(nobody)
        .arg(deploy.get_program())
        .args(deploy.get_args())
        .output();
    let said = scene.said(&output.expect("setpriv"));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err
            .contains("permission denied; let the user that lastgood runs as read and write"),
        "{said:?}"
    );
    scene.untouched();
}

/// A deploy of v2 in the middle of its download; the rest of it comes when the gate is opened.
fn downloading(scene: &Scene) -> (Child, Server, mpsc::Sender<()>) {
    let content = gzip(&small_tar("v2"));
    let digest = sha256(&content);
    let (open_gate, gate) = mpsc::channel();
    let server = Server::start(Plan {
        content,
        gate: Some(gate),
        ..Plan::default()
    });
    let url = server.url("myapp.tar.gz");
    let mut deploy = scene.command("v2", &["--from", &url, "--sha256", &digest]);
    let deploy = deploy
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("lastgood");
    for _ in 0..600 {
        if !server.ranges().is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(!server.ranges().is_empty(), "the first one downloads");
    (deploy, server, open_gate)
}

#[test]
fn of_two_at_once_the_second_is_told_who_is_at_it_and_a_revert_need_not_wait() {
    let scene = Scene::with_v1();
    let (first, _server, open_gate) = downloading(&scene);
    for version in ["v2", "v3"] {
        let archive = scene.release(version);
        let second = scene.deploy(version, &["--from", &archive]);
        assert_eq!(second.code, Some(5), "{second:?}");
        assert!(second.err.contains("error: nothing was changed: "), "{second:?}");
        assert!(
            second
                .err
                .contains(&format!("process {}, deploys v2 to this place just now", first.id())),
            "{second:?}"
        );
    }
    // The lock that a revert takes is free while the first one downloads.
    let releases = open(scene.path("app/releases"), OFlags::DIRECTORY | OFlags::RDONLY, Mode::empty()).expect("the releases");
    flock(&releases, FlockOperation::NonBlockingLockExclusive).expect("free");
    drop(releases);
    open_gate.send(()).expect("the server");
    let said = scene.said(&first.wait_with_output().expect("ended"));
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(scene.current().as_deref(), Some("releases/v2"));
    assert_eq!(scene.releases(), ["v1", "v2"]);
}

#[test]
fn an_interrupted_download_changes_nothing_and_leaves_nothing() {
    let scene = Scene::with_v1();
    let (first, _server, open_gate) = downloading(&scene);
    let id = rustix::process::Pid::from_raw(i32::try_from(first.id()).expect("an id")).expect("a pid");
    rustix::process::kill_process(id, rustix::process::Signal::INT).expect("interrupted");
    let said = scene.said(&first.wait_with_output().expect("ended"));
    assert_eq!(
        (said.code, said.err.as_str()),
        (Some(130), "interrupted: nothing was changed\n"),
        "{said:?}"
    );
    scene.untouched();
    drop(open_gate);
}
