//! Between intent and outcome: whatever the act, or a crash, left behind is looked at and told, never repeated blindly.

use super::script::{HOUR, MINUTE, Story, version};
use crate::{
    decide::{Decision, Guard},
    engine::{Effect, Event, Look, PersonWord},
    policy::Mode,
    record::{ActResult, Phase},
    words::{Outcome, Standing, Verdict},
};

fn convicted() -> Story {
    let mut story = Story::with_candidate();
    story.later(MINUTE);
    story.judged_as(Verdict::Regression);
    story.reverts("v2", "v1");
    story
}

fn crashed() -> Story {
    let mut story = convicted();
    story.crashes();
    let intent = story.intent();
    assert_eq!(story.take_effects(), [Effect::Look(intent)]);
    story.tick();
    story.looks();
    story.is_quiet();
    story
}

fn looked(story: &mut Story, look: Look) {
    let rollout = story.open().id;
    story.happens(&Event::Looked { rollout, look });
}

#[test]
fn c01_nothing_was_begun_so_every_guard_is_asked_again() {
    let mut story = crashed();
    let intent = story.intent();
    story.later(10);
    looked(&mut story, Look::NotBegun);
    story.reverts("v2", "v1");
    assert_eq!(story.intent(), intent, "the same intent");

    let mut story = crashed();
    story.fleet.mode = Mode::Observe;
    looked(&mut story, Look::NotBegun);
    story.tells(&["refused"]);
    story.closed_as(Some(Outcome::Refused));

    let mut story = crashed();
    story.says(PersonWord::Quarantine, "v1");
    looked(&mut story, Look::NotBegun);
    story.tells(&["refused"]);
    let refused = Decision::Refuse {
        guard: Guard::Quarantined { version: version("v1") },
    };
    assert_eq!(story.last_closed().decision, Some(refused));

    let mut story = crashed();
    story.fleet.mode = Mode::Propose;
    looked(&mut story, Look::NotBegun);
    story.tells(&["proposed"]);
    assert_eq!(story.open().intent, None);
    story.approves();
    let intent = story.intent();
    assert_eq!(story.take_effects(), [Effect::Revert(intent)]);
}

#[test]
fn c01_it_was_moved_so_it_is_only_activated() {
    let mut story = crashed();
    let moved_at = story.now;
    looked(&mut story, Look::Moved { moved_at });
    let intent = story.intent();
    assert_eq!(story.take_effects(), [Effect::Activate(intent)]);
    assert_eq!(story.open().phase, Phase::Reverting);
    story.applied();
    story.tells(&["reverted"]);
}

#[test]
fn c01_it_was_done() {
    let mut story = crashed();
    let (moved_at, activated_at) = (story.now, story.now);
    looked(&mut story, Look::Done { moved_at, activated_at });
    story.tells(&["reverted"]);
    story.serves("v1");
    assert!(matches!(story.open().phase, Phase::Verifying { .. }));
    assert_eq!(story.history.reverts, [story.now]);
}

#[test]
fn c01_something_else_runs() {
    let mut story = crashed();
    let runs = Some(version("v6"));
    looked(&mut story, Look::Other { runs });
    story.is_quiet();
    story.closed_as(Some(Outcome::Superseded));
    story.ships("v6");
    assert_eq!(story.open().baseline, Some((version("v1"), Standing::Proven)));
}

#[test]
fn without_an_intent_there_is_nothing_to_look_at() {
    let mut story = Story::with_candidate();
    story.crashes();
    story.is_quiet();
    looked(&mut story, Look::NotBegun);
    story.acted(ActResult::NotMoved { error: "?".to_owned() });
    story.is_quiet();
    assert!(matches!(story.open().phase, Phase::Watching { .. }));
}

#[test]
fn a_watch_whose_end_was_slept_through_is_ended_by_what_prometheus_kept() {
    let mut story = Story::with_candidate();
    story.later(MINUTE);
    let before = story.history.clone();
    story.crashes();
    assert_eq!(story.history, before, "in mid-watch there is nothing to note");
    story.later(5 * HOUR);
    story.crashes();
    story.tick();
    story.is_quiet();
    story.later(30);
    story.judged(|evidence| (evidence.steps, evidence.used) = (480, 470));
    story.tells(&["proven"]);

    let mut story = Story::with_candidate();
    story.later(5 * HOUR);
    story.crashes();
    story.later(75);
    story.tick();
    story.tells(&["blind"]);
}

#[test]
fn an_act_that_fails_is_told_with_its_error() {
    let error = || "permission denied: chown it".to_owned();
    let mut story = convicted();
    story.acted(ActResult::NotMoved { error: error() });
    story.tells(&["not_helped"]);
    story.closed_as(Some(Outcome::Failed));
    assert_eq!(story.last_closed().outcome_detail, Some(error()));
    story.stands("v2", Standing::Quarantined);
    story.serves("v2");
    story.looks();
    story.is_quiet();

    let mut story = convicted();
    let found = "releases/v1/app is missing".to_owned();
    story.acted(ActResult::Refused { found: found.clone() });
    story.tells(&["refused"]);
    story.closed_as(Some(Outcome::Refused));
    assert_eq!(story.last_closed().outcome_detail, Some(found.clone()));
    let guard = Guard::Unrestorable { found };
    assert_eq!(story.last_closed().decision, Some(Decision::Refuse { guard }));
}

#[test]
fn b04_an_act_that_is_stuck_is_never_flipped_back_and_serves_when_a_person_starts_it() {
    let mut story = convicted();
    let (moved_at, error) = (story.now, "start limit hit".to_owned());
    story.acted(ActResult::NotActivated { moved_at, error });
    story.tells(&["not_helped"]);
    story.closed_as(Some(Outcome::Stuck));
    story.serves("v2");
    story.switches("v1");
    assert_eq!(story.history.open, None, "our own revert opens no rollout");
    story.later(HOUR);
    story.restarts();
    story.serves("v1");
    assert_eq!(story.history.open, None);
    story.is_quiet();
}

#[test]
fn c01_a_word_that_a_person_said_between_crash_and_look_wins() {
    let mut story = crashed();
    story.says(PersonWord::Prove, "v2");
    looked(&mut story, Look::NotBegun);
    story.is_quiet();
    story.closed_as(Some(Outcome::Superseded));
    story.stands("v2", Standing::Proven);
}

#[test]
fn c01_the_bad_version_put_there_again_after_the_intent_is_announced_and_not_fought_over() {
    let mut story = crashed();
    let runs = Some(version("v2"));
    looked(&mut story, Look::Other { runs });
    story.tells(&["contested"]);
    story.closed_as(Some(Outcome::Contested));
    story.stands("v2", Standing::Quarantined);
}

#[test]
fn c11_a_clock_that_was_set_back_after_an_act_hides_no_rollout() {
    let mut story = Story::with_candidate();
    story.reverted_to("v1");
    story.now = story.now.minus(std::time::Duration::from_secs(HOUR));
    story.switches("v3");
    assert_eq!(story.open().to, version("v3"));
}
