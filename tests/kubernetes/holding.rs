//! How many pods a held share is.

use lastgood::{
    kubernetes::{
        hold::{Hold, Pause, Unholdable, hold},
        object::Object,
    },
    policy::WorkloadKind::{DaemonSet, Deployment, StatefulSet},
};
use rstest::rstest;
use serde_json::{Value, json};

use crate::shown::{template, workload};

fn deployment(replicas: u32, surge: Value, missing: Value) -> Object {
    let mut object = workload(&template("app:v2"), replicas);
    object.0["spec"]["strategy"] =
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": missing}});
    object
}

#[rstest]
#[case::the_designs_example(4, json!("25%"), json!("25%"), 0.25, 2, Pause::AtOnce)]
#[case::surge_rounds_up_and_missing_down(10, json!("25%"), json!("25%"), 0.1, 5, Pause::AtOnce)]
#[case::one_by_one(10, json!(1), json!(0), 0.25, 2, Pause::WhenReady(2))]
#[case::shares_round_down(7, json!(1), json!(0), 0.3, 2, Pause::WhenReady(2))]
#[case::at_least_one(4, json!(1), json!(0), 0.01, 1, Pause::AtOnce)]
#[case::all_at_once(4, json!("100%"), json!(0), 0.25, 4, Pause::AtOnce)]
#[case::nothing_may_move(4, json!(0), json!("10%"), 0.5, 2, Pause::WhenReady(2))]
fn the_larger_of_the_share_and_the_first_step_is_held(
    #[case] replicas: u32,
    #[case] surge: Value,
    #[case] missing: Value,
    #[case] share: f64,
    #[case] pods: u32,
    #[case] pause: Pause,
) {
    let of = replicas;
    assert_eq!(
        hold(Deployment, &deployment(replicas, surge, missing), share),
        Ok(Hold { pods, of, pause })
    );
}

#[test]
fn a_stateful_set_is_held_by_its_partition_and_never_against_a_persons() {
    let mut set = workload(&template("app:v2"), 4);
    let held = hold(StatefulSet, &set, 0.25).expect("held");
    assert_eq!((held.pods, held.pause), (1, Pause::Partition(3)));
    set.0["spec"]["updateStrategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}});
    assert_eq!(hold(StatefulSet, &set, 0.25), Err(Unholdable::Partitioned(2)));
    set.0["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
    assert_eq!(hold(StatefulSet, &set, 0.25), Err(Unholdable::OnDelete));
}

#[test]
fn what_has_no_part_way_is_refused() {
    let mut recreated = deployment(4, json!(1), json!(1));
    recreated.0["spec"]["strategy"] = json!({"type": "Recreate"});
    assert_eq!(hold(Deployment, &recreated, 0.25), Err(Unholdable::Recreate));
    assert_eq!(hold(DaemonSet, &recreated, 0.25), Err(Unholdable::DaemonSet));
    assert_eq!(
        hold(Deployment, &deployment(1, json!(1), json!(0)), 0.25),
        Err(Unholdable::TooFew(1))
    );
}
