//! Releases that were recorded: gone back to by their image alone, and deployed by it.

use lastgood::{
    record::{Phase, Record},
    words::{Arm, Outcome, Verdict},
};
use serde_json::{Value, json};

use crate::{
    plane::{skipped, until},
    scene::{Scene, Staging, behaves},
};

/// Few requests tell that a release is good where so many of them may fail.
const TOLERANT: &str =
    "{name: errors, ratio: {bad: 'http_requests_total{code=~\"5..\"}', total: http_requests_total}, tolerate: {floor: 3%}}";
/// Whatever is found is told, and nothing goes back.
const TOLD: &str =
    "{name: errors, ratio: {bad: 'http_requests_total{code=~\"5..\"}', total: http_requests_total}, onRegression: alert}";
const DIGEST: &str = "sha256:00000000000000000000000000000000000000000000000000000000000000aa";

/// Records a release of the image `NAMESPACE/shop:VERSION`, and how that behaves. The image by its digest.
async fn recorded(scene: &Scene, version: &str, passed: bool, behavior: &Value) -> String {
    let image = format!("{}/shop:{version}@{DIGEST}", scene.namespace);
    scene.plane.image(&image, behavior);
    let manifest = json!({
        "version": version, "commit": "0123456789ab", "built_at": "2026-11-24T18:00:00Z", "passed_smoke_test": passed, "image": image,
    });
    let path = scene.directory.path().join(format!("{version}.json"));
    std::fs::write(&path, manifest.to_string()).expect("written");
    let (code, said) = scene
        .types(&["record", path.to_str().expect("text"), "--service", "shop", "--env", "prod"])
        .await;
    assert_eq!(code, Some(0), "{said}");
    image
}

fn its_image(object: &Value) -> &Value {
    &object["spec"]["template"]["spec"]["containers"][0]["image"]
}

pub async fn a_version_without_a_kept_template_goes_back_by_its_recorded_image_alone() {
    let Some(scene) = Scene::set("Deployment", "alone").await else {
        return skipped("releases::a_version_without_a_kept_template_goes_back_by_its_recorded_image_alone");
    };
    let image = recorded(&scene, "v0", true, &behaves(0.005, 0.010)).await;
    scene.plane.image("alone/shop:v2", &behaves(0.0, 0.010));
    let variable = json!([{"name": "GREETING", "value": "hello"}]);
    let container = json!({"name": "shop", "image": "alone/shop:v2", "env": variable});
    scene
        .patches(&json!({"spec": {"template": {"spec": {"containers": [container]}}}}))
        .await;
    scene
        .record("v2", "v2 is watched", |record| record.activation.is_some())
        .await;
    let before = scene.object().await;
    let rollback = ["rollback", "shop", "--to", "v0", "--reason", "older than lastgood"];
    let only = format!("only the image of shop goes back, to {image}");
    let (code, said) = scene.types(&[&rollback[..], &["--dry-run"]].concat()).await;
    assert!(code == Some(0) && said.contains(&only), "{said}");
    assert_eq!(scene.object().await["spec"], before["spec"], "a dry run");
    let (code, said) = scene.types(&[&rollback[..], &["--yes"]].concat()).await;
    assert_eq!(code, Some(0), "{said}\n{}", scene.log());
    assert!(said.contains(&only) && said.contains("went back from v2 to v0"), "{said}");
    let mut wanted = before["spec"]["template"].clone();
    wanted["spec"]["containers"][0]["image"] = json!(image);
    assert_eq!(scene.object().await["spec"]["template"], wanted, "the variable stays");
    let back: Record = scene.record("v0", "it is over", |record| record.phase == Phase::Closed).await;
    assert_eq!(back.outcome, Some(Outcome::Verified), "{back:#?}\n{}", scene.log());
    scene.says(&format!("Only the image of `shop` went back, to `{image}`")).await;
    // Its pods run, and what they run is known from now on: there is a whole template to go back to.
    let whole = ["rollout", "status", "deployment/shop", "--timeout=280s"];
    scene.plane.kubectl("alone", &whole).await;
    scene.ships("v3", &behaves(0.0, 0.010)).await;
    scene
        .record("v3", "v3 is watched", |record| record.activation.is_some())
        .await;
    let (code, said) = scene.types(&[&rollback[..], &["--yes"]].concat()).await;
    assert!(code == Some(0) && !said.contains("only the image"), "{said}");
    assert_eq!(scene.object().await["spec"]["template"], wanted);
}

