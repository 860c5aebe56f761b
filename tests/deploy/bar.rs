//! How far a download is, on a terminal.

use std::{
    io::Read as _,
    process::{Command, Stdio},
    sync::mpsc,
};

use crate::{
    rig::{Scene, gzip, sha256, small_tar},
    server::{Plan, Server},
};

/// Elsewhere nothing but the end is told: `faults::an_interrupted_download_changes_nothing_and_leaves_nothing`.
#[test]
fn on_a_terminal_a_bar_shows_how_far_a_download_is() {
    if !std::path::Path::new("/usr/bin/script").exists() {
        println!("skipped: bar::on_a_terminal_a_bar_shows_how_far_a_download_is: `script` of util-linux is not here");
        return;
    }
    let scene = Scene::with_v1();
    let content = gzip(&small_tar("v2"));
    let (digest, size) = (sha256(&content), content.len());
    let (open_gate, gate) = mpsc::channel();
    let server = Server::start(Plan {
        content,
        gate: Some(gate),
        ..Plan::default()
    });
    let line = format!(
        "stty cols 120 rows 30; {} deploy myapp --to v2 --from {} --sha256 {digest} --config {}",
        env!("CARGO_BIN_EXE_lastgood"),
        server.url("myapp.tar.gz"),
        scene.path("lastgood.toml").display()
    );
    let mut terminal = Command::new("script")
        .args(["-qefc", &line, "/dev/null"])
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script");
    let mut screen = terminal.stdout.take().expect("a screen");
    // Half-way the server waits until the bar was seen; the end of the screen is the end of the command.
    let (mut shown, mut piece) = (Vec::new(), [0; 1024]);
    let mut gate = Some(open_gate);
    while let Ok(count) = screen.read(&mut piece)
        && count > 0
    {
        shown.extend(&piece[..count]);
        let text = String::from_utf8_lossy(&shown);
        if text.contains("myapp.tar.gz ")
            && text.contains(" left")
            && let Some(gate) = gate.take()
        {
            gate.send(()).expect("the server");
        }
    }
    let text = String::from_utf8_lossy(&shown);
    assert!(terminal.wait().expect("ended").success(), "{text}");
    assert!(text.contains(&format!("/{size} B [")), "so many of so many bytes: {text}");
    assert!(text.contains("myapp: v2 runs, v1 ran before"), "{text}");
}
