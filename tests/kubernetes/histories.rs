//! Histories as objects of the cluster keep the same contract as SQLite, within the bounds that a cluster sets.

use lastgood::{
    kubernetes::{MOST_BYTES, Objects},
    policy::{KubernetesTarget, WorkloadKind},
    ports::{Contents as _, History as _, HistoryError},
    record::{ArmPod, KnownVersion, ProofBasis, TargetHistory, verify},
    words::{Arm, Pod, Standing},
};
use serde_json::json;

use crate::{
    api::{Api, Fault},
    contract::{holds, survives},
    sample,
};

const HOME: &str = "/apis/lastgood.dev/v1/namespaces/lastgood/histories";

#[tokio::test]
async fn objects_keep_the_contract() {
    let api = Api::start().await;
    holds(&Objects::new(api.cluster().await, "lastgood"), 10).await;
}

#[tokio::test]
async fn objects_survive_a_restart() {
    let api = Api::start().await;
    let cluster = api.cluster().await;
    survives(|| Box::new(Objects::new(cluster.clone(), "lastgood"))).await;
}

#[tokio::test]
async fn k07_a_commit_whose_answer_was_lost_is_found_done_and_one_that_was_not_done_is_done_once() {
    let api = Api::start().await;
    let store = Objects::new(api.cluster().await, "lastgood");
    let history = sample::history(&sample::target("myapp"));
    api.fails(&[Fault::ReplyLost]);
    let first = store.commit(&history, None).await.expect("found done");
    api.fails(&[Fault::Unavailable, Fault::Busy, Fault::Conflict]);
    let second = store.commit(&history, Some(&first)).await.expect("done at last");
    assert_ne!(first, second);
    assert_eq!(store.load(&history.target).await, Ok(Some((history.clone(), second))));
    assert_eq!(api.writes().len(), 2, "one create, one put");
    let conflict = store.commit(&history, Some(&first)).await;
    assert!(matches!(conflict, Err(HistoryError::Conflict(_))), "{conflict:?}");
}

#[tokio::test]
async fn a_commit_is_one_request_where_nobody_else_wrote_and_what_someone_else_wrote_is_read() {
    let api = Api::start().await;
    let store = Objects::new(api.cluster().await, "lastgood");
    let mut history = sample::history(&sample::target("myapp"));
    store.commit(&history, None).await.expect("committed");
    let (_, first) = store.load(&history.target).await.expect("read").expect("a history");
    history.unready.clear();
    api.later(1, |_| {});
    let second = store.commit(&history, Some(&first)).await.expect("committed");
    assert!(api.is_later(), "a second request was made");

    let other = Objects::new(api.cluster().await, "lastgood");
    let third = other.commit(&history, Some(&second)).await.expect("committed");
    let late = store.commit(&history, Some(&second)).await;
    assert!(matches!(late, Err(HistoryError::Conflict(_))), "{late:?}");
    assert!(store.commit(&history, Some(&third)).await.is_ok(), "it was read meanwhile");

    let version = sample::version("v1");
    store.keep(&history.target, &version, "{}").await.expect("kept");
    api.does(|objects| objects.change(HOME, "prod.myapp", |object| object["contents"] = json!([])));
    store.keep(&history.target, &version, "{}").await.expect("kept again");
    let kept = other.all_kept(&history.target).await.expect("read");
    assert_eq!(kept.len(), 1, "what is remembered is no reason to put nothing");

    api.does(|objects| objects.delete(HOME, "prod.myapp"));
    assert!(store.commit(&history, None).await.is_ok(), "another object of that name");
}

#[tokio::test]
async fn whoever_names_a_service_alone_finds_the_history_that_lies_beside_its_workload() {
    let api = Api::start().await;
    let cluster = api.cluster().await;
    let controller = Objects::new(cluster.clone(), "lastgood");
    let mut history = sample::history(&sample::target("myapp"));
    let workload = KubernetesTarget {
        namespace: "shop".to_owned(),
        kind: WorkloadKind::Deployment,
        name: "myapp".to_owned(),
        container: None,
    };
    controller.place(history.target.clone(), &workload);
    let first = controller.commit(&history, None).await.expect("committed");
    let person = || Objects::of_person(cluster.clone(), vec!["shop".to_owned()]);
    assert_eq!(
        person().load(&history.target).await,
        Ok(Some((history.clone(), first.clone())))
    );
    history.unready.clear();
    let second = person().commit(&history, Some(&first)).await.expect("the same object");
    assert_eq!(controller.load(&history.target).await, Ok(Some((history.clone(), second))));
    let version = sample::version("v1");
    person().keep(&history.target, &version, "{}").await.expect("kept");
    let kept = controller.all_kept(&history.target).await;
    assert_eq!(
        (kept.as_ref().map(Vec::len), person().all_kept(&history.target).await),
        (Ok(1), kept.clone())
    );
    let chain = history.target.to_string();
    assert_eq!(person().audit(Some(&chain)).await, controller.audit(Some(&chain)).await);
}

