//! Guards: a revert that is wanted and refused is said aloud, and a person may be asked.

use std::time::Duration;

use rstest::rstest;

use super::script::{DAY, HOUR, MINUTE, Story, alice, version};
use crate::{
    decide::{Decision, Freeze, Guard, Past, decide},
    engine::{Event, PersonWord},
    policy::{Mode, OnRegression, RevertTo},
    record::Happened,
    words::{Outcome, Standing, Verdict},
};

fn freeze(story: &Story) -> Freeze {
    Freeze {
        since: story.now,
        by: alice(),
        reason: "a move of the data center".to_owned(),
    }
}

fn guard(story: &Story) -> &'static str {
    match &story.last_closed().decision {
        Some(Decision::Refuse { guard }) => guard.name(),
        other => panic!("not refused: {other:?}"),
    }
}

#[rstest]
#[case::observe("observe", |story: &mut Story| story.policy.mode = Mode::Observe)]
#[case::settings_observe("observe", |story: &mut Story| story.fleet.mode = Mode::Observe)]
#[case::frozen("frozen", |story: &mut Story| story.fleet.frozen = Some(freeze(story)))]
#[case::off("off", |story: &mut Story| story.history.off = Some(freeze(story)))]
#[case::no_last_good("no_last_good", |story: &mut Story| story.says(PersonWord::Quarantine, "v1"))]
#[case::fleet_budget("fleet_budget", |story: &mut Story| story.fleet.reverts_last_hour = 10)]
#[case::service_budget("service_budget", |story: &mut Story| story.history.reverts.push(story.now))]
fn c13_a_guard_refuses_also_when_it_came_in_mid_watch(#[case] name: &str, #[case] change: fn(&mut Story)) {
    let mut story = Story::with_candidate();
    story.later(MINUTE);
    change(&mut story);
    story.judged_as(Verdict::Regression);
    story.tells(&["refused"]);
    story.closed_as(Some(Outcome::Refused));
    assert_eq!(guard(&story), name);
    story.stands("v2", Standing::Quarantined);
    assert_eq!(story.last_closed().intent, None);
}

#[test]
fn c21_too_old_to_go_back_to() {
    let mut story = Story::with_candidate();
    story.later(91 * DAY);
    story.judged(|evidence| {
        evidence.verdict = Some(Verdict::Regression);
    });
    story.tells(&["refused"]);
    assert_eq!(guard(&story), "too_old");
}

/// A release that only looks bad must not be a way to an older one with a hole.
#[rstest]
#[case::a_hole_was_closed_since("v1.1", Some("below_minimum"))]
#[case::it_closed_the_hole_itself("v1", None)]
#[case::a_name_without_numbers_comes_before_all("build-1", None)]
fn s10_nothing_before_the_oldest_allowed_version_is_gone_back_to(#[case] minimum: &str, #[case] refused: Option<&str>) {
    let mut story = Story::with_candidate();
    story.policy.revert.min_version = Some(minimum.parse().expect("a version"));
    let past = Past {
        runs: Some(version("v2")),
        candidate: version("v2"),
        last_good: Some((version("v1"), Standing::Proven, story.now)),
        reverts_last_hour: 0,
        off: None,
        irreversible: None,
    };
    let found = match decide(&story.policy, &past, &story.fleet, story.now) {
        Decision::Refuse { guard } => Some(guard.name()),
        _ => None,
    };
    assert_eq!(found, refused);
}

#[test]
fn two_bad_releases_within_an_hour_the_second_stays_and_that_is_said() {
    let mut story = Story::with_candidate();
    story.reverted_to("v1");
    story.later(20 * MINUTE);
    story.ships("v3");
    story.later(MINUTE);
    story.judged_as(Verdict::Regression);
    story.tells(&["refused"]);
    assert_eq!(guard(&story), "service_budget");
    story.stands("v3", Standing::Quarantined);
    story.serves("v3");
    story.later(HOUR);
    story.ships("v4");
    story.judged_as(Verdict::Regression);
    story.reverts("v4", "v1");
}

