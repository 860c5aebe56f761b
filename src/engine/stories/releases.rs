//! Releases: soaked, proven, reverted, superseded, shipped again.

use std::time::Duration;

use super::script::{HOUR, MINUTE, Story, metric, version};
use crate::{
    judge::{Comparison, Evidence, LateChange, MetricEvidence, ThresholdEvidence, ValueEvidence},
    policy::{Mode, OnInconclusive, Side, Threshold},
    record::{ActResult, Happened, Phase, ProofBasis, RolloutKind},
    words::{Outcome, Standing, Verdict},
};

#[test]
fn what_runs_at_first_sight_is_assumed_and_soaks() {
    let mut story = Story::new();
    story.switches("v1");
    assert_eq!(story.open().kind, RolloutKind::FirstSight);
    assert_eq!(story.open().baseline, None);
    story.stands("v1", Standing::Assumed);
    story.later(20 * MINUTE);
    story.judged_as(Verdict::Regression);
    story.is_quiet();
    story.stands("v1", Standing::Assumed);
    story.later(10 * MINUTE);
    story.judged(|_| {});
    story.tells(&["proven"]);
    story.stands("v1", Standing::Proven);
    assert_eq!(
        story.history.known(&version("v1")).map(|known| &known.basis),
        Some(&ProofBasis::Soaked)
    );
    story.closed_as(None);
}

#[test]
fn a_soak_with_a_restart_proves_nothing() {
    let mut story = Story::new();
    story.switches("v1");
    story.calibrated();
    story.later(10 * MINUTE);
    story.restarts();
    assert!(story.open().timeline.iter().any(|entry| entry.what == Happened::Restarted));
    story.later(30 * MINUTE);
    story.judged(|_| {});
    story.is_quiet();
    story.later(2 * HOUR);
    story.judged(|_| {});
    story.tells(&["inconclusive"]);
    story.stands("v1", Standing::Assumed);
}

#[test]
fn a_soak_with_a_broken_objective_or_bound_proves_nothing_and_is_told() {
    soaked_broken(|metric| metric.objective = Some(0.995));
    soaked_broken(|metric| metric.value = Some(bound()));
}

/// A pool under a plain bound.
fn bound() -> ValueEvidence {
    let rule = Threshold {
        side: Side::Above,
        value: 0.9,
        held_for: Duration::from_secs(300),
    };
    ValueEvidence {
        candidate: Some(0.95),
        threshold: Some(ThresholdEvidence {
            rule,
            held: Some(rule.held_for),
            longest: Some(rule.held_for),
        }),
        ..ValueEvidence::default()
    }
}

/// At first sight, what stands alone is broken: there is nothing to go back to.
fn soaked_broken(stand_alone: impl Fn(&mut MetricEvidence)) {
    let mut story = Story::new();
    story.switches("v1");
    story.calibrated();
    let broken = |evidence: &mut Evidence| {
        evidence.compare = Comparison::None;
        stand_alone(&mut evidence.metrics[0]);
        evidence.metrics[0].verdict = Some(Verdict::Regression);
    };
    story.later(10 * MINUTE);
    story.judged(broken);
    story.tells(&["regression"]);
    story.later(30 * MINUTE);
    story.judged(broken);
    story.is_quiet();
    story.stands("v1", Standing::Assumed);
    story.later(2 * HOUR);
    story.judged(broken);
    story.tells(&["inconclusive"]);
    story.stands("v1", Standing::Assumed);
    story.closed_as(None);
}

#[test]
fn a_good_release_is_proven() {
    let mut story = Story::with_candidate();
    assert_eq!(story.open().baseline, Some((version("v1"), Standing::Proven)));
    story.serves("v2");
    story.later(5 * MINUTE);
    story.judged_as(Verdict::Healthy);
    assert_eq!(story.open().verdict, Some(Verdict::Healthy));
    story.stands("v2", Standing::Unproven);
    let stored = story.history.clone();
    story.later(15);
    story.judged_as(Verdict::Healthy);
    assert_eq!(story.history, stored, "a step without consequence needs no commit");
    story.is_quiet();
    story.later(25 * MINUTE);
    story.judged_as(Verdict::Healthy);
    story.tells(&["proven"]);
    story.stands("v2", Standing::Proven);
    assert!(story.history.open.is_some(), "the watch goes on");
    story.later(90 * MINUTE);
    story.judged_as(Verdict::Healthy);
    story.is_quiet();
    story.closed_as(None);
}

