//! Holds: a rolling update that stands still until something is found out, and all the ways in which it goes on.

use super::{
    script::{MINUTE, alice},
    shop::{SHARE, Shop},
};
use crate::{
    decide::Freeze,
    engine::{Effect, Event},
    policy::{Mode, OnRegression, WorkloadKind},
    record::{ActResult, GoesOn, Happened, HeldMark, HoldResult, Phase},
    words::{Moment, Outcome, Verdict},
};

fn happened(shop: &Shop, wanted: impl Fn(&Happened) -> bool) -> bool {
    let records = shop.story.history.open.iter().chain(&shop.story.history.closed);
    records.flat_map(|record| &record.timeline).any(|entry| wanted(&entry.what))
}

#[test]
fn a_release_is_held_once_it_has_its_pods_and_goes_on_when_it_is_healthy() {
    let mut shop = Shop::new();
    shop.looks("v2", 1, Vec::new());
    shop.is_not_held();
    shop.looks("v2", 2, Vec::new());
    shop.asked();
    assert_eq!(shop.hold().until, shop.story.now.plus(SHARE.max));
    shop.looks("v2", 2, Vec::new());
    assert_eq!(shop.story.take_effects(), [], "asked once");
    shop.is_held();
    shop.serves();
    shop.story.judged_as(Verdict::Healthy);
    shop.story.tick();
    shop.goes_on(&GoesOn::Healthy);
    let hold = shop.story.open().hold.clone().expect("it was held");
    assert_eq!((hold.outcome, hold.pods, hold.of), (Some(Outcome::Released), 2, 4));
    shop.looks("v2", 3, Vec::new());
    shop.is_not_held();
    assert!(matches!(shop.story.open().phase, Phase::Watching { .. }), "the watch goes on");
    let audit = serde_json::to_string(&shop.story.history.audit).expect("JSON");
    assert!(
        audit.contains("held at 2 of 4 pods") && audit.contains("v2: released"),
        "{audit}"
    );
}

#[test]
fn what_is_convicted_goes_back_and_goes_on_in_one_write() {
    let mut shop = Shop::judged();
    shop.story.judged_as(Verdict::Regression);
    shop.story.reverts("v2", "v1");
    shop.story.tick();
    assert_eq!(
        shop.story.take_effects(),
        [],
        "the revert lets it go on, and nothing else does"
    );
    shop.mark = None;
    shop.looks("v1", 2, Vec::new());
    assert!(shop.hold().is_held(), "until its outcome is known");
    let moved_at = shop.story.now;
    shop.story.acted(ActResult::Applied {
        moved_at,
        activated_at: moved_at,
        detail: String::new(),
    });
    shop.story.tells(&["reverted"]);
    assert_eq!(shop.story.history.hold, None);
    let why = GoesOn::Reverted;
    assert!(happened(&shop, |what| *what == Happened::WentOn { why: why.clone() }));
}

#[test]
fn without_a_verdict_it_goes_on_after_the_time_allowed_and_that_is_said() {
    let mut shop = Shop::judged();
    shop.story.later(9 * MINUTE - 1);
    shop.story.tick();
    shop.story.is_quiet();
    shop.story.later(1);
    shop.story.tick();
    let told: Vec<_> = shop
        .story
        .history
        .told
        .iter()
        .filter(|id| id.ends_with("held_too_long"))
        .collect();
    assert_eq!(told.len(), 1);
    let hold = shop.hold().clone();
    assert_eq!(
        (hold.goes_on.clone(), shop.story.take_effects()),
        (Some(GoesOn::TooLong), vec![Effect::LetGo(hold)])
    );
    shop.answers(HoldResult::Released);
    shop.story.tells(&["held_too_long"]);
    shop.mark = None;
    shop.looks("v2", 2, Vec::new());
    shop.is_not_held();
}

#[test]
fn what_was_convicted_and_may_not_go_back_stays_held_until_a_person_or_a_newer_release_decides() {
    let refused = |shop: &mut Shop| {
        shop.story.judged_as(Verdict::Regression);
        shop.story.closed_as(Some(Outcome::Refused));
        shop.story.tells(&["refused"]);
        shop.stays_held();
    };
    let frozen = |shop: &mut Shop| {
        shop.story.fleet.frozen = Some(Freeze {
            since: shop.story.now,
            by: alice(),
            reason: "an incident".to_owned(),
        });
    };
    let mut shop = Shop::judged();
    frozen(&mut shop);
    refused(&mut shop);
    let reason = "it is better than nothing".to_owned();
    let by = alice();
    shop.story.happens(&Event::GoOn {
        by: by.clone(),
        reason: reason.clone(),
    });
    shop.goes_on(&GoesOn::Person { by, reason });
    shop.looks("v2", 2, Vec::new());
    shop.is_not_held();

    let mut shop = Shop::judged();
    frozen(&mut shop);
    refused(&mut shop);
    if let Some(mark) = &mut shop.mark {
        mark.newer = true;
    }
    shop.looks("v2", 2, Vec::new());
    shop.goes_on(&GoesOn::Newer);

    let mut shop = Shop::judged();
    shop.story.history.open.as_mut().expect("open").policy.on_regression = OnRegression::Alert;
    shop.story.judged_as(Verdict::Regression);
    shop.story.tells(&["regression"]);
    shop.stays_held();
}