/// Half-way of a rolling update most requests are still answered by the old pods.
pub async fn what_a_person_is_shown_in_mid_rollout_is_of_the_new_pods_alone() {
    let staging = Staging {
        metric: TOLD,
        ..Staging::default()
    };
    let Some(scene) = Scene::staged("Deployment", "numbers", staging).await else {
        return skipped("releases::what_a_person_is_shown_in_mid_rollout_is_of_the_new_pods_alone");
    };
    // No old pod goes before a new one has been ready for a minute.
    let slower = r#"--patch={"spec":{"minReadySeconds":60}}"#;
    let patch = ["patch", "deployment", "shop", "--type=merge", slower];
    scene.plane.kubectl(scene.namespace, &patch).await;
    scene.ships("v2", &behaves(0.8, 0.010)).await;
    let mut errors = Value::Null;
    until("enough requests of v2 were counted", async || {
        let dry = ["rollback", "shop", "--to", "v1", "--dry-run", "-o", "json", "--quiet"];
        let (_, said) = scene.types(&dry).await;
        let plan: Value = serde_json::from_str(&said).unwrap_or_default();
        errors = plan["lately"][0][0].clone();
        errors["total"].as_u64().unwrap_or_default() >= 100
    })
    .await;
    let open = scene.records().await.into_iter().next().expect("a rollout");
    let old = open.pods.iter().any(|pod| pod.arm == Arm::Baseline && pod.gone_at.is_none());
    assert!(old && open.to.name.as_str() == "v2", "still in the middle of it: {open:#?}");
    let count = |key: &str| errors[key].as_f64().unwrap_or_default();
    let share = count("bad") / count("total");
    println!("in mid-rollout: {errors}");
    assert!((0.6..=1.0).contains(&share), "four fifths of v2's own fail: {errors}");
}

pub async fn a_recorded_release_is_deployed_by_its_digest_and_waited_for_and_a_failed_smoke_test_needs_a_word() {
    let staging = Staging {
        metric: TOLERANT,
        ..Staging::default()
    };
    let Some(scene) = Scene::staged("Deployment", "shipped", staging).await else {
        return skipped(
            "releases::a_recorded_release_is_deployed_by_its_digest_and_waited_for_and_a_failed_smoke_test_needs_a_word",
        );
    };
    let second = recorded(&scene, "v2", true, &behaves(0.005, 0.010)).await;
    let (code, said) = scene
        .types(&[
            "deploy",
            "shop",
            "--to",
            "v2",
            "--wait",
            "--timeout",
            "4m",
            "--reason",
            "the new basket",
        ])
        .await;
    assert_eq!(code, Some(0), "{said}\n{}", scene.log());
    assert!(said.contains("shop: v2 is rolled out, v1 ran before"), "{said}");
    assert_eq!(*its_image(&scene.object().await), second, "by its digest");
    let record = scene.record("v2", "it is judged", |record| record.verdict.is_some()).await;
    assert_eq!(record.verdict, Some(Verdict::Healthy), "{record:#?}");

    one_that_failed_its_smoke_test(&scene, &second).await;
    let (_, said) = scene
        .types(&["audit", "--service", "shop", "--action", "deploy", "-o", "json"])
        .await;
    for noted in [
        "v1 -> v2",
        "the new basket",
        "v2 -> v3 (--force)",
        "the tests are broken",
        "refused: nothing was changed",
    ] {
        assert!(said.contains(noted), "{noted}: {said}");
    }
}

/// It is refused, then deployed by a person's word, judged bad, and gone; `second` ran before.
async fn one_that_failed_its_smoke_test(scene: &Scene, second: &str) {
    let third = recorded(scene, "v3", false, &behaves(0.40, 0.010)).await;
    let deploy = ["deploy", "shop", "--to", "v3", "--wait", "--timeout", "4m"];
    let (code, said) = scene.types(&deploy).await;
    assert_eq!(code, Some(5), "{said}");
    assert!(
        said.contains("nothing was changed: v3 failed its smoke test, its manifest says"),
        "{said}"
    );
    assert_eq!(*its_image(&scene.object().await), second);
    let (code, said) = scene
        .types(&[&deploy[..], &["--force", "--reason", "the tests are broken"]].concat())
        .await;
    assert_eq!(code, Some(3), "{said}\n{}", scene.log());
    let record = scene.closed("v3").await;
    assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}\n{}", scene.log());
    assert_eq!(*its_image(&scene.object().await), second, "{third} is bad");
    // Convicted now, so that not even the digest brings it back.
    let (code, said) = scene.types(&deploy).await;
    assert!(code == Some(5) && said.contains("v3 is quarantined"), "{said}");
}
