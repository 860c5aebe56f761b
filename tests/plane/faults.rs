//! The network and the API server at their worst, in front of the real one: a revert is made once or not at all, and clobbers nobody.

use std::time::Duration;

use futures::future::join_all;
use lastgood::{app::clock::monotonic, decide::Brake, engine::Look, ports::Platform as _, record::ActResult};
use reqwest::Method;
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::{
    clients::admin,
    guarded::{Guarded, idle},
    proxy::{Fault, status},
    rig::{programs, skipped, until},
};

const WORKLOAD: &str = "/deployments/idle";

/// What a server that is too busy says: not even in JSON.
fn busy() -> Fault {
    Fault::Answered(429, "Too many requests, please try again later.".to_owned(), 1)
}

fn conflict() -> Fault {
    status(409, "Conflict", "the object has been modified", 0)
}

fn too_slow() -> Fault {
    status(
        504,
        "Timeout",
        "Timeout: request did not complete within requested timeout",
        0,
    )
}

/// Each story on a Deployment of its own, all at once: most of each is waiting.
macro_rules! together {
    ($($name:literal: $story:expr),+ $(,)?) => {
        join_all([$(Box::pin(async {
            let guarded = Guarded::rolled_out($name).await.expect("a cluster");
            ($story)(guarded).await;
        }) as futures::future::LocalBoxFuture<'_, ()>),+]).await
    };
}

async fn reverted_through(guarded: Guarded, faults: Vec<(Method, Fault)>) {
    for (method, fault) in faults {
        guarded.proxy.fails(method, WORKLOAD, fault);
    }
    let result = guarded.reverted().await;
    assert!(
        matches!(result, ActResult::Applied { .. }),
        "{}: {result:?}",
        guarded.namespace
    );
    assert_eq!(guarded.proxy.to_come(), 0, "{}: it met all of it", guarded.namespace);
    assert_eq!(guarded.image().await, "idle:v1", "{}", guarded.namespace);
    assert_eq!(guarded.template_changes(), 1, "{}", guarded.namespace);
    let look = guarded.workload.look(&guarded.intent()).await;
    assert!(matches!(look, Ok(Look::Done { .. })), "{look:?}");
}

#[tokio::test]
async fn k05_k06_k07_k08_k10_whatever_becomes_of_a_request_the_template_is_changed_once() {
    if programs().is_none() {
        return skipped("faults::k05_k06_k07_k08_k10_whatever_becomes_of_a_request_the_template_is_changed_once");
    }
    let patch = |fault| (Method::PATCH, fault);
    let read = |fault| (Method::GET, fault);
    let broken = || status(500, "InternalError", "etcdserver: leader changed", 0);
    let page = Fault::Answered(404, "<html>not here</html>".to_owned(), 0);
    together!(
        "reply-dropped": |guarded| reverted_through(guarded, vec![patch(Fault::ReplyDropped)]),
        "reply-held": |guarded| reverted_through(guarded, vec![patch(Fault::ReplyHeld)]),
        "swallowed": |guarded| reverted_through(guarded, vec![patch(Fault::Swallowed)]),
        "too-busy": |guarded| reverted_through(guarded, vec![patch(busy()), read(busy()), patch(status(429, "TooManyRequests", "later", 2))]),
        "too-slow": |guarded| reverted_through(guarded, vec![patch(too_slow()), read(too_slow())]),
        "conflicts": |guarded| reverted_through(guarded, vec![patch(conflict()), patch(conflict())]),
        "broken-reads": |guarded| reverted_through(guarded, vec![read(broken()), read(page), read(broken())]),
        "storm": async |guarded: Guarded| {
            // The server serves reads and has no room for writes: nothing was done, and all is decided anew.
            for _ in 0..5 {
                guarded.proxy.fails(Method::PATCH, WORKLOAD, busy());
            }
            let told = guarded.workload.revert(&guarded.intent()).await;
            assert!(told.as_ref().is_err_and(|error| error.to_string().contains("too busy")), "{told:?}");
            assert_eq!(guarded.workload.look(&guarded.intent()).await, Ok(Look::NotBegun));
            reverted_through(guarded, vec![]).await;
        },
        "all-of-it": |guarded| reverted_through(guarded, vec![read(broken()), patch(busy()), patch(conflict()), patch(Fault::ReplyDropped)]),
    );
}

/// A revert is on its way when something happens; then it arrives.
async fn meanwhile(guarded: &Guarded, happens: impl Future<Output = ()>) -> ActResult {
    let held = guarded.proxy.holds(Method::PATCH, WORKLOAD);
    let (result, ()) = tokio::join!(guarded.reverted(), held.meanwhile(happens));
    result
}

#[tokio::test]
async fn k11_k13_k14_what_people_do_while_a_revert_is_on_its_way_wins() {
    if programs().is_none() {
        return skipped("faults::k11_k13_k14_what_people_do_while_a_revert_is_on_its_way_wins");
    }
    together!(
        "newer": async |guarded: Guarded| {
            let result = meanwhile(&guarded, guarded.ships("v3")).await;
            assert!(matches!(&result, ActResult::Superseded { runs: Some(runs) } if runs.name.as_str() == "v3"), "{result:?}");
            assert_eq!((guarded.image().await.as_str(), guarded.template_changes()), ("idle:v3", 0));
        },
        "undone": async |guarded: Guarded| {
            let undo = async { drop(guarded.kubectl(&["rollout", "undo", "deployment/idle"]).await) };
            let result = meanwhile(&guarded, undo).await;
            assert!(matches!(&result, ActResult::Superseded { runs } if *runs == Some(guarded.v1.clone())), "{result:?}");
            assert_eq!((guarded.image().await.as_str(), guarded.template_changes()), ("idle:v1", 0));
        },
        "recreated": async |guarded: Guarded| {
            let recreated = async {
                guarded.kubectl(&["delete", "deployment", "idle"]).await;
                guarded.plane.apply(guarded.namespace, &[idle("v2")]).await;
            };
            let result = meanwhile(&guarded, recreated).await;
            assert_eq!(result, ActResult::Gone);
            assert_eq!((guarded.image().await.as_str(), guarded.template_changes()), ("idle:v2", 0));
        },
        "scaled": async |guarded: Guarded| {
            let scale = async { drop(guarded.kubectl(&["scale", "deployment/idle", "--replicas=2"]).await) };
            let result = meanwhile(&guarded, scale).await;
            assert!(matches!(result, ActResult::Applied { .. }), "{result:?}");
            let said = guarded.kubectl(&["get", "deployment", "idle", "--output", "jsonpath={.spec.replicas}"]).await;
            assert_eq!((said.as_str(), guarded.template_changes()), ("2", 1));
        },
    );
}

#[tokio::test]
async fn k04_older_answers_move_nobody_to_write_over_what_is_newer() {
    if programs().is_none() {
        return skipped("faults::k04_older_answers_move_nobody_to_write_over_what_is_newer");
    }
    together!(
        "aged-before": async |guarded: Guarded| {
            // Whoever answers the reads still shows v2; v3 runs.
            guarded.proxy.ages(true);
            guarded.ships("v3").await;
            let told = guarded.workload.revert(&guarded.intent()).await;
            assert!(!matches!(told, Ok(ActResult::Applied { .. })), "{told:?}");
            assert_eq!((guarded.image().await.as_str(), guarded.template_changes()), ("idle:v3", 0));
            guarded.proxy.ages(false);
            let look = guarded.workload.look(&guarded.intent()).await;
            assert!(matches!(&look, Ok(Look::Other { runs: Some(runs) }) if runs.name.as_str() == "v3"), "{look:?}");
        },
        "aged-after": async |guarded: Guarded| {
            // It is done, nobody heard so, and whoever answers the reads does not know it yet.
            guarded.proxy.ages(true);
            guarded.proxy.fails(Method::PATCH, WORKLOAD, Fault::ReplyDropped);
            let told = guarded.workload.revert(&guarded.intent()).await;
            assert!(!matches!(told, Ok(ActResult::Superseded { .. })), "{told:?}");
            assert_eq!((guarded.image().await.as_str(), guarded.template_changes()), ("idle:v1", 1));
            guarded.proxy.ages(false);
            let look = guarded.workload.look(&guarded.intent()).await;
            assert!(matches!(look, Ok(Look::Done { .. })), "{look:?}");
            assert_eq!(guarded.template_changes(), 1);
        },
    );
}

#[tokio::test]
async fn k05_a_writer_at_fifty_hertz_loses_nothing_and_stops_nothing() {
    let Some(guarded) = Guarded::rolled_out("busy-writer").await else {
        return skipped("faults::k05_a_writer_at_fifty_hertz_loses_nothing_and_stops_nothing");
    };
    let client = admin(&guarded.plane).await;
    let deployments: kube::Api<k8s_openapi::api::apps::v1::Deployment> = kube::Api::namespaced(client, guarded.namespace);
    let mut written = 0;
    let writes = async {
        let mut ticker = tokio::time::interval(Duration::from_millis(20));
        loop {
            ticker.tick().await;
            let patch = json!({"metadata": {"labels": {"written": (written + 1).to_string()}}});
            deployments
                .patch("idle", &kube::api::PatchParams::default(), &kube::api::Patch::Merge(patch))
                .await
                .expect("written");
            written += 1;
        }
    };
    let result = tokio::select! {
        result = async {
            sleep(Duration::from_millis(500)).await;
            let result = guarded.reverted().await;
            sleep(Duration::from_millis(500)).await;
            result
        } => result,
        () = writes => unreachable!("it never ends"),
    };
    assert!(matches!(result, ActResult::Applied { .. }), "{result:?}");
    assert!(written >= 20, "it wrote {written} times");
    let said = guarded
        .kubectl(&["get", "deployment", "idle", "--output", "jsonpath={.metadata.labels.written}"])
        .await;
    let said: u32 = said.parse().expect("a number");
    assert!(
        said == written || said == written + 1,
        "its last word stands: {said} of {written}"
    );
    assert_eq!((guarded.image().await.as_str(), guarded.template_changes()), ("idle:v1", 1));
}

#[tokio::test]
async fn k01_k02_a_watch_that_expires_or_freezes_hides_no_rollout_and_no_pod() {
    if programs().is_none() {
        return skipped("faults::k01_k02_a_watch_that_expires_or_freezes_hides_no_rollout_and_no_pod");
    }
    together!(
        "expired": async |guarded: Guarded| {
            guarded.proxy.expires_watches();
            let took = sees_v3_with_its_pod(&guarded).await;
            println!("after 410 on every watch: v3 and its pod were seen after {took:?}");
            assert!(took < Duration::from_secs(30), "{took:?}");
        },
        "frozen": async |guarded: Guarded| {
            // What rang until now is heard, so that only its own slow look is left.
            while timeout(Duration::from_millis(500), guarded.workload.changed()).await.is_ok() {}
            guarded.proxy.freezes_watches();
            let began = monotonic();
            guarded.ships("v3").await;
            while timeout(Duration::from_secs(60), guarded.workload.changed()).await.is_ok() {
                let seen = guarded.workload.observe().await.ok().and_then(|observation| observation.version);
                if seen.is_some_and(|version| version.name.as_str() == "v3") {
                    break;
                }
            }
            let rollout = began.elapsed();
            let pods = sees_v3_with_its_pod(&guarded).await;
            println!("with every watch frozen: v3 was seen after {rollout:?}, its pod {pods:?} later");
            assert!(rollout < Duration::from_secs(60), "{rollout:?}");
            assert!(began.elapsed() < Duration::from_secs(75), "a dead watch is begun anew within a minute, and answers: {:?}", began.elapsed());
        },
    );
}

async fn sees_v3_with_its_pod(guarded: &Guarded) -> Duration {
    let began = monotonic();
    guarded.ships("v3").await;
    until("v3's pod is seen", async || {
        let Ok(observation) = guarded.workload.observe().await else {
            return false;
        };
        let v3 = |version: &lastgood::words::Version| version.name.as_str() == "v3";
        observation.version.as_ref().is_some_and(v3) && observation.pods.iter().any(|pod| pod.version.as_ref().is_some_and(v3))
    })
    .await;
    began.elapsed()
}

#[tokio::test]
async fn k17_a_deployment_that_a_person_paused_is_not_written_to_and_stays_paused() {
    let Some(guarded) = Guarded::rolled_out("person-paused").await else {
        return skipped("faults::k17_a_deployment_that_a_person_paused_is_not_written_to_and_stays_paused");
    };
    guarded.kubectl(&["rollout", "pause", "deployment/idle"]).await;
    let told = guarded.reverted().await;
    assert!(
        matches!(&told, ActResult::Braked { by: Brake::Paused, found } if found.contains("`kubectl rollout resume deployment/idle -n person-paused`")),
        "{told:?}"
    );
    let paused = ["get", "deployment", "idle", "--output", "jsonpath={.spec.paused}"];
    assert_eq!(
        (guarded.kubectl(&paused).await.as_str(), guarded.template_changes()),
        ("true", 0)
    );
    guarded.kubectl(&["rollout", "resume", "deployment/idle"]).await;
    let told = guarded.reverted().await;
    assert!(
        matches!(told, ActResult::Applied { .. }),
        "theirs was the last word: {told:?}"
    );
    assert_eq!(guarded.template_changes(), 1);
}

#[tokio::test]
async fn k18_with_no_revision_left_the_kept_template_is_restored() {
    let Some(guarded) = Guarded::rolled_out("no-history").await else {
        return skipped("faults::k18_with_no_revision_left_the_kept_template_is_restored");
    };
    let none = json!({"spec": {"revisionHistoryLimit": 0}}).to_string();
    guarded.kubectl(&["patch", "deployment", "idle", "--patch", &none]).await;
    until("v1's ReplicaSet is gone", async || {
        let said = guarded.kubectl(&["get", "replicasets", "--output", "name"]).await;
        said.lines().count() == 1
    })
    .await;
    let result = guarded.reverted().await;
    assert!(matches!(result, ActResult::Applied { .. }), "{result:?}");
    assert_eq!((guarded.image().await.as_str(), guarded.template_changes()), ("idle:v1", 1));
    assert_eq!(guarded.sees("v1").await, guarded.v1, "its new ReplicaSet is the same version");
}

#[tokio::test]
async fn k22_a_changed_checksum_alone_is_a_version_and_goes_with_the_template() {
    let Some(guarded) = Guarded::rolled_out("checksum").await else {
        return skipped("faults::k22_a_changed_checksum_alone_is_a_version_and_goes_with_the_template");
    };
    let annotations = json!({"spec": {"template": {"metadata": {"annotations": {"checksum/config": "1f2e"}}}}}).to_string();
    guarded
        .kubectl(&["patch", "deployment", "idle", "--patch", &annotations])
        .await;
    let mut intent = guarded.intent();
    until("another version of that tag is seen", async || {
        let seen = guarded
            .workload
            .observe()
            .await
            .ok()
            .and_then(|observation| observation.version);
        intent.from = seen.unwrap_or_else(|| guarded.v2.clone());
        intent.from != guarded.v2
    })
    .await;
    assert_eq!(intent.from.name, guarded.v2.name);
    intent.to = guarded.v2.clone();
    let told = guarded.workload.revert(&intent).await;
    assert!(matches!(told, Ok(ActResult::Applied { .. })), "{told:?}");
    let left = [
        "get",
        "deployment",
        "idle",
        "--output",
        "jsonpath={.spec.template.metadata.annotations}",
    ];
    assert_eq!(
        (guarded.kubectl(&left).await.as_str(), guarded.template_changes()),
        (r#"{"team":"shop"}"#, 1)
    );
}