#[test]
fn a_policy_that_only_wants_to_be_told_is_told() {
    let mut story = Story::after_first_sight();
    story.policy.on_regression = OnRegression::Alert;
    story.ships("v2");
    story.judged_as(Verdict::Regression);
    story.tells(&["regression"]);
    story.closed_as(None);
    story.stands("v2", Standing::Quarantined);
}

#[test]
fn c13_a_policy_edited_in_mid_watch_waits_for_the_next_rollout() {
    let mut story = Story::with_candidate();
    story.policy.on_regression = OnRegression::Alert;
    story.policy.limits.reverts_per_hour = 7;
    story.judged_as(Verdict::Regression);
    story.reverts("v2", "v1");
    assert_eq!(story.open().policy.limits.reverts_per_hour, 1);
}

#[test]
fn c13_a_bolder_mode_waits_for_the_next_rollout() {
    let mut story = Story::after_first_sight();
    story.policy.mode = Mode::Observe;
    story.ships("v2");
    story.policy.mode = Mode::Enforce;
    story.judged_as(Verdict::Regression);
    story.tells(&["refused"]);
    assert_eq!(guard(&story), "observe");
}

fn proposed() -> Story {
    let mut story = Story::after_first_sight();
    story.policy.mode = Mode::Propose;
    story.ships("v2");
    story.judged_as(Verdict::Regression);
    story.tells(&["proposed"]);
    story
}

#[test]
fn a_proposal_that_is_approved_in_time_is_done() {
    let mut story = proposed();
    story.later(29 * MINUTE);
    story.tick();
    story.is_quiet();
    story.approves();
    story.reverts("v2", "v1");
    assert_eq!(
        story.open().intent.as_ref().and_then(|intent| intent.approved_by.clone()),
        Some(alice())
    );
    story.approves();
    story.is_quiet();
    story.applied();
    story.tells(&["reverted"]);
}

#[test]
fn a_yes_that_is_left_for_the_controller_is_noted_once_and_passes_every_guard() {
    let mut story = proposed();
    let rollout = story.open().id;
    let agreed = Event::Agreed { rollout, by: alice() };
    story.happens(&agreed);
    assert_eq!(story.open().agreed, Some(alice()));
    story.happens(&agreed);
    story.tick();
    story.is_quiet();
    story.approves();
    let said = story.open().timeline.iter();
    let said = said.filter(|entry| matches!(entry.what, Happened::Approved { .. })).count();
    assert_eq!(said, 1, "said twice is said once");
    story.reverts("v2", "v1");
    let open = story.open();
    assert_eq!(
        open.intent.as_ref().and_then(|intent| intent.approved_by.clone()),
        Some(alice())
    );
    assert_eq!(open.agreed, None);

    let mut story = proposed();
    let rollout = story.open().id;
    story.happens(&Event::Agreed { rollout, by: alice() });
    story.fleet.frozen = Some(freeze(&story));
    story.approves();
    story.tells(&["refused"]);
    assert_eq!(guard(&story), "frozen");
}

#[test]
fn a_yes_that_comes_too_late_or_is_found_too_late_is_none() {
    for too_late in [true, false] {
        let mut story = proposed();
        let rollout = story.open().id;
        if too_late {
            story.later(30 * MINUTE);
        }
        story.happens(&Event::Agreed { rollout, by: alice() });
        assert_eq!(story.open().agreed.is_none(), too_late);
        story.later(30 * MINUTE);
        story.tick();
        story.tells(&["refused"]);
        assert_eq!(guard(&story), "not_approved");
    }
}

#[test]
fn a_proposal_that_nobody_answers_is_refused() {
    for answered in [false, true] {
        let mut story = proposed();
        story.later(30 * MINUTE);
        if answered {
            story.approves();
        } else {
            story.tick();
        }
        story.tells(&["refused"]);
        story.closed_as(Some(Outcome::Refused));
        assert_eq!(guard(&story), "not_approved");
    }
}

