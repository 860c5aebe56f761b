//! Workloads: pods that serve, pods that are gone, and pods that never start.

use std::time::Duration;

use super::script::{HOUR, MINUTE, Story, version};
use crate::{
    engine::Event,
    policy::{KubernetesTarget, Startup, Target, WorkloadKind},
    record::{ActResult, Hindrance, NotStarted, Observation, Phase, SeenObject, SeenPod, Waiting},
    words::{Arm, Outcome, Pod, Verdict},
};

const DEADLINE: u64 = 10 * MINUTE;

/// A workload of three pods with v1 proven, and v2 that just came.
pub fn shipped() -> Story {
    let mut story = Story::new();
    story.policy.target = Target::Kubernetes(KubernetesTarget {
        namespace: "shop".to_owned(),
        kind: WorkloadKind::Deployment,
        name: "myapp".to_owned(),
        container: None,
    });
    let serving = old(&story);
    sees(&mut story, "v1", serving);
    story.later(HOUR);
    story.judged(|evidence| evidence.compare = crate::judge::Comparison::None);
    story.tells(&["proven"]);
    let serving = old(&story);
    sees(&mut story, "v2", serving);
    story
}

/// Pods of v1 that serve for long.
pub fn old(story: &Story) -> Vec<SeenPod> {
    (0..3).map(|number| ready(story, "v1", number)).collect()
}

pub fn pod(story: &Story, name: &str, number: u32) -> SeenPod {
    SeenPod {
        pod: Pod(format!("shop/myapp-{name}-{number}").into()),
        uid: format!("{name}-{number}"),
        version: Some(version(name)),
        created_at: story.now,
        ready_at: None,
        leaving: false,
        restarts: 0,
        waiting: None,
        image: None,
    }
}

pub fn ready(story: &Story, name: &str, number: u32) -> SeenPod {
    SeenPod {
        ready_at: Some(story.now),
        ..pod(story, name, number)
    }
}

pub fn sees(story: &mut Story, runs: &str, pods: Vec<SeenPod>) {
    let observation = observation(story, runs, pods);
    story.happens(&Event::Observed(observation));
}

/// What is seen of the first object, whose uid is `first`.
pub fn observation(story: &Story, runs: &str, pods: Vec<SeenPod>) -> Observation {
    Observation {
        at: story.now,
        version: Some(version(runs)),
        moved_at: Some(story.now),
        process: None,
        remarks: Vec::new(),
        pods,
        wanted: 3,
        lacking: None,
        object: SeenObject::Found { uid: "first".to_owned() },
        deadline: Duration::from_secs(DEADLINE),
        rolling: None,
    }
}

pub fn waits(what: Waiting) -> Option<Hindrance> {
    let said = "in its words".to_owned();
    Some(Hindrance { what, said })
}

/// The old pods, and these.
pub fn beside(old: &[SeenPod], new: &[SeenPod]) -> Vec<SeenPod> {
    [old, new].concat()
}

#[test]
fn the_first_ready_pod_begins_the_watch_and_the_last_one_prolongs_it() {
    let mut story = shipped();
    let serving = old(&story);
    story.later(10 * MINUTE - 1);
    assert!(
        matches!(story.open().phase, Phase::WaitingForActivation { .. }),
        "pods take their time"
    );
    let first = ready(&story, "v2", 0);
    sees(&mut story, "v2", beside(&serving, std::slice::from_ref(&first)));
    let Phase::Watching { until } = story.open().phase else {
        panic!("watched: {:?}", story.open().phase)
    };
    assert_eq!(until, story.now.plus(story.policy.watch.length));
    story.later(5 * MINUTE);
    let second = ready(&story, "v2", 1);
    sees(&mut story, "v2", beside(&serving[..1], &[first.clone(), second.clone()]));
    let prolonged = Phase::Watching {
        until: until.plus(Duration::from_secs(5 * MINUTE)),
    };
    assert_eq!(story.open().phase, prolonged);
    story.later(HOUR);
    let scaled = ready(&story, "v2", 2);
    sees(&mut story, "v2", vec![first, second, scaled]);
    assert_eq!(story.open().phase, prolonged, "a scaler prolongs nothing");
}

