//! Who acts: the one that holds the lease, and the other one within twenty seconds of its end.

use std::{
    fs,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use serde_json::Value;

use crate::{
    account::{ACCOUNT, forbidden},
    controllers::{Controller, install, uninstall},
    fields::the_account_changes_templates_and_its_own_marks_and_nothing_else,
    rig::{Plane, processes, programs, send, skipped, until},
    workloads::{service, workload},
};

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

const ACTS: [&str; 18] = [
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
    "delete events.events.k8s.io -n shop",
    "create events.events.k8s.io -n default",
    "impersonate users",
];

async fn may(plane: &Plane, act: &str) -> bool {
    let words: Vec<&str> = act.split(' ').collect();
    let asked = [&["auth", "can-i"], &words[..], &["--as", ACCOUNT]].concat();
    plane.try_kubectl("admin", "default", &asked, "").await.is_ok()
}

/// A plane of this name on which lastgood is installed, and the service runs that its policy guards.
pub async fn installed(name: &str) -> Option<Plane> {
    let plane = Plane::start(programs()?, name).await;
    install(&plane).await;
    let mut myapp = workload("Deployment", "myapp", &service("myapp:v1"));
    myapp["spec"]["replicas"] = 4.into();
    myapp["spec"]["minReadySeconds"] = 15.into();
    plane.apply("shop", &[myapp]).await;
    plane
        .kubectl("shop", &["rollout", "status", "deployment/myapp", "--timeout=280s"])
        .await;
    Some(plane)
}

async fn it_may_do_no_more_than_it_needs(plane: &Plane) {
    for act in ACTS {
        assert!(!may(plane, act).await, "it may {act}");
    }
    for act in ["patch deployments.apps -n shop", "update histories.lastgood.dev -n shop"] {
        assert!(may(plane, act).await, "it may not {act}");
    }
}

/// The next one leads soon enough after what became of the one before.
async fn leads_within(seconds: u64, next: &Controller, after: &str) {
    let took = next.until_it_leads().await;
    println!("{after}: the other one leads after {:.1} s", took.as_secs_f64());
    assert!(took < Duration::from_secs(seconds), "{after}: {took:?}\n{}", next.log());
}

async fn the_first_guards_and_the_second_stands_by(plane: &Plane) -> (Controller, Controller) {
    let first = Controller::start(plane).await;
    first.until_it_leads().await;
    let second = Controller::start(plane).await;
    let (code, said) = second.readiness().await.expect("it answers");
    assert_eq!(code, 200, "{said}");
    assert!(
        said.starts_with("ready, standing by: ") && said.ends_with(" leads\n"),
        "{said}"
    );
    let (_, said) = second.command(plane, &["status"]);
    assert!(said.contains(" leads; it renewed the lease lastgood at "), "{said}");
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
    (first, second)
}

/// A person's freeze goes into the store, not to a controller; the one that acts heeds it soon.
async fn a_freeze_by_the_store_counts(plane: &Plane, leader: &Controller, other: &Controller) {
    for (command, line) in [
        (&["freeze", "--reason", "we move house"][..], "lastgood_frozen 1"),
        (&["unfreeze"], "lastgood_frozen 0"),
    ] {
        let (said, complaint) = other.command(plane, command);
        until(&format!("{line}: {said}{complaint}"), async || leader.measures(line).await).await;
    }
    assert!(leader.measures("lastgood_leads 1").await && other.measures("lastgood_leads 0").await);
}

/// Returns the one that stood by meanwhile, and leads in the end.
async fn the_api_server_is_away_for_longer_than_the_lease(plane: &Plane, leader: &Controller) -> Controller {
    let next = Controller::start(plane).await;
    let away = server(plane);
    send(Signal::STOP, away);
    leader.ended().await;
    let log = leader.log();
    assert!(log.contains("cannot renew the lease lastgood/lastgood"), "{log}");
    until("the one that stands by says that it could not take over", async || {
        next.readiness().await.is_some_and(|(code, _)| code == 503)
    })
    .await;
    send(Signal::CONT, away);
    leads_within(20, &next, "the API server was away").await;
    next
}

#[tokio::test]
async fn one_of_two_controllers_acts_and_the_other_takes_over_whatever_becomes_of_the_first() {
    #[expect(clippy::disallowed_methods, reason = "a test measures")]
    let began = Instant::now();
    let Some(plane) = installed("leading").await else {
        return skipped("leading::one_of_two_controllers_acts_and_the_other_takes_over_whatever_becomes_of_the_first");
    };
    it_may_do_no_more_than_it_needs(&plane).await;
    the_account_changes_templates_and_its_own_marks_and_nothing_else(&plane).await;
    let (first, second) = the_first_guards_and_the_second_stands_by(&plane).await;
    let took = began.elapsed();
    println!("from no cluster at all to a guarded service: {:.0} s", took.as_secs_f64());
    assert!(
        took < Duration::from_secs(600),
        "docs/kubernetes.md promises ten minutes: {took:?}"
    );
    a_freeze_by_the_store_counts(&plane, &first, &second).await;
    assert_eq!(transitions(&plane).await, "1");
    send(Signal::KILL, first.id());
    leads_within(20, &second, "killed").await;
    assert_eq!(transitions(&plane).await, "2");

    let third = Controller::start(&plane).await;
    send(Signal::STOP, second.id());
    leads_within(20, &third, "stopped").await;
    send(Signal::CONT, second.id());
    second.ended().await;
    let log = second.log();
    assert!(log.contains("the lease lastgood/lastgood was lost: "), "{log}");

    let fourth = Controller::start(&plane).await;
    send(Signal::TERM, third.id());
    leads_within(8, &fourth, "ended").await;

    let fifth = the_api_server_is_away_for_longer_than_the_lease(&plane, &fourth).await;
    assert_eq!(transitions(&plane).await, "5");
    assert_eq!(forbidden(&plane), Vec::<Value>::new(), "{}", fifth.log());
    drop(fifth);
    uninstall(&plane).await;
}
