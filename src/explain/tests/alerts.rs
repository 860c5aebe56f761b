//! Every kind of alert, in both languages, word for word.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    decide::{Brake, Decision, Guard},
    explain::{Language, alert, guard_sentence, specimen as s, status, text},
    judge::{Estimate, MetricEvidence},
    policy::{Mode, OnInconclusive},
    record::{ActResult, AlertKind, Record},
    words::{Outcome, Standing, Verdict},
};

pub(super) fn both(kind: AlertKind, record: Option<Record>) -> String {
    let alert_ = s::alert(kind, record);
    [Language::En, Language::Zh]
        .map(|language| alert(&alert_, language).to_plain())
        .join("\n\n")
}

#[test]
fn a_revert_says_why_in_one_sentence_and_what_to_type() {
    insta::assert_snapshot!(both(AlertKind::Reverted, Some(s::reverted())));
}

#[test]
fn a_rollback_of_a_person_is_one_line_with_who_and_below_it_why() {
    insta::assert_snapshot!(both(AlertKind::RolledBack, Some(s::ordered())));
}

#[test]
fn a_rollback_that_could_not_be_done_names_what_was_to_be_left() {
    let mut record = s::ordered();
    record.outcome = Some(Outcome::Failed);
    record.outcome_detail = Some("no permission".to_owned());
    record.timeline.pop();
    insta::assert_snapshot!(both(AlertKind::NotHelped, Some(record)));
}

#[test]
fn a_revert_on_a_host_names_the_hour_before_and_the_assumed_noise() {
    insta::assert_snapshot!(both(AlertKind::Reverted, Some(s::before_after(s::reverted()))));
}

#[test]
fn an_outage_that_is_left_out_of_the_hour_before_is_told() {
    let mut record = s::before_after(s::reverted());
    let evidence = record.evidence.as_mut().expect("evidence");
    evidence.metrics[0].noise.left_out = [300.0, 3_000.0];
    insta::assert_snapshot!(both(AlertKind::Reverted, Some(record.clone())));
    let page = text(&record, Language::En);
    let said = page.lines().find(|line| line.contains("left out"));
    assert_eq!(
        said.map(str::trim),
        Some("An outage in the hour before is left out: 10 % of 3,000 requests.")
    );
}

#[test]
fn a_revert_after_the_old_version_has_gone_names_both_comparisons() {
    insta::assert_snapshot!(both(AlertKind::Reverted, Some(s::old_version_gone(s::reverted(), true))));
}

#[test]
fn a_revert_for_latency_after_the_old_version_has_gone_names_both_comparisons() {
    let mut record = s::reverted();
    record.evidence = Some(s::evidence(vec![s::quiet(s::bad_errors()), s::slow()]));
    insta::assert_snapshot!(both(AlertKind::Reverted, Some(s::old_version_gone(record, true))));
}

#[test]
fn what_came_after_the_old_version_had_gone_is_said_to_be_unused_where_it_was() {
    insta::assert_snapshot!(both(AlertKind::Reverted, Some(s::old_version_gone(s::reverted(), false))));
}

#[test]
fn a_revert_for_latency_names_both_bounds() {
    let mut record = s::reverted();
    record.evidence = Some(s::evidence(vec![s::quiet(s::bad_errors()), s::slow()]));
    insta::assert_snapshot!(both(AlertKind::Reverted, Some(s::before_after(record))));
}

#[test]
fn a_baseline_without_a_single_error_gives_a_lower_end_only() {
    let mut record = s::reverted();
    let metric = MetricEvidence {
        baseline: [0.0, 3_000.0],
        ratio: Some(Estimate {
            median: 40.0,
            low: 12.0,
            high: 61.0,
        }),
        ..s::bad_errors()
    };
    record.evidence = Some(s::evidence(vec![metric]));
    insta::assert_snapshot!(both(AlertKind::Reverted, Some(s::before_after(record))));
}

#[test]
fn a_broken_objective_is_told_by_what_it_allows() {
    let mut record = s::reverted();
    record.evidence = Some(s::evidence(vec![s::quiet(s::bad_errors()), s::below_objective()]));
    insta::assert_snapshot!(both(AlertKind::Reverted, Some(s::before_after(record))));
}

#[test]
fn a_value_that_only_warns_is_told_by_its_levels() {
    let mut record = s::convicted(Decision::AlertOnly);
    record.policy.metrics.push(s::policies::memory());
    record.evidence = Some(s::warned(s::memory()));
    insta::assert_snapshot!(both(AlertKind::Regression, Some(s::before_after(record))));
}

