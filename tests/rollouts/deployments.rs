//! Deployments: seen, judged by their pods, put back.

use lastgood::{
    judge::Comparison,
    words::{Outcome, Standing, Verdict},
};

use crate::{
    costs::{Saved, Unguarded, image},
    plane::{skipped, until},
    scene::{LATENCY, Scene, Staging, TENFOLD, behaves},
    written::template_changes_in,
};

pub async fn k25_a_release_with_errors_is_convicted_beside_the_old_pods_and_the_template_is_put_back() {
    let Some(scene) = Scene::set("Deployment", "errors").await else {
        return skipped("deployments::k25_a_release_with_errors_is_convicted_beside_the_old_pods_and_the_template_is_put_back");
    };
    let before = scene.object().await;
    scene.ships("v2", &behaves(0.30, 0.010)).await;
    let record = scene.closed("v2").await;
    assert_eq!(record.verdict, Some(Verdict::Regression), "{record:#?}\n{}", scene.log());
    assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}\n{}", scene.log());
    let evidence = record.evidence.expect("evidence");
    assert_eq!(evidence.compare, Comparison::Concurrent);
    assert_eq!(scene.image().await, "v1");
    let after = scene.object().await;
    assert_eq!(
        before["spec"], after["spec"],
        "the template is as it was, byte for byte, and nothing else changed"
    );
    assert_eq!(scene.standing("v2").await, Some(Standing::Quarantined));
    println!("{}\n{:?}", scene.command(&["explain", "shop"]), scene.clients.met());
}

pub async fn k30_a_version_that_is_bad_too_when_it_is_back_is_told_and_nothing_moves_again() {
    let Some(scene) = Scene::set("Deployment", "no-help").await else {
        return skipped("deployments::k30_a_version_that_is_bad_too_when_it_is_back_is_told_and_nothing_moves_again");
    };
    known(&scene, 2500.0).await;
    // However soon v2 is convicted, no pod of v1 is left that was not started again.
    let recreate = r#"{"spec":{"strategy":{"type":"Recreate","rollingUpdate":null}}}"#;
    let patch = ["patch", "deployment", "shop", "--type", "merge", "--patch", recreate];
    scene.plane.kubectl(scene.namespace, &patch).await;
    // Whatever fails v2 fails v1 too where it is started again: a database, say.
    scene.plane.image("no-help/shop:v1", &behaves(0.60, 0.010));
    scene.ships("v2", &behaves(0.60, 0.010)).await;
    let record = scene.closed("v2").await;
    assert_eq!(
        (record.verdict, record.outcome),
        (Some(Verdict::Regression), Some(Outcome::DidNotHelp)),
        "{record:#?}\n{}",
        scene.log()
    );
    assert_eq!(scene.image().await, "v1");
    assert_eq!(template_changes_in(&scene.plane, scene.namespace), 1);
    println!("{}", scene.command(&["explain", "shop"]));
}

pub async fn a_release_with_five_percent_of_errors_costs_less_than_where_nobody_guards() {
    let Some(scene) = Scene::set("Deployment", "five-percent").await else {
        return skipped("deployments::a_release_with_five_percent_of_errors_costs_less_than_where_nobody_guards");
    };
    let mut unguarded = Unguarded::beside(&scene).await;
    known(&scene, 2500.0).await;
    unguarded.ships(&scene, "v2", &behaves(0.05, 0.010), image).await;
    let record = scene.closed("v2").await;
    assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}\n{}", scene.log());
    unguarded.note("5 % errors (before: 0.5 %)", Saved::Failed, &scene).await;
}

pub async fn a_slow_release_is_convicted_by_its_latency_and_put_back() {
    let staging = Staging {
        metric: LATENCY,
        ..Staging::default()
    };
    let Some(scene) = Scene::staged("Deployment", "slow", staging).await else {
        return skipped("deployments::a_slow_release_is_convicted_by_its_latency_and_put_back");
    };
    let mut unguarded = Unguarded::beside(&scene).await;
    known(&scene, 1500.0).await;
    unguarded.ships(&scene, "v2", &behaves(0.005, 0.400), image).await;
    let record = scene.closed("v2").await;
    assert_eq!(record.verdict, Some(Verdict::Regression), "{record:#?}\n{}", scene.log());
    assert_eq!(record.outcome, Some(Outcome::Verified), "{record:#?}\n{}", scene.log());
    assert_eq!(scene.image().await, "v1");
    unguarded.note("slow: 400 ms (before: 10 ms)", Saved::Slow, &scene).await;
}

/// Waits until Prometheus has counted so many requests of v1: of some seconds nothing subtle can be said, and 7 of 502 may fail where 1 in 200 does.
async fn known(scene: &Scene, requests: f64) {
    let query = format!(
        r#"sum(http_request_duration_seconds_count{{namespace="{}"}})"#,
        scene.namespace
    );
    until("enough of v1 is known", async || {
        let counted = scene.plane.query(&query).await;
        let counted = counted.first().and_then(|one| one["value"][1].as_str()?.parse::<f64>().ok());
        counted.is_some_and(|counted| counted > requests)
    })
    .await;
}

pub async fn a_good_release_is_proven_and_left_alone() {
    let staging = Staging {
        metric: TENFOLD,
        ..Staging::default()
    };
    let Some(scene) = Scene::staged("Deployment", "good", staging).await else {
        return skipped("deployments::a_good_release_is_proven_and_left_alone");
    };
    scene.ships("v2", &behaves(0.005, 0.010)).await;
    let record = scene.closed("v2").await;
    assert_eq!(
        (record.verdict, record.outcome),
        (Some(Verdict::Healthy), None),
        "{record:#?}\n{}",
        scene.log()
    );
    assert_eq!(scene.standing("v2").await, Some(Standing::Proven));
    assert_eq!(scene.image().await, "v2");
    assert_eq!(template_changes_in(&scene.plane, scene.namespace), 0);
    println!("{}\n{:?}", scene.command(&["explain", "shop"]), scene.clients.met());
}

pub async fn a_good_release_is_left_alone_by_the_defaults() {
    let Some(scene) = Scene::set("Deployment", "good-by-default").await else {
        return skipped("deployments::a_good_release_is_left_alone_by_the_defaults");
    };
    scene.ships("v2", &behaves(0.005, 0.010)).await;
    let record = scene.closed("v2").await;
    assert_ne!(record.verdict, Some(Verdict::Regression), "{record:#?}");
    assert_eq!(scene.image().await, "v2");
    assert_eq!(template_changes_in(&scene.plane, scene.namespace), 0);
}
