//! A Deployment that is deleted, or deleted and made again, at each step of a revert.

use lastgood::{
    engine::Look,
    ports::Platform as _,
    record::{ActResult, Intent, SeenObject},
};
use serde_json::{Value, json};

use crate::{
    api::Objects,
    controllers::shop,
    rig::Site,
    shown::{template, workload},
};

fn deletes(objects: &mut Objects) {
    objects.delete(&shop("deployments"), "myapp");
}

/// The same object again, with the bad template and another uid.
fn makes_again(objects: &mut Objects) {
    let mut object = workload(&template("app:v2"), 4).0;
    object["spec"]["selector"] = json!({"matchLabels": {"app": "myapp"}});
    object["metadata"]["uid"] = Value::from("second");
    objects.put(&shop("deployments"), object);
}

/// The revert of v2 to v1 in the object that was judged.
fn intent(site: &Site) -> Intent {
    let uid = site.stored()["metadata"]["uid"].as_str().expect("a uid").to_owned();
    Intent {
        uid: Some(uid),
        ..site.intent()
    }
}

#[tokio::test]
async fn k11_a_deleted_deployment_is_seen_to_be_gone_and_one_made_again_to_be_another() {
    let site = Site::rolled_out().await;
    let object = async || site.workload.observe().await.expect("observed").object;
    let SeenObject::Found { uid: first } = object().await else {
        panic!("it is there")
    };
    site.api.does(deletes);
    let SeenObject::Gone { because } = object().await else {
        panic!("it is gone")
    };
    assert!(because.contains("create it, or correct the target"), "{because}");
    site.api.does(makes_again);
    assert_ne!(object().await, SeenObject::Found { uid: first });
    assert_eq!(
        site.runs().await,
        Some(site.v2.clone()),
        "its version is found again by its template"
    );
}

#[tokio::test]
async fn k11_a_revert_of_what_is_gone_writes_nothing() {
    let site = Site::rolled_out().await;
    let intent = intent(&site);
    site.api.does(deletes);
    assert_eq!(site.workload.revert(&intent).await, Ok(ActResult::Gone));
    assert_eq!(site.workload.look(&intent).await, Ok(Look::Gone));
    site.api.does(makes_again);
    assert_eq!(
        site.workload.revert(&intent).await,
        Ok(ActResult::Gone),
        "another object was not judged"
    );
    assert_eq!(site.workload.look(&intent).await, Ok(Look::Gone));
    assert_eq!(site.template_writes(), 0);
}

#[tokio::test]
async fn k11_a_deployment_that_goes_directly_before_the_patch_is_not_written() {
    for again in [false, true] {
        let site = Site::rolled_out().await;
        let intent = intent(&site);
        site.api.meanwhile(move |objects| {
            deletes(objects);
            if again {
                makes_again(objects);
            }
        });
        assert_eq!(
            site.workload.revert(&intent).await,
            Ok(ActResult::Gone),
            "made again: {again}"
        );
        assert_eq!(site.template_writes(), 0);
    }
}