#[tokio::test]
async fn keeping_a_template_is_no_commit_and_disturbs_none() {
    let api = Api::start().await;
    let store = Objects::new(api.cluster().await, "lastgood");
    let history = TargetHistory::new(sample::target("myapp"));
    let first = store.commit(&history, None).await.expect("committed");
    store.keep(&history.target, &sample::version("v1"), "{}").await.expect("kept");
    assert_eq!(store.load(&history.target).await, Ok(Some((history.clone(), first.clone()))));
    assert!(store.commit(&history, Some(&first)).await.is_ok());
}

#[tokio::test]
async fn c18_what_a_newer_lastgood_wrote_beside_is_kept() {
    let api = Api::start().await;
    let store = Objects::new(api.cluster().await, "lastgood");
    let history = sample::history(&sample::target("myapp"));
    let revision = store.commit(&history, None).await.expect("committed");
    api.does(|objects| {
        objects.change(HOME, "prod.myapp", |object| {
            object["sealedBy"] = json!("newer");
            object["history"]["forecast"] = json!({"errors": 0.1});
            object["history"]["closed"][9]["mood"] = json!("calm");
        });
    });
    let mut next = history;
    next.closed.remove(0);
    store.commit(&next, Some(&revision)).await.expect("committed");
    let stored = api.does(|objects| objects.get(HOME, "prod.myapp").cloned()).expect("stored");
    assert_eq!(stored["sealedBy"], json!("newer"));
    assert_eq!(stored["history"]["forecast"], json!({"errors": 0.1}));
    assert_eq!(stored["history"]["closed"][8]["mood"], json!("calm"), "with its own record");
    assert_eq!(stored["history"]["closed"].as_array().map(Vec::len), Some(9));
}

#[tokio::test]
async fn s15_the_newest_hundred_entries_of_the_audit_are_kept_and_verify_from_the_checkpoint_that_keeps_the_end_of_the_others() {
    let api = Api::start().await;
    let store = Objects::new(api.cluster().await, "lastgood");
    let mut history = TargetHistory::new(sample::target("myapp"));
    let chain = history.target.to_string();
    let (mut revision, mut heads) = (None, Vec::new());
    for number in 0..130 {
        history.audit.add(&chain, sample::at(number), sample::deed(number));
        heads.push(history.audit.head(&chain));
        revision = Some(store.commit(&history, revision.as_ref()).await.expect("committed"));
    }
    let stored = store.audit(Some(&chain)).await.expect("the audit");
    let cut = stored.cut.first().expect("a checkpoint");
    assert_eq!((cut.seq, stored.entries.len()), (30, 100));
    assert_eq!(verify(&chain, &stored.entries, &heads, Some(cut)), [""; 0]);
    assert_eq!(store.audit(None).await, Ok(stored.clone()));
    api.does(|objects| {
        objects.change(HOME, "prod.myapp", |object| {
            let document = object["audit"]["entries"][40]["document"]
                .as_str()
                .expect("a text")
                .replace("alice", "bob");
            object["audit"]["entries"][40]["document"] = json!(document);
        });
    });
    let edited = store.audit(Some(&chain)).await.expect("the audit");
    assert_ne!(verify(&chain, &edited.entries, &heads, Some(cut)), [""; 0]);
}

#[tokio::test]
async fn c10_a_newer_format_is_refused() {
    let api = Api::start().await;
    let store = Objects::new(api.cluster().await, "lastgood");
    let history = TargetHistory::new(sample::target("myapp"));
    let revision = store.commit(&history, None).await.expect("committed");
    api.does(|objects| objects.change(HOME, "prod.myapp", |object| object["history"]["format"] = json!(999)));
    let refused = store.load(&history.target).await;
    assert!(matches!(refused, Err(HistoryError::Newer { found: 999, .. })), "{refused:?}");
    assert_ne!(
        store.commit(&history, Some(&revision)).await.map(drop),
        Err(HistoryError::Conflict(String::new()))
    );
}

