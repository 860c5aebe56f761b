//! Which bounds of a histogram are judged, and from where on the candidate is slow (statistics.md, section 7).

use super::cut::{Cut, Erring, Hour};
use crate::{
    policy::HistogramMetric,
    words::{Increment, MetricStep, Native},
};

/// One bound, chosen before the rollout.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chosen {
    pub(super) quantile: f64,
    pub(super) baseline_above: f64,
    pub(super) candidate_above: f64,
    pub(super) interpolated: bool,
    pub(super) passing_above: f64,
    pub(super) candidate_cut: Option<Cut>,
    pub(super) passing_cut: Option<Cut>,
}

/// A bucket's bound so near to what is wanted stands for it.
const NEAR: f64 = 1.15;
const SAME: f64 = 1e-9;

/// The buckets of the hour before.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    /// Upper bounds, ascending, the last one infinite.
    pub(super) bounds: Vec<f64>,
    /// Cumulative counts at them.
    pub(super) counts: Vec<f64>,
    /// Whether buckets are never split: native histograms.
    whole: bool,
}

/// The newest layout of buckets in the steps of an hour, with the counts of all steps that have it; none where nothing was counted.
/// Native histograms all have one layout: that of the coarsest resolution among them.
pub(super) fn layout<'a>(
    metric: &HistogramMetric,
    hour: impl DoubleEndedIterator<Item = &'a MetricStep> + Clone,
) -> Option<Layout> {
    let newest = hour.clone().next_back()?;
    let alike = || {
        let same = |step: &&MetricStep| step.bounds == newest.bounds;
        hour.clone().filter(same).flat_map(|step| &step.baseline)
    };
    let layout = if newest.bounds.is_empty() {
        let natives = alike().filter_map(|pod| match &pod.increment {
            Increment::Native(counts) => Some(counts),
            _ => None,
        });
        of_native(metric, &natives.fold(Native::empty(), |sum, counts| sum.with(counts)))
    } else {
        let mut counts = vec![0.0; newest.bounds.len()];
        for pod in alike() {
            if let Increment::Buckets(added) = &pod.increment {
                for (sum, count) in counts.iter_mut().zip(added) {
                    *sum += *count as f64;
                }
            }
        }
        Layout {
            bounds: newest.bounds.clone(),
            counts,
            whole: false,
        }
    };
    layout.counts.last().is_some_and(|total| *total > 0.0).then_some(layout)
}

/// Every bound at the resolution of `counts`, those that hold nothing too: as far beyond the slowest request and beyond the floor as
/// harm reaches.
fn of_native(metric: &HistogramMetric, counts: &Native) -> Layout {
    let factor = f64::from(counts.schema).exp2();
    let finite = || {
        counts
            .buckets
            .iter()
            .map(|(index, _)| *index)
            .filter(|index| *index != i32::MAX)
    };
    let near = |seconds: f64| (seconds > 0.0).then(|| (seconds.log2() * factor).ceil() as i32);
    let floor = near(metric.tolerate_floor.as_secs_f64());
    // Of a bound below all requests nothing can be told, and those below the floor are left out.
    let first = finite().next().into_iter().chain(floor).chain(near(counts.low_until)).max();
    let last = finite().next_back().into_iter().chain(first).max();
    let (mut bounds, mut cumulative) = (Vec::new(), Vec::new());
    if let (Some(first), Some(last)) = (first, last) {
        let further = (1.0 + metric.harmful_slower).log2() * factor;
        let mut below = counts.low as f64;
        let mut buckets = counts.buckets.iter().peekable();
        for index in first..=last.saturating_add(further.ceil() as i32 + 1) {
            while let Some((_, count)) = buckets.next_if(|(bucket, _)| *bucket <= index) {
                below += *count as f64;
            }
            bounds.push(Native::bound(counts.schema, index));
            cumulative.push(below);
        }
    }
    bounds.push(f64::INFINITY);
    cumulative.push(counts.total() as f64);
    Layout {
        bounds,
        counts: cumulative,
        whole: true,
    }
}

