//! Where a bucket is cut: which part of it counts as slow, learnt from the hour before (statistics.md, section 7).
//!
//! Section 7 interpolates linear in the logarithm of the bound. The tails of real latencies fall faster than that: of a release that
//! is just as slow as is tolerated too many requests would count as slow, and it would be reverted. What such a release would show is
//! known better: the baseline's own distribution, moved. So a bucket is cut where the baseline, moved by what is tolerated, has as many
//! requests beyond the cut as it has above its own bound now, and wherever that is uncertain further to the side that neither convicts
//! nor acquits.

use serde::{Deserialize, Serialize};
use statrs::function::erf::{erfc, erfc_inv};

/// A part of a bucket: of the requests between its bounds, `fraction` count as no slower. It is fixed before the rollout, so counts stay
/// linear in the increments: gaps, splits and replay change nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Cut {
    /// The bucket's lower bound, in seconds.
    pub(super) lower: f64,
    /// Its upper bound, finite.
    pub(super) upper: f64,
    /// From 0 to 1.
    pub(super) fraction: f64,
}

/// To which side a count errs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Erring {
    /// Fewer of the candidate's requests count as slow: what is as slow as is tolerated is not convicted.
    Fewer,
    /// More of them do: what is as slow as is harmful is not acquitted.
    More,
}

/// Logarithms of bounds nearer than this are the same bound.
const SAME: f64 = 1e-9;

/// The latencies of the hour before, as far as buckets tell.
#[derive(Debug)]
pub(super) struct Hour {
    /// Its finite bounds, ascending.
    points: Vec<Point>,
}

#[derive(Debug, Clone, Copy)]
struct Point {
    /// ln of the bound in seconds.
    x: f64,
    /// The normal quantile of the share at or below it: of a log-normal distribution a straight line over `x`.
    z: f64,
}

impl Hour {
    /// Of cumulative counts at `bounds`, the last of which is infinite.
    pub(super) fn of(bounds: &[f64], counts: &[f64]) -> Self {
        let total = counts.last().copied().unwrap_or(0.0);
        let point = |(bound, count): (&f64, &f64)| {
            let above = (total - count).max(0.0);
            // Half a request more, so that no share is 0 or 1.
            let share = (above + 0.5) / (total + 1.0);
            Point {
                x: bound.ln(),
                z: std::f64::consts::SQRT_2 * erfc_inv(2.0 * share),
            }
        };
        let finite = bounds
            .iter()
            .zip(counts)
            .filter(|(bound, _)| **bound > 0.0 && bound.is_finite());
        Self {
            points: finite.map(point).collect(),
        }
    }

    /// The cut of the bucket from `lower` to `upper` for a candidate `times` as slow as the baseline, whose slow requests are those
    /// above `bound`: of section 7's cut and that of the moved baseline the one that errs further.
    pub(super) fn cut(&self, bound: f64, times: f64, [lower, upper]: [f64; 2], erring: Erring) -> Cut {
        let linear = (bound * times / lower).ln() / (upper / lower).ln();
        let moved = self.fraction(bound, [lower / times, upper / times], erring);
        Cut {
            lower,
            upper,
            fraction: match erring {
                Erring::Fewer => linear.max(moved),
                Erring::More => linear.min(moved),
            },
        }
    }

    /// The share at or below `seconds`, erring to neither side: z is straight between two bounds. Below the first bound it is even in
    /// seconds; what is above the last one is never split.
    pub(super) fn share_at_or_below(&self, seconds: f64) -> f64 {
        let below = |z: f64| 0.5 * erfc(-z / std::f64::consts::SQRT_2);
        let x = seconds.ln();
        let next = self.points.partition_point(|point| point.x < x - SAME);
        let low = next.checked_sub(1).and_then(|i| self.points.get(i));
        match (low, self.points.get(next)) {
            (_, Some(high)) if high.x <= x + SAME => below(high.z),
            (Some(low), Some(high)) => below(low.z + low.slope_to(*high) * (x - low.x)),
            (None, Some(high)) => below(high.z) * (x - high.x).exp(),
            (Some(last), None) => below(last.z),
            (None, None) => 0.0,
        }
    }

    /// f where `(1 - f) S(from) + f S(to) = S(bound)`, S(x) being the share above x seconds: `from` and `to` are the bucket's bounds as a
    /// baseline that is slower by so much would have them.
    fn fraction(&self, bound: f64, [from, to]: [f64; 2], erring: Erring) -> f64 {
        let [slow, from, to] = [bound, from, to].map(|seconds| self.share_above(seconds, erring));
        if from > to {
            ((from - slow) / (from - to)).clamp(0.0, 1.0)
        } else {
            match erring {
                Erring::Fewer => 1.0,
                Erring::More => 0.0,
            }
        }
    }

