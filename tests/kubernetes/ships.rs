//! A person's deploy: the image of one container, where the workload still is the one that was looked at.

use std::sync::Arc;

use lastgood::{
    kubernetes::ship::{Dock, ShipError},
    policy::{KubernetesTarget, WorkloadKind},
};
use serde_json::{Value, json};

use crate::{
    api::{Api, Fault},
    controllers::shop,
    rig::Site,
};

async fn dock(api: &Api, container: Option<&str>) -> Dock {
    let target = KubernetesTarget {
        namespace: "shop".to_owned(),
        kind: WorkloadKind::Deployment,
        name: "myapp".to_owned(),
        container: container.map(str::to_owned),
    };
    Dock::new(Arc::clone(&api.cluster().await), target)
}

fn image(object: &Value) -> &Value {
    &object["spec"]["template"]["spec"]["containers"][0]["image"]
}

#[tokio::test]
async fn nothing_but_the_image_is_changed_and_a_scaler_in_between_does_not_matter() {
    let site = Site::rolled_out().await;
    let (dock, before) = (dock(&site.api, None).await, site.stored());
    let shipment = dock.look("app:v3").await.expect("looked");
    assert_eq!((shipment.runs.as_str(), shipment.version.as_str()), ("v2", "v3"));
    assert_eq!(dock.hindered(&shipment).await, Ok(None));
    assert_eq!(site.stored(), before, "a dry run");
    site.api
        .meanwhile(|objects| objects.change(&shop("deployments"), "myapp", |object| object["spec"]["replicas"] = json!(7)));
    let writes = site.template_writes();
    dock.ship(&shipment).await.expect("shipped");
    assert_eq!(site.template_writes(), writes + 1);
    let (mut after, mut wanted) = (site.stored()["spec"].clone(), before["spec"].clone());
    assert_eq!(after["replicas"], 7);
    wanted["template"]["spec"]["containers"][0]["image"] = json!("app:v3");
    (after["replicas"], wanted["replicas"]) = (Value::Null, Value::Null);
    assert_eq!(after, wanted);
}

#[tokio::test]
async fn whoever_changed_the_template_meanwhile_wins() {
    let site = Site::rolled_out().await;
    let dock = dock(&site.api, None).await;
    let shipment = dock.look("app:v3").await.expect("looked");
    site.ships("app:v4");
    let refused = dock.ship(&shipment).await.expect_err("refused");
    assert!(matches!(refused, ShipError::Refused(_)), "{refused:?}");
    assert_eq!(*image(&site.stored()), json!("app:v4"));
}

#[tokio::test]
async fn an_answer_that_is_lost_is_looked_at_and_nothing_is_sent_twice() {
    let site = Site::rolled_out().await;
    let dock = dock(&site.api, None).await;
    let shipment = dock.look("app:v3").await.expect("looked");
    let writes = site.template_writes();
    site.api.fails(&[Fault::ReplyLost]);
    dock.ship(&shipment).await.expect("shipped");
    assert_eq!(site.template_writes(), writes + 1);
    site.api.fails(&[Fault::Unavailable, Fault::Busy]);
    let shipment = dock.look("app:v4").await.expect("looked");
    dock.ship(&shipment).await.expect("shipped in the end");
    assert_eq!(*image(&site.stored()), json!("app:v4"));
}

#[tokio::test]
async fn what_people_and_other_controllers_made_of_it_stands_in_the_way() {
    for (key, value, said) in [
        ("/spec/paused", json!(true), "kubectl rollout resume"),
        (
            "/metadata/annotations",
            json!({"argocd.argoproj.io/tracking-id": "myapp:apps/Deployment:shop/myapp"}),
            "Argo CD's application myapp writes it; change the image there",
        ),
    ] {
        let site = Site::rolled_out().await;
        site.changes(|object| match object.pointer_mut(key) {
            Some(place) => *place = value,
            None => object["spec"]["paused"] = value,
        });
        let dock = dock(&site.api, None).await;
        let shipment = dock.look("app:v3").await.expect("looked");
        let hindered = dock.hindered(&shipment).await.expect("told").expect("hindered");
        assert!(hindered.contains(said), "{hindered}");
        assert_eq!(dock.ship(&shipment).await, Err(ShipError::Refused(hindered)));
        assert_eq!(*image(&site.stored()), json!("app:v2"));
    }
}

#[tokio::test]
async fn of_several_containers_one_must_be_named() {
    let site = Site::rolled_out().await;
    site.changes(|object| {
        let containers = object["spec"]["template"]["spec"]["containers"]
            .as_array_mut()
            .expect("containers");
        containers.push(json!({"name": "sidecar", "image": "proxy:v1"}));
    });
    let told = dock(&site.api, None).await.look("app:v3").await.expect_err("which one");
    assert!(
        matches!(&told, ShipError::Container(said) if said.contains("app, sidecar")),
        "{told}"
    );
    let shipment = dock(&site.api, Some("sidecar")).await.look("proxy:v2").await.expect("looked");
    assert_eq!((shipment.container.as_str(), shipment.from.as_str()), ("sidecar", "proxy:v1"));
}