#[test]
fn a_proposal_waits_held_and_is_done_by_the_revert() {
    let mut shop = Shop::judged();
    shop.story.fleet.mode = Mode::Propose;
    shop.story.judged_as(Verdict::Regression);
    shop.story.tells(&["proposed"]);
    shop.story.later(11 * MINUTE);
    shop.story.tick();
    assert!(shop.hold().is_held(), "beyond the time allowed");
    shop.story.approves();
    shop.story.reverts("v2", "v1");
}

#[test]
fn a_freeze_keeps_nothing_from_going_on() {
    let mut shop = Shop::judged();
    shop.story.fleet.frozen = Some(Freeze {
        since: shop.story.now,
        by: alice(),
        reason: "an incident".to_owned(),
    });
    shop.story.judged_as(Verdict::Healthy);
    shop.story.tick();
    shop.goes_on(&GoesOn::Healthy);
}

#[test]
fn a_persons_resume_and_a_persons_hold_are_final() {
    let mut resumed = Shop::judged();
    if let Some(mark) = &mut resumed.mark {
        mark.in_force = false;
    }
    resumed.looks("v2", 3, Vec::new());
    // Only the annotation is left to be removed.
    resumed.goes_on(&GoesOn::Resumed);
    resumed.looks("v2", 3, Vec::new());
    resumed.is_not_held();

    let mut taken_over = Shop::judged();
    taken_over.mark = None;
    taken_over.looks("v2", 2, Vec::new());
    taken_over.is_not_held();
    let hold = taken_over.story.open().hold.clone().expect("it was held");
    assert_eq!((hold.outcome, hold.goes_on), (Some(Outcome::Released), Some(GoesOn::Resumed)));
    taken_over.looks("v2", 2, Vec::new());
    taken_over.is_not_held();
}

#[test]
fn what_a_person_paused_is_left_to_them_and_what_cannot_be_held_is_noted() {
    for (result, outcome, told) in [
        (
            HoldResult::Refused {
                found: "a person paused it".to_owned(),
            },
            Outcome::Refused,
            &[][..],
        ),
        (HoldResult::Superseded, Outcome::Superseded, &[]),
        (
            HoldResult::Failed {
                error: "forbidden".to_owned(),
            },
            Outcome::Failed,
            &["not_held"],
        ),
    ] {
        let mut shop = Shop::new();
        shop.looks("v2", 2, Vec::new());
        shop.asked();
        shop.answers(result);
        assert_eq!(shop.story.open().hold.as_ref().and_then(|hold| hold.outcome), Some(outcome));
        assert!(happened(&shop, |what| matches!(what, Happened::NotHeld { .. })));
        shop.story.tells(told);
        shop.story.later(MINUTE);
        shop.looks("v2", 3, Vec::new());
        shop.is_not_held();
    }
}

#[test]
fn nothing_is_held_that_is_observed_frozen_off_unwanted_or_has_nothing_beside_it() {
    let changes: [fn(&mut Shop); 6] = [
        |shop| shop.story.policy.watch.hold = None,
        |shop| shop.story.policy.mode = Mode::Observe,
        |shop| shop.story.fleet.mode = Mode::Observe,
        |shop| {
            shop.story.fleet.frozen = Some(Freeze {
                since: Moment::from_millis(0),
                by: alice(),
                reason: String::new(),
            });
        },
        |shop| {
            shop.story.happens(&Event::Off {
                off: true,
                by: alice(),
                reason: "by hand".to_owned(),
            });
        },
        |shop| shop.story.says(crate::engine::PersonWord::Quarantine, "v1"),
    ];
    for change in changes {
        let mut shop = Shop::new();
        change(&mut shop);
        shop.looks("v2", 2, Vec::new());
        assert_eq!(shop.story.history.hold, None);
        assert_eq!(shop.story.take_effects(), []);
    }
    let mut back = Shop::judged();
    back.story.judged_as(Verdict::Healthy);
    back.story.tick();
    back.goes_on(&GoesOn::Healthy);
    back.looks("v1", 2, Vec::new());
    back.is_not_held();
}

