//! Which bounds of a histogram are judged, and from where on the candidate is slow (statistics.md, section 7).

use crate::{
    policy::HistogramMetric,
    words::{Increment, PodIncrement},
};

/// One bound, chosen before the rollout.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chosen {
    pub(super) quantile: f64,
    pub(super) baseline_above: f64,
    pub(super) candidate_above: f64,
    pub(super) interpolated: bool,
    pub(super) passing_above: f64,
}

/// A bucket's bound so near to what is wanted stands for it.
const NEAR: f64 = 1.15;
const SAME: f64 = 1e-9;

/// The bounds nearest the quantiles of a baseline with these cumulative counts, each once.
pub(super) fn choose(metric: &HistogramMetric, bounds: &[f64], counts: &[f64]) -> Vec<Chosen> {
    let total = counts.last().copied().unwrap_or(0.0);
    let floor = metric.tolerate_floor.as_secs_f64();
    let usable: Vec<(usize, f64)> = (0..bounds.len())
        .filter(|i| bounds[*i] > 0.0 && bounds[*i] >= floor * (1.0 - SAME))
        .filter_map(|i| Some((i, slow_from(bounds, bounds[i] * (1.0 + metric.tolerate_slower))?)))
        .collect();
    let mut nearest: Vec<(usize, f64, Chosen)> = Vec::new();
    for quantile in &metric.quantiles {
        // Shares above the bound, in the logarithm: far out in the tail that is what tells 99 from 99.9 %.
        let distance = |i: usize| {
            ((total - counts[i] + 0.5) / total / (1.0 - quantile).max(f64::MIN_POSITIVE))
                .ln()
                .abs()
        };
        let Some((i, candidate_above)) = usable.iter().copied().min_by(|a, b| distance(a.0).total_cmp(&distance(b.0))) else {
            continue;
        };
        let chosen = Chosen {
            quantile: *quantile,
            baseline_above: bounds[i],
            candidate_above,
            interpolated: !bounds.contains(&candidate_above),
            passing_above: passes_from(bounds, i, bounds[i] * (1.0 + metric.harmful_slower)),
        };
        match nearest.last_mut().filter(|last| last.0 == i) {
            Some(last) if last.1 <= distance(i) => {}
            Some(last) => *last = (i, distance(i), chosen),
            None => nearest.push((i, distance(i), chosen)),
        }
    }
    nearest.into_iter().map(|(_, _, chosen)| chosen).collect()
}

/// The next bound at or above `limit` if it is near, else `limit` itself, inside a bucket; none above the last finite bound.
fn slow_from(bounds: &[f64], limit: f64) -> Option<f64> {
    let next = bounds
        .iter()
        .copied()
        .find(|bound| *bound >= limit * (1.0 - SAME))
        .filter(|bound| bound.is_finite())?;
    Some(if next <= limit * NEAR { next } else { limit })
}

/// Passing asks the same of fewer seconds rather than more, so that rounding to a bound never acquits: the bound at or below
/// `limit` if it is near, else `limit` itself, at most the last finite bound; and above the baseline's own, at `i`.
fn passes_from(bounds: &[f64], i: usize, limit: f64) -> f64 {
    let finite = bounds.iter().copied().filter(|bound| bound.is_finite());
    let last = finite.clone().fold(bounds[i], f64::max);
    let before = finite
        .filter(|bound| *bound <= limit * (1.0 + SAME))
        .fold(bounds[i], f64::max);
    if limit >= last {
        last
    } else if before * NEAR >= limit && before > bounds[i] {
        before
    } else {
        limit
    }
}

/// Adds cumulative bucket counts.
pub(super) fn add(pods: &[PodIncrement], sums: &mut [f64]) {
    for pod in pods {
        if let Increment::Buckets(counts) = &pod.increment {
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum += *count as f64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn metric(floor_ms: u64) -> HistogramMetric {
        HistogramMetric {
            selector: "duration_seconds".to_owned(),
            quantiles: vec![0.5, 0.9, 0.99, 0.999],
            tolerate_slower: 0.2,
            tolerate_floor: Duration::from_millis(floor_ms),
            harmful_slower: 1.0,
            warmup: Duration::ZERO,
        }
    }

    const BOUNDS: [f64; 7] = [0.025, 0.05, 0.1, 0.11, 0.25, 0.5, f64::INFINITY];
    const COUNTS: [f64; 7] = [5_000.0, 9_000.0, 9_890.0, 9_900.0, 9_990.0, 10_000.0, 10_000.0];

    #[test]
    fn the_bounds_nearest_the_quantiles_are_taken() {
        let chosen = choose(&metric(5), &BOUNDS, &COUNTS);
        let bounds: Vec<(f64, f64)> = chosen.iter().map(|c| (c.quantile, c.baseline_above)).collect();
        assert_eq!(bounds, [(0.5, 0.025), (0.9, 0.05), (0.99, 0.11), (0.999, 0.25)]);
        assert!(
            chosen.iter().all(|c| c.interpolated),
            "no bound lies within 1.15 of 1.2 times these"
        );
    }

    #[test]
    fn a_near_bound_stands_for_what_is_tolerated_and_never_acquits() {
        let bounds = [0.1, 0.13, 0.19, 0.25, f64::INFINITY];
        let chosen = choose(&metric(5), &bounds, &[5_000.0, 6_000.0, 7_000.0, 10_000.0, 10_000.0]);
        let half = &chosen[0];
        assert_eq!(
            (half.baseline_above, half.candidate_above, half.interpolated),
            (0.1, 0.13, false)
        );
        assert!((half.passing_above - 0.19).abs() < 1e-12, "below twice 0.1, not above it");
    }

    #[test]
    fn bounds_below_the_floor_and_the_last_finite_one_are_left_out() {
        let chosen = choose(&metric(60), &BOUNDS, &COUNTS);
        assert!(
            chosen.iter().all(|c| c.baseline_above >= 0.06 && c.baseline_above < 0.5),
            "{chosen:?}"
        );
        assert_eq!(choose(&metric(400), &BOUNDS, &COUNTS), []);
    }
}
