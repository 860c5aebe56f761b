//! How likely the counts of one step are at each multiple of the grid (statistics.md, sections 3 and 5).

use super::{
    grid::{GRID, Row},
    lanes::{larger, ln_1p, smaller},
};

/// Section 3: only the split between the arms matters. A multiple that these sums do not allow is as likely as the nearest that they do.
pub(super) fn two_arms(candidate: [f64; 2], baseline: [f64; 2], phi: f64, multiples: &Row, ln_multiples: &Row) -> Row {
    let bad = candidate[0] + baseline[0];
    let balance = candidate[1] / baseline[1];
    let clustered = phi.recip();
    let [(least, ln_least), (most, ln_most)] = possible(bad, candidate[1], baseline[1]);
    let mut row = *multiples;
    for (value, ln_multiple) in row.iter_mut().zip(ln_multiples) {
        let multiple = larger(smaller(*value, most), least);
        let ln_multiple = larger(smaller(*ln_multiple, ln_most), ln_least);
        *value = (candidate[0] * ln_multiple - bad * ln_1p(multiple * balance)) * clustered;
    }
    row
}

/// The least and the most that the multiple of two shares can be, and their logarithms, where `bad` of all events went bad: no arm has
/// more bad events than events. Where nearly all fail the arms are alike whatever the candidate does otherwise, and say nothing of it.
fn possible(bad: f64, candidate: f64, baseline: f64) -> [(f64, f64); 2] {
    let most = |few: f64, many: f64| {
        let rest = bad - few;
        if rest > 0.0 { larger(many / rest, 1.0) } else { f64::MAX }
    };
    let [most, inverse] = [most(candidate, baseline), most(baseline, candidate)];
    [(inverse.recip(), -ln_1p(inverse - 1.0)), (most, ln_1p(most - 1.0))]
}

/// Section 5: the candidate alone against a known rate.
pub(super) fn one_arm([bad, total]: [f64; 2], rate: f64, phi: f64) -> Row {
    let expected = total * rate;
    let clustered = phi.recip();
    let mut row = GRID.times;
    for (value, x) in row.iter_mut().zip(&GRID.x) {
        *value = (bad * x - *value * expected) * clustered;
    }
    row
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, test_runner::RngSeed};

    use super::*;

    fn multiples() -> (Row, Row) {
        (GRID.times, GRID.x)
    }

    fn arm() -> impl Strategy<Value = [f64; 2]> {
        (1_u32..1_000_000, 0.0..1.0_f64)
            .prop_map(|(total, share): (u32, f64)| [(f64::from(total) * share).floor(), f64::from(total)])
    }

    /// Alike at every point but for one constant, which is a constant factor of the likelihood.
    fn alike(one: &Row, other: &Row) -> bool {
        let apart = one[0] - other[0];
        let size = one.iter().chain(other).fold(1.0_f64, |most, value| most.max(value.abs()));
        one.iter()
            .zip(other)
            .all(|(one, other)| (one - other - apart).abs() <= 1e-12 * size)
    }

    #[test]
    fn where_all_fail_nothing_is_said_and_what_these_sums_do_not_allow_is_as_likely_as_what_they_do() {
        let (multiples, ln) = multiples();
        let all = two_arms([250.0, 250.0], [750.0, 750.0], 1.0, &multiples, &ln);
        assert!(all.iter().all(|value| (value - all[0]).abs() < 1e-9), "{all:?}");
        // 700 of 1,000 failed. Were it all of the candidate's 250, then 450 of the baseline's 750: no multiple above 5/3 was possible.
        let some = two_arms([200.0, 250.0], [500.0, 750.0], 1.0, &multiples, &ln);
        let above = multiples.partition_point(|multiple| *multiple <= 5.0 / 3.0);
        assert!(some[above..].iter().all(|value| *value == some[above]) && some[above] < some[above - 1]);
        let few = two_arms([2.0, 250.0], [5.0, 750.0], 1.0, &multiples, &ln);
        assert!(few.windows(2).all(|pair| pair[0] != pair[1]), "nothing is cut where few fail");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, rng_seed: RngSeed::Fixed(5), ..ProptestConfig::default() })]

        #[test]
        fn a_step_split_in_equal_proportion_says_the_same(
            candidate in arm(), baseline in arm(), phi in 1.0..10.0, share in 0.01..0.99
        ) {
            let (multiples, ln) = multiples();
            let of = |share: f64| two_arms(candidate.map(|n: f64| n * share), baseline.map(|n: f64| n * share), phi, &multiples, &ln);
            let (one, other) = (of(share), of(1.0 - share));
            let both: Row = std::array::from_fn(|j| one[j] + other[j]);
            prop_assert!(alike(&of(1.0), &both));
        }

        #[test]
        fn the_likelihood_swaps_with_the_arms(candidate in arm(), baseline in arm(), phi in 1.0..10.0) {
            let (multiples, ln) = multiples();
            let (inverse, ln_inverse) = (multiples.map(f64::recip), ln.map(|x| -x));
            let one = two_arms(candidate, baseline, phi, &multiples, &ln);
            prop_assert!(alike(&one, &two_arms(baseline, candidate, phi, &inverse, &ln_inverse)));
        }
    }
}
