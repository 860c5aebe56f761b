//! Of several controllers the one that holds the lease acts, and whoever held it before writes nothing more.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use lastgood::{
    kubernetes::{Contender, Contest, Held, Objects},
    ports::{History as _, HistoryError},
};
use serde_json::{Value, json};

use crate::{
    api::{Api, Fault},
    rig::{Still, soaks},
    sample,
};

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/lastgood/leases";

/// A machine on which no time passes.
fn standing() -> Duration {
    Duration::from_secs(1000)
}

async fn contender(api: &Api, me: &str, uptime: fn() -> Duration) -> Contender {
    let place = (Some("lastgood"), "lastgood");
    Contender::new(api.cluster().await, place, me.to_owned(), Arc::new(Still), uptime)
}

fn held(contest: Contest) -> Held {
    match contest {
        Contest::Held(held) => held,
        Contest::Other(who) => panic!("{who} holds it"),
        Contest::Unknown(because) => panic!("{because}"),
    }
}

/// Who leads, and its histories, which it writes while it does.
async fn leader(api: &Api, uptime: fn() -> Duration) -> (Held, Objects) {
    let cluster = api.cluster().await;
    let held = held(contender(api, "one", uptime).await.contend().await);
    cluster.under(held.term());
    (held, Objects::new(cluster, "lastgood"))
}

fn spec(api: &Api) -> Value {
    api.does(|objects| objects.get(LEASES, "lastgood").expect("a lease")["spec"].clone())
}

#[tokio::test]
async fn the_first_takes_the_lease_the_second_waits_and_has_it_at_once_when_it_is_given_back() {
    let api = Api::start().await;
    let (mut one, mut two) = (contender(&api, "one", standing).await, contender(&api, "two", standing).await);
    let first = held(one.contend().await);
    assert_eq!(first.term().transitions(), 0);
    assert!(matches!(two.contend().await, Contest::Other(who) if who == "one"));
    first.give_back().await;
    let second = held(two.contend().await);
    assert_eq!(second.term().transitions(), 1);
    assert_eq!(spec(&api)["holderIdentity"], json!("two"));
}

#[tokio::test]
async fn a_lease_whose_holder_is_silent_is_taken_when_its_duration_has_passed_here_and_not_before() {
    static PASSED: AtomicU64 = AtomicU64::new(0);
    fn uptime() -> Duration {
        Duration::from_secs(PASSED.load(Ordering::Relaxed))
    }
    let api = Api::start().await;
    let silent = held(contender(&api, "one", uptime).await.contend().await);
    let mut two = contender(&api, "two", uptime).await;
    PASSED.store(100, Ordering::Relaxed);
    assert!(matches!(two.contend().await, Contest::Other(_)), "seen for the first time");
    assert!(!silent.term().lasts(), "who was silent for so long writes nothing");
    PASSED.store(111, Ordering::Relaxed);
    assert!(matches!(two.contend().await, Contest::Other(_)));
    PASSED.store(112, Ordering::Relaxed);
    assert_eq!(held(two.contend().await).term().transitions(), 1);
}

#[tokio::test]
async fn k07_a_lease_that_was_taken_though_no_answer_came_is_ours_and_taken_once() {
    let api = Api::start().await;
    let mut one = contender(&api, "one", standing).await;
    api.fails(&[Fault::ReplyLost]);
    assert!(matches!(one.contend().await, Contest::Unknown(_)));
    assert_eq!(held(one.contend().await).term().transitions(), 0);
    api.does(|objects| objects.change(LEASES, "lastgood", |lease| lease["spec"]["holderIdentity"] = json!("")));
    let mut two = contender(&api, "two", standing).await;
    api.fails(&[Fault::Busy, Fault::ReplyLost]);
    assert!(matches!(two.contend().await, Contest::Unknown(because) if because.contains("too busy")));
    assert!(matches!(two.contend().await, Contest::Unknown(_)));
    assert_eq!(held(two.contend().await).term().transitions(), 1);
}

