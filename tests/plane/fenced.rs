//! A leader that was deposed while its patch was on the way, and one that lost its role.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use lastgood::{
    app::clock::SystemClock,
    engine::Look,
    kubernetes::{Contender, Contest, Held, Workload},
    ports::Platform as _,
    record::ActResult,
};
use reqwest::Method;

use crate::{
    guarded::{Guarded, adapter, connected},
    rig::{skipped, until},
};

/// The machine's uptime of both controllers, in seconds.
static PASSED: AtomicU64 = AtomicU64::new(100);

fn uptime() -> Duration {
    Duration::from_secs(PASSED.load(Ordering::Relaxed))
}

async fn contender(guarded: &Guarded, me: &str) -> Contender {
    let connection = connected(guarded.plane.file("credentials/admin.kubeconfig")).await;
    let place = (Some(guarded.namespace), "lastgood");
    Contender::new(connection, place, me.to_owned(), Arc::new(SystemClock), uptime)
}

fn held(contest: Contest) -> Held {
    match contest {
        Contest::Held(held) => held,
        Contest::Other(who) => panic!("{who} holds it"),
        Contest::Unknown(because) => panic!("{because}"),
    }
}

/// The lease runs out in the hands of the first, and this is the second one's adapter, past the proxy.
async fn taken_over(guarded: &Guarded) -> (Held, Workload) {
    let mut second = contender(guarded, "second").await;
    assert!(matches!(second.contend().await, Contest::Other(who) if who == "first"));
    PASSED.fetch_add(60, Ordering::Relaxed);
    let held = held(second.contend().await);
    let cluster = connected(guarded.plane.file("credentials/admin.kubeconfig")).await;
    cluster.under(held.term());
    (held, adapter(cluster, guarded.namespace, guarded.contents.clone()))
}

async fn fence(guarded: &Guarded) -> String {
    let path = "jsonpath={.metadata.annotations.lastgood\\.dev/fence}";
    guarded.kubectl(&["get", "deployment", "idle", "--output", path]).await
}

#[tokio::test]
async fn c04_a_patch_that_was_on_its_way_when_the_lease_was_lost_is_never_a_second_one() {
    for taken_before in [true, false] {
        let namespace = if taken_before { "reverted-by-next" } else { "found-by-next" };
        let Some(guarded) = Guarded::rolled_out(namespace).await else {
            return skipped("fenced::c04_a_patch_that_was_on_its_way_when_the_lease_was_lost_is_never_a_second_one");
        };
        let first = held(contender(&guarded, "first").await.contend().await);
        guarded.cluster.under(first.term());
        let held = guarded.proxy.holds(Method::PATCH, "/deployments/idle");
        let mut next = None;
        let intent = guarded.intent();
        let happens = async {
            let (term, workload) = taken_over(&guarded).await;
            if taken_before {
                assert_eq!(workload.look(&intent).await, Ok(Look::NotBegun));
                let result = workload.revert(&intent).await.expect("told");
                assert!(matches!(result, ActResult::Applied { .. }), "{result:?}");
            }
            next = Some((term, workload));
        };
        let (told, ()) = tokio::join!(guarded.workload.revert(&intent), held.meanwhile(happens));
        assert!(
            matches!(told, Ok(ActResult::Applied { .. })),
            "the one that wrote, or the one that finds it done: {told:?}"
        );
        let (_term, workload) = next.expect("taken over");
        let look = workload.look(&intent).await;
        assert!(matches!(look, Ok(Look::Done { .. })), "{look:?}");
        assert_eq!((guarded.image().await.as_str(), guarded.template_changes()), ("idle:v1", 1));
        assert_eq!(fence(&guarded).await, if taken_before { "1" } else { "0" });
        let refused = guarded.workload.revert(&intent).await;
        assert_eq!(guarded.template_changes(), 1, "{refused:?}");
    }
}

#[tokio::test]
async fn k12_a_role_that_is_taken_away_is_told_with_what_to_give_and_nothing_is_written_until_it_is_back() {
    let Some(guarded) = Guarded::rolled_out("forbidden").await else {
        return skipped(
            "fenced::k12_a_role_that_is_taken_away_is_told_with_what_to_give_and_nothing_is_written_until_it_is_back",
        );
    };
    let bind = ["create", "rolebinding", "person", "--clusterrole=edit", "--user=person"];
    let person = connected(guarded.plane.file("credentials/person.kubeconfig")).await;
    let workload = adapter(person, guarded.namespace, guarded.contents.clone());
    let intent = guarded.intent();
    let told = workload.revert(&intent).await;
    let asks = "give that right in forbidden: lastgood has it by what `deploy/kubernetes` lists";
    assert!(
        matches!(&told, Ok(ActResult::NotMoved { error }) if error.contains(asks)),
        "{told:?}"
    );
    assert_eq!(guarded.template_changes(), 0);
    guarded.kubectl(&bind).await;
    until("the role counts", async || workload.look(&intent).await == Ok(Look::NotBegun)).await;
    let told = workload.revert(&intent).await;
    assert!(matches!(told, Ok(ActResult::Applied { .. })), "{told:?}");
    assert_eq!((guarded.image().await.as_str(), guarded.template_changes()), ("idle:v1", 1));
}
