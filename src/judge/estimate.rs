//! How many times worse, with a 95 % interval (statistics.md, section 11).

use super::{
    evidence::Estimate,
    grid::{GRID, LAST, POINTS, Row},
};

/// Fewer bad events in an arm than this, and the normal law of ln(ratio) is no guide.
const ENOUGH: f64 = 30.0;
const Z: f64 = 1.96;

/// A multiple by its logarithm, which is about normal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LogRatio {
    multiple: f64,
    variance: f64,
}

impl From<LogRatio> for Estimate {
    fn from(ratio: LogRatio) -> Self {
        let factor = (Z * ratio.variance.sqrt()).exp();
        Self {
            median: ratio.multiple,
            low: ratio.multiple / factor,
            high: ratio.multiple * factor,
        }
    }
}

/// From the counts `[bad, total]` of both arms; none with fewer than 30 bad events in either.
pub(super) fn from_counts(candidate: [f64; 2], baseline: [f64; 2], phi: f64, sigma: f64) -> Option<LogRatio> {
    if candidate[0] < ENOUGH || baseline[0] < ENOUGH {
        return None;
    }
    Some(LogRatio {
        multiple: candidate[0] / candidate[1] / (baseline[0] / baseline[1]),
        variance: phi * (candidate[0].recip() + baseline[0].recip()) + sigma * sigma,
    })
}

/// Two comparisons of the same candidate over disjoint steps, each weighing by how exact it is.
pub(super) fn together(one: LogRatio, other: LogRatio) -> Estimate {
    let weight = one.variance.recip() + other.variance.recip();
    let ln = (one.multiple.ln() / one.variance + other.multiple.ln() / other.variance) / weight;
    LogRatio {
        multiple: ln.exp(),
        variance: weight.recip(),
    }
    .into()
}

/// The same from two likelihoods on the grid; none where no multiple is likely by both.
pub(super) fn from_product(one: &Row, other: &Row, multiples: &Row) -> Option<Estimate> {
    let both: Row = std::array::from_fn(|j| one[j] * other[j]);
    (both.iter().sum::<f64>() > 0.0).then(|| from_grid(&both, multiples))
}

/// From the likelihood on the grid, every ln(multiple) alike before: median, 2.5 and 97.5 %.
pub(super) fn from_grid(likelihood: &Row, multiples: &Row) -> Estimate {
    let mut sum = 0.0;
    let running: [f64; POINTS] = std::array::from_fn(|j| {
        sum += likelihood[j] * GRID.dx[j];
        sum
    });
    let at = |share: f64| {
        let wanted = share * running[LAST];
        let j = running.partition_point(|mass| *mass < wanted).min(LAST);
        let before = if j == 0 { 0.0 } else { running[j - 1] };
        let inside = (wanted - before) / (running[j] - before).max(f64::MIN_POSITIVE) - 0.5;
        multiples[j] * (GRID.dx[j] * inside).exp()
    };
    Estimate {
        median: at(0.5),
        low: at(0.025),
        high: at(0.975),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_comparisons_together_are_more_exact_than_either_and_lie_between() {
        let one = from_counts([200.0, 1e4], [100.0, 1e4], 1.0, 0.0).expect("enough");
        let other = from_counts([900.0, 3e4], [100.0, 1e4], 1.0, 0.3).expect("enough");
        let both = together(one, other);
        assert!(both.median > 2.0 && both.median < 2.3, "nearer to the exact one: {both:?}");
        assert!(both.high / both.low < Estimate::from(one).high / Estimate::from(one).low);
    }

    #[test]
    fn the_grid_says_what_the_counts_say_where_there_are_many() {
        let multiples: Row = std::array::from_fn(|j| GRID.x[j].exp());
        let (bad, expected) = (200.0, 100.0);
        let exponent = |j: usize| bad * GRID.x[j] - GRID.x[j].exp() * expected;
        let likelihood: Row = std::array::from_fn(|j| (exponent(j) - exponent(48)).exp());
        let grid = from_grid(&likelihood, &multiples);
        assert!(
            (grid.median - 2.0).abs() < 0.1 && grid.low > 1.6 && grid.high < 2.4,
            "{grid:?}"
        );
        let counts = Estimate::from(from_counts([200.0, 1e4], [100.0, 1e4], 1.0, 0.0).expect("enough"));
        assert!((counts.median - 2.0).abs() < 1e-12 && counts.low < 1.6 && counts.high > 2.5);
        assert_eq!(from_counts([29.0, 1e4], [100.0, 1e4], 1.0, 0.0), None);
    }
}