#[tokio::test]
async fn a_history_lies_beside_its_workload_and_templates_that_a_revert_may_need_outlive_newer_ones() {
    let api = Api::start().await;
    let store = Objects::new(api.cluster().await, "lastgood");
    let history = sample::history(&sample::target("myapp"));
    let target = KubernetesTarget {
        namespace: "shop".to_owned(),
        kind: WorkloadKind::Deployment,
        name: "myapp".to_owned(),
        container: None,
    };
    store.place(history.target.clone(), &target);
    store.commit(&history, None).await.expect("committed");
    assert!(
        store
            .keep(&history.target, &sample::version("v1.2.2"), "the last good")
            .await
            .is_ok()
    );
    for number in 0..9 {
        let version = sample::version(&format!("v2.{number}"));
        store.keep(&history.target, &version, "another").await.expect("kept");
    }
    let kept: Vec<String> = store
        .all_kept(&history.target)
        .await
        .expect("read")
        .iter()
        .map(|(version, _)| version.name.to_string())
        .collect();
    assert_eq!(kept, ["v1.2.2", "v2.4", "v2.5", "v2.6", "v2.7", "v2.8"]);
    let collection = "/apis/lastgood.dev/v1/namespaces/shop/histories";
    assert!(api.does(|objects| objects.get(collection, "deployment-myapp").is_some()));
    assert_eq!(store.targets().await, Ok(vec![history.target]));
}

#[tokio::test]
async fn no_object_grows_beyond_its_bound() {
    let api = Api::start().await;
    let store = Objects::new(api.cluster().await, "lastgood");
    let target = sample::target("myapp");
    let mut history = sample::history(&target);
    for record in &mut history.closed {
        record.calibration = Some(json!("x".repeat(40_000)));
        record.queries = vec!["q".repeat(30_000)];
    }
    store.commit(&history, None).await.expect("committed");
    let large = "t".repeat(60_000);
    for number in 0..6 {
        store
            .keep(&target, &sample::version(&format!("v{number}")), &large)
            .await
            .expect("kept");
    }
    let stored = api.does(|objects| objects.get(HOME, "prod.myapp").cloned()).expect("stored");
    let closed = stored["history"]["closed"].as_array().expect("a list");
    assert!(!closed.is_empty());
    for record in closed {
        assert!(record.to_string().len() <= 8 * 1024, "{record}");
        assert!(record["verdict"].is_string() && record["decision"].is_object(), "{record}");
    }
    assert!(stored.to_string().len() <= MOST_BYTES + 1024, "{}", stored.to_string().len());
    let too_large = "t".repeat(MOST_BYTES);
    let refused = store.keep(&sample::target("other"), &sample::version("v1"), &too_large).await;
    assert!(
        matches!(&refused, Err(HistoryError::Unavailable(why)) if why.contains("256 KiB")),
        "{refused:?}"
    );
}

#[tokio::test]
async fn ten_closed_records_and_fifty_alerts_are_kept_the_newest_of_each() {
    let api = Api::start().await;
    let store = Objects::new(api.cluster().await, "lastgood");
    let target = sample::target("myapp");
    let mut history = TargetHistory::new(target.clone());
    history.closed = (0..25).map(|number| sample::record(&target, number)).collect();
    history.outbox = (0..80)
        .map(|number| {
            let mut alert = sample::alert(&target, sample::record(&target, 1), &["hook"]);
            alert.id = format!("alert {number}");
            alert.record = None;
            alert
        })
        .collect();
    store.commit(&history, None).await.expect("committed");
    let (kept, _) = store.load(&target).await.expect("read").expect("a history");
    let ids: Vec<&str> = kept.outbox.iter().map(|alert| alert.id.as_str()).collect();
    assert_eq!((ids.len(), ids[0], ids[49]), (50, "alert 30", "alert 79"));
    assert_eq!(kept.closed.len(), 10);
    assert_eq!(kept.closed[0].id, sample::rollout(15));
}

#[tokio::test]
async fn alerts_that_wait_for_a_channel_never_fill_the_object() {
    let api = Api::start().await;
    let store = Objects::new(api.cluster().await, "lastgood");
    let target = sample::target("myapp");
    let mut history = TargetHistory::new(target.clone());
    history.outbox = (0..40)
        .map(|number| {
            let mut record = sample::record(&target, number);
            record.calibration = Some(json!("x".repeat(40_000)));
            let mut alert = sample::alert(&target, record, &["hook"]);
            alert.id = format!("alert {number}");
            alert
        })
        .collect();
    store.commit(&history, None).await.expect("committed");
    let stored = api.does(|objects| objects.get(HOME, "prod.myapp").cloned()).expect("stored");
    assert!(stored.to_string().len() <= MOST_BYTES, "{}", stored.to_string().len());
    let (kept, _) = store.load(&target).await.expect("read").expect("a history");
    let last = kept.outbox.last().expect("the newest");
    assert_eq!(last.id, "alert 39");
    assert!(kept.outbox.len() >= 10, "{}", kept.outbox.len());
    let told = last.record.as_ref().expect("a record");
    assert!(told.calibration.is_none() && told.verdict.is_some() && told.decision.is_some());
}

