//! Images of a real registry: what is stable follows the proofs by the digests that pods ran, and what is gone is not gone back to.

use lastgood::{
    decide::{Decision, Guard},
    manifest::ImageReference,
    words::{Outcome, Verdict},
};

use crate::{
    plane::{skipped, until},
    registry::{Registry, Shelf},
    scene::{CLIENT_SIDE, Scene, Staging, behaves, workload},
};

async fn until_stable(registry: &Registry, image: &ImageReference) {
    until("the tag is moved", async || {
        registry.tagged("shop", "stable").await.as_deref() == Some(image.digest())
    })
    .await;
}

pub async fn k19_what_is_stable_follows_the_digests_that_pods_ran_and_nothing_goes_back_to_an_image_that_is_gone() {
    let shelf = Shelf::new();
    let registry = shelf.open().await;
    let v1 = registry.push("shop", Some("v1"), "one").await;
    let v2 = registry.push("shop", Some("v2"), "two").await;
    let v3 = registry.push("shop", Some("v3"), "three").await;
    let staging = Staging {
        settings: format!("[registry.\"{}\"]\nplain_http = true\n", registry.name()),
        policy: "  onProven: {tagImage: stable}\n".to_owned(),
        ..Staging::default()
    };
    let mut object = workload("Deployment", "stable");
    object["spec"]["template"]["spec"]["containers"][0]["image"] = v1.as_str().into();
    let Some(scene) = Scene::made("Deployment", "stable", (&object, CLIENT_SIDE), staging).await else {
        return skipped(
            "marks::k19_what_is_stable_follows_the_digests_that_pods_ran_and_nothing_goes_back_to_an_image_that_is_gone",
        );
    };
    let says = |word: &str, version: &str| scene.command(&["release", word, "shop", version, "--reason", "a test"]);
    println!("{}", says("prove", "v1"));
    until_stable(&registry, &v1).await;
    scene.ships_image(v2.as_str(), &behaves(0.005, 0.010)).await;
    scene
        .record("v2", "v2 is watched", |record| record.activation.is_some())
        .await;
    // All of it serves before anything is compared with it.
    let whole = ["rollout", "status", "deployment/shop", "--timeout=280s"];
    scene.plane.kubectl("stable", &whole).await;
    println!("{}", says("prove", "v2"));
    until_stable(&registry, &v2).await;
    println!("{}", says("quarantine", "v2"));
    until_stable(&registry, &v1).await;
    println!("{}", says("prove", "v2"));
    until_stable(&registry, &v2).await;
    // The image that would be put back is gone when it is needed: the pods that serve some requests are left.
    registry.remove("shop", &v2).await;
    scene.ships_image(v3.as_str(), &behaves(0.30, 0.010)).await;
    let record = scene.closed("v3").await;
    assert_eq!(record.verdict, Some(Verdict::Regression), "{record:#?}\n{}", scene.log());
    assert_eq!(record.outcome, Some(Outcome::Refused), "{record:#?}\n{}", scene.log());
    let Some(Decision::Refuse {
        guard: Guard::Unrestorable { found },
    }) = &record.decision
    else {
        panic!("{record:#?}")
    };
    assert!(found.contains("the registry says that there is no image"), "{found}");
    let object = scene.object().await;
    assert_eq!(object["spec"]["template"]["spec"]["containers"][0]["image"], v3.as_str());
    let status = scene.command(&["status", "shop"]);
    assert!(status.contains("tag stable at v2"), "{status}");
    println!("{status}\n{}", scene.command(&["audit", "--service", "shop"]));
}
