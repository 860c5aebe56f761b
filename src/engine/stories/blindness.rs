//! Silence is not guilt: data that are missing never convict, and are told of.

use super::script::{HOUR, MINUTE, Story, metric, version};
use crate::{
    policy::{OnInconclusive, OnRegression},
    record::{Happened, ProofBasis},
    words::{GapReason, Outcome, Standing, Verdict},
};

#[test]
fn blind_to_the_end() {
    let mut story = Story::with_candidate();
    story.later(MINUTE);
    story.data(Some(GapReason::NoData));
    story.later(4 * MINUTE);
    story.data(Some(GapReason::NoData));
    story.is_quiet();
    story.later(MINUTE);
    story.tick();
    story.tells(&["going_blind"]);
    story.later(10 * MINUTE);
    story.data(Some(GapReason::NoData));
    story.tick();
    story.is_quiet();
    story.later(2 * HOUR);
    story.tick();
    story.tells(&["blind"]);
    story.closed_as(None);
    let closed = story.last_closed();
    assert_eq!(closed.verdict, Some(Verdict::Blind));
    let fault = closed.fault.as_ref().expect("with its reason");
    assert_eq!((fault.reason, fault.query.as_deref()), (GapReason::NoData, Some("bad")));
    story.stands("v2", Standing::Unproven);
    story.serves("v2");
}

#[test]
fn blind_for_a_while_and_back() {
    let mut story = Story::with_candidate();
    for _ in 0..2 {
        story.later(MINUTE);
        story.data(Some(GapReason::QueryFailed));
        story.later(5 * MINUTE);
        story.tick();
        story.tells(&["going_blind"]);
        story.data(None);
        assert_eq!(story.open().fault, None);
    }
    let faults = story.open().timeline.iter();
    assert_eq!(faults.filter(|entry| matches!(entry.what, Happened::Data { .. })).count(), 4);
    story.later(HOUR);
    story.judged_as(Verdict::Healthy);
    story.tells(&["proven"]);
}

#[test]
fn a_fault_that_only_changes_its_figures_is_one_fault() {
    let mut story = Story::with_candidate();
    story.data(Some(GapReason::Stale));
    let before = story.history.clone();
    story.later(15);
    story.data(Some(GapReason::Stale));
    assert_eq!(story.history, before);
    story.later(4 * MINUTE + 45);
    story.data(Some(GapReason::NoData));
    story.tells(&["going_blind"]);
}

#[test]
fn a_watch_of_which_a_third_is_missing_is_blind_and_names_the_gap() {
    for wanted in [OnInconclusive::Prove, OnInconclusive::Revert] {
        let mut story = Story::after_first_sight();
        story.policy.on_inconclusive = wanted;
        story.ships("v2");
        story.later(2 * HOUR);
        story.judged(|evidence| {
            evidence.used = evidence.steps * 2 / 3;
            if let Some(errors) = evidence.metrics.first_mut() {
                errors.gaps = [(GapReason::Stale, 150), (GapReason::Switch, 1)].into();
            }
        });
        story.tells(&["blind"]);
        let fault = story.last_closed().fault.clone().expect("with its reason");
        assert_eq!((fault.reason, fault.because.contains("320 of 480")), (GapReason::Stale, true));
        story.stands("v2", Standing::Unproven);
    }
}

#[test]
fn an_end_without_its_last_steps_waits_a_little_and_reverts_nobody() {
    let mut story = Story::after_first_sight();
    story.policy.on_inconclusive = OnInconclusive::Revert;
    story.ships("v2");
    story.later(110 * MINUTE);
    story.judged(|_| {});
    story.later(11 * MINUTE);
    story.tick();
    story.is_quiet();
    story.later(MINUTE);
    story.tick();
    story.tells(&["inconclusive"]);
    story.stands("v2", Standing::Unproven);
}

#[test]
fn a_healthy_verdict_with_missing_data_proves_at_the_end_only() {
    let mut story = Story::with_candidate();
    story.later(HOUR);
    story.judged(|evidence| {
        evidence.verdict = Some(Verdict::Healthy);
        evidence.used = evidence.steps / 2;
    });
    story.is_quiet();
    story.stands("v2", Standing::Unproven);
    story.later(2 * HOUR);
    story.tick();
    story.tells(&["proven"]);
}