#[tokio::test]
async fn the_pods_of_a_large_workload_fit_and_come_back_and_those_of_a_small_one_can_be_read() {
    let api = Api::start().await;
    let store = Objects::new(api.cluster().await, "lastgood");
    let target = sample::target("myapp");
    let mut history = sample::history(&target);
    let pod = |number: u16| ArmPod {
        pod: Pod(format!("shop/myapp-6f9c7d5b4-{number:05}").into()),
        uid: uuid::Uuid::from_u128(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835_u128.wrapping_mul(number.into())).to_string(),
        arm: if number.is_multiple_of(2) {
            Arm::Baseline
        } else {
            Arm::Candidate
        },
        created_at: sample::at(number.into()),
        ready_at: Some(sample::at(i64::from(number) + 7)),
        gone_at: None,
    };
    let mut revision = None;
    for pods in [3, 2000] {
        history.open.as_mut().expect("open").pods = (0..pods).map(pod).collect();
        revision = Some(store.commit(&history, revision.as_ref()).await.expect("committed"));
        let stored = api.does(|objects| objects.get(HOME, "prod.myapp").cloned()).expect("stored");
        let list = &stored["history"]["open"]["pods"];
        assert_eq!((list.is_array(), list.is_string()), (pods == 3, pods == 2000));
        assert!(stored.to_string().len() <= MOST_BYTES, "{}", stored.to_string().len());
        let (kept, _) = store.load(&target).await.expect("read").expect("a history");
        assert_eq!(kept, history);
        assert_eq!(store.all().await.expect("listed")[0].0, history);
    }
    api.does(|objects| {
        objects.change(HOME, "prod.myapp", |stored| {
            stored["history"]["open"]["pods"] = json!("no gzip")
        });
    });
    let damaged = store.load(&target).await;
    assert!(
        matches!(&damaged, Err(HistoryError::Damaged(why)) if why.contains("the pods in the history object") && why.contains("backup")),
        "{damaged:?}"
    );
}

#[tokio::test]
async fn templates_of_what_runs_of_the_last_good_version_and_of_the_one_before_outlive_newer_ones() {
    let api = Api::start().await;
    let store = Objects::new(api.cluster().await, "lastgood");
    let target = sample::target("myapp");
    let mut history = TargetHistory::new(target.clone());
    let known = |name: &str, standing, day: i64| KnownVersion {
        version: sample::version(name),
        standing,
        since: sample::at(day * 86_400),
        basis: ProofBasis::None,
        first_seen: sample::at(day * 86_400),
        last_ran: sample::at(day * 86_400),
        images: Vec::new(),
    };
    history.versions = vec![
        known("before", Standing::Passed, 1),
        known("good", Standing::Proven, 2),
        known("runs", Standing::Passed, 3),
    ];
    history.current = Some(sample::version("runs"));
    store.commit(&history, None).await.expect("committed");
    for name in ["before", "good", "runs"] {
        store.keep(&target, &sample::version(name), "needed").await.expect("kept");
    }
    let large = "t".repeat(50_000);
    for number in 0..9 {
        let version = sample::version(&format!("v{number}"));
        store.keep(&target, &version, &large).await.expect("kept");
    }
    let kept = store.all_kept(&target).await.expect("read");
    let names: Vec<&str> = kept.iter().map(|(version, _)| version.name.as_str()).collect();
    assert_eq!(names[..3], ["before", "good", "runs"], "{names:?}");
    assert!(names.len() <= 6 && names.last() == Some(&"v8"), "{names:?}");
}

#[tokio::test]
async fn two_targets_that_would_share_an_object_are_refused() {
    let api = Api::start().await;
    let store = Objects::new(api.cluster().await, "lastgood");
    let one = TargetHistory::new("a.b/c".parse().expect("a target"));
    let other = TargetHistory::new("a/b.c".parse().expect("a target"));
    store.commit(&one, None).await.expect("committed");
    let refused = store.commit(&other, None).await;
    assert!(
        matches!(&refused, Err(HistoryError::Damaged(why)) if why.contains("belongs to a.b/c")),
        "{refused:?}"
    );
}