#[tokio::test]
async fn k06_a_leader_in_a_storm_of_429_keeps_the_lease_or_loses_it_cleanly() {
    static PASSED: AtomicU64 = AtomicU64::new(100);
    fn uptime() -> Duration {
        Duration::from_secs(PASSED.load(Ordering::Relaxed))
    }
    let api = Api::start().await;
    let (mut one, mut two) = (contender(&api, "one", uptime).await, contender(&api, "two", uptime).await);
    let mut leader = held(one.contend().await);
    let term = leader.term();
    let version = || api.does(|objects| objects.get(LEASES, "lastgood").expect("a lease")["metadata"]["resourceVersion"].clone());
    let taken = version();
    // It asks again, and is served before its time is over.
    api.fails(&[Fault::Busy, Fault::Busy]);
    PASSED.store(105, Ordering::Relaxed);
    let renewed = async {
        while version() == taken {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        PASSED.store(112, Ordering::Relaxed);
        // The answer may still be on its way to it.
        while !term.lasts() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        lost = leader.keep() => panic!("{lost}"),
        () = renewed => {}
    }
    assert!(matches!(two.contend().await, Contest::Other(who) if who == "one"));
    // It is refused for longer than it may write: it ends, before anybody else may take the lease.
    PASSED.store(121, Ordering::Relaxed);
    api.fails(&[Fault::Busy]);
    let lost = leader.keep().await;
    assert!(lost.contains("too busy") && !term.lasts(), "{lost}");
    assert!(matches!(two.contend().await, Contest::Other(who) if who == "one"), "not yet");
    PASSED.store(124, Ordering::Relaxed);
    assert_eq!(held(two.contend().await).term().transitions(), 1);
}

#[tokio::test]
async fn of_two_that_want_a_free_lease_at_once_one_has_it() {
    let api = Api::start().await;
    let (mut one, mut two) = (contender(&api, "one", standing).await, contender(&api, "two", standing).await);
    let (one, two) = tokio::join!(one.contend(), two.contend());
    let held = [&one, &two].into_iter().filter(|contest| matches!(contest, Contest::Held(_)));
    assert_eq!(held.count(), 1);
}

#[tokio::test]
async fn c02_a_deposed_leader_writes_nothing_more() {
    let api = Api::start().await;
    let (held, store) = leader(&api, standing).await;
    let history = sample::history(&sample::target("myapp"));
    let revision = store.commit(&history, None).await.expect("it leads");
    held.give_back().await;
    let writes = api.writes().len();
    let refused = store.commit(&history, Some(&revision)).await;
    assert!(
        matches!(&refused, Err(HistoryError::Unavailable(why)) if why.contains("the lease under which lastgood acts has run out")),
        "{refused:?}"
    );
    assert_eq!(api.writes().len(), writes);
    assert!(store.load(&history.target).await.is_ok(), "it may still read");
}

/// A leader stands still for so many seconds, while another one, which saw its lease for the first time some seconds after it was taken, asks for it
/// every two. Says whether that one had it.
async fn stands_still(pause: u64, first_seen: u64, passed: &AtomicU64, uptime: fn() -> Duration) -> bool {
    let api = Api::start().await;
    let (leader, store) = leader(&api, uptime).await;
    let history = sample::history(&sample::target("myapp"));
    let revision = store.commit(&history, None).await.expect("it leads");
    let mut two = contender(&api, "two", uptime).await;
    let mut newer = None;
    for second in 1..=pause {
        passed.fetch_add(1, Ordering::Relaxed);
        if newer.is_none() && second >= first_seen && (second - first_seen).is_multiple_of(2) {
            newer = Some(two.contend().await).and_then(|contest| match contest {
                Contest::Held(held) => Some(held),
                Contest::Other(_) | Contest::Unknown(_) => None,
            });
        }
        assert!(newer.is_none() || !leader.term().lasts(), "two may write after {second} s");
    }
    let (writes, lasts) = (api.writes().len(), leader.term().lasts());
    let committed = store.commit(&history, Some(&revision)).await;
    assert_eq!(committed.is_ok(), lasts, "{committed:?}");
    assert_eq!(api.writes().len() > writes, lasts);
    newer.is_some()
}

#[tokio::test]
async fn c02_however_long_a_leader_stands_still_there_are_never_two_that_write() {
    static PASSED: AtomicU64 = AtomicU64::new(1000);
    fn uptime() -> Duration {
        Duration::from_secs(PASSED.load(Ordering::Relaxed))
    }
    // In a long trial from one second to a minute and a half; what is interesting is when the lease runs out and is taken.
    let pauses = if soaks() { 1..=90 } else { 9..=24 };
    let mut taken = Vec::new();
    for first_seen in [1, 4, 9] {
        for pause in pauses.clone() {
            if stands_still(pause, first_seen, &PASSED, uptime).await {
                taken.push((first_seen, pause));
            }
        }
    }
    // Twelve seconds after it was seen first it is taken, in time or not.
    let of = |first_seen| {
        taken
            .iter()
            .filter(|(first, _)| *first == first_seen)
            .map(|(_, pause)| *pause)
            .min()
    };
    assert_eq!([1, 4, 9].map(of), [Some(13), Some(16), Some(21)]);
}
