//! Values that are no counts: the newest one, and why there is none.

use super::*;
use crate::policy::ValueMetric;

fn memory(warmup: u64) -> crate::policy::Metric {
    crate::policy::Metric {
        name: "memory".to_owned(),
        kind: MetricKind::Value(ValueMetric {
            query: "resident_bytes".to_owned(),
            tolerate_more: 0.3,
            threshold: None,
            warmup: Duration::from_secs(warmup),
        }),
        on_regression: OnRegression::Alert,
    }
}

/// What the steps after each of these values, scraped three seconds before, are.
fn steps(metric: crate::policy::Metric, switch: Switch, story: &[(f64, f64, f64)]) -> Vec<Result<f64, GapReason>> {
    let policy = fixture::policy(vec![metric]);
    let question = question(&policy);
    let mut tally = Tally::candidate(&policy, STEP, switch);
    let answer = |step: i64, (value, age, series): (f64, f64, f64)| {
        let told = |kind: PartKind| match kind {
            PartKind::Value => Some(value),
            PartKind::Stamp => Some(at(step).seconds() - age),
            PartKind::SeriesOfTotal => Some(series),
            _ => None,
        };
        let sample = |(part, asked): (usize, &crate::question::Part)| {
            Some(Sample {
                part,
                pod: Pod(POD.into()),
                labels: BTreeMap::new(),
                value: told(asked.kind)?,
                native: None,
            })
        };
        Answer {
            at: at(step),
            samples: question.parts.iter().enumerate().filter_map(sample).collect(),
        }
    };
    let taken = (0..)
        .zip(story)
        .filter_map(|(step, said)| tally.take(&question, &answer(step, *said)));
    taken
        .map(|mut step| step.metrics.remove(0))
        .map(|step| match step.candidate.first().map(|pod| &pod.increment) {
            Some(Increment::Value { value }) => Ok(*value),
            _ => Err(reason(&step).expect("a gap")),
        })
        .collect()
}

#[test]
fn a_value_is_the_newest_fresh_sample_and_may_fall() {
    let story = [(7.0, 3.0, 1.0), (5.0, 3.0, 1.0), (9.0, 20.1, 1.0), (6.0, 3.0, 1.0)];
    let seen = steps(memory(0), LONG_AGO, &story);
    assert_eq!(seen, [Ok(7.0), Ok(5.0), Err(GapReason::Stale), Ok(6.0)]);
}

#[test]
fn p12_what_has_no_logarithm_is_a_named_gap() {
    for (value, series, reason) in [
        (0.0, 1.0, GapReason::NotPositive),
        (-1.0, 1.0, GapReason::NotPositive),
        (f64::NAN, 1.0, GapReason::NotACount),
        (f64::INFINITY, 1.0, GapReason::NotACount),
        (7.0, 2.0, GapReason::Duplicate),
    ] {
        assert_eq!(steps(memory(0), LONG_AGO, &[(value, 3.0, series)]), [Err(reason)], "{value}");
    }
}

#[test]
fn under_a_plain_bound_any_number_is_a_value() {
    let mut pool = memory(0);
    let MetricKind::Value(value) = &mut pool.kind else {
        panic!("a value")
    };
    value.threshold = Some(crate::policy::Threshold {
        side: crate::policy::Side::Below,
        value: -1.5,
        held_for: Duration::ZERO,
    });
    let story = [(0.0, 3.0, 1.0), (-2.0, 3.0, 1.0), (f64::NAN, 3.0, 1.0)];
    assert_eq!(steps(pool, LONG_AGO, &story), [Ok(0.0), Ok(-2.0), Err(GapReason::NotACount)]);
}

#[test]
fn what_the_process_before_said_and_the_warm_up_do_not_count() {
    let story = [(7.0, 3.0, 1.0); 6];
    let seen = steps(memory(20), switch(12_000, true), &story);
    let warm = Err(GapReason::WarmUp);
    // Scraped at 17 s, 27 s, 37 s, 47 s; the process began at 12 s.
    assert_eq!(seen, [warm, warm, Ok(7.0), Ok(7.0)]);
    let seen = steps(memory(0), switch(18_000, true), &story);
    assert_eq!(seen[0], Err(GapReason::Switch));
    assert_eq!(seen[1], Ok(7.0));
}
