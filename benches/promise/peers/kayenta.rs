//! Kayenta's classifier for metrics that must not rise, as it is shipped: a Mann-Whitney test by the normal approximation, with
//! corrections for ties and continuity, on one-minute points.
//!
//! The 98 % interval of the Hodges-Lehmann shift is clipped to the range of the differences. The candidate is "High" when the interval's
//! lower end exceeds 0.25 times the size of the estimated shift and the ratio of the means is at least 1.

use super::{Both, end, minutes};

/// The 99th percentile of the normal distribution: a two-sided interval of 98 %.
const QUANTILE: f64 = 2.326_347_874_040_841;
const TOLERANCE: f64 = 0.25;

/// The step of the revert where the points so far are judged after every one of these minutes, counted from 1.
pub fn reverted(steps: &[Both], after: &[usize]) -> Option<usize> {
    let minutes = minutes(steps);
    let points = |minutes: &[Both], arm: usize| -> Vec<f64> {
        let served = minutes.iter().map(|both| both[arm]).filter(|[_, total]| *total > 0);
        served.map(|[bad, total]| bad as f64 / total as f64).collect()
    };
    let judged = after.iter().filter(|minute| **minute <= minutes.len());
    judged
        .copied()
        .find(|minute| high(&points(&minutes[..*minute], 0), &points(&minutes[..*minute], 1)))
        .map(|minute| end(minute - 1))
}

/// Whether the experiment's points are "High" against the control's.
pub fn high(experiment: &[f64], control: &[f64]) -> bool {
    let mean = |points: &[f64]| points.iter().sum::<f64>() / points.len() as f64;
    let Some((estimate, lower)) = shift(experiment, control) else {
        return false;
    };
    lower > TOLERANCE * estimate.abs() && mean(experiment) / mean(control) >= 1.0
}

/// The Hodges-Lehmann estimate of the shift and the lower end of its interval; none where all points are one.
pub fn shift(experiment: &[f64], control: &[f64]) -> Option<(f64, f64)> {
    let differences = experiment.iter().flat_map(|x| control.iter().map(move |y| x - y));
    let mut differences: Vec<f64> = differences.collect();
    differences.sort_by(f64::total_cmp);
    differences.dedup();
    let (lowest, highest) = (*differences.first()?, *differences.last()?);
    if lowest == highest {
        return None;
    }
    // Between two differences the statistic does not change, so its root for a quantile is one of them: it falls from above to below there.
    let root = |quantile: f64| {
        if statistic(experiment, control, lowest) <= quantile {
            return lowest;
        }
        if statistic(experiment, control, highest) >= quantile {
            return highest;
        }
        let (mut above, mut below) = (0, differences.len() - 1);
        while below - above > 1 {
            let middle = usize::midpoint(above, below);
            let between = f64::midpoint(differences[middle - 1], differences[middle]);
            if statistic(experiment, control, between) > quantile {
                above = middle;
            } else {
                below = middle;
            }
        }
        let between = f64::midpoint(differences[above], differences[below]);
        differences[if statistic(experiment, control, between) > quantile {
            below
        } else {
            above
        }]
    };
    Some((root(0.0), root(QUANTILE)))
}

/// The standardized rank sum of the experiment moved down by `shift`, corrected for ties and continuity.
pub fn statistic(experiment: &[f64], control: &[f64], shift: f64) -> f64 {
    let (n, m) = (experiment.len() as f64, control.len() as f64);
    let moved = experiment.iter().map(|x| (x - shift, true));
    let mut all: Vec<(f64, bool)> = moved.chain(control.iter().map(|y| (*y, false))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut ranks, mut ties, mut before) = (0.0, 0.0, 0.0);
    for tied in all.chunk_by(|a, b| a.0 == b.0) {
        let size = tied.len() as f64;
        let rank = before + f64::midpoint(size, 1.0);
        ranks += rank * tied.iter().filter(|(_, experiment)| *experiment).count() as f64;
        ties += size.powi(3) - size;
        before += size;
    }
    let apart = ranks - n * (n + 1.0) / 2.0 - n * m / 2.0;
    let correction = if apart == 0.0 { 0.0 } else { apart.signum() / 2.0 };
    let whole = n + m;
    let spread = (n * m / 12.0 * (whole + 1.0 - ties / (whole * (whole - 1.0)))).sqrt();
    (apart - correction) / spread
}
