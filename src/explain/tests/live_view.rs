//! The live view.

use proptest::prelude::*;
use unicode_width::UnicodeWidthStr as _;

use crate::{
    explain::{TargetStatus, live, specimen as s, status},
    judge::Evidence,
    policy::Mode,
    record::{DataFault, Phase, Record},
    words::{Moment, Outcome},
};

fn open(record: Record, evidence: Option<&Evidence>, fault: Option<&DataFault>, now: Moment) -> TargetStatus {
    status(
        &s::history(Some(record)),
        &s::policy(),
        Mode::Enforce,
        evidence,
        fault,
        None,
        now,
    )
}

#[test]
fn an_undecided_watch_shows_both_sides_and_both_bounds() {
    insta::assert_snapshot!(live(&open(s::watching(), None, None, s::at(720)), s::at(720), 80, false));
}

#[test]
fn a_convicted_release_shows_what_weighs_and_what_was_done() {
    let mut record = s::before_after(s::reverted());
    record.evidence = Some(s::evidence(vec![s::bad_errors(), s::slow()]));
    insta::assert_snapshot!(live(&open(record, None, None, s::at(60)), s::at(60), 80, false));
}

#[test]
fn a_value_shows_its_levels() {
    let mut record = s::before_after(s::watching());
    record.evidence = Some(s::warned(s::memory()));
    insta::assert_snapshot!(live(&open(record, None, None, s::at(60)), s::at(60), 80, false));
}

#[test]
fn a_bound_shows_for_how_long_it_has_been_broken_or_was() {
    for (held, longest) in [(Some(60), Some(60)), (None, Some(315)), (None, None)] {
        let mut record = s::before_after(s::watching());
        record.evidence = Some(s::evidence(vec![s::quiet(s::bad_errors()), s::queue(held, longest)]));
        insta::assert_snapshot!(live(&open(record, None, None, s::at(60)), s::at(60), 80, false));
    }
}

#[test]
fn missing_data_are_named_with_their_query() {
    let mut record = s::watching();
    record.evidence = None;
    insta::assert_snapshot!(live(
        &open(record, None, Some(&s::fault()), s::at(120)),
        s::at(120),
        80,
        false
    ));
}

#[test]
fn at_rest_it_shows_what_runs_and_how_the_last_rollout_ended() {
    let mut history = s::history(None);
    history.unready = s::unready();
    let status = status(
        &history,
        &s::policy(),
        Mode::Enforce,
        None,
        None,
        Some(&s::freeze()),
        s::at(720),
    );
    insta::assert_snapshot!(live(&status, s::at(720), 80, false));
}

#[test]
fn color_is_an_addition_only() {
    let status = open(s::reverted(), None, None, s::at(60));
    let colored = live(&status, s::at(60), 80, true);
    assert!(colored.contains('\u{1b}'));
    let plain: String = anstream::adapter::strip_str(&colored).to_string();
    let trimmed: Vec<&str> = plain.lines().map(str::trim_end).collect();
    assert_eq!(trimmed.join("\n") + "\n", live(&status, s::at(60), 80, false));
}

fn records() -> Vec<Record> {
    let mut waiting = s::watching();
    waiting.activation = None;
    waiting.evidence = None;
    waiting.phase = Phase::WaitingForActivation { moved_at: s::at(-1) };
    let mut unusable = s::watching();
    if let Some(evidence) = &mut unusable.evidence {
        evidence.metrics[1].unusable = Some("the histogram of the hour before is empty ".repeat(20));
    }
    vec![
        s::watching(),
        waiting,
        unusable,
        s::reverted(),
        s::blind(),
        s::late(),
        s::settled(Outcome::Verified, None, [1.0, 2.0]),
    ]
}

proptest! {
    #[test]
    fn nothing_is_wider_than_the_terminal(
        width in 40_usize..200,
        which in 0_usize..7,
        name in "[^/\0.][^/\0]{0,60}",
        seconds in -10_i64..20_000,
        harm in -400.0_f64..400.0,
        counts in (0.0_f64..1e18, 0.0_f64..1e18),
    ) {
        let mut record = records().swap_remove(which);
        record.to.name = name.parse().expect("a version name");
        if let Some(metric) = record.evidence.as_mut().map(|evidence| &mut evidence.metrics[0]) {
            metric.harm_log10 = harm;
            metric.safe_log10 = -harm;
            metric.candidate = [counts.0, counts.1];
        }
        let status = open(record, None, Some(&s::fault()), s::at(seconds));
        for line in live(&status, s::at(seconds), width, false).lines() {
            prop_assert!(line.width() <= width, "{} > {width}: {line:?}", line.width());
        }
    }
}