/// For each quantile of a baseline with this layout the first bound at or beyond it, or the last one, that some request took longer
/// than; each bound once, for the quantile nearest to it.
///
/// Section 7 takes the nearest bound. One below its quantile says less than any other: where more than half of the requests are slow
/// even twice as many cannot be, and with wide buckets the bounds in the tail, which tell most, would be left out.
pub(super) fn choose(metric: &HistogramMetric, layout: &Layout) -> Vec<Chosen> {
    let Layout { bounds, counts, whole } = layout;
    let total = counts.last().copied().unwrap_or(0.0);
    let floor = metric.tolerate_floor.as_secs_f64();
    let usable: Vec<(usize, f64)> = (0..bounds.len())
        .filter(|i| bounds[*i] > 0.0 && bounds[*i] >= floor * (1.0 - SAME))
        .filter_map(|i| Some((i, slow_from(bounds, bounds[i] * (1.0 + metric.tolerate_slower), *whole)?)))
        .collect();
    let hour = Hour::of(bounds, counts);
    let mut taken: Vec<(usize, f64, Chosen)> = Vec::new();
    for quantile in &metric.quantiles {
        let beyond = |i: usize| counts[i] >= quantile * total * (1.0 - SAME);
        let mut exceeded = usable.iter().filter(|(i, _)| counts[*i] < total);
        let last = exceeded.clone().next_back().or(usable.first());
        let Some((i, candidate_above)) = exceeded.find(|(i, _)| beyond(*i)).or(last).copied() else {
            continue;
        };
        // Of shares above the bound, in the logarithm: far out in the tail that is what tells 99 from 99.9 %.
        let distance = ((total - counts[i] + 0.5) / total / (1.0 - quantile).max(f64::MIN_POSITIVE))
            .ln()
            .abs();
        let chosen = chosen(metric, layout, &hour, (*quantile, i), candidate_above);
        match taken.last_mut().filter(|last| last.0 == i) {
            Some(last) if last.1 <= distance => {}
            Some(last) => *last = (i, distance, chosen),
            None => taken.push((i, distance, chosen)),
        }
    }
    taken.into_iter().map(|(_, _, chosen)| chosen).collect()
}

fn chosen(metric: &HistogramMetric, layout: &Layout, hour: &Hour, (quantile, i): (f64, usize), candidate_above: f64) -> Chosen {
    let Layout { bounds, whole, .. } = layout;
    let [tolerated, harmful] = [metric.tolerate_slower, metric.harmful_slower].map(|slower| 1.0 + slower);
    let passing_above = passes_from(bounds, i, bounds[i] * harmful, *whole);
    let cut = |above: f64, times: f64, erring: Erring| {
        let upper = bounds.partition_point(|bound| *bound < above * (1.0 - SAME));
        let bucket = [*bounds.get(upper.checked_sub(1)?)?, *bounds.get(upper)?];
        let inside = bucket[1].is_finite() && bucket[1] > above * (1.0 + SAME);
        inside.then(|| hour.cut(bounds[i], times, bucket, erring))
    };
    let candidate_cut = cut(candidate_above, tolerated, Erring::Fewer);
    Chosen {
        quantile,
        baseline_above: bounds[i],
        candidate_above,
        interpolated: candidate_cut.is_some(),
        passing_above,
        candidate_cut,
        passing_cut: cut(passing_above, harmful, Erring::More),
    }
}

/// The next bound at or above `limit` if it is near or buckets stay `whole`, else `limit` itself, inside a bucket; none above the last
/// finite bound.
fn slow_from(bounds: &[f64], limit: f64, whole: bool) -> Option<f64> {
    let next = bounds
        .iter()
        .copied()
        .find(|bound| *bound >= limit * (1.0 - SAME))
        .filter(|bound| bound.is_finite())?;
    Some(if whole || next <= limit * NEAR { next } else { limit })
}