#[test]
fn a_first_sight_that_stays_blind_stays_assumed() {
    let mut story = Story::new();
    story.switches("v1");
    story.later(2 * HOUR + 2 * MINUTE);
    story.tick();
    story.tells(&["blind"]);
    story.stands("v1", Standing::Assumed);
    story.ships("v2");
    assert_eq!(story.open().baseline, Some((version("v1"), Standing::Assumed)));
    story.judged_as(Verdict::Regression);
    story.reverts("v2", "v1");
}

#[test]
fn healthy_for_three_minutes_and_unseen_ever_since_proves_nothing() {
    let mut story = Story::with_candidate();
    story.later(3 * MINUTE);
    story.judged_as(Verdict::Healthy);
    story.later(MINUTE);
    story.data(Some(GapReason::QueryFailed));
    story.later(3 * HOUR);
    story.tick();
    story.tells(&["blind"]);
    story.closed_as(None);
    story.stands("v2", Standing::Unproven);
}

#[test]
fn p02_where_prometheus_kept_nothing_of_the_last_good_version_the_candidate_soaks() {
    let unusable = |evidence: &mut crate::judge::Evidence| {
        for metric in &mut evidence.metrics {
            metric.unusable = Some("the hour before has no events".to_owned());
        }
    };
    let mut story = Story::with_candidate();
    story.later(31 * MINUTE);
    story.judged(unusable);
    story.tells(&["proven"]);
    assert_eq!(story.history.known(&version("v2")).expect("known").basis, ProofBasis::Soaked);

    let mut story = Story::with_candidate();
    story.later(MINUTE);
    story.restarts();
    story.later(2 * HOUR);
    story.judged(unusable);
    story.tells(&["inconclusive"]);
    story.stands("v2", Standing::Unproven);
}

#[test]
fn p05_a_version_that_restarts_again_and_again_is_never_proven() {
    for verdict in [None, Some(Verdict::Healthy)] {
        let mut story = Story::with_candidate();
        for _ in 0..3 {
            story.later(5 * MINUTE);
            story.restarts();
        }
        story.later(HOUR);
        story.judged(|evidence| evidence.verdict = verdict);
        story.is_quiet();
        story.later(HOUR);
        story.judged(|evidence| evidence.verdict = verdict);
        story.tells(&["inconclusive"]);
        story.stands("v2", Standing::Unproven);
    }
}

#[test]
fn without_a_unit_and_without_data_nothing_is_said_to_be_verified() {
    let mut story = Story::with_candidate();
    story.judged_as(Verdict::Regression);
    story.reverts("v2", "v1");
    story.applied();
    story.tells(&["reverted"]);
    story.history.process = None;
    story.later(10 * MINUTE);
    story.tick();
    story.is_quiet();
    story.closed_as(Some(Outcome::Reverted));
}

#[test]
fn a_metric_that_only_warned_does_not_silence_the_verdict() {
    let mut story = Story::after_first_sight();
    story.policy.on_regression = OnRegression::Alert;
    story.ships("v2");
    story.later(MINUTE);
    let slow = |evidence: &mut crate::judge::Evidence| {
        let mut slow = metric("latency", false);
        slow.verdict = Some(Verdict::Regression);
        evidence.metrics.push(slow);
    };
    story.judged(slow);
    story.tells(&["regression"]);
    story.later(15);
    story.judged(slow);
    story.is_quiet();
    story.judged_as(Verdict::Regression);
    story.tells(&["regression"]);
    story.closed_as(None);
}

#[test]
fn p02_a_first_sight_whose_data_came_late_soaks_from_when_they_came() {
    let mut story = Story::new();
    story.switches("v1");
    story.later(HOUR);
    let came = story.now;
    let late = |evidence: &mut crate::judge::Evidence| {
        evidence.used = evidence.steps.saturating_sub(240);
        evidence.whole_since = Some(came);
    };
    story.later(29 * MINUTE);
    story.judged(late);
    story.is_quiet();
    story.later(MINUTE);
    story.judged(late);
    story.tells(&["proven"]);
    story.stands("v1", Standing::Proven);
}
