//! Weights on the grid: luck, what is acceptable, what is harmful (statistics.md, sections 4 to 7).

use super::{
    grid::{EMPTY, GRID, Jump, LAST, POINTS, Row, ZERO},
    luck::Luck,
    mixture::Weights,
};

/// Multiples that an explanation may call excluded (section 6).
pub(super) const EXCLUDABLE: [f64; 5] = [2.0, 3.0, 5.0, 10.0, 30.0];

/// `w0`: luck above the tolerance on the upper edge of its cell, luck below it counted as none.
pub(super) fn null(luck: &Luck) -> Row {
    let tail: Row = std::array::from_fn(|j| luck.above(GRID.x[j]));
    let mut row = EMPTY;
    row[ZERO] = luck.below(0.0);
    for j in ZERO + 1..POINTS {
        row[j] = (tail[j - 1] - tail[j]).max(0.0);
    }
    row[LAST] += tail[LAST];
    row
}

/// `ws`: half luck with all above the tolerance put on it, half even in x over the 0.8 below it. Nothing above the tolerance:
/// there its null has no mass, and a release with 50 % errors would pass.
pub(super) fn acceptable(luck: &Luck) -> Row {
    let mut row = even(|x| (-0.8..=0.0).contains(&x));
    let head: Row = std::array::from_fn(|j| luck.below(GRID.x[j]));
    for j in 0..=ZERO {
        let cell = if j == 0 { head[0] } else { (head[j] - head[j - 1]).max(0.0) };
        row[j] = (row[j] + cell) / 2.0;
    }
    row[ZERO] += luck.above(0.0) / 2.0;
    row
}

/// The same where luck is in the likelihood already.
pub(super) fn acceptable_known() -> Row {
    let mut row = even(|x| (-0.8..=0.0).contains(&x)).map(|cell| cell / 2.0);
    row[ZERO] += 0.5;
    row
}

/// `wh`: luck about the last point at or below `ln_harmful`, all above put on it, cells on their lower edge.
pub(super) fn harmful(luck: &Luck, ln_harmful: f64) -> Row {
    let at = GRID.at_or_below(ln_harmful);
    let head: Row = std::array::from_fn(|j| if j <= at { luck.below(GRID.x[j] - GRID.x[at]) } else { 1.0 });
    let mut row = EMPTY;
    for (j, cell) in row.iter_mut().enumerate().take(at) {
        *cell = (head[j + 1] - head[j]).max(0.0);
    }
    row[0] += head[0];
    row[at] += luck.above(0.0);
    row
}

/// All at one point.
fn atom(at: usize) -> Row {
    let mut row = EMPTY;
    row[at] = 1.0;
    row
}

/// Even in x over the points that `within` holds.
fn even(within: impl Fn(f64) -> bool) -> Row {
    let mut row: Row = std::array::from_fn(|j| if within(GRID.x[j]) { GRID.dx[j] } else { 0.0 });
    let whole: f64 = row.iter().sum();
    row.iter_mut().for_each(|cell| *cell /= whole);
    row
}

/// The weights and the jump of a comparison at tolerance 1 in x: harm from `ln_harmful` on.
pub(super) fn against(luck: &Luck, ln_harmful: f64) -> (Weights, Jump) {
    against_both(luck, luck, ln_harmful)
}

/// The same where it passes by another luck, `safety`, than it is convicted by.
pub(super) fn against_both(harm: &Luck, safety: &Luck, ln_harmful: f64) -> (Weights, Jump) {
    let weights = Weights {
        null: null(harm),
        acceptable: acceptable(safety),
        harmful: harmful(safety, ln_harmful),
    };
    (weights, Jump::new(ln_harmful))
}

/// Those of the floor and of an objective (section 5): a known rate, so no luck.
pub(super) fn against_known(ln_harmful: f64) -> (Weights, Jump) {
    let weights = Weights {
        null: atom(ZERO),
        acceptable: even(|x| x <= 0.0),
        harmful: atom(GRID.at_or_below(ln_harmful)),
    };
    (weights, Jump::new(ln_harmful))
}

/// Those of passing by latency (section 7): the shift test the other way, null at or above 1. Nobody is convicted by it.
pub(super) fn against_slower(luck: &Luck, ln_harmful: f64) -> (Weights, Jump) {
    let weights = Weights {
        null: atom(ZERO),
        acceptable: even(|x| x < 0.0),
        harmful: harmful(luck, 0.0),
    };
    (weights, Jump::new(ln_harmful))
}

#[cfg(test)]
mod tests {
    use proptest::{
        prelude::*,
        test_runner::{RngSeed, TestCaseError},
    };

    use super::*;
    use crate::judge::noise::Spread;

    fn sound(luck: &Luck, ln_harmful: f64) -> Result<(), TestCaseError> {
        let rows = [null(luck), acceptable(luck), harmful(luck, ln_harmful)];
        for row in &rows {
            let sum: f64 = row.iter().sum();
            prop_assert!((sum - 1.0).abs() < 1e-4 && row.iter().all(|cell| *cell >= 0.0), "{sum}");
        }
        let [null, acceptable, harmful] = rows;
        prop_assert!(
            null[..ZERO].iter().all(|cell| *cell == 0.0),
            "luck below the tolerance is none"
        );
        prop_assert!(acceptable[ZERO + 1..].iter().all(|cell| *cell == 0.0));
        prop_assert!(harmful[GRID.at_or_below(ln_harmful) + 1..].iter().all(|cell| *cell == 0.0));
        // Computed as 1 - cdf the far tail was -2e-16, and a release with 50 % errors lived.
        let tails = GRID.x.map(|x| luck.above(x));
        prop_assert!(
            tails
                .windows(2)
                .all(|pair| pair[1] <= pair[0] * (1.0 + 1e-9) + 1e-290 && pair[1] >= 0.0)
        );
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, rng_seed: RngSeed::Fixed(7), ..ProptestConfig::default() })]

        #[test]
        fn every_row_is_a_probability_and_nothing_harmful_is_acceptable(
            pods in (1.0..40.0, 1.0..40.0), bad in -1.0..21.0_f64, phi in 1.0..20.0, rms in 0.2..1.5, times in 1.05..30.0_f64
        ) {
            sound(&Luck::between(&Spread::of_past(&[]), pods.0, pods.1), times.ln())?;
            sound(&Luck::past(bad.exp().floor(), phi, rms), times.ln())?;
        }
    }
}