/// Passing asks the same of fewer seconds rather than more, so that rounding to a bound never acquits: the bound at or below
/// `limit` if it is near or buckets stay `whole`, else `limit` itself, at most the last finite bound; and not below the baseline's own,
/// at `i`.
fn passes_from(bounds: &[f64], i: usize, limit: f64, whole: bool) -> f64 {
    let finite = bounds.iter().copied().filter(|bound| bound.is_finite());
    let last = finite.clone().fold(bounds[i], f64::max);
    let before = finite
        .filter(|bound| *bound <= limit * (1.0 + SAME))
        .fold(bounds[i], f64::max);
    if limit >= last {
        last
    } else if whole || (before * NEAR >= limit && before > bounds[i]) {
        before
    } else {
        limit
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::words::{Pod, PodIncrement};

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

    fn classic(bounds: &[f64], counts: &[f64]) -> Layout {
        Layout {
            bounds: bounds.to_vec(),
            counts: counts.to_vec(),
            whole: false,
        }
    }

    const BOUNDS: [f64; 7] = [0.025, 0.05, 0.1, 0.11, 0.25, 0.5, f64::INFINITY];
    const COUNTS: [f64; 7] = [5_000.0, 9_000.0, 9_890.0, 9_900.0, 9_990.0, 10_000.0, 10_000.0];

    #[test]
    fn the_bounds_nearest_the_quantiles_are_taken() {
        let chosen = choose(&metric(5), &classic(&BOUNDS, &COUNTS));
        let bounds: Vec<(f64, f64)> = chosen.iter().map(|c| (c.quantile, c.baseline_above)).collect();
        assert_eq!(bounds, [(0.5, 0.025), (0.9, 0.05), (0.99, 0.11), (0.999, 0.25)]);
        assert!(
            chosen.iter().all(|c| c.interpolated),
            "no bound lies within 1.15 of 1.2 times these"
        );
    }

    #[test]
    fn a_bound_below_its_quantile_or_beyond_every_request_is_not_taken() {
        let counts = [4_900.0, 9_100.0, 9_800.0, 9_850.0, 9_960.0, 10_000.0, 10_000.0];
        let chosen = choose(&metric(5), &classic(&BOUNDS, &counts));
        let bounds: Vec<(f64, f64)> = chosen.iter().map(|c| (c.quantile, c.baseline_above)).collect();
        assert_eq!(
            bounds,
            [(0.9, 0.05), (0.99, 0.25)],
            "0.05 is nearer to the 90th than to the 50th percentile"
        );
    }

    #[test]
    fn a_near_bound_stands_for_what_is_tolerated_and_never_acquits() {
        let bounds = [0.1, 0.13, 0.19, 0.25, f64::INFINITY];
        let chosen = choose(
            &metric(5),
            &classic(&bounds, &[5_000.0, 6_000.0, 7_000.0, 10_000.0, 10_000.0]),
        );
        let half = &chosen[0];
        assert_eq!(
            (half.baseline_above, half.candidate_above, half.interpolated),
            (0.1, 0.13, false)
        );
        assert!((half.passing_above - 0.19).abs() < 1e-12, "below twice 0.1, not above it");
    }

    #[test]
    fn bounds_below_the_floor_and_the_last_finite_one_are_left_out() {
        let chosen = choose(&metric(60), &classic(&BOUNDS, &COUNTS));
        assert!(
            chosen.iter().all(|c| c.baseline_above >= 0.06 && c.baseline_above < 0.5),
            "{chosen:?}"
        );
        assert_eq!(choose(&metric(400), &classic(&BOUNDS, &COUNTS)), []);
    }

    /// One step of a native histogram.
    fn native(schema: i8, buckets: &[(i32, u64)]) -> MetricStep {
        let counts = Native {
            schema,
            buckets: buckets.to_vec(),
            ..Native::empty()
        };
        MetricStep {
            baseline: vec![PodIncrement {
                pod: Pod("a".into()),
                increment: Increment::Native(counts),
            }],
            ..MetricStep::default()
        }
    }

    #[test]
    fn whole_buckets_of_the_coarsest_resolution_are_judged_and_none_is_split() {
        // 2^-3 = 0.125 holds 90 %, 2^-2.5 = 0.177 holds 99 %.
        let hour = [native(1, &[(-6, 8_000), (-5, 900), (-4, 100)]), native(2, &[(-12, 1_000)])];
        let layout = layout(&metric(5), hour.iter()).expect("counted");
        let chosen = choose(&metric(5), &layout);
        let bounds: Vec<(f64, f64)> = chosen.iter().map(|c| (c.quantile, c.baseline_above)).collect();
        let bound = |index| Native::bound(1, index);
        assert_eq!(bounds, [(0.9, bound(-6)), (0.99, bound(-5))], "{layout:?}");
        for chosen in chosen {
            assert!(!chosen.interpolated);
            let next = |to: f64| (to.log2() * 2.0).round() as i32;
            let own = next(chosen.baseline_above);
            assert_eq!(
                chosen.candidate_above,
                bound(own + 1),
                "1.41 times is the next bound from 1.2 times on"
            );
            assert_eq!(chosen.passing_above, bound(own + 2), "twice");
        }
    }

    #[test]
    fn a_service_faster_than_the_floor_is_judged_at_the_floor() {
        let layout = layout(&metric(5), [native(3, &[(-80, 1_000)])].iter()).expect("counted");
        let chosen = choose(&metric(5), &layout);
        assert_eq!(chosen.len(), 1);
        assert!(
            chosen[0].baseline_above >= 0.005 && chosen[0].baseline_above < 0.0055,
            "{chosen:?}"
        );
    }
}
