//! Reverts of a Deployment, while people, scalers and the network do what they do.

use futures::{StreamExt as _, stream};
use lastgood::{
    engine::Look,
    kubernetes::patch::{FENCE, REVERT_ID},
    ports::Platform as _,
    record::ActResult,
};
use rstest::rstest;
use serde_json::json;

use crate::{
    api::{Fault, Objects},
    controllers::shop,
    rig::{Site, soaks},
    shown::{at, rollout, template},
};

async fn reverted(site: &Site) -> ActResult {
    site.workload.revert(&site.intent()).await.expect("it can be told")
}

#[tokio::test]
async fn the_last_good_template_comes_back_its_replica_set_is_used_again_and_nothing_stays_owned() {
    let site = Site::rolled_out().await;
    let result = reverted(&site).await;
    let ActResult::Applied { moved_at, detail, .. } = &result else {
        panic!("{result:?}")
    };
    assert_eq!((*moved_at, detail.as_str()), (at(1000), ""));
    let stored = site.stored();
    assert_eq!(stored["spec"]["template"], template("app:v1"));
    assert_eq!(stored["metadata"]["annotations"][REVERT_ID], json!(rollout().to_string()));
    assert_eq!(stored["metadata"]["annotations"].get(FENCE), None, "no lease, no fence");
    assert_eq!(stored["metadata"]["managedFields"], json!([]));
    assert_eq!(site.runs().await, Some(site.v1.clone()));
    let sets = site.api.does(|objects| {
        let in_shop = objects
            .stored
            .keys()
            .filter(|(collection, _)| *collection == shop("replicasets"));
        in_shop.count()
    });
    assert_eq!(sets, 2, "v1's own ReplicaSet is used again");
    assert_eq!(site.template_writes(), 1);
}

#[rstest]
#[case::done_and_the_answer_lost(&[Fault::ReplyLost])]
#[case::not_done_and_no_answer(&[Fault::Unavailable])]
#[case::too_busy(&[Fault::Busy])]
#[case::someone_faster(&[Fault::Conflict])]
#[case::all_at_once(&[Fault::Unavailable, Fault::Busy, Fault::Conflict, Fault::ReplyLost])]
#[tokio::test]
async fn k05_k06_k07_whatever_becomes_of_the_answer_the_template_is_changed_once(#[case] faults: &[Fault]) {
    is_reverted_once(faults).await;
}

async fn is_reverted_once(faults: &[Fault]) {
    let site = Site::rolled_out().await;
    site.api.fails(faults);
    let result = reverted(&site).await;
    assert!(matches!(result, ActResult::Applied { .. }), "{faults:?}: {result:?}");
    assert_eq!(site.template_writes(), 1, "{faults:?}");
    assert_eq!(site.stored()["spec"]["template"], template("app:v1"), "{faults:?}");
}

/// Every order of so many faults.
fn orders(length: u32) -> impl Iterator<Item = Vec<Fault>> {
    const FAULTS: [Fault; 4] = [Fault::ReplyLost, Fault::Unavailable, Fault::Busy, Fault::Conflict];
    (0..4_usize.pow(length)).map(move |number| {
        let fault = |place| FAULTS[number / 4_usize.pow(place) % 4];
        (0..length).map(fault).collect()
    })
}

/// Every order of up to two faults, which mostly wait before they try again; of up to four in `make soak`.
#[tokio::test]
async fn k07_in_whatever_order_answers_are_lost_the_template_is_changed_once() {
    let (longest, all) = if soaks() { (4, 340) } else { (2, 20) };
    let reverts = stream::iter((1..=longest).flat_map(orders)).map(|faults| async move { is_reverted_once(&faults).await });
    assert_eq!(reverts.buffer_unordered(16).count().await, all);
}

fn ships_v3(objects: &mut Objects) {
    objects.change(&shop("deployments"), "myapp", |object| {
        object["spec"]["template"] = template("app:v3")
    });
}

/// A person ships v3 directly before one of the requests of a revert, of which some fail; says whether there was such a request.
async fn wins_at(request: usize, faults: &[Fault]) -> bool {
    let site = Site::rolled_out().await;
    site.api.fails(faults);
    site.api.later(request, ships_v3);
    let told = site.workload.revert(&site.intent()).await;
    if site.api.is_later() {
        return false;
    }
    let said = format!("before request {request} of {faults:?}: {told:?}");
    assert_eq!(site.stored()["spec"]["template"], template("app:v3"), "{said}");
    match (site.template_writes(), told) {
        (0, Ok(ActResult::Superseded { runs: Some(runs) })) => assert_eq!(runs.name.as_str(), "v3", "{said}"),
        // It came after ours.
        (1, Ok(ActResult::Applied { .. } | ActResult::Superseded { .. })) => {}
        _ => panic!("{said}"),
    }
    true
}