#[test]
fn a_bad_release_is_reverted_and_verified() {
    let mut story = Story::with_candidate();
    story.later(45);
    story.judged_as(Verdict::Regression);
    story.reverts("v2", "v1");
    assert_eq!(story.open().phase, Phase::Reverting);
    assert_eq!(story.open().decided_after(), Some(Duration::from_secs(45)));
    story.stands("v2", Standing::Quarantined);
    story.later(1);
    story.applied();
    story.tells(&["reverted"]);
    story.serves("v1");
    let opened = story.open().id;
    story.later(30);
    story.looks();
    assert_eq!(story.open().id, opened, "our own revert opens no rollout");
    story.verified_as(None);
    story.is_quiet();
    story.later(60);
    story.verified_as(Some(Verdict::Healthy));
    story.tells(&["verified"]);
    story.closed_as(Some(Outcome::Verified));
    assert_eq!(story.history.reverts.len(), 1);
}

#[test]
fn k30_a_revert_that_does_not_help_is_said_and_nothing_moves_again() {
    let mut story = Story::with_candidate();
    story.judged_as(Verdict::Regression);
    story.reverts("v2", "v1");
    story.applied();
    story.tells(&["reverted"]);
    story.later(2 * MINUTE);
    story.verified_as(Some(Verdict::Regression));
    story.tells(&["not_helped"]);
    story.closed_as(Some(Outcome::DidNotHelp));
    story.later(HOUR);
    story.looks();
    story.tick();
    story.is_quiet();
}

#[test]
fn without_data_a_revert_is_verified_by_the_unit_alone() {
    for (active, told, outcome) in [(true, "verified", Outcome::Verified), (false, "not_helped", Outcome::Failed)] {
        let mut story = Story::with_candidate();
        story.judged_as(Verdict::Regression);
        story.reverts("v2", "v1");
        story.applied();
        story.tells(&["reverted"]);
        story.process.active = active;
        story.looks();
        story.later(5 * MINUTE);
        story.tick();
        story.is_quiet();
        story.later(75);
        story.tick();
        story.tells(&[told]);
        story.closed_as(Some(outcome));
        let verification = story.last_closed().verification.as_ref().expect("settled");
        assert_eq!((verification.active, &verification.evidence), (Some(active), &None));
    }
}

#[test]
fn c19_the_same_bad_version_shipped_again_is_announced_and_not_fought_over() {
    let mut story = Story::with_candidate();
    story.reverted_to("v1");
    story.later(2 * HOUR);
    story.ships("v2");
    story.tells(&["contested"]);
    assert_eq!(story.open().kind, RolloutKind::Return);
    story.stands("v2", Standing::Quarantined);
    story.serves("v2");
    story.later(MINUTE);
    story.judged_as(Verdict::Regression);
    story.verified_as(Some(Verdict::Regression));
    story.is_quiet();
    story.closed_as(Some(Outcome::Contested));
    story.later(HOUR);
    story.ships("v3");
    assert_eq!(story.open().baseline, Some((version("v1"), Standing::Proven)));
}

#[test]
fn c19_a_bot_that_ships_the_bad_version_every_few_seconds_is_announced_once_an_hour() {
    let mut story = Story::with_candidate();
    story.reverted_to("v1");
    for told in [vec!["contested"], vec!["contested"]] {
        story.now = story
            .now
            .plus(std::time::Duration::from_secs(HOUR))
            .aligned_down(std::time::Duration::from_secs(HOUR));
        for _ in 0..50 {
            story.later(2);
            story.switches("v2");
            story.later(2);
            story.switches("v1");
        }
        story.tells(&told);
    }
}

#[test]
fn c19_the_bad_version_put_back_while_its_revert_is_verified_is_not_fought_over() {
    let mut story = Story::with_candidate();
    story.judged_as(Verdict::Regression);
    story.reverts("v2", "v1");
    story.applied();
    story.tells(&["reverted"]);
    story.later(10);
    story.ships("v2");
    story.tells(&["contested"]);
    assert_eq!(story.last_closed().outcome, Some(Outcome::Reverted));
    story.later(10 * MINUTE);
    story.tick();
    story.is_quiet();
    story.closed_as(Some(Outcome::Contested));
    story.serves("v2");
}

#[test]
fn k13_v6_over_an_undecided_v5_stays_and_is_compared_with_v4() {
    let mut story = Story::with_candidate();
    story.later(MINUTE);
    story.judged(|_| {});
    story.ships("v6");
    story.is_quiet();
    assert_eq!(story.last_closed().outcome, Some(Outcome::Superseded));
    story.stands("v2", Standing::Unproven);
    assert_eq!(
        story.open().baseline,
        Some((version("v1"), Standing::Proven)),
        "never a version in doubt"
    );
    assert_eq!(story.open().from, Some(version("v2")));
    story.serves("v6");
}