#[test]
fn an_approval_passes_every_guard_again() {
    let mut story = proposed();
    story.fleet.frozen = Some(freeze(&story));
    story.approves();
    story.tells(&["refused"]);
    assert_eq!(guard(&story), "frozen");

    let mut story = proposed();
    story.says(PersonWord::Quarantine, "v1");
    story.approves();
    story.tells(&["refused"]);
    assert_eq!(guard(&story), "quarantined");

    let mut story = proposed();
    let rollout = story.open().id;
    story.ships("v3");
    story.happens(&crate::engine::Event::Approved { rollout, by: alice() });
    story.is_quiet();
    assert_eq!(story.last_closed().outcome, Some(Outcome::Superseded));
    assert_eq!(story.open().to, version("v3"));
}

#[test]
fn revert_to_proven_passes_over_what_only_passed() {
    let mut story = Story::after_first_sight();
    story.policy.revert.to = RevertTo::Proven;
    story.ships("v2");
    story.later(5 * MINUTE);
    story.judged_as(Verdict::Healthy);
    story.ships("v3");
    story.stands("v2", Standing::Passed);
    story.judged_as(Verdict::Regression);
    story.reverts("v3", "v1");
}

#[test]
fn the_guards_are_tried_in_their_order() {
    let mut story = Story::with_candidate();
    let now = story.now;
    let mut past = Past {
        runs: Some(version("v3")),
        candidate: version("v2"),
        last_good: Some((
            version("v1"),
            Standing::Quarantined,
            now.minus(Duration::from_secs(100 * DAY)),
        )),
        reverts_last_hour: 9,
        off: Some(freeze(&story)),
        irreversible: Some("drops a column".to_owned()),
    };
    story.policy.revert.min_version = Some(version("v2").name);
    story.fleet.frozen = Some(freeze(&story));
    story.fleet.reverts_last_hour = 99;
    story.fleet.mode = Mode::Observe;
    let mut names = Vec::new();
    for _ in 0..10 {
        let Decision::Refuse { guard } = decide(&story.policy, &past, &story.fleet, now) else {
            panic!("refused to the end");
        };
        names.push(guard.name());
        match guard {
            Guard::Superseded { .. } => past.runs = Some(version("v2")),
            Guard::Off { .. } => past.off = None,
            Guard::Observe => story.fleet.mode = Mode::Enforce,
            Guard::Frozen { .. } => story.fleet.frozen = None,
            Guard::Irreversible { .. } => past.irreversible = None,
            Guard::Quarantined { .. } => past.last_good = past.last_good.map(|(v, _, at)| (v, Standing::Passed, at)),
            Guard::TooOld { .. } => past.last_good = Some((version("v1"), Standing::Passed, now)),
            Guard::BelowMinimum { .. } => story.policy.revert.min_version = None,
            Guard::ServiceBudget { .. } => past.reverts_last_hour = 0,
            Guard::FleetBudget { .. } => story.fleet.reverts_last_hour = 0,
            other => panic!("{other:?}"),
        }
    }
    let order = [
        "superseded",
        "off",
        "observe",
        "frozen",
        "irreversible",
        "quarantined",
        "too_old",
        "below_minimum",
        "service_budget",
        "fleet_budget",
    ];
    assert_eq!(names, order);
    assert_eq!(
        decide(&story.policy, &past, &story.fleet, now),
        Decision::Revert {
            to: version("v1"),
            standing: Standing::Passed
        }
    );
}

#[test]
fn without_a_last_good_version_there_is_nothing_to_go_back_to() {
    let story = Story::with_candidate();
    for last_good in [None, Some(Standing::Unproven)] {
        let past = Past {
            runs: Some(version("v2")),
            candidate: version("v2"),
            last_good: last_good.map(|standing| (version("v1"), standing, story.now)),
            reverts_last_hour: 0,
            off: None,
            irreversible: None,
        };
        assert_eq!(
            decide(&story.policy, &past, &story.fleet, story.now),
            Decision::Refuse {
                guard: Guard::NoLastGood
            }
        );
    }
}
