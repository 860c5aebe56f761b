//! Who acts: the one that holds the lease, and the other one within twenty seconds of its end.

use std::{fs, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{
    controllers::{ACCOUNT, Controller, install},
    rig::{Plane, processes, programs, skipped, until},
    workloads::{service, workload},
};

fn send(signal: Signal, process: u32) {
    let process = Pid::from_raw(i32::try_from(process).expect("a pid")).expect("a pid");
    kill_process(process, signal).expect("sent");
}

/// The API server of a plane.
fn server(plane: &Plane) -> u32 {
    let is = |process: &u32| {
        fs::read_to_string(format!("/proc/{process}/cmdline")).is_ok_and(|said| {
            said.starts_with("kube-apiserver") || said.split('\0').next().is_some_and(|name| name.ends_with("/kube-apiserver"))
        })
    };
    processes(&plane.state).into_iter().find(is).expect("it runs")
}

async fn transitions(plane: &Plane) -> String {
    plane
        .kubectl(
            "lastgood",
            &["get", "lease", "lastgood", "-o", "jsonpath={.spec.leaseTransitions}"],
        )
        .await
}

/// Every request of the account that was forbidden.
fn forbidden(plane: &Plane) -> Vec<Value> {
    let log = fs::read_to_string(plane.file("audit.log")).expect("an audit log");
    let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let events: Vec<Value> = events.filter(|event| event["user"]["username"] == ACCOUNT).collect();
    assert!(events.len() > 20, "it asked for something: {}", events.len());
    events
        .into_iter()
        .filter(|event| event["responseStatus"]["code"] == 403)
        .collect()
}

const ACTS: [&str; 16] = [
    "get secrets -n shop",
    "list secrets -n lastgood",
    "get configmaps -n shop",
    "create pods -n shop",
    "create pods --subresource=exec -n shop",
    "delete pods -n shop",
    "create deployments.apps -n shop",
    "update deployments.apps -n shop",
    "delete deployments.apps -n shop",
    "patch deployments.apps --subresource=scale -n shop",
    "patch deployments.apps -n default",
    "delete histories.lastgood.dev -n shop",
    "create leases.coordination.k8s.io -n lastgood",
    "update leases.coordination.k8s.io/another -n lastgood",
    "create rolebindings.rbac.authorization.k8s.io -n shop",
    "impersonate users",
];

async fn may(plane: &Plane, act: &str) -> bool {
    let words: Vec<&str> = act.split(' ').collect();
    let asked = [&["auth", "can-i"], &words[..], &["--as", ACCOUNT]].concat();
    plane.try_kubectl("admin", "default", &asked, "").await.is_ok()
}

#[tokio::test]
async fn one_of_two_controllers_acts_and_the_other_takes_over_whatever_becomes_of_the_first() {
    let Some(programs) = programs() else {
        return skipped("leading::one_of_two_controllers_acts_and_the_other_takes_over_whatever_becomes_of_the_first");
    };
    let plane = Plane::start(programs, "leading").await;
    install(&plane).await;
    plane
        .apply("shop", &[workload("Deployment", "myapp", &service("myapp:v1"))])
        .await;
    plane
        .kubectl("shop", &["rollout", "status", "deployment/myapp", "--timeout=280s"])
        .await;
    for act in ACTS {
        assert!(!may(&plane, act).await, "it may {act}");
    }
    for act in ["patch deployments.apps -n shop", "update histories.lastgood.dev -n shop"] {
        assert!(may(&plane, act).await, "it may not {act}");
    }

    let first = Controller::start(&plane).await;
    first.until_it_leads().await;
    until("its target is ready to be reverted", async || {
        first.readiness().await.is_some_and(|(code, _)| code == 200)
    })
    .await;
    let second = Controller::start(&plane).await;
    let (code, said) = second.readiness().await.expect("it answers");
    assert_eq!(code, 200, "{said}");
    assert!(
        said.starts_with("ready, standing by: ") && said.ends_with(" leads\n"),
        "{said}"
    );
    until("a history lies beside the workload", async || {
        let said = plane
            .kubectl(
                "shop",
                &["get", "histories.lastgood.dev", "-o", "jsonpath={.items[*].target}"],
            )
            .await;
        said == "prod/myapp"
    })
    .await;

    assert_eq!(transitions(&plane).await, "1");
    send(Signal::KILL, first.id());
    let killed = second.until_it_leads().await;
    println!("killed: the other one leads after {:.1} s", killed.as_secs_f64());
    assert!(killed < Duration::from_secs(20), "{killed:?}\n{}", second.log());
    assert_eq!(transitions(&plane).await, "2");

    let third = Controller::start(&plane).await;
    send(Signal::STOP, second.id());
    let stopped = third.until_it_leads().await;
    send(Signal::CONT, second.id());
    println!("stopped: the other one leads after {:.1} s", stopped.as_secs_f64());
    assert!(stopped < Duration::from_secs(20), "{stopped:?}\n{}", third.log());
    second.ended().await;
    assert!(
        second.log().contains("the lease lastgood/lastgood was lost: "),
        "{}",
        second.log()
    );

    let fourth = Controller::start(&plane).await;
    send(Signal::TERM, third.id());
    let given_back = fourth.until_it_leads().await;
    println!("ended: the other one leads after {:.1} s", given_back.as_secs_f64());
    assert!(given_back < Duration::from_secs(8), "{given_back:?}\n{}", fourth.log());

    let fifth = Controller::start(&plane).await;
    let away = server(&plane);
    send(Signal::STOP, away);
    fourth.ended().await;
    assert!(
        fourth.log().contains("cannot renew the lease lastgood/lastgood"),
        "{}",
        fourth.log()
    );
    until("the one that stands by says that it could not take over", async || {
        fifth.readiness().await.is_some_and(|(code, _)| code == 503)
    })
    .await;
    send(Signal::CONT, away);
    let back = fifth.until_it_leads().await;
    println!("API server back: the other one leads after {:.1} s", back.as_secs_f64());
    assert_eq!(transitions(&plane).await, "5");
    assert_eq!(forbidden(&plane), Vec::<Value>::new());
}
