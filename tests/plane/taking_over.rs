//! The leader is killed while it judges: the other one judges on from the same evidence, and reverts once.

use serde_json::{Value, json};

use rustix::process::Signal;

use crate::{
    clients::Clients,
    controllers::Controller,
    leading::{forbidden, installed, requests, send},
    rig::{Plane, skipped, until},
};

/// What is stored of the service that is guarded.
async fn history(plane: &Plane) -> Value {
    let asked = ["get", "histories.lastgood.dev", "deployment-myapp", "--output", "json"];
    let said = plane.try_kubectl("admin", "shop", &asked, "").await.unwrap_or_default();
    let object: Value = serde_json::from_str(&said).unwrap_or_default();
    object["history"].clone()
}

/// The patches that the API server took from lastgood and that changed a template, dry runs left out.
fn reverts(plane: &Plane) -> usize {
    let is = |event: &&Value| {
        let accepted = event["verb"] == "patch" && event["responseStatus"]["code"] == 200;
        let dry = event["requestURI"].as_str().is_some_and(|uri| uri.contains("dryRun"));
        accepted && !dry && event["requestObject"].to_string().contains("\"replace\"")
    };
    requests(plane).iter().filter(is).count()
}

#[tokio::test]
async fn the_leader_is_killed_while_it_judges_and_the_other_one_reverts_once_by_the_shipped_role() {
    let Some(plane) = installed("taking-over").await else {
        return skipped("taking_over::the_leader_is_killed_while_it_judges_and_the_other_one_reverts_once_by_the_shipped_role");
    };
    let clients = Clients::of(&plane, "shop", "myapp").await;
    let first = Controller::start(&plane).await;
    first.until_it_leads().await;
    let second = Controller::start(&plane).await;
    until("v1 is watched", async || !history(&plane).await["open"]["plan"].is_null()).await;

    plane.image("myapp:v2", &json!({"errors": 0.3, "median": 0.010, "spread": 0.3}));
    plane
        .kubectl("shop", &["set", "image", "deployment/myapp", "myapp=myapp:v2"])
        .await;
    until("the first one judges v2", async || {
        let history = history(&plane).await;
        history["open"]["to"]["name"] == "v2" && !history["open"]["plan"].is_null()
    })
    .await;
    send(Signal::KILL, first.id());
    second.until_it_leads().await;
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
    assert_eq!(said, "myapp:v1 2", "{}", second.log());
    assert_eq!(reverts(&plane), 1);
    let described = plane.kubectl("shop", &["describe", "deployment", "myapp"]).await;
    for told in [
        "RolloutSeen",
        "Regression",
        "Reverted",
        "Verified",
        "v2 is worse than its policy allows",
    ] {
        assert!(described.contains(told), "{told} is missing:\n{described}");
    }
    assert_eq!(forbidden(&plane), Vec::<Value>::new());
    println!("the clients met {:?}", clients.met());
}
