//! Holds outlive whoever began them: another controller goes on with what the one that was killed held, and a person ends it without any.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{
    account::forbidden,
    clients::Clients,
    controllers::{Controller, shown_under, uninstall},
    leading::installed,
    plugin::Person,
    rig::{Plane, send, skipped, until},
    taking_over::{history, until_open, until_told},
    written::template_changes_in,
};

/// A quarter of the pods, and for as long as the release is watched.
const WATCH: &str = "for: 90s, proveAfter: 45s, hold: 25%, holdMax: 90s";

async fn ships(plane: &Plane, version: &str, errors: f64) {
    let image = format!("myapp:{version}");
    plane.image(&image, &json!({"errors": errors, "median": 0.010, "spread": 0.3}));
    let set = format!("myapp={image}");
    plane.kubectl("shop", &["set", "image", "deployment/myapp", &set]).await;
}

/// Whether it is paused, and what its annotation says.
async fn paused(plane: &Plane) -> (bool, Value) {
    let said = plane.kubectl("shop", &["get", "deployment", "myapp", "-o", "json"]).await;
    let object: Value = serde_json::from_str(&said).expect("JSON");
    let note = object["metadata"]["annotations"]["lastgood.dev/held"].as_str();
    let note = note.map_or(Value::Null, |note| serde_json::from_str(note).expect("JSON"));
    (object["spec"]["paused"] == true, note)
}

async fn until_held(plane: &Plane, version: &str) {
    until_open(plane, &format!("{version} is held"), |open| {
        open["to"]["name"] == version && open["hold"]["outcome"] == "held"
    })
    .await;
}

/// The record of a rollout that is over.
async fn closed(plane: &Plane, version: &str) -> Value {
    let mut found = Value::Null;
    until(&format!("the rollout of {version} is over"), async || {
        let closed = history(plane).await["closed"].clone();
        let mut closed = closed.as_array().into_iter().flatten();
        found = closed
            .find(|record| record["to"]["name"] == version)
            .cloned()
            .unwrap_or_default();
        !found.is_null()
    })
    .await;
    found
}

async fn the_leader_dies_while_it_holds_and_the_other_one_reverts_once(plane: &Plane) -> Controller {
    let first = Controller::start_watching(plane, WATCH, &[]).await;
    first.until_it_leads().await;
    let second = Controller::start_watching(plane, WATCH, &[]).await;
    until_open(plane, "v1 is watched", |open| !open["plan"].is_null()).await;
    ships(plane, "v2", 0.3).await;
    until_held(plane, "v2").await;
    send(Signal::KILL, first.id());
    let (is_paused, note) = paused(plane).await;
    assert!(is_paused && note["until"].is_string(), "it says until when: {note}");
    second.until_it_leads().await;
    let record = closed(plane, "v2").await;
    assert_eq!(
        (&record["outcome"], &record["hold"]["outcome"]),
        (&json!("verified"), &json!("released")),
        "{record:#}\n{}",
        second.log()
    );
    assert_eq!(
        note["rollout"], record["id"],
        "the one that was held is the one that was judged"
    );
    assert_eq!(template_changes_in(plane, "shop"), 1);
    assert_eq!(paused(plane).await, (false, Value::Null));
    until_told(plane, &["Regression", "Reverted", "Verified"]).await;
    second
}

async fn a_person_lets_it_go_on_where_no_controller_runs(plane: &Plane, leader: Controller) {
    let person = Person::new(plane);
    person.is_granted("edit").await;
    let (_, said) = leader.command(plane, &["check", &leader.policy(), "--prometheus", &plane.prometheus()]);
    assert!(said.contains("it would be held at 2 of 4 pods now"), "{said}");
    ships(plane, "v3", 0.005).await;
    until_held(plane, "v3").await;
    send(Signal::KILL, leader.id());
    leader.ended().await;
    until("the binding counts", async || {
        person.types("kubectl lastgood status -n shop").await.code == Some(0)
    })
    .await;
    let [list, resume] = shown_under("Holding a rolling update").try_into().expect("two commands");
    let said = person.does(&list).await;
    assert!(said.out.contains("myapp") && said.out.contains("2 of 4"), "{said:?}");
    let said = person.does(&resume).await;
    assert!(said.err.contains("v3 of myapp goes on"), "{said:?}");
    assert_eq!(paused(plane).await, (false, Value::Null));
    plane
        .kubectl("shop", &["rollout", "status", "deployment/myapp", "--timeout=280s"])
        .await;
    let said = person.types("kubectl lastgood hold resume --all -n shop --yes").await;
    assert!(said.code == Some(5) && said.err.contains("nothing is held"), "{said:?}");
    let next = Controller::start_watching(plane, WATCH, &[]).await;
    next.until_it_leads().await;
    let record = closed(plane, "v3").await;
    assert_eq!(record["hold"]["goes_on"]["reason"], "the incident is over", "{record:#}");
    assert_ne!(record["verdict"], "regression", "{record:#}\n{}", next.log());
    assert_eq!(paused(plane).await, (false, Value::Null), "it is not held again");
}

#[tokio::test]
async fn c01_a_leader_dies_while_it_holds_and_a_person_goes_on_without_any() {
    let Some(plane) = installed("holding").await else {
        return skipped("holding::c01_a_leader_dies_while_it_holds_and_a_person_goes_on_without_any");
    };
    let clients = Clients::of(&plane, "shop", "myapp").await;
    let leader = the_leader_dies_while_it_holds_and_the_other_one_reverts_once(&plane).await;
    a_person_lets_it_go_on_where_no_controller_runs(&plane, leader).await;
    assert_eq!(forbidden(&plane), Vec::<Value>::new());
    uninstall(&plane).await;
    println!("the clients met {:?}", clients.met());
}
