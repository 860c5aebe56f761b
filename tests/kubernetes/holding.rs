//! How many pods a held share is.

use lastgood::{
    engine::Look,
    kubernetes::{
        hold::{HELD, HeldBy, Pause, Plan, Unholdable, plan},
        object::Object,
        patch::{self, REVERT_ID},
    },
    policy::{
        HoldPolicy,
        WorkloadKind::{DaemonSet, Deployment, StatefulSet},
    },
    ports::Platform as _,
    record::{ActResult, HeldMark, Hold, HoldResult},
};
use rstest::rstest;
use serde_json::{Value, json};

use crate::{
    api::Fault,
    controllers::shop,
    rig::Site,
    rules::patched_by,
    shown::{at, rollout, template, workload},
};

fn share(share: f64) -> HoldPolicy {
    HoldPolicy {
        share,
        max: std::time::Duration::from_secs(300),
    }
}

fn deployment(replicas: u32, surge: Value, missing: Value) -> Object {
    let mut object = workload(&template("app:v2"), replicas);
    object.0["spec"]["strategy"] =
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": missing}});
    object
}

#[rstest]
#[case::the_designs_example(4, json!("25%"), json!("25%"), 0.25, 2, 1)]
#[case::surge_rounds_up_and_missing_down(10, json!("25%"), json!("25%"), 0.1, 5, 1)]
#[case::one_by_one(10, json!(1), json!(0), 0.25, 2, 2)]
#[case::shares_round_down(7, json!(1), json!(0), 0.3, 2, 2)]
#[case::exact_shares_are_whole(10, json!(1), json!(0), 0.3, 3, 3)]
#[case::at_least_one(4, json!(1), json!(0), 0.01, 1, 1)]
#[case::all_at_once(4, json!("100%"), json!(0), 0.25, 4, 1)]
#[case::nothing_may_move(4, json!(0), json!("10%"), 0.5, 2, 2)]
fn the_larger_of_the_share_and_the_first_step_is_held(
    #[case] replicas: u32,
    #[case] surge: Value,
    #[case] missing: Value,
    #[case] asked: f64,
    #[case] pods: u32,
    #[case] given: u32,
) {
    let (of, pause) = (replicas, Pause::Given(given));
    assert_eq!(
        plan(Deployment, &deployment(replicas, surge, missing), share(asked)),
        Ok(Plan { pods, of, pause })
    );
}

