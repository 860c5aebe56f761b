//! What holds for every story: sums are true, steps are sound, order means nothing.

use proptest::prelude::*;

use super::*;

/// One step of a process's life: whether it restarts before, and what it then serves.
fn lives() -> impl Strategy<Value = Vec<(bool, u64, u64)>> {
    prop::collection::vec((prop::bool::weighted(0.3), 0u64..50, 0u64..1000), 2..40)
}

proptest! {
    #[test]
    fn increments_sum_to_the_truth_whatever_the_restarts(lives in lives(), shuffle in any::<prop::sample::Index>()) {
        let (mut bad, mut total, mut start) = (5u64, 100u64, -500.0);
        let mut truth = [0, 0];
        let mut story = vec![vec![Said { start: Some(start), ..said(5.0, 100.0) }]];
        for (step, (restarts, some, more)) in (1..).zip(lives) {
            if restarts {
                (bad, total, start) = (0, 0, f64::from(step) * 10.0 - 11.0);
            }
            (bad, total) = (bad + some, total + some + more);
            truth = [truth[0] + some, truth[1] + some + more];
            story.push(vec![Said { start: Some(start), ..said(bad as f64, total as f64) }]);
        }
        let steps = counted(fixture::ratio(), LONG_AGO, &story);
        let sum = steps[1..].iter().map(|step| increment(step).expect("counted"))
            .fold([0, 0], |sum, inc| [sum[0] + inc[0], sum[1] + inc[1]]);
        prop_assert_eq!(sum, truth);

        let policy = fixture::policy(vec![fixture::ratio()]);
        let question = question(&policy);
        let mut tally = Tally::candidate(&policy, STEP, LONG_AGO);
        let shuffled: Vec<MetricStep> = story.iter().zip(0..).filter_map(|(pods, step)| {
            let mut samples: Vec<Sample> = pods.iter().flat_map(|said| said.samples(&question, at(step))).collect();
            let turn = shuffle.index(samples.len());
            samples.rotate_left(turn);
            tally.take(&question, &Answer { at: at(step), samples })
        }).map(|mut step| step.metrics.remove(0)).collect();
        prop_assert_eq!(shuffled, steps);
    }

    #[test]
    fn whatever_comes_a_step_is_counted_soundly_or_has_a_gap(
        story in prop::collection::vec((0.0f64..60.0, 0.0f64..60.0, 0.0f64..4.0, 0.0f64..40.0, prop::option::of(-20.0f64..200.0)), 1..30),
        from in -20_000i64..300_000, fresh: bool,
    ) {
        let story: Vec<Vec<Said>> = story.into_iter().map(|(bad, total, series, age, start)| {
            vec![Said { series: series.floor(), age, start, ..said(bad.floor(), total.floor()) }]
        }).collect();
        for step in counted(fixture::ratio(), switch(from, fresh), &story) {
            match increment(&step) {
                Some([bad, total]) => prop_assert!(bad <= total && total < 60),
                None => prop_assert!(reason(&step).is_some()),
            }
        }
    }
}
