//! The peers, against numbers that were computed by hand or by scipy.

use crate::peers::{
    Both, kayenta,
    kayenta::{high, shift, statistic},
    limit,
    limit::Rule,
    wald,
};

const EXPERIMENT: [f64; 8] = [0.8, 1.9, 3.1, 2.2, 4.4, 2.9, 3.3, 1.4];
const CONTROL: [f64; 7] = [0.5, 1.1, 1.9, 0.9, 1.6, 2.1, 0.7];

/// tests/promise/peers.py made these with scipy.
#[test]
fn the_statistic_and_the_shift_are_those_of_scipy() {
    assert!((statistic(&EXPERIMENT, &CONTROL, 0.0) - 2.084_957_625_597).abs() < 1e-9);
    assert!((statistic(&EXPERIMENT, &CONTROL, 0.35) - 1.330_866_393_423).abs() < 1e-9);
    let (estimate, lower) = shift(&EXPERIMENT, &CONTROL).expect("points that differ");
    assert!(
        (estimate - 1.2).abs() < 1e-9 && (lower + 0.2).abs() < 1e-9,
        "{estimate} {lower}"
    );
}

#[test]
fn points_that_are_far_higher_are_high_and_equal_ones_are_not() {
    let control = [0.005, 0.006, 0.004, 0.005, 0.007];
    assert!(high(&control.map(|rate| rate * 3.0), &control));
    assert!(!high(&control, &control));
    assert!(!high(&[0.0; 5], &[0.0; 5]));
    // By hand: four points reach no 98 %, so the lower end is clipped to the least of the differences, 0.894, far above 0.25 of the shift.
    assert!(high(&[0.9; 4], &control[..4]));
    // One experiment's point below all of the control's makes the least difference negative.
    assert!(!high(&[0.9, 0.9, 0.9, 0.001], &control[..4]));
}

#[test]
fn it_is_judged_when_asked_only() {
    let steps: Vec<Both> = (0..60).map(|t| [[30 + t % 3, 1_000], [10 + t % 4, 2_000]]).collect();
    assert_eq!(kayenta::reverted(&steps, &[5, 10, 15]), Some(19));
    assert_eq!(kayenta::reverted(&steps, &[15]), Some(59));
    assert_eq!(kayenta::reverted(&steps, &[30]), None);
}

#[test]
fn checks_in_a_row_start_again_and_checks_altogether_do_not() {
    // Minutes of 100 requests a step: 1.25 %, 1 %, 2 %, 3 %, 4 % against a limit of 1 %, which 1 % itself keeps.
    let steps: Vec<Both> = [[2, 1, 1, 1], [1; 4], [2; 4], [3; 4], [4; 4]]
        .concat()
        .into_iter()
        .map(|bad| [[bad, 100], [0, 300]])
        .collect();
    assert_eq!(limit::reverted(&steps, 0.01, Rule::InARow(3)), Some(19));
    assert_eq!(limit::reverted(&steps, 0.01, Rule::Altogether(3)), Some(15));
    assert_eq!(limit::reverted(&steps, 0.01, Rule::Altogether(1)), Some(3));
    assert_eq!(limit::reverted(&steps, 0.01, Rule::Altogether(5)), None);
    assert_eq!(limit::reverted(&[[[0, 0], [1, 1]]; 8], 0.01, Rule::Altogether(1)), None);
}

#[test]
fn the_likelihood_ratio_is_that_of_the_split() {
    // As many requests each; 9 of 12 bad ones are new. At theta 3 a bad one is new with 3/4 rather than 1/2:
    // 9 ln(3/2) + 3 ln(1/2) = 1.5697 a step.
    let steps = [[[9, 100], [3, 100]]; 4];
    assert_eq!(wald::reverted(&steps, 3.0, 1.569_f64.exp()), Some(0));
    assert_eq!(wald::reverted(&steps, 3.0, 1.571_f64.exp()), Some(1));
    assert_eq!(wald::reverted(&steps, 3.0, 100.0), Some(2));
    assert_eq!(wald::reverted(&[[[3, 100], [9, 300]]; 50], 3.0, 100.0), None);
}