#[test]
fn a_pod_is_remembered_after_its_deletion_until_the_rollout_is_over() {
    let mut story = shipped();
    let serving = old(&story);
    let first = ready(&story, "v2", 0);
    sees(&mut story, "v2", beside(&serving, std::slice::from_ref(&first)));
    story.later(30);
    sees(&mut story, "v2", vec![first]);
    let gone: Vec<_> = story
        .open()
        .pods
        .iter()
        .filter(|pod| pod.gone_at == Some(story.now))
        .collect();
    assert_eq!(gone.len(), 3);
    assert!(gone.iter().all(|pod| pod.arm == Arm::Baseline));
    sees(&mut story, "v3", serving);
    assert!(story.last_closed().pods.is_empty());
}

#[test]
fn an_image_that_does_not_exist_convicts_at_once() {
    let mut story = shipped();
    let mut new = pod(&story, "v2", 0);
    new.waiting = waits(Waiting::ImageNotFound);
    let all = beside(&old(&story), &[new]);
    sees(&mut story, "v2", all);
    assert_eq!(story.open().verdict, Some(Verdict::Regression));
    let failure = story.open().startup.clone().expect("why");
    assert_eq!((failure.how, failure.pods), (NotStarted::NoImage, 1));
    assert!(matches!(story.open().phase, Phase::Reverting), "{:?}", story.open().phase);
}

#[test]
fn a_crash_loop_convicts_when_two_pods_are_in_it_and_the_old_ones_are_not() {
    let mut story = shipped();
    let looping = |number, restarts| SeenPod {
        restarts,
        waiting: waits(Waiting::CrashLoop),
        ..pod(&story, "v2", number)
    };
    let (first, twice, thrice) = (looping(0, 5), looping(1, 2), looping(1, 3));
    let mut sick = old(&story);
    sick[0].waiting = waits(Waiting::CrashLoop);
    let all = beside(&old(&story), &[first.clone(), twice]);
    sees(&mut story, "v2", all);
    assert_eq!(story.open().verdict, None, "one pod alone may have a bad node");
    sees(&mut story, "v2", beside(&sick, &[first.clone(), thrice.clone()]));
    assert_eq!(story.open().verdict, None, "the old ones crash too");
    let all = beside(&old(&story), &[first, thrice]);
    sees(&mut story, "v2", all);
    let failure = story.open().startup.clone().expect("why");
    assert_eq!((failure.how, failure.pods, failure.restarts), (NotStarted::CrashLoop, 2, 8));
}

#[test]
fn k24_never_ready_convicts_after_the_deadline_and_only_where_the_cluster_is_not_to_blame() {
    let mut story = shipped();
    let new = pod(&story, "v2", 0);
    let serving = old(&story);
    story.later(DEADLINE - 1);
    sees(&mut story, "v2", beside(&serving, std::slice::from_ref(&new)));
    assert_eq!(story.open().verdict, None, "not yet");
    story.later(1);
    for cluster in [
        Waiting::Unschedulable,
        Waiting::RegistryAway,
        Waiting::Volumes,
        Waiting::ConfigMissing,
    ] {
        let waits = SeenPod {
            waiting: waits(cluster),
            ..new.clone()
        };
        sees(&mut story, "v2", beside(&serving, &[waits]));
        assert_eq!(story.open().verdict, None, "{cluster:?}");
    }
    let unready: Vec<SeenPod> = serving
        .iter()
        .map(|pod| SeenPod {
            ready_at: None,
            ..pod.clone()
        })
        .collect();
    sees(&mut story, "v2", beside(&unready, std::slice::from_ref(&new)));
    assert_eq!(story.open().verdict, None, "the old ones are not ready either");
    sees(&mut story, "v2", beside(&serving, &[new]));
    assert_eq!(
        story.open().startup.as_ref().map(|failure| failure.how),
        Some(NotStarted::NeverReady)
    );
}

