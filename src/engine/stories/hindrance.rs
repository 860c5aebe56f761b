//! Pods that cannot start, and nobody is to blame but the cluster.

use super::{
    pods::{beside, observation, old, pod, ready, sees, shipped, waits},
    script::{HOUR, MINUTE, Story},
};
use crate::{
    engine::Event,
    record::{ActResult, Hindrance, Observation, Phase, SeenPod, Waiting},
    words::{Outcome, Standing},
};

/// v1 serves on, and one pod of v2 waits for this.
fn waiting(story: &Story, what: Waiting) -> Vec<SeenPod> {
    let stuck = SeenPod {
        waiting: waits(what),
        ..pod(story, "v2", 0)
    };
    beside(&old(story), &[stuck])
}

/// It is seen for so many seconds.
fn for_long(story: &mut Story, what: Waiting, seconds: u64) {
    for _ in 0..seconds / 5 {
        let pods = waiting(story, what);
        sees(story, "v2", pods);
        story.later(5);
    }
}

#[test]
fn k24_what_is_the_clusters_fault_is_told_once_a_kind_and_convicts_nobody() {
    for what in [
        Waiting::RegistryAway,
        Waiting::ConfigMissing,
        Waiting::CannotStart,
        Waiting::Unschedulable,
        Waiting::Volumes,
        Waiting::Network,
        Waiting::Other,
    ] {
        let mut story = shipped();
        for_long(&mut story, what, MINUTE);
        story.is_quiet();
        for_long(&mut story, what, HOUR);
        story.tells(&["cluster_fault"]);
        let hindered = story.open().hindered.clone().expect("seen");
        assert_eq!((hindered.by.what, hindered.pods), (what, 1));
        assert_eq!(hindered.by.said, "in its words");
        assert_eq!(story.open().verdict, None);
        assert!(matches!(story.open().phase, Phase::WaitingForActivation { .. }));
    }
}

#[test]
fn what_lasts_for_less_than_a_minute_is_not_told_and_begins_anew() {
    let mut story = shipped();
    for _ in 0..5 {
        for_long(&mut story, Waiting::Unschedulable, 55);
        let serving = old(&story);
        sees(&mut story, "v2", serving);
    }
    story.is_quiet();
    assert_eq!(story.open().hindered, None);
}

#[test]
fn a_quota_that_forbids_pods_is_told_though_there_is_no_pod_to_look_at() {
    let mut story = shipped();
    for _ in 0..14 {
        let seen = Observation {
            lacking: Some(Hindrance {
                what: Waiting::Quota,
                said: "exceeded quota".to_owned(),
            }),
            ..observation(&story, "v2", old(&story))
        };
        story.happens(&Event::Observed(seen));
        story.later(5);
    }
    story.tells(&["cluster_fault"]);
    let hindered = story.open().hindered.clone().expect("seen");
    assert_eq!((hindered.pods, hindered.pod), (0, None));
    assert_eq!(hindered.by.said, "exceeded quota");
}

#[test]
fn that_it_is_over_is_told_when_all_pods_are_ready() {
    let mut story = shipped();
    for_long(&mut story, Waiting::RegistryAway, 2 * MINUTE);
    story.tells(&["cluster_fault"]);
    let one = beside(&old(&story), &[ready(&story, "v2", 0)]);
    sees(&mut story, "v2", one);
    story.is_quiet();
    let all: Vec<SeenPod> = (0..3).map(|number| ready(&story, "v2", number)).collect();
    sees(&mut story, "v2", all.clone());
    story.tells(&["cluster_fault_over"]);
    story.later(5);
    sees(&mut story, "v2", all);
    story.is_quiet();
}

/// v2 was convicted as its image does not exist, and v1 put back.
fn put_back() -> Story {
    let mut story = shipped();
    let pods = waiting(&story, Waiting::ImageNotFound);
    sees(&mut story, "v2", pods);
    story.reverts("v2", "v1");
    story.acted(ActResult::Applied {
        moved_at: story.now,
        activated_at: story.now,
        detail: "patched".to_owned(),
    });
    story.tells(&["reverted"]);
    story
}

fn comes_back_as(story: &mut Story, what: Waiting) {
    for _ in 0..14 {
        let mut pods = old(story);
        pods[0].ready_at = None;
        pods[0].waiting = waits(what);
        sees(story, "v1", pods);
        story.later(5);
    }
}

#[test]
fn k19_k20_what_was_put_back_and_can_never_start_has_failed_and_nothing_is_moved_again() {
    for what in [Waiting::ImageNotFound, Waiting::ConfigMissing] {
        let mut story = put_back();
        comes_back_as(&mut story, what);
        story.tells(&["not_helped"]);
        story.closed_as(Some(Outcome::Failed));
        let detail = story.last_closed().outcome_detail.clone().expect("why");
        assert!(
            detail.starts_with("the template is back, but ") && detail.ends_with("in its words"),
            "{detail}"
        );
        story.stands("v2", Standing::Quarantined);
    }
}

#[test]
fn what_was_put_back_and_has_no_room_now_is_told_and_waited_for() {
    let mut story = put_back();
    comes_back_as(&mut story, Waiting::Unschedulable);
    story.tells(&["cluster_fault"]);
    assert!(matches!(story.open().phase, Phase::Verifying { .. }));
}

#[test]
fn remains_of_a_pod_that_was_driven_out_are_no_trouble_while_all_are_ready() {
    let mut story = shipped();
    for _ in 0..14 {
        let remains = SeenPod {
            waiting: waits(Waiting::Unschedulable),
            ..pod(&story, "v2", 9)
        };
        let mut pods: Vec<SeenPod> = (0..3).map(|number| ready(&story, "v2", number)).collect();
        pods.push(remains);
        sees(&mut story, "v2", pods);
        story.later(5);
    }
    story.is_quiet();
    assert_eq!(story.open().hindered, None);
}

#[test]
fn a_pod_on_its_way_out_waits_for_nothing() {
    let mut story = shipped();
    for _ in 0..14 {
        let mut pods = waiting(&story, Waiting::Network);
        for pod in &mut pods {
            pod.leaving = true;
        }
        sees(&mut story, "v2", pods);
        story.later(5);
    }
    story.is_quiet();
}