#[test]
fn a_stateful_set_is_held_by_its_partition_and_never_against_a_persons() {
    let mut set = workload(&template("app:v2"), 4);
    let held = plan(StatefulSet, &set, share(0.25)).expect("held");
    assert_eq!((held.pods, held.pause), (1, Pause::Partition(3)));
    set.0["spec"]["updateStrategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}});
    assert_eq!(plan(StatefulSet, &set, share(0.25)), Err(Unholdable::Partitioned(2)));
    set.0["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
    assert_eq!(plan(StatefulSet, &set, share(0.25)), Err(Unholdable::OnDelete));
}

#[test]
fn what_has_no_part_way_is_refused() {
    let mut recreated = deployment(4, json!(1), json!(1));
    recreated.0["spec"]["strategy"] = json!({"type": "Recreate"});
    assert_eq!(plan(Deployment, &recreated, share(0.25)), Err(Unholdable::Recreate));
    assert_eq!(plan(DaemonSet, &recreated, share(0.25)), Err(Unholdable::DaemonSet));
    assert_eq!(
        plan(Deployment, &deployment(1, json!(1), json!(0)), share(0.25)),
        Err(Unholdable::TooFew(1))
    );
}

/// The hold of v2's rollout.
fn asked(site: &Site) -> Hold {
    Hold {
        rollout: rollout(),
        version: site.v2.clone(),
        asked_at: at(999),
        until: at(1299),
        pods: 0,
        of: 0,
        outcome: None,
        goes_on: None,
        changed_at: at(999),
        detail: None,
    }
}

async fn held(site: &Site) -> HoldResult {
    site.workload.hold(&asked(site), share(0.25)).await
}

async fn let_go(site: &Site) -> HoldResult {
    site.workload.let_go(&asked(site)).await
}

async fn mark(site: &Site) -> Option<HeldMark> {
    let seen = site.workload.observe().await.expect("observed");
    seen.rolling.expect("it can be held").held
}

/// Patches that were accepted and paused it.
fn pauses(site: &Site) -> usize {
    let writes = site.api.writes();
    let pausing = writes.iter().filter(|(_, _, body)| {
        body.to_string().contains(r#""path":"/spec/paused","value":true}"#) && body.to_string().contains("\"add\"")
    });
    pausing.count()
}

#[tokio::test]
async fn a_hold_pauses_says_whose_it_is_and_stays_owner_of_nothing() {
    let site = Site::rolled_out().await;
    let before = site.stored();
    assert_eq!(held(&site).await, HoldResult::Held { pods: 2, of: 4 });
    let after = site.stored();
    assert_eq!(
        (&after["spec"]["paused"], &after["metadata"]["managedFields"]),
        (&json!(true), &json!([]))
    );
    assert_eq!(after["spec"]["template"], before["spec"]["template"]);
    let mark = mark(&site).await.expect("a mark");
    assert_eq!(
        (mark.rollout, mark.until, mark.in_force, mark.newer),
        (rollout(), at(1299), true, false)
    );
    assert_eq!(held(&site).await, HoldResult::Held { pods: 2, of: 4 }, "found held");
    assert_eq!(pauses(&site), 1);
    assert_eq!(let_go(&site).await, HoldResult::Released);
    let after = site.stored();
    assert_eq!(after["spec"].get("paused"), None);
    assert_eq!(after["metadata"]["annotations"], before["metadata"]["annotations"]);
    assert_eq!(after["metadata"]["managedFields"], json!([]));
    assert_eq!(let_go(&site).await, HoldResult::Released, "nothing is left to be done");
}

#[rstest]
#[case::done_and_the_answer_lost(&[Fault::ReplyLost])]
#[case::not_done_and_no_answer(&[Fault::Unavailable])]
#[case::too_busy(&[Fault::Busy])]
#[case::someone_faster(&[Fault::Conflict])]
#[tokio::test]
async fn whatever_becomes_of_the_answer_it_is_paused_once_and_goes_on_once(#[case] faults: &[Fault]) {
    let site = Site::rolled_out().await;
    site.api.fails(faults);
    assert_eq!(held(&site).await, HoldResult::Held { pods: 2, of: 4 });
    assert_eq!(pauses(&site), 1);
    site.api.fails(faults);
    assert_eq!(let_go(&site).await, HoldResult::Released);
    assert_eq!(site.stored()["spec"].get("paused"), None);
}

#[tokio::test]
async fn what_stays_unknown_is_said_to_be_so() {
    let site = Site::rolled_out().await;
    site.api.fails(&[Fault::Unavailable; 5]);
    assert!(matches!(held(&site).await, HoldResult::Unknown { .. }));
    assert_eq!(pauses(&site), 0);
}

#[tokio::test]
async fn a_persons_pause_wins_also_in_the_last_moment_and_is_never_ended() {
    let site = Site::rolled_out().await;
    site.api.meanwhile(|objects| {
        objects.change(&shop("deployments"), "myapp", |object| object["spec"]["paused"] = json!(true));
    });
    let HoldResult::Refused { found } = held(&site).await else {
        panic!("refused")
    };
    assert!(found.contains("a person paused"), "{found}");
    assert_eq!(let_go(&site).await, HoldResult::Released);
    assert_eq!(site.stored()["spec"]["paused"], json!(true));
    assert_eq!(mark(&site).await, None);
}

#[tokio::test]
async fn a_newer_release_and_what_people_wrote_keep_it_from_being_held_and_an_owner_does_not() {
    let site = Site::rolled_out().await;
    site.api.meanwhile(|objects| {
        objects.change(&shop("deployments"), "myapp", |object| {
            object["spec"]["template"] = template("app:v3")
        });
    });
    assert_eq!(held(&site).await, HoldResult::Superseded);
    for (change, said) in [
        (
            json!({"metadata": {"annotations": {"lastgood.dev/off": "true"}}}),
            "switches lastgood off",
        ),
        (json!({"spec": {"strategy": {"type": "Recreate"}}}), "Recreate"),
    ] {
        let site = Site::rolled_out().await;
        site.changes(|object| json_patch::merge(object, &change));
        let result = held(&site).await;
        assert!(
            matches!(&result, HoldResult::Refused { found } if found.contains(said)),
            "{result:?}"
        );
        assert_eq!(site.stored()["spec"].get("paused"), None);
    }
    let owned = Site::rolled_out().await;
    owned.changes(|object| object["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"] = json!("myapp:x"));
    assert_eq!(held(&owned).await, HoldResult::Held { pods: 2, of: 4 });
}

#[tokio::test]
async fn a_newer_template_behind_a_hold_is_no_version_yet_and_is_never_written_over() {
    let site = Site::rolled_out().await;
    held(&site).await;
    site.ships("app:v3");
    let seen = site.workload.observe().await.expect("observed");
    assert_eq!(seen.version, None);
    assert!(seen.rolling.expect("rolling").held.expect("a mark").newer);
    let result = site.workload.revert(&site.intent()).await.expect("told");
    assert_eq!(result, ActResult::Superseded { runs: None });
    assert_eq!(site.workload.look(&site.intent()).await, Ok(Look::Other { runs: None }));
    assert_eq!(site.stored()["spec"]["template"], template("app:v3"));
    assert_eq!(let_go(&site).await, HoldResult::Released);
    assert_eq!(site.runs().await.expect("it runs").name.as_str(), "v3");
}

#[tokio::test]
async fn what_is_held_goes_back_and_on_in_one_patch() {
    let site = Site::rolled_out().await;
    held(&site).await;
    let before = site.api.writes().len();
    let result = site.workload.revert(&site.intent()).await.expect("told");
    assert!(matches!(result, ActResult::Applied { .. }), "{result:?}");
    let stored = site.stored();
    assert_eq!(
        (&stored["spec"]["template"], stored["spec"].get("paused")),
        (&template("app:v1"), None)
    );
    assert_eq!(stored["metadata"]["annotations"].get(HELD), None);
    assert!(stored["metadata"]["annotations"][REVERT_ID].is_string());
    let first = site.api.writes()[before].2.to_string();
    assert!(
        first.contains("/spec/template") && first.contains(r#""op":"remove","path":"/spec/paused""#),
        "{first}"
    );
    assert_eq!(site.runs().await, Some(site.v1.clone()));
}

#[tokio::test]
async fn after_a_persons_resume_only_the_annotation_is_removed() {
    let site = Site::rolled_out().await;
    held(&site).await;
    site.changes(|object| _ = object["spec"].as_object_mut().expect("a spec").remove("paused"));
    assert!(!mark(&site).await.expect("a mark").in_force);
    site.changes(|object| object["spec"]["replicas"] = json!(9));
    assert_eq!(let_go(&site).await, HoldResult::Released);
    assert_eq!(mark(&site).await, None);
    assert_eq!(site.stored()["spec"]["replicas"], json!(9));
}

fn stateful(partition: &Value) -> Object {
    let mut set = workload(&template("app:v2"), 4);
    set.0["kind"] = json!("StatefulSet");
    set.0["spec"]["updateStrategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": partition}});
    set
}

fn by_partition(set: u32) -> HeldBy {
    HeldBy {
        rollout: rollout(),
        until: at(300),
        partition: Some(0),
        set: Some(set),
    }
}

#[test]
fn a_stateful_sets_partition_is_set_and_put_back_unless_a_person_moved_it() {
    let set = stateful(&json!(0));
    let mut held = set.clone();
    assert!(patched_by(
        &mut held.0,
        &patch::hold(&set, Pause::Partition(3), &by_partition(3))
    ));
    let partition = "/spec/updateStrategy/rollingUpdate/partition";
    assert_eq!(
        (held.number(partition), HeldBy::read(&held)),
        (Some(3), Some(by_partition(3)))
    );
    assert!(by_partition(3).in_force(StatefulSet, &held));
    let ends = patch::let_go(StatefulSet, &held).expect("something to end");
    let mut after = held.clone();
    assert!(patched_by(&mut after.0, &ends));
    assert_eq!((after.number(partition), after.annotation(HELD)), (Some(0), None));

    let mut moved = held.clone();
    moved.0["spec"]["updateStrategy"]["rollingUpdate"]["partition"] = json!(2);
    assert!(!by_partition(3).in_force(StatefulSet, &moved));
    let mut failed = moved.0.clone();
    assert!(!patched_by(&mut failed, &ends), "it is seen first");
    let ends = patch::let_go(StatefulSet, &moved).expect("the annotation");
    assert!(patched_by(&mut moved.0, &ends));
    assert_eq!((moved.number(partition), moved.annotation(HELD)), (Some(2), None), "theirs");
    assert_eq!(patch::let_go(StatefulSet, &moved), None);
}
