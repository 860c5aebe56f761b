//! People: who go back by hand, and whose word on a version wins.

use super::script::{HOUR, MINUTE, Story, alice, version};
use crate::{
    decide::Freeze,
    engine::{Event, PersonWord},
    policy::Mode,
    record::{Happened, Phase, ProofBasis, RolloutKind},
    words::{Outcome, Standing, Verdict},
};

#[test]
fn k14_a_person_who_went_back_by_hand_is_watched_and_not_judged() {
    let mut story = Story::with_candidate();
    story.later(MINUTE);
    story.judged_as(Verdict::Healthy);
    story.switches("v1");
    assert_eq!(story.last_closed().outcome, Some(Outcome::ReturnedByPerson));
    story.stands("v2", Standing::Unproven);
    assert_eq!(story.open().kind, RolloutKind::Return);
    story.later(2);
    story.restarts();
    assert!(matches!(story.open().phase, Phase::Verifying { .. }));
    story.serves("v1");
    story.later(MINUTE);
    story.judged_as(Verdict::Regression);
    story.is_quiet();
    story.later(5 * MINUTE);
    story.verified_as(None);
    story.tells(&["verified"]);
    story.closed_as(Some(Outcome::Verified));
    story.stands("v1", Standing::Proven);
}

#[test]
fn a_return_to_something_bad_is_said_and_never_reverted() {
    let mut story = Story::with_candidate();
    story.later(MINUTE);
    story.ships("v1");
    story.verified_as(Some(Verdict::Regression));
    story.tells(&["not_helped"]);
    story.closed_as(Some(Outcome::DidNotHelp));
    story.stands("v1", Standing::Proven);
}

#[test]
fn a_version_that_a_person_proved_is_not_judged_further() {
    for waits in [false, true] {
        let mut story = Story::after_first_sight();
        story.fleet.mode = if waits { Mode::Propose } else { Mode::Enforce };
        story.ships("v2");
        if waits {
            story.judged_as(Verdict::Regression);
            story.tells(&["proposed"]);
        }
        story.says(PersonWord::Prove, "v2");
        story.is_quiet();
        story.closed_as(None);
        story.stands("v2", Standing::Proven);
        story.later(MINUTE);
        story.ships("v3");
        assert_eq!(story.open().baseline, Some((version("v2"), Standing::Proven)));
    }
}

#[test]
fn a_version_that_a_person_proved_before_it_began_serves() {
    let mut story = Story::after_first_sight();
    story.switches("v2");
    story.says(PersonWord::Prove, "v2");
    story.serves("v2");
    story.later(2);
    story.restarts();
    assert_eq!(story.history.open, None);
    story.is_quiet();
}

#[test]
fn what_is_forgotten_begins_anew_and_never_under_an_open_rollout() {
    let forget = Event::Forget {
        by: alice(),
        reason: "another service".to_owned(),
    };
    let mut story = Story::with_candidate();
    let before = story.history.clone();
    story.happens(&forget);
    assert_eq!(story.history, before, "v2 is watched");
    story.says(PersonWord::Prove, "v2");
    story.history.off = Some(Freeze {
        since: story.now,
        by: alice(),
        reason: "a migration".to_owned(),
    });
    story.happens(&forget);
    story.is_quiet();
    assert!(story.history.is_blank() && story.history.off.is_some());
    assert_eq!(
        story
            .history
            .audit
            .newest
            .last()
            .map(|entry| entry.document.contains("forget")),
        Some(true)
    );
    let blank = story.history.clone();
    story.happens(&forget);
    assert_eq!(story.history, blank, "there is nothing more to forget");
    story.looks();
    assert_eq!(story.open().kind, RolloutKind::FirstSight);
    story.stands("v2", Standing::Assumed);
}

#[test]
fn a_quarantine_by_a_person_moves_nothing_and_is_not_overruled() {
    let mut story = Story::with_candidate();
    story.says(PersonWord::Quarantine, "v2");
    story.is_quiet();
    story.stands("v2", Standing::Quarantined);
    story.later(40 * MINUTE);
    story.judged_as(Verdict::Healthy);
    story.later(2 * HOUR);
    story.judged_as(Verdict::Healthy);
    story.is_quiet();
    story.stands("v2", Standing::Quarantined);
    story.ships("v3");
    assert_eq!(story.open().baseline, Some((version("v1"), Standing::Proven)));
}

#[test]
fn an_allowed_version_is_judged_again_when_it_is_shipped() {
    let mut story = Story::with_candidate();
    story.reverted_to("v1");
    story.says(PersonWord::Allow, "v2");
    story.stands("v2", Standing::Unproven);
    assert_eq!(story.history.open, None);
    story.later(2 * HOUR);
    story.ships("v2");
    assert_eq!(story.open().kind, RolloutKind::Release);
    let basis = story.history.known(&version("v2")).map(|known| known.basis.clone());
    assert_eq!(basis, Some(ProofBasis::None), "once");
    story.judged_as(Verdict::Regression);
    story.reverts("v2", "v1");
}

#[test]
fn an_allowed_version_that_runs_is_judged_at_once() {
    let mut story = Story::with_candidate();
    story.reverted_to("v1");
    story.later(2 * HOUR);
    story.ships("v2");
    story.tells(&["contested"]);
    story.says(PersonWord::Allow, "v2");
    assert_eq!(story.last_closed().outcome, Some(Outcome::Contested));
    assert_eq!(story.open().kind, RolloutKind::Release);
    assert!(matches!(story.open().phase, Phase::Watching { .. }));
    assert_eq!(story.open().baseline, Some((version("v1"), Standing::Proven)));
    story.is_quiet();
    story.later(MINUTE);
    story.judged_as(Verdict::Regression);
    story.reverts("v2", "v1");
}

#[test]
fn nothing_can_be_said_of_a_version_that_was_never_seen() {
    let mut story = Story::after_first_sight();
    let before = story.history.clone();
    for word in [PersonWord::Prove, PersonWord::Quarantine, PersonWord::Allow] {
        story.says(word, "v9");
    }
    story.says(PersonWord::Allow, "v1");
    assert_eq!(story.history, before);
}

#[test]
fn i08_a_person_who_switches_lastgood_off_is_obeyed_at_once() {
    let mut story = Story::with_candidate();
    let turned = |off| Event::Off {
        off,
        by: alice(),
        reason: "migration".to_owned(),
    };
    story.happens(&turned(true));
    let noted = |what: &Happened| matches!(what, Happened::Remarked { remark } if remark.contains("migration"));
    assert!(story.open().timeline.iter().any(|entry| noted(&entry.what)));
    story.judged_as(Verdict::Regression);
    story.tells(&["refused"]);
    story.closed_as(Some(Outcome::Refused));
    story.happens(&turned(false));
    assert_eq!(story.history.off, None);
    story.is_quiet();
}
