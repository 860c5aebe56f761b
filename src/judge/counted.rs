//! What an increment counts as bad: failed requests, or requests slower than a bound (statistics.md, section 7).

use super::cut::Cut;
use crate::words::{Increment, PodIncrement, Whole};

/// What is bad.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Bad {
    /// The bad events of a ratio.
    Event,
    /// Requests of a histogram above so many seconds; of a native one above the bound that stands for it.
    Above(f64, Whole),
    /// The same, inside a bucket that was cut before the rollout. In a step without that bucket nothing is cut: the bound beyond it
    /// is taken, to the side that [`Whole`] says.
    Cut(f64, Cut, Whole),
}

/// [`Bad`] for one layout of buckets.
#[derive(Debug, Clone, Copy)]
pub(super) enum Counter {
    Events,
    /// Between the cumulative counts of two buckets.
    Cut {
        lower: usize,
        upper: usize,
        fraction: f64,
    },
    /// Whole buckets of a native histogram.
    Above(f64, Whole),
}

/// Bounds nearer than this are the same bound, written differently.
const SAME: f64 = 1e-9;

impl Bad {
    /// The counter for buckets with these bounds, none of them for a native histogram; none where they cannot tell.
    pub(super) fn counter(self, bounds: &[f64]) -> Option<Counter> {
        let (limit, cut, whole) = match self {
            Self::Event => return Some(Counter::Events),
            Self::Above(limit, whole) => (limit, None, whole),
            Self::Cut(limit, cut, whole) => (limit, Some(cut), whole),
        };
        if bounds.is_empty() {
            return Some(Counter::Above(limit, whole));
        }
        let upper = bounds.partition_point(|bound| *bound < limit * (1.0 - SAME));
        let above = *bounds.get(upper)?;
        // Counts above the last finite bound are never split.
        if above.is_infinite() {
            return None;
        }
        if above <= limit * (1.0 + SAME) {
            return Some(Counter::Cut {
                lower: upper,
                upper,
                fraction: 0.0,
            });
        }
        let lower = upper.checked_sub(1)?;
        let below = bounds[lower];
        let same = |one: f64, other: f64| (one - other).abs() <= SAME * other;
        (below > 0.0).then(|| Counter::Cut {
            lower,
            upper,
            fraction: match (cut, whole) {
                (None, _) => (limit / below).ln() / (above / below).ln(),
                (Some(cut), _) if same(cut.lower, below) && same(cut.upper, above) => cut.fraction,
                (Some(_), Whole::Up) => 1.0,
                (Some(_), Whole::Down) => 0.0,
            },
        })
    }
}

impl Counter {
    /// `[bad, total]` of one increment; none where it is of another shape.
    pub(super) fn of(self, increment: &Increment) -> Option<[f64; 2]> {
        match (self, increment) {
            (Self::Events, Increment::Ratio { bad, total }) => Some([*bad as f64, *total as f64]),
            (Self::Cut { lower, upper, fraction }, Increment::Buckets(counts)) => {
                let (total, low, high) = (*counts.last()? as f64, *counts.get(lower)? as f64, *counts.get(upper)? as f64);
                Some([(total - (low + (high - low) * fraction)).max(0.0), total])
            }
            (Self::Above(limit, whole), Increment::Native(native)) => {
                Some([native.above(limit, whole) as f64, native.total() as f64])
            }
            _ => None,
        }
    }

    /// The counts of each pod.
    pub(super) fn each(self, pods: &[PodIncrement]) -> impl Iterator<Item = [f64; 2]> + Clone {
        pods.iter().filter_map(move |pod| self.of(&pod.increment))
    }

    /// `[bad, total]` of all pods.
    pub(super) fn sum(self, pods: &[PodIncrement]) -> [f64; 2] {
        self.each(pods).fold([0.0; 2], |sum, [k, n]| [sum[0] + k, sum[1] + n])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: [f64; 4] = [0.1, 0.2, 0.4, f64::INFINITY];

    fn above(limit: f64) -> Option<[f64; 2]> {
        Bad::Above(limit, Whole::Up)
            .counter(&BOUNDS)?
            .of(&Increment::Buckets(vec![10, 50, 90, 100]))
    }

    #[test]
    fn a_bound_is_counted_exactly_and_a_limit_inside_a_bucket_in_the_logarithm() {
        assert_eq!(above(0.2), Some([50.0, 100.0]));
        assert_eq!(above(0.1 + 0.1 + 1e-12), Some([50.0, 100.0]));
        let [bad, _] = above(0.2 * 2.0_f64.sqrt()).expect("between 0.2 and 0.4");
        assert!((bad - 30.0).abs() < 1e-9, "{bad}");
    }

    #[test]
    fn a_cut_belongs_to_its_bucket_and_where_that_is_missing_none_is_cut() {
        let cut = Cut {
            lower: 0.2,
            upper: 0.4,
            fraction: 0.25,
        };
        let bad = |bounds: &[f64], whole: Whole| {
            let counts = Increment::Buckets(vec![10, 50, 90, 100]);
            Bad::Cut(0.24, cut, whole).counter(bounds)?.of(&counts)
        };
        assert_eq!(bad(&BOUNDS, Whole::Up), Some([40.0, 100.0]), "50 above 0.2, 10 above 0.4");
        let other = [0.1, 0.2, 0.5, f64::INFINITY];
        assert_eq!(bad(&other, Whole::Up), Some([10.0, 100.0]));
        assert_eq!(bad(&other, Whole::Down), Some([50.0, 100.0]));
    }

    #[test]
    fn counts_outside_the_finite_bounds_are_never_split() {
        assert_eq!((above(0.05), above(0.41)), (None, None));
        assert_eq!(Counter::Events.of(&Increment::Buckets(vec![1])), None);
    }
}
