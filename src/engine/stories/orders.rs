//! Orders: a person goes back by `lastgood rollback`, and nothing stands in their way.

use std::time::Duration;

use super::script::{MINUTE, Story, alice, version};
use crate::{
    decide::Freeze,
    engine::{Effect, Event, Look},
    policy::Mode,
    record::{ActResult, Phase, ProofBasis, RolloutKind},
    words::{Outcome, Standing, Verdict},
};

#[test]
fn a_person_goes_back_in_the_middle_of_a_watch_and_nothing_is_judged_first() {
    let mut story = Story::with_candidate();
    story.goes_back("v2", "v1");
    assert_eq!(story.last_closed().outcome, Some(Outcome::ReturnedByPerson));
    assert_eq!(
        (story.open().kind, &story.open().phase),
        (RolloutKind::Return, &Phase::Reverting)
    );
    assert_eq!(story.open().ordered().map(|ordered| ordered.by.clone()), Some(alice()));
    story.reverts("v2", "v1");
    story.applied();
    story.tells(&["rolled_back"]);
    assert!(matches!(story.open().phase, Phase::Verifying { .. }));
    story.serves("v1");
    story.stands("v2", Standing::Unproven);
    assert_eq!(story.history.reverts, [], "it costs none of the budget of reverts");
    story.later(MINUTE);
    story.looks();
    story.verified_as(Some(Verdict::Healthy));
    story.tells(&["verified"]);
    story.closed_as(Some(Outcome::Verified));
}

#[test]
fn a_freeze_a_switch_and_the_mode_observe_do_not_stop_a_person() {
    let mut story = Story::with_candidate();
    story.policy.mode = Mode::Observe;
    story.fleet.frozen = Some(Freeze {
        since: story.now,
        by: alice(),
        reason: "an incident".to_owned(),
    });
    story.fleet.reverts_last_hour = 10;
    story.happens(&Event::Off {
        off: true,
        by: alice(),
        reason: "migration".to_owned(),
    });
    story.goes_back("v2", "v1");
    story.reverts("v2", "v1");
    story.applied();
    story.tells(&["rolled_back"]);
}

#[test]
fn a_person_may_go_back_to_what_was_never_seen_and_to_what_is_quarantined() {
    let mut story = Story::with_candidate();
    story.reverted_to("v1");
    story.goes_back("v1", "v2");
    story.reverts("v1", "v2");
    story.applied();
    story.tells(&["rolled_back"]);
    story.stands("v2", Standing::Quarantined);
    story.stands("v1", Standing::Proven);
    story.goes_back("v2", "v0");
    story.reverts("v2", "v0");
    story.applied();
    story.tells(&["rolled_back"]);
    story.stands("v0", Standing::Unproven);
    assert_eq!(
        story.open().kind,
        RolloutKind::Return,
        "it is watched, and never judged as a release"
    );
}

#[test]
fn of_two_people_at_once_the_first_wins() {
    let mut story = Story::with_candidate();
    story.goes_back("v2", "v1");
    story.reverts("v2", "v1");
    let before = story.history.clone();
    story.goes_back("v2", "v0");
    assert_eq!(story.history, before, "an act is under way");
    story.applied();
    story.tells(&["rolled_back"]);
    let before = story.history.clone();
    story.goes_back("v2", "v0");
    story.goes_back("v1", "v1");
    assert_eq!(story.history, before, "what they saw does not run any more");
    story.is_quiet();
}

#[test]
fn where_nothing_could_be_moved_what_still_runs_is_judged_on() {
    for result in [
        ActResult::NotMoved {
            error: "no permission".to_owned(),
        },
        ActResult::Refused {
            found: "incomplete".to_owned(),
        },
    ] {
        let mut story = Story::with_candidate();
        story.goes_back("v2", "v1");
        story.reverts("v2", "v1");
        story.acted(result);
        story.tells(&["not_helped"]);
        assert_eq!(story.last_closed().outcome, Some(Outcome::Failed));
        assert_eq!((story.open().kind, &story.open().to), (RolloutKind::Release, &version("v2")));
        story.calibrated();
        story.later(MINUTE);
        story.judged_as(Verdict::Regression);
        story.reverts("v2", "v1");
    }
}

#[test]
fn what_nobody_judged_is_not_judged_because_it_could_not_be_left() {
    let mut story = Story::after_first_sight();
    story.goes_back("v1", "v0");
    story.take_effects();
    story.acted(ActResult::NotMoved {
        error: "no permission".to_owned(),
    });
    story.tells(&["not_helped"]);
    story.closed_as(Some(Outcome::Failed));
    story.stands("v1", Standing::Proven);
}

#[test]
fn a_link_that_was_moved_and_not_activated_is_stuck_and_condemns_nobody() {
    let mut story = Story::with_candidate();
    story.goes_back("v2", "v1");
    story.take_effects();
    story.acted(ActResult::NotActivated {
        moved_at: story.now,
        error: "the unit failed".to_owned(),
    });
    story.tells(&["not_helped"]);
    story.closed_as(Some(Outcome::Stuck));
    story.stands("v2", Standing::Unproven);
    assert_eq!(story.history.current, Some(version("v1")));
}

#[test]
fn c01_an_order_that_a_crash_cut_off_is_looked_at_and_done_once() {
    for look in ["not_begun", "moved", "done", "other"] {
        let mut story = Story::with_candidate();
        story.goes_back("v2", "v1");
        story.crashes();
        let intent = story.intent();
        assert_eq!(story.take_effects(), [Effect::Look(intent.clone())]);
        let (moved_at, activated_at) = (story.now, story.now);
        let (look, done) = match look {
            "not_begun" => (Look::NotBegun, vec![Effect::Revert(intent.clone())]),
            "moved" => (Look::Moved { moved_at }, vec![Effect::Activate(intent.clone())]),
            "done" => (Look::Done { moved_at, activated_at }, vec![]),
            _ => (
                Look::Other {
                    runs: Some(version("v9")),
                },
                vec![],
            ),
        };
        let superseded = matches!(look, Look::Other { .. });
        let rollout = intent.rollout;
        let acts = !done.is_empty();
        story.happens(&Event::Looked { rollout, look });
        assert_eq!(story.take_effects(), done);
        if superseded {
            story.closed_as(Some(Outcome::Superseded));
            continue;
        }
        if acts {
            story.applied();
        }
        story.tells(&["rolled_back"]);
        story.serves("v1");
    }
}

#[test]
fn an_order_that_lay_for_an_hour_is_not_begun_any_more() {
    let mut story = Story::with_candidate();
    story.goes_back("v2", "v1");
    story.crashes();
    story.take_effects();
    story.now = story.now.plus(Duration::from_secs(3600));
    let rollout = story.open().id;
    story.happens(&Event::Looked {
        rollout,
        look: Look::NotBegun,
    });
    story.tells(&["not_helped"]);
    assert_eq!(story.last_closed().outcome, Some(Outcome::Failed));
    assert_eq!(story.open().to, version("v2"), "and what runs is judged on");
    let basis = story.history.known(&version("v2")).map(|known| known.basis.clone());
    assert_eq!(basis, Some(ProofBasis::None));
}
