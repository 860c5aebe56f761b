//! The whole story, as a machine plays it, and a person who stops it half-way.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{parts::prometheus, readme};

fn demo(scratch: &Path, prometheus: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lastgood"));
    command
        .args(["demo", "--fast", "--prometheus"])
        .arg(prometheus)
        .env("TMPDIR", scratch)
        .stdin(Stdio::null());
    command
}

/// Kills what it holds, also when the test fails.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Processes whose command line names `scratch`.
fn processes(scratch: &Path) -> Vec<String> {
    let named = |entry: std::fs::DirEntry| {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).replace('\0', " ")
    };
    std::fs::read_dir("/proc")
        .expect("/proc")
        .flatten()
        .map(named)
        .filter(|line| line.contains(&*scratch.to_string_lossy()))
        .collect()
}

fn left(scratch: &Path) -> Vec<String> {
    let mut left = processes(scratch);
    left.extend(
        std::fs::read_dir(scratch)
            .expect("a directory")
            .flatten()
            .map(|entry| entry.path().display().to_string()),
    );
    left
}

#[test]
fn all_five_deployments_end_as_promised_and_nothing_is_left() {
    let Some(prometheus) = prometheus() else {
        println!("skipped: all_five_deployments_end_as_promised_and_nothing_is_left: no Prometheus; run make test");
        return;
    };
    let scratch = tempfile::tempdir().expect("a directory");
    let output = demo(scratch.path(), &prometheus).output().expect("the demo runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let results = said.lines().filter(|line| line.starts_with('✓'));
    let versions: Vec<&str> = results.filter_map(|line| line.split_whitespace().nth(1)).collect();
    assert_eq!(versions, ["v1", "v2", "v3", "v4", "v5"], "{said}");
    assert!(!said.contains("🕐"), "what is bad from the start is not late:\n{said}");
    assert_eq!(left(scratch.path()), Vec::<String>::new());
    // One run of the demo serves both: the README shows what it said.
    readme::shows(&said);
}

#[test]
fn a_person_who_stops_it_half_way_leaves_no_process_and_no_file() {
    let Some(prometheus) = prometheus() else {
        println!("skipped: a_person_who_stops_it_half_way_leaves_no_process_and_no_file: no Prometheus; run make test");
        return;
    };
    let scratch = tempfile::tempdir().expect("a directory");
    let child = demo(scratch.path(), &prometheus).stdout(Stdio::piped()).spawn();
    let mut demo = Killed(child.expect("the demo runs"));
    let mut lines = BufReader::new(demo.0.stdout.take().expect("its output")).lines();
    let watched = lines
        .by_ref()
        .map_while(Result::ok)
        .any(|line| line.contains("v1 being watched"));
    assert!(
        watched && processes(scratch.path()).len() == 3,
        "{:?}",
        processes(scratch.path())
    );

    let process = Pid::from_raw(i32::try_from(demo.0.id()).expect("a pid")).expect("a pid");
    kill_process(process, Signal::INT).expect("interrupted");

    let status = demo.0.wait().expect("it ends");
    assert_eq!(status.code(), Some(130));
    assert_eq!(left(scratch.path()), Vec::<String>::new());
}