#[test]
fn k13_v6_over_a_convicted_v5_stays_and_v5_is_quarantined() {
    let mut story = Story::with_candidate();
    story.fleet.mode = Mode::Propose;
    story.judged_as(Verdict::Regression);
    story.tells(&["proposed"]);
    story.later(MINUTE);
    story.ships("v6");
    story.is_quiet();
    assert_eq!(story.last_closed().outcome, Some(Outcome::Superseded));
    story.stands("v2", Standing::Quarantined);
    assert_eq!(story.open().baseline, Some((version("v1"), Standing::Proven)));
}

#[test]
fn k13_v6_during_the_act_is_seen_after_its_outcome() {
    let mut story = Story::with_candidate();
    story.judged_as(Verdict::Regression);
    story.reverts("v2", "v1");
    story.switches("v6");
    assert_eq!(story.open().phase, Phase::Reverting);
    story.acted(ActResult::Superseded {
        runs: Some(version("v6")),
    });
    story.closed_as(Some(Outcome::Superseded));
    assert_eq!(story.history.reverts, []);
    story.later(2);
    story.restarts();
    assert_eq!((&story.open().to, story.open().kind), (&version("v6"), RolloutKind::Release));
    story.is_quiet();
}

#[test]
fn a_team_that_ships_every_twenty_minutes_goes_back_twenty_minutes() {
    let mut story = Story::with_candidate();
    for next in ["v3", "v4"] {
        story.later(15 * MINUTE);
        story.judged_as(Verdict::Healthy);
        story.later(5 * MINUTE);
        story.ships(next);
        story.is_quiet();
    }
    story.stands("v2", Standing::Passed);
    story.stands("v3", Standing::Passed);
    assert_eq!(story.open().baseline, Some((version("v3"), Standing::Passed)));
    story.later(MINUTE);
    story.judged_as(Verdict::Regression);
    story.reverts("v4", "v3");
}

#[test]
fn a_late_regression_reverts_and_withdraws_the_proof() {
    let mut story = Story::with_candidate();
    story.later(40 * MINUTE);
    story.judged_as(Verdict::Healthy);
    story.tells(&["proven"]);
    story.later(20 * MINUTE);
    story.judged_as(Verdict::Regression);
    story.reverts("v2", "v1");
    story.stands("v2", Standing::Quarantined);
}

#[test]
fn a_late_change_and_a_metric_that_may_not_revert_are_told_once() {
    let mut story = Story::with_candidate();
    for round in 0..3 {
        story.later(MINUTE);
        let at = story.now;
        story.judged(|evidence| {
            let mut memory = metric("memory", false);
            memory.verdict = Some(Verdict::Regression);
            evidence.metrics.push(memory);
            if let Some(errors) = evidence.metrics.first_mut() {
                errors.late = Some(LateChange { at, harm_log10: 3.0 });
            }
        });
        story.tells(if round == 0 { &["late", "regression"] } else { &[] });
    }
    story.stands("v2", Standing::Unproven);
    assert!(matches!(story.open().phase, Phase::Watching { .. }));
}

#[test]
fn a_watch_without_a_verdict_ends_as_the_policy_says() {
    let ends = [
        (OnInconclusive::Prove, "proven", Standing::Proven),
        (OnInconclusive::Keep, "inconclusive", Standing::Unproven),
    ];
    for (wanted, told, standing) in ends {
        let mut story = Story::after_first_sight();
        story.policy.on_inconclusive = wanted;
        story.ships("v2");
        story.later(2 * HOUR);
        story.judged(|_| {});
        story.tells(&[told]);
        story.closed_as(None);
        assert_eq!(story.last_closed().verdict, Some(Verdict::Inconclusive));
        story.stands("v2", standing);
    }
    let mut story = Story::after_first_sight();
    story.ships("v2");
    story.later(2 * HOUR);
    story.judged(|evidence| evidence.harm_log10 = 1.9);
    story.tells(&["inconclusive"]);
    story.stands("v2", Standing::Unproven);
    let mut story = Story::after_first_sight();
    story.policy.on_inconclusive = OnInconclusive::Revert;
    story.ships("v2");
    story.later(2 * HOUR);
    story.judged(|_| {});
    story.reverts("v2", "v1");
    story.stands("v2", Standing::Unproven);
    story.applied();
    story.tells(&["reverted"]);
    story.stands("v2", Standing::Quarantined);
}
