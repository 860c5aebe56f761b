//! The arithmetic as a table: what is counted, and every gap with its reason.

mod native;
mod pods;
mod properties;
mod value;

use super::*;
use crate::{
    policy::{HistogramMetric, OnRegression},
    question::{PartKind, Sample, fixture, question},
    words::Increment,
};

const STEP: Duration = Duration::from_secs(10);
const POD: &str = "job/a:1";

/// What one pod says at one time; `None` fields say nothing.
#[derive(Debug, Clone)]
struct Said {
    pod: &'static str,
    bad: Option<f64>,
    total: Option<f64>,
    buckets: Vec<(&'static str, f64)>,
    age: f64,
    series: f64,
    series_of_bad: f64,
    targets: Option<f64>,
    start: Option<f64>,
}

fn said(bad: f64, total: f64) -> Said {
    Said {
        pod: POD,
        bad: Some(bad),
        total: Some(total),
        buckets: Vec::new(),
        age: 3.0,
        series: 2.0,
        series_of_bad: 1.0,
        targets: None,
        start: None,
    }
}

fn buckets(counts: &[(&'static str, f64)]) -> Said {
    Said {
        total: None,
        bad: None,
        buckets: counts.to_vec(),
        series: counts.len() as f64,
        ..said(0.0, 0.0)
    }
}

impl Said {
    fn samples(&self, question: &Question, at: Moment) -> Vec<Sample> {
        let mut samples = Vec::new();
        for (part, kind) in question.parts.iter().map(|part| part.kind).enumerate() {
            let mut push = |value: f64, le: Option<&str>| {
                samples.push(Sample {
                    part,
                    pod: Pod(self.pod.into()),
                    labels: le.iter().map(|le| ("le".to_owned(), (*le).to_owned())).collect(),
                    value,
                    native: None,
                });
            };
            match kind {
                PartKind::Bad => self.bad.into_iter().for_each(|value| push(value, None)),
                PartKind::Total => self.total.into_iter().for_each(|value| push(value, None)),
                PartKind::Buckets => self.buckets.iter().for_each(|(le, value)| push(*value, Some(le))),
                PartKind::Stamp => push(at.seconds() - self.age, None),
                PartKind::SeriesOfTotal => push(self.series, None),
                PartKind::SeriesOfBad if self.bad.is_some() => push(self.series_of_bad, None),
                PartKind::ProcessStart => self.start.into_iter().for_each(|value| push(value, None)),
                PartKind::Targets => self.targets.into_iter().for_each(|value| push(value, None)),
                PartKind::SeriesOfBad | PartKind::ScrapeDuration | PartKind::Value => {}
            }
        }
        samples
    }
}

fn histogram(warmup: Duration) -> crate::policy::Metric {
    crate::policy::Metric {
        name: "latency".to_owned(),
        kind: MetricKind::Histogram(HistogramMetric {
            selector: "seconds".to_owned(),
            quantiles: vec![0.5],
            tolerate_slower: 0.2,
            tolerate_floor: Duration::from_millis(5),
            harmful_slower: 1.0,
            warmup,
        }),
        on_regression: OnRegression::Revert,
    }
}

fn at(step: i64) -> Moment {
    Moment::from_millis(step * 10_000)
}

/// Counts what is said at steps 0, 1, 2, … with the candidate's switch at `switch`.
fn counted(metric: crate::policy::Metric, switch: Switch, story: &[Vec<Said>]) -> Vec<MetricStep> {
    let policy = fixture::policy(vec![metric]);
    let question = question(&policy);
    let mut tally = Tally::candidate(&policy, STEP, switch);
    let answers = story.iter().zip(0..).map(|(pods, step)| Answer {
        at: at(step),
        samples: pods.iter().flat_map(|said| said.samples(&question, at(step))).collect(),
    });
    answers
        .filter_map(|answer| tally.take(&question, &answer))
        .map(|mut step| step.metrics.remove(0))
        .collect()
}

/// A reload long ago: counters simply go on.
const LONG_AGO: Switch = Switch {
    from: Moment::from_millis(-1_000_000),
    until: Moment::from_millis(-1_000_000),
    fresh: false,
};

fn increment(step: &MetricStep) -> Option<[u64; 2]> {
    match step.candidate.first().map(|pod| &pod.increment) {
        Some(Increment::Ratio { bad, total }) => Some([*bad, *total]),
        _ => None,
    }
}

fn reason(step: &MetricStep) -> Option<GapReason> {
    assert_eq!(
        step.candidate.is_empty(),
        !step.gaps.is_empty(),
        "a step is counted or has a gap: {step:?}"
    );
    step.gaps.first().map(|gap| gap.reason)
}

/// What the last step of a ratio's story is.
fn last(story: &[Vec<Said>]) -> Result<[u64; 2], GapReason> {
    let steps = counted(fixture::ratio(), LONG_AGO, story);
    let step = steps.last().expect("a step");
    increment(step).ok_or_else(|| reason(step).expect("a gap"))
}

#[test]
fn counters_are_differenced_exactly() {
    assert_eq!(last(&[vec![said(1.0, 10.0)], vec![said(3.0, 25.0)]]), Ok([2, 15]));
    let large = 9_007_199_254_740_000.0;
    assert_eq!(last(&[vec![said(0.0, large)], vec![said(0.0, large + 991.0)]]), Ok([0, 991]));
}

#[test]
fn p18_no_series_of_bad_events_is_zero_only_where_the_same_pod_has_totals() {
    let lazy = |total| Said {
        bad: None,
        ..said(0.0, total)
    };
    assert_eq!(last(&[vec![lazy(10.0)], vec![lazy(30.0)]]), Ok([0, 20]));
    assert_eq!(
        last(&[vec![lazy(10.0)], vec![said(4.0, 30.0)]]),
        Ok([4, 20]),
        "the first errors ever count from zero"
    );
    let renamed = |bad| Said {
        total: None,
        ..said(bad, 0.0)
    };
    assert_eq!(last(&[vec![renamed(1.0)], vec![renamed(2.0)]]), Err(GapReason::NoData));
}

#[test]
fn every_gap_has_its_reason() {
    let before = || vec![said(1.0, 10.0)];
    let unfit = |said: Said| last(&[before(), vec![said]]);
    assert_eq!(last(&[before(), vec![]]), Err(GapReason::NoData));
    assert_eq!(
        unfit(Said {
            age: 20.1,
            ..said(1.0, 20.0)
        }),
        Err(GapReason::Stale)
    );
    assert_eq!(
        last(&[before(), vec![], vec![said(1.0, 20.0)]]),
        Err(GapReason::NoPrevious),
        "never booked later"
    );
    assert_eq!(unfit(said(0.0, 5.0)), Err(GapReason::UnexplainedReset));
    assert_eq!(
        unfit(Said {
            series: 1.0,
            ..said(1.0, 20.0)
        }),
        Err(GapReason::SeriesVanished)
    );
    assert_eq!(
        unfit(Said {
            bad: None,
            ..said(0.0, 20.0)
        }),
        Err(GapReason::SeriesVanished)
    );
    assert_eq!(unfit(said(9.0, 12.0)), Err(GapReason::BadAboveTotal));
    assert_eq!(unfit(said(13.0, 12.0)), Err(GapReason::BadAboveTotal));
    assert_eq!(
        last(&[before(), vec![said(1.0, 20.0), said(1.0, 20.0)]]),
        Err(GapReason::Duplicate)
    );
    for odd in [f64::NAN, f64::INFINITY, -1.0, 20.5, 1e16] {
        assert_eq!(unfit(said(1.0, odd)), Err(GapReason::NotACount), "{odd}");
    }
    let other = Said {
        pod: "job/b:1",
        ..said(1.0, 20.0)
    };
    let several = counted(fixture::ratio(), LONG_AGO, &[before(), vec![said(1.0, 20.0), other]]);
    assert_eq!(reason(&several[1]), Some(GapReason::SeveralInstances));
    assert_eq!(several[1].gaps[0].detail, "job/a:1, job/b:1");
}

#[test]
fn series_that_vanished_bring_nothing_back_when_they_return() {
    let story = [
        vec![said(1.0, 1000.0)],
        vec![Said {
            series: 1.0,
            ..said(1.0, 100.0)
        }],
        vec![Said {
            series: 1.0,
            ..said(1.0, 110.0)
        }],
        vec![said(1.0, 1020.0)],
        vec![said(1.0, 1030.0)],
        vec![Said {
            series: 3.0,
            ..said(1.0, 1045.0)
        }],
    ];
    let steps = counted(fixture::ratio(), LONG_AGO, &story);
    let seen: Vec<_> = steps[1..]
        .iter()
        .map(|step| increment(step).ok_or_else(|| reason(step)))
        .collect();
    let vanished = Err(Some(GapReason::SeriesVanished));
    assert_eq!(seen, [vanished, Ok([0, 10]), vanished, Ok([0, 10]), Ok([0, 15])]);
}

#[test]
fn p05_a_known_restart_counts_from_zero_whether_or_not_a_counter_fell() {
    let with = |start: f64, said: Said| Said {
        start: Some(start),
        ..said
    };
    let restarted = |now: Said| last(&[vec![with(-500.0, said(1.0, 10.0))], vec![with(5.0, now)]]);
    assert_eq!(restarted(said(0.0, 4.0)), Ok([0, 4]));
    assert_eq!(
        restarted(said(2.0, 40.0)),
        Ok([2, 40]),
        "grown past the old one within a step"
    );
    // A boot time that was corrected by a second is no restart.
    let corrected = [vec![with(-500.0, said(1.0, 10.0))], vec![with(-499.0, said(1.0, 40.0))]];
    assert_eq!(last(&corrected), Ok([0, 30]));
    let corrected = [vec![with(-500.0, said(1.0, 10.0))], vec![with(-499.0, said(0.0, 4.0))]];
    assert_eq!(last(&corrected), Err(GapReason::UnexplainedReset));
    // After a gap a process that began within the step is whole in it, an older one is not.
    let after_gap = |start| last(&[vec![with(-500.0, said(1.0, 10.0))], vec![], vec![with(start, said(0.0, 4.0))]]);
    assert_eq!(after_gap(12.0), Ok([0, 4]));
    assert_eq!(after_gap(8.0), Err(GapReason::NoPrevious));
}

fn switch(from_millis: i64, fresh: bool) -> Switch {
    let from = Moment::from_millis(from_millis);
    Switch {
        from,
        until: from,
        fresh,
    }
}

#[test]
fn the_step_that_holds_the_switch_counts_only_where_counters_began_afresh() {
    let story = [
        vec![said(1.0, 1000.0)],
        vec![said(2.0, 1010.0)],
        vec![said(3.0, 30.0)],
        vec![said(4.0, 45.0)],
    ];
    // Scraped at 7 s and 17 s: the new process is first seen at step 2.
    for moment in [8_000, 12_000, 16_900] {
        let steps = counted(fixture::ratio(), switch(moment, true), &story);
        let tail: Vec<_> = steps.iter().rev().take(2).map(increment).collect();
        assert_eq!(tail, [Some([1, 15]), Some([3, 30])], "switch at {moment}");
    }
    let steps = counted(fixture::ratio(), switch(12_000, false), &story);
    assert_eq!(
        steps.iter().map(reason).collect::<Vec<_>>(),
        [Some(GapReason::Switch), None],
        "a reload resets nothing"
    );
    let on = [
        vec![said(1.0, 1000.0)],
        vec![said(2.0, 1010.0)],
        vec![said(3.0, 1030.0)],
        vec![said(3.0, 1040.0)],
    ];
    for fresh in [true, false] {
        let steps = counted(fixture::ratio(), switch(12_000, fresh), &on);
        assert_eq!(
            reason(&steps[0]),
            Some(GapReason::Switch),
            "counters that went on hold both versions"
        );
        assert_eq!(increment(&steps[1]), Some([0, 10]));
    }
}

#[test]
fn a_pod_born_with_the_switch_starts_at_zero() {
    let born = Said {
        pod: "job/b:1",
        ..said(1.0, 20.0)
    };
    let steps = counted(
        fixture::ratio(),
        switch(5_000, true),
        &[vec![said(0.0, 500.0)], vec![born.clone()]],
    );
    assert_eq!(increment(&steps[0]), Some([1, 20]));
    let steps = counted(fixture::ratio(), switch(5_000, false), &[vec![said(0.0, 500.0)], vec![born]]);
    assert_eq!(reason(&steps[0]), Some(GapReason::NoPrevious));
}

#[test]
fn histograms_are_counted_by_bucket_after_the_warm_up() {
    let grown = |by: f64| buckets(&[("0.1", 10.0 + by), ("1", 12.0 + 2.0 * by), ("+Inf", 13.0 + 2.0 * by)]);
    let story: Vec<Vec<Said>> = (0..5).map(|step| vec![grown(f64::from(step))]).collect();
    let steps = counted(histogram(Duration::from_secs(15)), switch(-5_000, false), &story);
    let reasons: Vec<_> = steps.iter().map(reason).collect();
    let warm = Some(GapReason::WarmUp);
    assert_eq!(reasons, [Some(GapReason::NoPrevious), warm, warm, None, None]);
    assert_eq!(steps[4].bounds, [0.1, 1.0, f64::INFINITY]);
    assert_eq!(steps[4].candidate[0].increment, Increment::Buckets(vec![1, 2, 2]));
}

#[test]
fn p22_buckets_that_do_not_fit_together_are_gaps() {
    let good = || vec![buckets(&[("0.1", 1.0), ("1", 2.0), ("+Inf", 3.0)])];
    for (now, expected) in [
        (buckets(&[("0.1", 4.0), ("1", 3.0), ("+Inf", 5.0)]), GapReason::FallingBuckets),
        (buckets(&[("0.1", 4.0), ("1", 5.0)]), GapReason::NoInfBucket),
        (buckets(&[("0.2", 4.0), ("1", 5.0), ("+Inf", 6.0)]), GapReason::BoundsDiffer),
        (buckets(&[("1", 4.0), ("1.0", 5.0), ("+Inf", 6.0)]), GapReason::Duplicate),
        (buckets(&[("x", 4.0), ("1", 5.0), ("+Inf", 6.0)]), GapReason::NotACount),
        (
            Said {
                series: 4.0,
                ..buckets(&[("0.1", 4.0), ("1", 5.0), ("+Inf", 6.0)])
            },
            GapReason::BoundsDiffer,
        ),
        (buckets(&[]), GapReason::NoData),
    ] {
        let steps = counted(histogram(Duration::ZERO), LONG_AGO, &[good(), vec![now.clone()]]);
        assert_eq!(reason(&steps[1]), Some(expected), "{now:?}");
    }
}

#[test]
fn the_baseline_is_counted_by_the_same_code_and_its_first_step_is_left_out() {
    let policy = fixture::policy(vec![fixture::ratio()]);
    let question = question(&policy);
    let mut tally = Tally::baseline(&policy, STEP, Moment::from_millis(-1));
    let steps: Vec<Step> = (0..3)
        .filter_map(|step| {
            let said = said(step as f64, 10.0 * step as f64);
            let samples = said.samples(&question, at(step));
            tally.take(&question, &Answer { at: at(step), samples })
        })
        .collect();
    assert_eq!(steps.len(), 2);
    assert!(steps.iter().all(|step| step.metrics[0].candidate.is_empty()));
    assert_eq!(
        steps[1].metrics[0].baseline[0].increment,
        Increment::Ratio { bad: 1, total: 10 }
    );
}
