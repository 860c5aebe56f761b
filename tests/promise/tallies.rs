//! What is counted of rollouts: shares, their intervals, times.

use crate::simulation::{
    judged::Outcome,
    tally::{Share, Tally},
};

#[test]
fn intervals_are_those_of_clopper_and_pearson() {
    // scipy.stats.binomtest(k, n).proportion_ci(method="exact")
    let cases = [
        ((0, 2_000), (0.0, 0.001_842_739_8)),
        ((20, 2_000), (0.006_118_657_5, 0.015_402_125_8)),
        ((100, 100), (0.963_783_307_4, 1.0)),
    ];
    for ((count, of), (low, high)) in cases {
        let interval = Share { count, of }.interval(0.05);
        assert!(
            (interval.0 - low).abs() < 1e-7 && (interval.1 - high).abs() < 1e-7,
            "{interval:?}"
        );
    }
}

#[test]
fn times_count_from_the_onset_and_what_came_before_it_is_early() {
    let mut tally = Tally::default();
    let outcome = |reverted, passed| Outcome { reverted, passed };
    tally.add(outcome(Some(41), Some(3)), 40);
    tally.add(outcome(Some(45), Some(43)), 40);
    tally.add(outcome(Some(12), None), 40);
    tally.add(outcome(None, Some(50)), 40);
    tally.add(outcome(None, None), 40);
    assert_eq!((tally.early, tally.found().count, tally.gone().count), (1, 2, 3));
    assert_eq!(
        (tally.acquitted().count, tally.kept().count, tally.undecided().count),
        (2, 1, 1)
    );
    assert_eq!((tally.revert_time(0.5), tally.revert_time(0.95)), (Some(30.0), Some(90.0)));
}
