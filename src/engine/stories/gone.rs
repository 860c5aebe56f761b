//! Workloads that are deleted, or deleted and made again, in the middle of everything.

use super::{
    pods::{beside, observation, old, pod, ready, sees, shipped, waits},
    script::{HOUR, MINUTE, Story, version},
};
use crate::{
    engine::{Event, Look},
    record::{ActResult, Observation, Phase, RolloutKind, SeenObject, SeenPod, Waiting},
    words::{Outcome, Standing, Verdict},
};

/// There is no such workload any more.
fn vanishes(story: &mut Story) {
    let object = SeenObject::Gone {
        because: "there is none".to_owned(),
    };
    let seen = Observation {
        object,
        version: None,
        pods: Vec::new(),
        ..observation(story, "v1", Vec::new())
    };
    story.happens(&Event::Observed(seen));
}

/// What is seen of another object of its name.
fn sees_another(story: &mut Story, runs: Option<&str>, pods: Vec<SeenPod>) {
    let seen = Observation {
        object: SeenObject::Found {
            uid: "second".to_owned(),
        },
        version: runs.map(version),
        ..observation(story, "v1", pods)
    };
    story.happens(&Event::Observed(seen));
}

/// v2 is watched beside v1.
fn watched() -> Story {
    let mut story = shipped();
    let pods = beside(&old(&story), &[ready(&story, "v2", 0)]);
    sees(&mut story, "v2", pods);
    assert!(matches!(story.open().phase, Phase::Watching { .. }));
    story
}

/// v2 names an image that does not exist: convicted, and the act is under way.
fn reverting() -> Story {
    let mut story = shipped();
    let mut new = pod(&story, "v2", 0);
    new.waiting = waits(Waiting::ImageNotFound);
    let pods = beside(&old(&story), &[new]);
    sees(&mut story, "v2", pods);
    story.reverts("v2", "v1");
    story
}

#[test]
fn k11_a_workload_deleted_in_mid_watch_ends_its_rollout_and_what_is_known_stays() {
    let mut story = watched();
    story.later(MINUTE);
    vanishes(&mut story);
    story.is_quiet();
    story.closed_as(Some(Outcome::Gone));
    story.stands("v1", Standing::Proven);
    story.stands("v2", Standing::Unproven);
    assert_eq!(story.history.serving(), None);
    let before = story.history.clone();
    story.later(HOUR);
    vanishes(&mut story);
    assert_eq!(story.history, before, "said once");
}

#[test]
fn k11_one_made_again_with_the_version_in_doubt_is_judged_from_the_beginning() {
    let mut story = watched();
    sees_another(&mut story, None, Vec::new());
    story.closed_as(Some(Outcome::Gone));
    story.later(1);
    let pods = vec![ready(&story, "v2", 7)];
    sees_another(&mut story, Some("v2"), pods);
    story.is_quiet();
    assert_eq!(story.open().kind, RolloutKind::Release);
    assert!(matches!(story.open().phase, Phase::Watching { .. }));
    let baseline = story.open().baseline.clone().expect("a baseline");
    assert_eq!(baseline, (version("v1"), Standing::Proven));
    story.serves("v2");
}

#[test]
fn one_made_again_with_a_good_version_stands_where_it_stood_and_a_newer_one_is_a_release() {
    let mut story = watched();
    vanishes(&mut story);
    story.later(MINUTE);
    let pods = old(&story);
    sees_another(&mut story, Some("v1"), pods);
    assert_eq!(story.open().kind, RolloutKind::Return, "v2 was there before");
    let mut story = shipped();
    story.says(crate::engine::PersonWord::Prove, "v2");
    vanishes(&mut story);
    story.later(MINUTE);
    let pods = vec![ready(&story, "v2", 9)];
    sees_another(&mut story, Some("v2"), pods);
    assert_eq!(story.history.open, None);
    let pods = vec![ready(&story, "v3", 0)];
    sees_another(&mut story, Some("v3"), pods);
    assert_eq!((story.open().kind, &story.open().to), (RolloutKind::Release, &version("v3")));
    story.is_quiet();
}

#[test]
fn one_made_again_with_a_quarantined_version_is_announced_and_not_fought_over() {
    let mut story = reverting();
    story.acted(ActResult::Gone);
    story.closed_as(Some(Outcome::Gone));
    story.is_quiet();
    let pods = vec![ready(&story, "v2", 0)];
    sees_another(&mut story, Some("v2"), pods);
    story.tells(&["contested"]);
    assert_eq!(story.open().outcome, Some(Outcome::Contested));
}

#[test]
fn k11_an_act_that_is_under_way_tells_itself_that_its_workload_is_gone() {
    let mut story = reverting();
    assert_eq!(
        story.intent().uid.as_deref(),
        Some("first"),
        "only what was judged is written to"
    );
    vanishes(&mut story);
    sees_another(&mut story, Some("v2"), Vec::new());
    assert_eq!(story.open().phase, Phase::Reverting, "its outcome comes first");
    let rollout = story.open().id;
    story.happens(&Event::Looked {
        rollout,
        look: Look::Gone,
    });
    story.closed_as(Some(Outcome::Gone));
    assert_eq!(story.last_closed().verdict, Some(Verdict::Regression));
    story.stands("v2", Standing::Quarantined);
    story.is_quiet();
}

#[test]
fn k11_a_workload_deleted_while_a_revert_is_verified_is_gone() {
    let mut story = reverting();
    story.acted(ActResult::Applied {
        moved_at: story.now,
        activated_at: story.now,
        detail: "patched".to_owned(),
    });
    story.tells(&["reverted"]);
    vanishes(&mut story);
    story.closed_as(Some(Outcome::Gone));
    story.is_quiet();
}