#[tokio::test]
async fn k13_a_newer_rollout_that_comes_at_any_step_of_a_revert_is_never_written_over() {
    let longest = if soaks() { 3 } else { 2 };
    let races = stream::iter((0..=longest).flat_map(orders)).map(|faults| async move {
        let mut request = 0;
        while wins_at(request, &faults).await {
            request += 1;
        }
        request
    });
    let races: usize = races.buffer_unordered(16).fold(0, async |sum, races| sum + races).await;
    assert!(races >= 100, "{races}");
    println!("{races} races");
}

#[tokio::test]
async fn an_outcome_that_stays_unknown_is_no_outcome_and_a_look_finds_it_later() {
    let site = Site::rolled_out().await;
    site.api.fails(&[Fault::Unavailable; 5]);
    let told = site.workload.revert(&site.intent()).await;
    assert!(told.is_err(), "{told:?}");
    assert_eq!(site.workload.look(&site.intent()).await, Ok(Look::NotBegun));
    reverted(&site).await;
    let done = Look::Done {
        moved_at: at(1000),
        activated_at: at(1000),
    };
    assert_eq!(site.workload.look(&site.intent()).await, Ok(done));
    let again = reverted(&site).await;
    assert!(matches!(again, ActResult::Applied { .. }), "found done: {again:?}");
    assert_eq!(site.template_writes(), 1);
}

#[tokio::test]
async fn k13_a_persons_newer_rollout_wins_also_in_the_last_moment() {
    let site = Site::rolled_out().await;
    site.api.meanwhile(ships_v3);
    let result = reverted(&site).await;
    let ActResult::Superseded { runs: Some(runs) } = result else {
        panic!("{result:?}")
    };
    assert_eq!(runs.name.as_str(), "v3");
    assert_eq!(site.template_writes(), 0);
    assert_eq!(site.stored()["spec"]["template"], template("app:v3"));
}

#[tokio::test]
async fn k14_a_person_who_went_back_first_is_no_revert_of_ours() {
    let site = Site::rolled_out().await;
    site.ships("app:v1");
    let runs = Some(site.v1.clone());
    assert_eq!(reverted(&site).await, ActResult::Superseded { runs: runs.clone() });
    assert_eq!(site.workload.look(&site.intent()).await, Ok(Look::Other { runs }));
    assert_eq!(site.template_writes(), 0);
}

#[tokio::test]
async fn the_bad_version_shipped_again_after_our_revert_is_seen_as_such() {
    let site = Site::rolled_out().await;
    reverted(&site).await;
    site.ships("app:v2");
    let runs = Some(site.v2.clone());
    assert_eq!(site.workload.look(&site.intent()).await, Ok(Look::Other { runs }));
}

#[tokio::test]
async fn k16_a_scaler_that_writes_all_the_time_keeps_its_replicas_and_stops_nothing() {
    let site = Site::rolled_out().await;
    for replicas in 5..12 {
        site.api.meanwhile(move |objects| {
            objects.change(&shop("deployments"), "myapp", |object| {
                object["spec"]["replicas"] = json!(replicas)
            });
        });
    }
    let result = reverted(&site).await;
    assert!(matches!(result, ActResult::Applied { .. }), "{result:?}");
    let stored = site.stored();
    // One patch for the template, one to give up its ownership: each was preceded by a write of the scaler.
    assert_eq!(stored["spec"]["replicas"], json!(6));
    assert_eq!(stored["spec"]["template"], template("app:v1"));
}

#[tokio::test]
async fn k17_k15_k21_brakes_that_are_there_when_the_act_begins_refuse_it() {
    for (change, said) in [
        (json!({"spec": {"paused": true}}), "kubectl rollout resume"),
        (
            json!({"metadata": {"annotations": {"lastgood.dev/off": "true"}}}),
            "switches lastgood off",
        ),
        (
            json!({"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": "myapp:x"}}}),
            "argocd app rollback myapp",
        ),
    ] {
        let site = Site::rolled_out().await;
        site.changes(|object| json_patch::merge(object, &change));
        let result = reverted(&site).await;
        assert!(
            matches!(&result, ActResult::Braked { found, .. } if found.contains(said)),
            "{result:?}"
        );
        assert_eq!(site.template_writes(), 0);
    }
}