    /// S at `seconds`; inside a bucket at most as large ([`Erring::Fewer`]) or small ([`Erring::More`]) as its neighbors allow: z
    /// goes on from the bound before at least (most) as it came there, and comes to the next at most (least) as it goes on from there.
    /// Beyond the outermost bounds anything is possible.
    fn share_above(&self, seconds: f64, erring: Erring) -> f64 {
        let x = seconds.ln();
        let next = self.points.partition_point(|point| point.x < x - SAME);
        let at = |i: Option<usize>| i.and_then(|i| self.points.get(i)).copied();
        let z = match (at(next.checked_sub(1)), at(Some(next))) {
            (_, Some(high)) if high.x <= x + SAME => high.z,
            (Some(low), Some(high)) => {
                let before = at(next.checked_sub(2)).map(|point| point.slope_to(low));
                let after = at(next.checked_add(1)).map(|point| high.slope_to(point));
                let inside = low.slope_to(high);
                let z = match erring {
                    Erring::Fewer => {
                        let came = inside.min(before.unwrap_or(0.0));
                        let goes = inside.max(after.unwrap_or(f64::INFINITY));
                        (low.z + came * (x - low.x)).max(high.z - goes * (high.x - x))
                    }
                    Erring::More => {
                        let came = inside.max(before.unwrap_or(f64::INFINITY));
                        let goes = inside.min(after.unwrap_or(0.0));
                        (low.z + came * (x - low.x)).min(high.z - goes * (high.x - x))
                    }
                };
                z.max(low.z).min(high.z)
            }
            (Some(low), None) if erring == Erring::Fewer => low.z,
            (None, Some(high)) if erring == Erring::More => high.z,
            (Some(_), None) => f64::INFINITY,
            (None, _) => f64::NEG_INFINITY,
        };
        0.5 * erfc(z / std::f64::consts::SQRT_2)
    }
}

impl Point {
    fn slope_to(self, other: Self) -> f64 {
        (other.z - self.z) / (other.x - self.x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, f64::INFINITY];

    type Share = fn(f64) -> f64;

    fn hump(seconds: f64, median: f64, spread: f64) -> f64 {
        0.5 * erfc((seconds / median).ln() / spread / std::f64::consts::SQRT_2)
    }

    fn one_hump(seconds: f64) -> f64 {
        hump(seconds, 0.03, 0.8)
    }

    fn two_humps(seconds: f64) -> f64 {
        0.85 * hump(seconds, 0.012, 0.4) + 0.15 * hump(seconds, 0.18, 0.5)
    }

    fn exponential(seconds: f64) -> f64 {
        (-seconds / 0.05).exp()
    }

    fn counts(share_above: Share) -> Vec<f64> {
        BOUNDS.iter().map(|bound| 540_000.0 * (1.0 - share_above(*bound))).collect()
    }

    /// The bounds that tell something of this service, each with the bucket to be cut for `times`.
    fn cells(share_above: Share, times: f64) -> Vec<(f64, [f64; 2])> {
        let told = BOUNDS
            .into_iter()
            .filter(|bound| (0.000_3..0.75).contains(&share_above(*bound)));
        let bucket = |bound: f64| {
            let upper = BOUNDS.iter().position(|other| *other >= bound * times * (1.0 - SAME))?;
            let inside = BOUNDS[upper] > bound * times * (1.0 + SAME);
            inside.then(|| (bound, [BOUNDS[upper - 1], BOUNDS[upper]]))
        };
        told.filter_map(bucket).collect()
    }

    /// Requests of a candidate `times` as slow that count as slow, over those of the baseline.
    fn ratio(share_above: impl Fn(f64) -> f64, cut: Cut, bound: f64, times: f64) -> f64 {
        let [lower, upper] = [cut.lower, cut.upper].map(|seconds| share_above(seconds / times));
        (lower - cut.fraction * (lower - upper)) / share_above(bound)
    }

    #[test]
    fn of_a_candidate_as_slow_as_is_tolerated_no_more_requests_are_slow_than_of_the_baseline() {
        let (mut linear, mut seen) = (0.0_f64, 0);
        for share_above in [one_hump as Share, two_humps, exponential] {
            let hour = Hour::of(&BOUNDS, &counts(share_above));
            for (bound, bucket) in cells(share_above, 1.2) {
                let cut = hour.cut(bound, 1.2, bucket, Erring::Fewer);
                let just = ratio(share_above, cut, bound, 1.2);
                assert!((0.7..1.005).contains(&just), "{just} times as many above {bound}");
                let fraction = 1.2_f64.ln() / (bucket[1] / bucket[0]).ln();
                linear = linear.max(ratio(share_above, Cut { fraction, ..cut }, bound, 1.2));
                seen += 1;
            }
        }
        assert!(seen > 10 && linear > 1.5, "section 7's own cut: {linear} times as many");
    }

    #[test]
    fn a_log_normal_distribution_is_cut_where_it_should_be_and_more_than_is_tolerated_shows() {
        let hour = Hour::of(&BOUNDS, &counts(one_hump));
        for (bound, bucket) in cells(one_hump, 1.2) {
            let cut = hour.cut(bound, 1.2, bucket, Erring::Fewer);
            let [just, more] = [1.2, 1.5].map(|times| ratio(one_hump, cut, bound, times));
            assert!(
                just > 0.99 && just < 1.005 && more > 1.1,
                "{just} and {more} times as many above {bound}"
            );
        }
    }

    #[test]
    fn of_a_candidate_as_slow_as_is_harmful_no_fewer_requests_are_slow_than_of_the_baseline() {
        for share_above in [one_hump as Share, two_humps, exponential] {
            let hour = Hour::of(&BOUNDS, &counts(share_above));
            for (bound, bucket) in cells(share_above, 2.0) {
                let cut = hour.cut(bound, 2.0, bucket, Erring::More);
                let just = ratio(share_above, cut, bound, 2.0);
                assert!(just > 0.995, "{just} times as many above {bound}");
            }
        }
    }

    #[test]
    fn what_nothing_is_known_of_is_not_cut() {
        let hour = Hour::of(&[0.1, 0.2, f64::INFINITY], &[900.0, 990.0, 1_000.0]);
        let fraction = |erring| hour.cut(0.1, 1.2, [0.1, 0.2], erring).fraction;
        assert_eq!((fraction(Erring::Fewer), fraction(Erring::More)), (1.0, 0.0));
    }
}
