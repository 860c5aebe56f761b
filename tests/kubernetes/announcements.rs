//! Events of a workload: written once, and never in anybody's way.

use lastgood::{
    engine::{Became, News},
    ports::Platform as _,
    words::{Outcome, Verdict},
};

use crate::{api::Fault, rig::Site, sample};

fn news(what: Became, uid: Option<&str>) -> News {
    News {
        what,
        record: sample::record(&sample::target("myapp"), 1),
        uid: uid.map(str::to_owned),
    }
}

#[tokio::test]
async fn what_becomes_of_a_rollout_is_an_event_once_each() {
    let site = Site::rolled_out().await;
    let events = || {
        let writes = site.api.writes();
        let events = writes
            .into_iter()
            .filter(|(_, path, _)| path.contains("/events.k8s.io/v1/namespaces/shop/events"));
        events.map(|(_, _, body)| body["reason"].clone()).collect::<Vec<_>>()
    };
    for what in [
        Became::Seen,
        Became::Judged(Verdict::Regression),
        Became::Ended(Outcome::Reverted),
        Became::Ended(Outcome::Reverted),
    ] {
        site.workload.announce(&news(what, Some("uid-1"))).await.expect("told");
    }
    site.workload
        .announce(&news(Became::Seen, None))
        .await
        .expect("nothing to tell of");
    assert_eq!(events(), ["RolloutSeen", "Regression", "Reverted"]);
}

#[tokio::test]
async fn an_event_that_cannot_be_written_is_tried_once() {
    let site = Site::rolled_out().await;
    site.api.fails(&[Fault::Unavailable]);
    let error = site
        .workload
        .announce(&news(Became::Seen, Some("uid-1")))
        .await
        .expect_err("not told");
    assert!(
        error.to_string().contains("cannot write an event of deployment shop/myapp"),
        "{error}"
    );
}