#[tokio::test]
async fn k18_with_its_history_pruned_the_kept_template_is_restored() {
    let site = Site::rolled_out().await;
    site.api
        .does(|objects| objects.stored.retain(|(_, name), _| name != "myapp-hash1"));
    let result = reverted(&site).await;
    assert!(matches!(result, ActResult::Applied { .. }), "{result:?}");
    assert_eq!(site.stored()["spec"]["template"], template("app:v1"));
    assert_eq!(
        site.runs().await,
        Some(site.v1.clone()),
        "its new ReplicaSet is the same version"
    );
}

#[rstest]
#[case::another_image("/spec/containers/0/image", json!("app:v2"))]
#[case::a_variable("/spec/containers/0/env", json!([{"name": "MODE", "value": "fast"}]))]
#[case::another_command("/spec/containers/0/command", json!(["serve", "--fast"]))]
#[case::a_probe("/spec/containers/0/readinessProbe", json!({"tcpSocket": {"port": 9}}))]
#[case::limits("/spec/containers/0/resources", json!({"limits": {"memory": "10Mi"}}))]
#[case::a_checksum("/metadata/annotations", json!({"checksum/config": "abc"}))]
#[case::a_sidecar("/spec/containers/1", json!({"name": "proxy", "image": "proxy:7"}))]
#[case::an_init_container("/spec/initContainers", json!([{"name": "migrate", "image": "app:v1"}]))]
#[case::no_volumes("/spec/volumes", json!([]))]
#[tokio::test]
async fn k22_whatever_a_release_changed_comes_back_whole_and_never_as_a_mix(
    #[case] place: &str,
    #[case] value: serde_json::Value,
) {
    let site = Site::rolled_out().await;
    site.ships("app:v1");
    let mut changed = template("app:v1");
    let operations = json!([{"op": "add", "path": place, "value": value}]);
    let operations: json_patch::Patch = serde_json::from_value(operations).expect("a patch");
    json_patch::patch(&mut changed, &operations).expect("patched");
    site.changes(|object| object["spec"]["template"] = changed);
    let from = site.runs().await.expect("it runs");
    assert_ne!(from, site.v1, "it is a version of its own, whatever its tag");
    let mut intent = site.intent();
    intent.from = from;
    let result = site.workload.revert(&intent).await.expect("told");
    assert!(matches!(result, ActResult::Applied { .. }), "{result:?}");
    assert_eq!(site.stored()["spec"]["template"], template("app:v1"));
    assert_eq!(site.template_writes(), 1);
}

#[tokio::test]
async fn what_the_next_apply_leaves_behind_is_told_without_values() {
    let site = Site::rolled_out().await;
    let mut without = template("app:v3");
    without["spec"]["containers"][0]
        .as_object_mut()
        .expect("a container")
        .remove("ports");
    site.changes(|object| object["spec"]["template"] = without.clone());
    let v3 = site.runs().await.expect("v3 runs");
    let mut intent = site.intent();
    intent.from = v3;
    let result = site.workload.revert(&intent).await.expect("told");
    let ActResult::Applied { detail, .. } = &result else {
        panic!("{result:?}")
    };
    assert!(detail.contains("spec.containers[app].ports"), "{detail}");
}

#[tokio::test]
async fn a_rehearsal_finds_what_a_revert_would_lack_and_writes_nothing() {
    let site = Site::rolled_out().await;
    assert_eq!(site.workload.rehearse(Some(&site.v1), None).await, []);
    assert_eq!(site.workload.rehearse(None, None).await, []);
    let named = |found: Vec<lastgood::record::Unready>| found.into_iter().map(|unready| unready.name).collect::<Vec<_>>();
    let unknown = crate::sample::version("never-seen");
    assert_eq!(
        named(site.workload.rehearse(Some(&unknown), None).await),
        ["release_not_restorable"]
    );
    site.changes(|object| object["spec"]["paused"] = json!(true));
    assert_eq!(named(site.workload.rehearse(Some(&site.v1), None).await), ["braked"]);
    site.api.forbids_patches();
    assert_eq!(
        named(site.workload.rehearse(Some(&site.v1), None).await),
        ["braked", "not_permitted"]
    );
    assert_eq!(site.template_writes(), 0);
}

#[tokio::test]
async fn a_version_is_found_by_its_name_among_those_whose_template_is_kept() {
    let site = Site::rolled_out().await;
    let named = async |name: &str| site.workload.identify(&crate::sample::version(name).name).await;
    assert_eq!(named("v1").await, Ok(Some(site.v1.clone())));
    assert_eq!(named("v2").await, Ok(Some(site.v2.clone())));
    assert_eq!(named("v3").await, Ok(None), "never seen");
    site.ships("app:v3");
    let v3 = named("v3").await.expect("told").expect("seen for the first time, and kept");
    assert_eq!(site.runs().await, Some(v3));
}
