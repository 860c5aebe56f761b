//! What is told of workloads in a cluster, word for word.

use super::alerts::both;
use crate::{
    explain::{Language, specimen as s, text},
    policy::{KubernetesTarget, Target, WorkloadKind},
    record::{ActResult, AlertKind, Hindered, Hindrance, Phase, Record, Verification, Waiting},
    words::{Outcome, Pod},
};

fn in_cluster(mut record: Record) -> Record {
    record.policy.target = Target::Kubernetes(KubernetesTarget {
        namespace: "shop".to_owned(),
        kind: WorkloadKind::Deployment,
        name: "myapp".to_owned(),
        container: None,
    });
    record
}

fn waits(what: Waiting, said: &str, pods: u32) -> Hindered {
    Hindered {
        by: Hindrance {
            what,
            said: said.to_owned(),
        },
        pods,
        pod: (pods > 0).then(|| Pod("shop/myapp-6f9c-x2x4z".into())),
        since: s::at(5),
    }
}

/// v1.2.3 waits for this in a cluster.
fn hindered(what: Waiting, said: &str, pods: u32) -> Record {
    let mut record = in_cluster(s::watching());
    record.phase = Phase::WaitingForActivation { moved_at: s::at(-2) };
    record.queries = Vec::new();
    record.hindered = Some(waits(what, said, pods));
    record
}

/// The template of v1.2.2 is back since then.
fn put_back_in_cluster(outcome: Outcome, detail: &str) -> Record {
    let result = ActResult::Applied {
        moved_at: s::at(47),
        activated_at: s::at(47),
        detail: String::new(),
    };
    let mut record = in_cluster(s::failed(result, detail));
    record.outcome = Some(outcome);
    record
}

#[test]
fn what_is_back_in_a_cluster_and_cannot_start_is_told_without_a_line_that_leads_to_the_bad_version_again() {
    let said = "failed to pull \"shop:v1.2.2\": not found";
    let mut gone = put_back_in_cluster(
        Outcome::Failed,
        &format!("the template is back, but its image is gone: {said}"),
    );
    gone.hindered = Some(waits(Waiting::ImageNotFound, said, 1));
    let text = both(AlertKind::NotHelped, Some(gone));
    assert!(!text.contains("undo"), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn a_revert_in_a_cluster_that_is_stuck_says_what_to_look_at() {
    let mut stuck = put_back_in_cluster(Outcome::Stuck, "not all of its pods are ready");
    stuck.verification = Some(Verification {
        active: Some(false),
        evidence: None,
        at: s::at(300),
    });
    let page = text(&stuck, Language::En);
    insta::assert_snapshot!([both(AlertKind::NotHelped, Some(stuck)), page].join("\n"));
}

#[test]
fn a_revert_in_a_cluster_that_people_have_to_finish_says_which_pods() {
    let error = "the template is back, but with the strategy `OnDelete` people replace the pods: `kubectl delete pod -n shop -l app=myapp`";
    let result = ActResult::NotActivated {
        moved_at: s::at(47),
        error: error.to_owned(),
    };
    insta::assert_snapshot!(both(AlertKind::NotHelped, Some(in_cluster(s::failed(result, error)))));
}

#[test]
fn what_is_the_clusters_fault_names_the_pods_and_what_to_look_at() {
    let away = hindered(
        Waiting::RegistryAway,
        "Back-off pulling image \"app:v1.2.3\": dial tcp: i/o timeout",
        2,
    );
    insta::assert_snapshot!(both(AlertKind::ClusterFault, Some(away)));
}

#[test]
fn a_quota_has_no_pod_to_look_at() {
    let quota = hindered(
        Waiting::Quota,
        "pods \"myapp-6f9c-\" is forbidden: exceeded quota: compute, requested: pods=1, used: pods=4, limited: pods=4",
        0,
    );
    insta::assert_snapshot!(both(AlertKind::ClusterFault, Some(quota)));
}

#[test]
fn that_the_clusters_fault_is_over_is_one_line() {
    let mut over = hindered(Waiting::Quota, "", 0);
    over.hindered = None;
    insta::assert_snapshot!(both(AlertKind::ClusterFaultOver, Some(over)));
}

#[test]
fn a_rollout_that_waits_in_a_cluster_says_what_for() {
    let record = hindered(Waiting::Unschedulable, "0/3 nodes are available: 3 Insufficient cpu.", 1);
    let told = [Language::En, Language::Zh].map(|language| crate::explain::in_one_line(&record, language));
    insta::assert_snapshot!(told.join("\n"));
}