#[test]
fn a_pod_that_was_ready_once_has_started_whatever_becomes_of_it() {
    let mut story = shipped();
    let first = ready(&story, "v2", 0);
    let all = beside(&old(&story), std::slice::from_ref(&first));
    sees(&mut story, "v2", all);
    let crashing = |number| SeenPod {
        restarts: 9,
        ready_at: None,
        waiting: waits(Waiting::CrashLoop),
        ..pod(&story, "v2", number)
    };
    let (again, other) = (crashing(0), crashing(1));
    let all = beside(&old(&story), &[again, other]);
    sees(&mut story, "v2", all);
    assert_eq!((story.open().verdict, &story.open().startup), (None, &None));
}

#[test]
fn where_startup_only_alerts_nothing_is_reverted() {
    let mut story = shipped();
    story.policy.startup = Startup::Alert;
    let serving = old(&story);
    sees(&mut story, "v3", serving);
    let mut new = pod(&story, "v3", 0);
    new.waiting = waits(Waiting::ImageNameInvalid);
    let all = beside(&old(&story), &[new]);
    sees(&mut story, "v3", all);
    story.tells(&["regression"]);
    story.closed_as(None);
}

#[test]
fn what_was_put_back_is_verified_by_its_ready_pods_where_there_are_no_metrics() {
    let mut story = shipped();
    let mut new = pod(&story, "v2", 0);
    new.waiting = waits(Waiting::ImageNotFound);
    let all = beside(&old(&story), &[new]);
    sees(&mut story, "v2", all);
    story.reverts("v2", "v1");
    story.acted(ActResult::Applied {
        moved_at: story.now,
        activated_at: story.now,
        detail: "patched".to_owned(),
    });
    let serving = old(&story);
    sees(&mut story, "v1", serving);
    story.later(HOUR);
    story.tick();
    story.closed_as(Some(Outcome::Verified));
}

#[test]
fn what_the_last_bad_pods_do_is_no_noise_of_what_was_put_back() {
    let mut story = shipped();
    let bad = ready(&story, "v2", 0);
    let both = beside(&old(&story), std::slice::from_ref(&bad));
    sees(&mut story, "v2", both.clone());
    story.calibrated();
    story.later(MINUTE);
    story.judged_as(Verdict::Regression);
    story.reverts("v2", "v1");
    story.acted(ActResult::Applied {
        moved_at: story.now,
        activated_at: story.now,
        detail: "patched".to_owned(),
    });
    let since = |story: &Story| {
        story
            .history
            .served
            .last()
            .map(|served| (served.version.clone(), served.from))
    };
    story.later(20);
    sees(&mut story, "v1", both);
    assert_eq!(since(&story), Some((version("v1"), story.now)), "a bad pod still serves");
    let alone = story.now;
    story.later(20);
    let serving = old(&story);
    sees(&mut story, "v1", serving);
    assert_eq!(since(&story), Some((version("v1"), alone)), "and now none does");
}

#[test]
fn what_comes_back_pod_by_pod_is_waited_for_and_is_stuck_where_that_does_not_end() {
    let going_back = || {
        let mut story = shipped();
        let mut new = pod(&story, "v2", 0);
        new.waiting = waits(Waiting::ImageNotFound);
        let all = beside(&old(&story), &[new]);
        sees(&mut story, "v2", all);
        story.reverts("v2", "v1");
        let acted = ActResult::Applied {
            moved_at: story.now,
            activated_at: story.now,
            detail: "patched".to_owned(),
        };
        story.acted(acted);
        story
    };
    let mut story = going_back();
    for _ in 0..40 {
        let two = old(&story).split_off(1);
        sees(&mut story, "v1", two);
        story.tick();
        assert!(story.history.open.is_some(), "two of three are ready");
        story.later(15);
    }
    let serving = old(&story);
    sees(&mut story, "v1", serving);
    story.later(MINUTE);
    story.tick();
    story.closed_as(Some(Outcome::Verified));

    let mut story = going_back();
    for _ in 0..80 {
        let two = old(&story).split_off(1);
        sees(&mut story, "v1", two);
        story.tick();
        story.later(15);
    }
    story.closed_as(Some(Outcome::Stuck));
}