#[test]
fn a_value_beside_the_version_before_is_told_by_both_levels() {
    let mut record = s::convicted(Decision::AlertOnly);
    record.policy.metrics.push(s::policies::memory());
    record.evidence = Some(s::warned(s::memory_beside(true)));
    insta::assert_snapshot!(both(AlertKind::Regression, Some(record)));
}

#[test]
fn a_broken_bound_is_told_by_how_long_it_was_broken_and_has_no_odds() {
    let mut record = s::reverted();
    record.evidence = Some(s::evidence(vec![s::quiet(s::bad_errors()), s::queue(Some(315), Some(315))]));
    insta::assert_snapshot!(both(AlertKind::Reverted, Some(s::before_after(record))));
}

#[test]
fn a_verified_revert_says_how_it_is_since() {
    insta::assert_snapshot!(both(
        AlertKind::Verified,
        Some(s::settled(Outcome::Verified, Some(true), [15.0, 3_000.0]))
    ));
}

#[test]
fn a_revert_that_did_not_help_points_elsewhere() {
    insta::assert_snapshot!(both(
        AlertKind::NotHelped,
        Some(s::settled(Outcome::DidNotHelp, Some(true), [126.0, 3_000.0]))
    ));
}

#[test]
fn a_revert_that_moved_nothing_gives_the_line_to_type() {
    let error = "no permission to write in /opt/myapp: give the user of lastgood write access to it".to_owned();
    insta::assert_snapshot!(both(
        AlertKind::NotHelped,
        Some(s::failed(ActResult::NotMoved { error: error.clone() }, &error))
    ));
}

#[test]
fn a_revert_that_is_half_done_says_so() {
    let error = "myapp.service: job failed; see `journalctl -u myapp.service`".to_owned();
    let result = ActResult::NotActivated {
        moved_at: s::at(47),
        error: error.clone(),
    };
    insta::assert_snapshot!(both(AlertKind::NotHelped, Some(s::failed(result, &error))));
}

#[test]
fn a_stuck_revert_asks_for_a_person() {
    let mut record = s::failed(
        ActResult::NotActivated {
            moved_at: s::at(47),
            error: "timed out".to_owned(),
        },
        "timed out after 60 s",
    );
    record.outcome = Some(Outcome::Stuck);
    insta::assert_snapshot!(both(AlertKind::NotHelped, Some(record)));
}

#[test]
fn a_proposal_names_the_command_and_until_when() {
    let decision = Decision::Propose {
        to: s::good(),
        standing: Standing::Proven,
        until: s::at(1_845),
    };
    insta::assert_snapshot!(both(AlertKind::Proposed, Some(s::convicted(decision))));
}

#[test]
fn a_refusal_names_the_guard() {
    let decision = Decision::Refuse {
        guard: Guard::ServiceBudget { spent: 1, allowed: 1 },
    };
    let mut record = s::convicted(decision);
    record.outcome = Some(Outcome::Refused);
    insta::assert_snapshot!(both(AlertKind::Refused, Some(record)));
}

#[test]
fn a_regression_that_is_only_told_gives_the_line_to_go_back() {
    insta::assert_snapshot!(both(AlertKind::Regression, Some(s::convicted(Decision::AlertOnly))));
}

#[test]
fn blind_names_the_empty_query_and_convicts_nobody() {
    insta::assert_snapshot!(both(AlertKind::Blind, Some(s::blind())));
}

#[test]
fn going_blind_says_since_when_and_that_the_watch_goes_on() {
    let mut record = s::watching();
    record.fault = Some(s::fault());
    insta::assert_snapshot!(both(AlertKind::GoingBlind, Some(record)));
}

#[test]
fn inconclusive_says_what_is_excluded() {
    insta::assert_snapshot!(both(AlertKind::Inconclusive, Some(s::ended(Verdict::Inconclusive))));
}

#[test]
fn proven_names_its_basis() {
    let mut record = s::ended(Verdict::Inconclusive);
    record.policy.on_inconclusive = OnInconclusive::Prove;
    insta::assert_snapshot!(both(AlertKind::Proven, Some(s::before_after(record))));
}

#[test]
fn proven_by_evidence_says_so() {
    insta::assert_snapshot!(both(AlertKind::Proven, Some(s::ended(Verdict::Healthy))));
}

