//! A StatefulSet that waits for a pod which will never be ready.

use super::{
    pods::{old, pod, ready, sees, shipped, waits},
    script::Story,
};
use crate::{
    policy::{Target, WorkloadKind},
    record::{ActResult, Phase, SeenPod, Waiting},
    words::{Outcome, Standing},
};

/// v2 of a workload of this kind has no image, and the template of v1 is back.
fn put_back(kind: WorkloadKind) -> (Story, SeenPod) {
    let mut story = shipped();
    let Target::Kubernetes(target) = &mut story.policy.target else {
        panic!("in a cluster")
    };
    target.kind = kind;
    let serving = old(&story);
    sees(&mut story, "v3", serving);
    let stuck = SeenPod {
        waiting: waits(Waiting::ImageNotFound),
        ..pod(&story, "v3", 2)
    };
    let pods = [&old(&story)[..2], std::slice::from_ref(&stuck)].concat();
    sees(&mut story, "v3", pods);
    story.reverts("v3", "v1");
    story.acted(ActResult::Applied {
        moved_at: story.now,
        activated_at: story.now,
        detail: String::new(),
    });
    story.tells(&["reverted"]);
    (story, stuck)
}

/// For so many seconds two old pods serve beside this one.
fn stays(story: &mut Story, third: &SeenPod, seconds: u64) {
    for _ in 0..seconds / 5 {
        let pods = [&old(story)[..2], std::slice::from_ref(third)].concat();
        sees(story, "v1", pods);
        story.later(5);
    }
}

#[test]
fn a_pod_that_is_never_ready_blocks_the_way_back_and_the_command_is_told() {
    let (mut story, stuck) = put_back(WorkloadKind::StatefulSet);
    stays(&mut story, &stuck, 30);
    story.is_quiet();
    stays(&mut story, &stuck, 5);
    story.tells(&["not_helped"]);
    story.closed_as(Some(Outcome::Stuck));
    let detail = story.last_closed().outcome_detail.clone().expect("what to type");
    assert!(detail.ends_with("`kubectl delete pod myapp-v3-2 -n shop`"), "{detail}");
    story.stands("v3", Standing::Quarantined);
}

#[test]
fn a_pod_that_is_on_its_way_out_or_was_replaced_blocks_nothing() {
    let (mut story, stuck) = put_back(WorkloadKind::StatefulSet);
    let leaves = SeenPod { leaving: true, ..stuck };
    stays(&mut story, &leaves, 60);
    let back = ready(&story, "v1", 2);
    stays(&mut story, &back, 10);
    story.is_quiet();
    assert!(matches!(story.open().phase, Phase::Verifying { .. }));
}

#[test]
fn a_deployment_replaces_its_pods_whatever_they_are() {
    let (mut story, stuck) = put_back(WorkloadKind::Deployment);
    stays(&mut story, &stuck, 60);
    story.is_quiet();
    assert!(matches!(story.open().phase, Phase::Verifying { .. }));
}