#[test]
fn a_policy_that_asks_no_more_lets_it_go_on_and_so_does_one_that_is_gone() {
    let mut lowered = Shop::judged();
    lowered.story.policy.mode = Mode::Observe;
    lowered.story.tick();
    lowered.goes_on(&GoesOn::Unwanted);
    let mut removed = Shop::judged();
    removed.story.policy.watch.hold = None;
    removed.story.tick();
    removed.goes_on(&GoesOn::Unwanted);
    let mut gone = Shop::judged();
    gone.story.happens(&Event::PolicyIs {
        policy: Box::new(gone.story.policy.clone()),
        by: alice(),
        file: "policies/shop.yaml".to_owned(),
        home: None,
    });
    assert!(gone.story.history.in_force.is_some());
    gone.story.happens(&Event::Unguarded);
    gone.goes_on(&GoesOn::Unguarded);
    assert_eq!(gone.story.history.in_force, None, "and nobody takes it for guarded");
}

#[test]
fn a_rollout_that_is_over_lets_it_go_on_and_a_person_who_proves_it_too() {
    let mut proven = Shop::judged();
    proven.story.says(crate::engine::PersonWord::Prove, "v2");
    proven.story.tick();
    proven.goes_on(&GoesOn::Over);
    let mut left = Shop::judged();
    left.looks("v3", 0, Vec::new());
    left.story.tick();
    left.goes_on(&GoesOn::Over);
    left.looks("v3", 2, Vec::new());
    left.asked();
}

#[test]
fn a_stateful_sets_hold_is_taken_over_by_the_next_release() {
    let mut shop = Shop::of(WorkloadKind::StatefulSet);
    shop.looks("v2", 0, Vec::new());
    shop.asked();
    shop.is_held();
    let before = shop.hold().rollout;
    shop.looks("v3", 0, Vec::new());
    shop.asked();
    assert_ne!(shop.hold().rollout, before);
    shop.is_held();
    shop.stays_held_at_v3();
}

#[test]
fn after_a_crash_what_was_asked_for_is_asked_for_again_and_what_is_held_is_known() {
    let mut asked = Shop::new();
    asked.looks("v2", 2, Vec::new());
    asked.story.crashes();
    asked.asked();
    asked.is_held();
    asked.story.crashes();
    asked.story.is_quiet();
    asked.story.happens(&Event::GoOn {
        by: alice(),
        reason: String::new(),
    });
    asked.story.crashes();
    let why = GoesOn::Person {
        by: alice(),
        reason: String::new(),
    };
    asked.goes_on(&why);
}

#[test]
fn what_nobody_can_tell_is_asked_for_again_and_an_older_answer_changes_nothing() {
    let mut shop = Shop::new();
    shop.looks("v2", 2, Vec::new());
    shop.asked();
    shop.answers(HoldResult::Unknown {
        error: "no answer".to_owned(),
    });
    assert_eq!(shop.story.take_effects(), []);
    shop.story.later(5);
    shop.story.tick();
    let hold = shop.hold().clone();
    assert_eq!(shop.story.take_effects(), [Effect::Hold(hold, SHARE)]);
    shop.story.happens(&Event::Unguarded);
    shop.story.take_effects();
    shop.answers(HoldResult::Held { pods: 2, of: 4 });
    shop.goes_on(&GoesOn::Unguarded);
    let rollout = shop.story.open().id;
    let result = HoldResult::Held { pods: 2, of: 4 };
    shop.story.happens(&Event::HoldTried { rollout, result });
    shop.is_not_held();
}

#[test]
fn a_hold_that_nothing_stored_tells_of_is_let_go() {
    let mut shop = Shop::new();
    let until = shop.story.now;
    shop.mark = Some(HeldMark {
        rollout: crate::words::RolloutId::new(uuid::Uuid::from_u128(77)),
        until,
        in_force: true,
        newer: false,
    });
    shop.looks("v1", 4, Vec::new());
    shop.goes_on(&GoesOn::Forgotten);
}

#[test]
fn while_it_is_held_our_own_deadline_runs_for_pods_that_are_never_ready() {
    let mut shop = Shop::held();
    let never = super::pods::pod(&shop.story, "v2", 0);
    shop.looks("v2", 2, vec![never.clone()]);
    shop.story.later(10 * MINUTE);
    shop.looks("v2", 2, vec![never]);
    shop.story.reverts("v2", "v1");
    assert!(shop.story.open().startup.is_some());
}