#[test]
fn a_quarantined_version_that_comes_back_is_announced_and_not_fought_over() {
    insta::assert_snapshot!(both(AlertKind::Contested { version: s::bad() }, Some(s::watching())));
}

#[test]
fn a_late_change_accuses_nobody() {
    insta::assert_snapshot!(both(AlertKind::Late, Some(s::late())));
}

#[test]
fn a_release_that_skipped_an_environment_is_told_and_judged() {
    for standing in [None, Some(Standing::Unproven)] {
        let env = "staging".parse().expect("an environment");
        insta::assert_snapshot!(both(AlertKind::Skipped { env, standing }, Some(s::watching())));
    }
}

#[test]
fn not_ready_gives_each_reason_with_its_next_step() {
    insta::assert_snapshot!(both(AlertKind::NotReady { unready: s::unready() }, None));
}

#[test]
fn ready_again_is_one_line() {
    insta::assert_snapshot!(both(AlertKind::NotReady { unready: Vec::new() }, None));
}

#[test]
fn a_rejected_policy_shows_its_errors_line_by_line() {
    let errors = "/etc/lastgood/policies/myapp.yaml:7:5: unknown key `metric`\n  did you mean `metrics`?\n".to_owned();
    insta::assert_snapshot!(both(AlertKind::PolicyRejected { errors }, None));
}

#[test]
fn a_freeze_says_why_and_how_it_ends() {
    insta::assert_snapshot!(both(AlertKind::Frozen { freeze: s::freeze() }, None));
}

fn braked(by: Brake, found: &str) -> Guard {
    let found = found.to_owned();
    Guard::Braked { by, found }
}

fn guards() -> Vec<Guard> {
    vec![
        Guard::Superseded {
            runs: Some(s::version("v1.2.4", 0x44)),
        },
        Guard::Superseded { runs: None },
        Guard::Off { freeze: s::freeze() },
        Guard::Observe,
        Guard::Frozen { freeze: s::freeze() },
        Guard::Irreversible {
            reason: "drops the column orders.note".to_owned(),
        },
        Guard::NoLastGood,
        Guard::Quarantined { version: s::good() },
        Guard::TooOld {
            version: s::good(),
            age: Duration::from_secs(120 * 86_400),
            allowed: Duration::from_secs(90 * 86_400),
        },
        Guard::BelowMinimum {
            version: s::good(),
            minimum: "v1.2.3".parse().expect("a version"),
        },
        Guard::ServiceBudget { spent: 1, allowed: 1 },
        Guard::FleetBudget { spent: 10, allowed: 10 },
        Guard::NotApproved { until: s::at(1_845) },
        Guard::Unrestorable {
            found: "/opt/myapp/releases/v1.2.2/bin/myapp is missing".to_owned(),
        },
        braked(
            Brake::SwitchedOff,
            "the annotation lastgood.dev/off switches lastgood off here; remove it",
        ),
        braked(Brake::NoWayBack, "drops a column; repair it forward"),
        braked(Brake::Paused, "`kubectl rollout resume deployment/myapp -n shop`"),
        braked(Brake::Leaving, "nothing is to be done"),
        braked(
            Brake::Owned,
            "Argo CD's application myapp writes it; revert the commit in its git repository",
        ),
        Guard::Unmanaged,
    ]
}

#[test]
fn every_guard_has_a_sentence_of_its_own_in_both_languages() {
    let record = s::convicted(Decision::AlertOnly);
    let mut seen = BTreeMap::new();
    let mut page = String::new();
    for guard in guards() {
        for language in [Language::En, Language::Zh] {
            let sentence = guard_sentence(&guard, &record, language);
            if let Some(other) = seen.insert(sentence.clone(), guard.clone()) {
                panic!("{other:?} and {guard:?} say the same: {sentence}");
            }
            page.push_str(&format!("{}: {sentence}\n", guard.name()));
        }
    }
    insta::assert_snapshot!(page);
}

#[test]
fn a_version_that_soaked_is_said_to_be_proven_and_counts_no_slow_requests() {
    let status = status(
        &s::closed_as(s::soaked()),
        &s::policy(),
        Mode::Enforce,
        None,
        None,
        None,
        s::at(2_000),
    );
    let last = status.last.expect("a closed rollout").sentence;
    assert!(last.contains("v1.2.3 is proven: it ran for 30 min with whole data"), "{last}");
    insta::assert_snapshot!(both(AlertKind::Proven, Some(s::soaked())));
}
