//! Leaders are killed while they judge, between intent and act, and between act and outcome: the next one goes on, and reverts once.

use serde_json::{Value, json};

use rustix::process::Signal;

use crate::{
    account::forbidden,
    clients::Clients,
    controllers::Controller,
    leading::installed,
    rig::{Plane, send, skipped, until},
    written::template_changes_in,
};

/// What is stored of the service that is guarded.
pub async fn history(plane: &Plane) -> Value {
    let asked = ["get", "histories.lastgood.dev", "deployment-myapp", "--output", "json"];
    let said = plane.try_kubectl("admin", "shop", &asked, "").await.unwrap_or_default();
    let object: Value = serde_json::from_str(&said).unwrap_or_default();
    object["history"].clone()
}

/// Waits until what is stored of the open rollout is so.
pub async fn until_open(plane: &Plane, what: &str, is: impl Fn(&Value) -> bool) {
    until(what, async || is(&history(plane).await["open"])).await;
}

/// Waits until these Events of the workload are told.
pub async fn until_told(plane: &Plane, events: &[&str]) {
    until(&format!("{events:?} are told"), async || {
        let described = plane.kubectl("shop", &["describe", "deployment", "myapp"]).await;
        events.iter().all(|told| described.contains(told))
    })
    .await;
}

#[tokio::test]
async fn c01_leaders_die_while_they_judge_and_around_the_act_and_the_template_is_put_back_once_by_the_shipped_role() {
    let Some(plane) = installed("taking-over").await else {
        return skipped(
            "taking_over::c01_leaders_die_while_they_judge_and_around_the_act_and_the_template_is_put_back_once_by_the_shipped_role",
        );
    };
    let clients = Clients::of(&plane, "shop", "myapp").await;
    let first = Controller::start(&plane).await;
    first.until_it_leads().await;
    let second = Controller::start_with(&plane, &[("LASTGOOD_CRASH_AT", "intent.after")]).await;
    until_open(&plane, "v1 is watched", |open| !open["plan"].is_null()).await;

    plane.image("myapp:v2", &json!({"errors": 0.3, "median": 0.010, "spread": 0.3}));
    plane
        .kubectl("shop", &["set", "image", "deployment/myapp", "myapp=myapp:v2"])
        .await;
    until_open(&plane, "the first one judges v2", |open| {
        open["to"]["name"] == "v2" && !open["plan"].is_null()
    })
    .await;
    send(Signal::KILL, first.id());
    second.until_it_leads().await;
    second.ended().await;
    assert!(!history(&plane).await["open"]["intent"].is_null(), "{}", second.log());
    assert_eq!(template_changes_in(&plane, "shop"), 0, "an intent, and no act yet");

    let third = Controller::start_with(&plane, &[("LASTGOOD_CRASH_AT", "act.after")]).await;
    third.ended().await;
    assert_eq!(template_changes_in(&plane, "shop"), 1, "{}", third.log());
    assert!(
        history(&plane).await["open"]["outcome"].is_null(),
        "an act, and no outcome yet"
    );

    let fourth = Controller::start(&plane).await;
    until("v1 is back and verified", async || {
        history(&plane).await["closed"].as_array().is_some_and(|closed| {
            closed
                .iter()
                .any(|record| record["to"]["name"] == "v2" && record["outcome"] == "verified")
        })
    })
    .await;
    let shown = "jsonpath={.spec.template.spec.containers[0].image} {.metadata.annotations.lastgood\\.dev/fence}";
    let said = plane.kubectl("shop", &["get", "deployment", "myapp", "-o", shown]).await;
    assert_eq!(said, "myapp:v1 3", "the third one's patch: {}", fourth.log());
    assert_eq!(template_changes_in(&plane, "shop"), 1);
    // The word of the verdict died with the one that had reached it: Events are told as well as can be.
    until_told(&plane, &["RolloutSeen", "Reverted", "Verified"]).await;
    assert_eq!(forbidden(&plane), Vec::<Value>::new());
    println!("the clients met {:?}", clients.met());
}
