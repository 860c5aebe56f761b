//! What is seen of the host: when a release begins, and what is no release at all.

use std::time::Duration;

use super::script::{DAY, HOUR, MINUTE, Story, version};
use crate::{
    engine::{Event, Stage},
    record::{Activation, Happened, Observation, Phase, RolloutKind, SeenObject},
    words::{Moment, Outcome, Verdict},
};

#[test]
fn a_missing_link_is_a_moment_and_a_restart_no_release() {
    let mut story = Story::after_first_sight();
    story.unlinks();
    assert_eq!(story.history.current, Some(version("v1")));
    story.later(1);
    story.switches("v1");
    story.restarts();
    assert_eq!(story.history.open, None);
    story.is_quiet();
    story.unlinks();
    story.switches("v2");
    assert_eq!(story.open().to, version("v2"));
}

#[test]
fn a_release_waits_for_its_process() {
    let mut story = Story::after_first_sight();
    story.later(DAY);
    story.switches("v2");
    assert!(matches!(story.open().phase, Phase::WaitingForActivation { .. }));
    story.serves("v1");
    story.later(30);
    story.looks();
    let rollout = story.open().id;
    story.happens(&Event::Activated {
        rollout,
        activation: Activation {
            at: story.now.minus(Duration::from_secs(3600)),
            known_by: "process_start_time".to_owned(),
            fresh_counters: true,
        },
    });
    assert!(
        matches!(story.open().phase, Phase::WaitingForActivation { .. }),
        "a start before the move is another one's"
    );
    story.later(10);
    story.restarts();
    let activation = story.open().activation.clone().expect("it serves");
    assert_eq!(
        (activation.at, activation.known_by.as_str(), activation.fresh_counters),
        (story.now, "unit", true)
    );
    assert_eq!(
        story.open().phase,
        Phase::Watching {
            until: story.now.plus(Duration::from_secs(2 * HOUR))
        }
    );
    story.serves("v2");
}

#[test]
fn the_metrics_tell_of_the_new_process_where_there_is_no_unit() {
    let mut story = Story::after_first_sight();
    story.later(MINUTE);
    story.switches("v2");
    let (moved_at, rollout) = (story.now, story.open().id);
    story.later(10);
    story.happens(&Event::Activated {
        rollout,
        activation: Activation {
            at: moved_at.minus(Duration::from_secs(1)),
            known_by: "process_start_time".to_owned(),
            fresh_counters: true,
        },
    });
    let activation = story.open().activation.clone().expect("it serves");
    assert_eq!(
        (activation.at, activation.fresh_counters),
        (moved_at, true),
        "a start is told to the second"
    );
    story.serves("v2");
}

#[test]
fn a_reload_keeps_its_counters_and_a_move_alone_counts_after_a_minute() {
    let mut story = Story::after_first_sight();
    story.switches("v2");
    story.later(3);
    story.process.started_at = Some(story.now);
    story.looks();
    assert_eq!(
        story.open().activation.as_ref().map(|activation| activation.fresh_counters),
        Some(false)
    );

    let mut story = Story::after_first_sight();
    let moved_at = story.now;
    story.switches("v2");
    story.later(59);
    story.tick();
    assert!(matches!(story.open().phase, Phase::WaitingForActivation { .. }));
    story.later(1);
    story.tick();
    let activation = story.open().activation.clone().expect("the move counts");
    assert_eq!((activation.at, activation.known_by.as_str()), (moved_at, "moved"));
    let said = |what: &Happened| matches!(what, Happened::Remarked { remark } if remark.contains("60 s"));
    assert!(story.open().timeline.iter().any(|entry| said(&entry.what)));
}

#[test]
fn a_link_made_long_before_it_was_put_in_place_does_not_take_the_old_process_for_the_new() {
    let mut story = Story::after_first_sight();
    story.later(HOUR);
    let observation = Observation {
        at: story.now,
        version: Some(version("v2")),
        moved_at: Some(Moment::from_millis(0)),
        process: Some(story.process.clone()),
        remarks: Vec::new(),
        pods: Vec::new(),
        wanted: 0,
        lacking: None,
        object: SeenObject::None,
        deadline: Duration::ZERO,
        rolling: None,
    };
    story.happens(&Event::Observed(observation));
    assert!(matches!(story.open().phase, Phase::WaitingForActivation { .. }));
}

#[test]
fn a_look_from_before_our_own_act_is_no_comeback_of_the_bad_version() {
    let mut story = Story::with_candidate();
    story.judged_as(Verdict::Regression);
    story.reverts("v2", "v1");
    let old = Observation {
        at: story.now,
        version: Some(version("v2")),
        moved_at: Some(story.now),
        process: Some(story.process.clone()),
        remarks: Vec::new(),
        pods: Vec::new(),
        wanted: 0,
        lacking: None,
        object: SeenObject::None,
        deadline: Duration::ZERO,
        rolling: None,
    };
    story.applied();
    story.tells(&["reverted"]);
    let before = story.history.clone();
    story.happens(&Event::Observed(old));
    assert_eq!(story.history, before);
    story.is_quiet();
}

#[test]
fn a_release_that_went_through_its_whole_watch_unseen_is_judged_by_what_prometheus_kept() {
    let mut story = Story::after_first_sight();
    story.later(DAY);
    let started_at = story.now.minus(Duration::from_secs(6 * HOUR));
    story.process.invocation = "invocation-9".to_owned();
    story.process.started_at = Some(started_at);
    story.happens(&Event::Observed(Observation {
        at: story.now,
        version: Some(version("v2")),
        moved_at: Some(started_at.minus(Duration::from_secs(2))),
        process: Some(story.process.clone()),
        remarks: Vec::new(),
        pods: Vec::new(),
        wanted: 0,
        lacking: None,
        object: SeenObject::None,
        deadline: Duration::ZERO,
        rolling: None,
    }));
    story.tick();
    story.is_quiet();
    story.calibrated();
    story.later(30);
    let at = started_at.plus(Duration::from_secs(HOUR));
    story.judged(|evidence| (evidence.at, evidence.verdict) = (at, Some(Verdict::Regression)));
    story.reverts("v2", "v1");
}

#[test]
fn a_version_whose_process_never_began_is_still_new_when_it_comes_again() {
    let mut story = Story::after_first_sight();
    story.later(MINUTE);
    story.switches("v2");
    story.later(5);
    story.switches("v1");
    assert_eq!(story.last_closed().outcome, Some(Outcome::ReturnedByPerson));
    story.later(5);
    story.ships("v2");
    assert_eq!(story.open().kind, RolloutKind::Release);
    story.is_quiet();
}

#[test]
fn a_conviction_that_comes_when_the_next_release_waits_already_counts_for_nothing() {
    let mut story = Story::with_candidate();
    story.judged_as(Verdict::Healthy);
    let replaced = story.open().id;
    let mut evidence = story.open().evidence.clone().expect("stored with the verdict");
    evidence.verdict = Some(Verdict::Regression);
    story.later(MINUTE);
    story.switches("v3");
    let before = story.history.clone();
    for rollout in [replaced, story.open().id] {
        story.happens(&Event::Judged {
            rollout,
            stage: Stage::Watch,
            evidence: evidence.clone(),
        });
        assert_eq!(story.history, before);
    }
    story.is_quiet();
}
