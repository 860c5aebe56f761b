//! Native histograms from step to step.

use super::*;
use crate::{question::NativeBucket, words::Native};

/// One answer about one pod: whole buckets of a schema, scraped three seconds before.
fn answer(question: &Question, step: i64, schema: i8, buckets: &[(i32, u64)], start: Option<f64>) -> Answer {
    let bucket = |(index, count): &(i32, u64)| NativeBucket {
        lower: Native::bound(schema, index - 1),
        upper: Native::bound(schema, *index),
        count: *count as f64,
    };
    let native: Box<[NativeBucket]> = buckets.iter().map(bucket).collect();
    let told = |kind: PartKind| match kind {
        PartKind::Buckets => Some((native.iter().map(|bucket| bucket.count).sum(), Some(native.clone()))),
        PartKind::Stamp => Some((at(step).seconds() - 3.0, None)),
        PartKind::SeriesOfTotal => Some((1.0, None)),
        PartKind::ProcessStart => start.map(|start| (start, None)),
        _ => None,
    };
    let samples = question.parts.iter().enumerate().filter_map(|(part, asked)| {
        let (value, native) = told(asked.kind)?;
        Some(Sample {
            part,
            pod: Pod(POD.into()),
            labels: BTreeMap::new(),
            value,
            native,
        })
    });
    Answer {
        at: at(step),
        samples: samples.collect(),
    }
}

/// What the second of two answers adds to the first.
fn added(first: (i8, &[(i32, u64)]), second: (i8, &[(i32, u64)]), start: Option<f64>) -> Result<Native, GapReason> {
    let policy = fixture::policy(vec![histogram(Duration::ZERO)]);
    let question = question(&policy);
    let mut tally = Tally::candidate(&policy, STEP, LONG_AGO);
    let _ = tally.take(&question, &answer(&question, 0, first.0, first.1, Some(-500.0)));
    let step = tally.take(&question, &answer(&question, 1, second.0, second.1, start.or(Some(-500.0))));
    let step = step.expect("a step").metrics.remove(0);
    assert!(step.bounds.is_empty(), "a native histogram brings its own");
    match step.candidate.first().map(|pod| &pod.increment) {
        Some(Increment::Native(counts)) => Ok(counts.clone()),
        _ => Err(reason(&step).expect("a gap")),
    }
}

#[test]
fn buckets_are_differenced_and_those_that_gained_nothing_are_left_out() {
    let counts = added((3, &[(1, 5), (4, 9)]), (3, &[(1, 5), (4, 12), (7, 2)]), None).expect("counted");
    assert_eq!((counts.schema, counts.buckets.as_slice()), (3, [(4, 3), (7, 2)].as_slice()));
}

#[test]
fn a_resolution_that_was_halved_in_mid_watch_loses_no_request() {
    let counts = added((3, &[(1, 5), (2, 1), (4, 9)]), (2, &[(1, 6), (2, 11), (9, 4)]), None).expect("counted");
    assert_eq!((counts.schema, counts.buckets.as_slice()), (2, [(2, 2), (9, 4)].as_slice()));
    let finer = added((2, &[(1, 6)]), (3, &[(2, 8)]), None);
    assert_eq!(
        finer,
        Err(GapReason::UnexplainedReset),
        "only a new process is finer than before"
    );
}

#[test]
fn a_bucket_that_fell_is_a_reset_only_where_the_restart_is_known() {
    let fell = |start| added((3, &[(1, 5), (4, 9)]), (3, &[(1, 5), (4, 2)]), start);
    assert_eq!(fell(None), Err(GapReason::UnexplainedReset));
    assert_eq!(fell(Some(5.0)).map(|counts| counts.total()), Ok(7));
}

#[test]
fn a_histogram_that_counted_nothing_yet_is_there() {
    let first = added((3, &[]), (3, &[(1, 5)]), None).expect("counted");
    assert_eq!(first.buckets, [(1, 5)]);
    assert_eq!(
        added((3, &[(1, 5)]), (3, &[(1, 5)]), None).map(|counts| counts.total()),
        Ok(0)
    );
}
