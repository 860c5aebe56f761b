//! However a plane ends, nothing of it stays; save what its pods put into sessions of their own, where the launcher itself is killed.

use std::{fs, path::PathBuf};

use rustix::process::Signal;
use serde_json::json;

use crate::{
    rig::{Plane, processes, programs, send, skipped, until},
    workloads::workload,
};

/// A plane with a pod that has started a process of its own, in a session of its own.
async fn forked(programs: PathBuf, name: &str) -> Plane {
    let plane = Plane::start(programs, name).await;
    let forking = json!({
        "image": "forking:v1",
        "command": ["sh", "-c", "setsid sleep 600 & touch forked; wait"],
        "readinessProbe": {"exec": {"command": ["test", "-e", "forked"]}, "periodSeconds": 1},
    });
    plane.apply("forking", &[workload("Deployment", "forking", &forking)]).await;
    plane
        .kubectl("forking", &["rollout", "status", "deployment/forking", "--timeout=280s"])
        .await;
    assert!(processes(&plane.state).len() > 10, "servers, pods, and what these started");
    plane
}

/// The process that holds the plane: the launcher's only child.
fn inner(launcher: u32) -> u32 {
    let threads = fs::read_dir(format!("/proc/{launcher}/task")).expect("its threads").flatten();
    let children: String = threads
        .map(|thread| fs::read_to_string(thread.path().join("children")).expect("its children"))
        .collect();
    children.trim().parse().expect("one child")
}

#[tokio::test]
async fn nothing_is_left_of_a_plane_that_is_told_to_end_nor_of_one_of_which_either_process_is_killed() {
    let Some(programs) = programs() else {
        return skipped("ends::nothing_is_left_of_a_plane_that_is_told_to_end_nor_of_one_of_which_either_process_is_killed");
    };
    for end in ["told", "inner killed"] {
        let plane = forked(programs.clone(), "ends").await;
        let launcher = plane.process.expect("it runs");
        match end {
            "told" => send(Signal::TERM, launcher),
            _ => send(Signal::KILL, inner(launcher)),
        }
        gone(&plane, end).await;
    }
    let plane = Plane::start(programs, "ends").await;
    send(Signal::KILL, plane.process.expect("it runs"));
    gone(&plane, "launcher killed").await;
}

async fn gone(plane: &Plane, end: &str) {
    plane.ended().await;
    until(&format!("nothing is left after: {end}"), async || {
        processes(&plane.state).is_empty()
    })
    .await;
}
