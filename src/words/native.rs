//! Native histograms: whole exponential buckets, merged, differenced and counted, never split (statistics.md, section 7).

use serde::{Deserialize, Serialize};

/// The bucket of what is infinite: above every bound.
const BEYOND: i32 = i32::MAX;
/// A bound is a power of two to so many digits of its logarithm, in buckets.
const GRAIN: f64 = 1e-5;

/// Events by size, in whole buckets of which only those that hold any are listed.
///
/// At `schema` s the bucket `i` holds what is above 2^((i-1)/2^s) and at most 2^(i/2^s); so a schema less by one merges buckets in pairs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Native {
    /// The resolution, from -4 (a factor of 65,536 a bucket) to 8 (0.3 %).
    pub schema: i8,
    /// Events at or below this size, in the metric's unit, are in `low` alone.
    pub low_until: f64,
    /// Events of about zero or below it.
    pub low: u64,
    /// Bucket and events in it, ascending by bucket.
    pub buckets: Vec<(i32, u64)>,
}

/// Which bound stands for a limit that lies inside a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whole {
    /// The next bound above it: fewer events are above that.
    Up,
    /// The next bound below it: more are.
    Down,
}

impl Native {
    /// The resolutions that Prometheus has, from the coarsest to the finest.
    pub fn schemas() -> impl Iterator<Item = i8> {
        -4..=8
    }

    /// Nothing counted yet, at the finest resolution.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            schema: 8,
            low_until: 0.0,
            low: 0,
            buckets: Vec::new(),
        }
    }

    /// The upper bound of bucket `index` at `schema`.
    #[must_use]
    pub fn bound(schema: i8, index: i32) -> f64 {
        if index == BEYOND {
            return f64::INFINITY;
        }
        (f64::from(index) / f64::from(schema).exp2()).exp2()
    }

    /// The bucket of `schema` that has this upper bound; none where none has.
    #[must_use]
    pub fn bucket(schema: i8, upper: f64) -> Option<i32> {
        if upper == f64::INFINITY {
            return Some(BEYOND);
        }
        let place = place(schema, upper)?;
        ((place - place.round()).abs() <= GRAIN).then(|| place.round() as i32)
    }

    /// All events.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.low + self.buckets.iter().map(|(_, count)| count).sum::<u64>()
    }

    /// Events above `limit`, which is above 0, in whole buckets.
    #[must_use]
    pub fn above(&self, limit: f64, whole: Whole) -> u64 {
        let Some(place) = place(self.schema, limit) else { return 0 };
        let last = match whole {
            Whole::Up => (place - GRAIN).ceil(),
            Whole::Down => (place + GRAIN).floor(),
        };
        let first = self.buckets.partition_point(|(index, _)| f64::from(*index) <= last);
        let above: u64 = self.buckets[first..].iter().map(|(_, count)| count).sum();
        match whole {
            Whole::Down if limit < self.low_until => above + self.low,
            _ => above,
        }
    }

    /// The same events at a resolution no finer than `schema`, with all of up to `low_until` in `low`: up to the bound at or above it.
    #[must_use]
    pub fn coarsened(&self, schema: i8, low_until: f64) -> Self {
        let schema = schema.min(self.schema);
        let merged = u32::try_from(self.schema - schema).unwrap_or(0);
        let mut coarse = Self {
            schema,
            low_until: self.low_until,
            low: self.low,
            buckets: Vec::with_capacity(self.buckets.len()),
        };
        let swallowed = (low_until > self.low_until)
            .then(|| place(schema, low_until))
            .flatten()
            .map(|place| (place - GRAIN).ceil() as i32);
        if let Some(last) = swallowed {
            coarse.low_until = Self::bound(schema, last);
        }
        for (index, count) in &self.buckets {
            let index = if *index == BEYOND { BEYOND } else { -(-index >> merged) };
            match coarse.buckets.last_mut() {
                _ if swallowed.is_some_and(|last| index <= last) => coarse.low += count,
                Some((last, sum)) if *last == index => *sum += count,
                _ => coarse.buckets.push((index, *count)),
            }
        }
        coarse
    }

    /// Both at the resolution that both can be told at.
    fn alike(&self, other: &Self) -> (Self, Self) {
        let schema = self.schema.min(other.schema);
        // The wider low part ends at a bound of the common schema, or the buckets beside it would not be the same.
        let low_until = self.low_until.max(other.low_until);
        let low_until = match place(schema, low_until) {
            Some(place) if self.low_until != other.low_until => Self::bound(schema, (place - GRAIN).ceil() as i32),
            _ => low_until,
        };
        (self.coarsened(schema, low_until), other.coarsened(schema, low_until))
    }

    /// What was added since `before`; none where any count fell, or where the resolution became finer, which only a new process does.
    #[must_use]
    pub fn since(&self, before: &Self) -> Option<Self> {
        if self.schema > before.schema && !before.buckets.is_empty() {
            return None;
        }
        let (mut now, then) = self.alike(before);
        now.low = now.low.checked_sub(then.low)?;
        for (index, count) in then.buckets {
            let at = now.buckets.binary_search_by_key(&index, |(index, _)| *index).ok()?;
            now.buckets[at].1 = now.buckets[at].1.checked_sub(count)?;
        }
        now.buckets.retain(|(_, count)| *count > 0);
        Some(now)
    }

    /// The events of both.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        let (mut sum, other) = self.alike(other);
        sum.low += other.low;
        for (index, count) in other.buckets {
            match sum.buckets.binary_search_by_key(&index, |(index, _)| *index) {
                Ok(at) => sum.buckets[at].1 += count,
                Err(at) => sum.buckets.insert(at, (index, count)),
            }
        }
        sum
    }
}

/// Where `size` lies among the upper bounds of `schema`, in buckets; none for what has no logarithm.
fn place(schema: i8, size: f64) -> Option<f64> {
    (size > 0.0 && size.is_finite()).then(|| size.log2() * f64::from(schema).exp2())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn native(schema: i8, buckets: &[(i32, u64)]) -> Native {
        Native {
            schema,
            buckets: buckets.to_vec(),
            ..Native::empty()
        }
    }

    #[test]
    fn a_coarser_resolution_merges_buckets_whose_bounds_stay() {
        let fine = native(3, &[(-9, 1), (-8, 2), (-7, 4), (0, 8), (1, 16), (8, 32), (i32::MAX, 64)]);
        let coarse = fine.coarsened(0, 0.0);
        assert_eq!(coarse.buckets, [(-1, 3), (0, 12), (1, 48), (i32::MAX, 64)]);
        for index in -3..3 {
            let bound = Native::bound(0, index);
            for whole in [Whole::Up, Whole::Down] {
                assert_eq!(fine.above(bound, whole), coarse.above(bound, whole), "{bound}");
            }
        }
        assert_eq!(fine.coarsened(5, 0.0), fine, "nothing is made finer than it is");
    }

    #[test]
    fn a_limit_inside_a_bucket_is_never_split() {
        let counts = native(0, &[(0, 1), (1, 10), (2, 100)]);
        assert_eq!(counts.above(1.0, Whole::Up), 110);
        assert_eq!(counts.above(1.5, Whole::Up), 100);
        assert_eq!(counts.above(1.5, Whole::Down), 110);
        let low = Native {
            low_until: 0.25,
            low: 7,
            ..counts
        };
        assert_eq!(low.above(0.1, Whole::Up), 111, "what is about zero is above nothing");
        assert_eq!(low.above(0.1, Whole::Down), 118, "or may be");
        assert_eq!(low.above(0.25, Whole::Down), 111);
    }

    #[test]
    fn differences_are_exact_across_a_change_of_resolution_and_of_what_is_about_zero() {
        let before = native(3, &[(1, 5), (3, 7), (9, 1)]);
        let now = Native {
            low: 5,
            low_until: Native::bound(2, 1),
            ..native(2, &[(2, 9), (5, 4)])
        };
        let added = now.since(&before).expect("nothing fell");
        assert_eq!(
            (added.schema, added.low, added.buckets.as_slice()),
            (2, 0, [(2, 2), (5, 3)].as_slice())
        );
        assert_eq!(before.with(&native(2, &[(2, 2), (5, 3)])).total(), now.total());
        assert_eq!(native(3, &[(1, 4), (3, 70), (9, 1)]).since(&before), None, "a bucket fell");
        assert_eq!(native(3, &[(3, 70), (9, 1)]).since(&before), None, "a bucket is gone");
        assert_eq!(
            native(4, &[(2, 50), (6, 70), (18, 10)]).since(&before),
            None,
            "it became finer"
        );
    }

    #[test]
    fn bounds_are_found_again_and_what_is_no_bound_is_not() {
        for schema in Native::schemas() {
            for index in [-40, -3, 0, 1, 17] {
                assert_eq!(
                    Native::bucket(schema, Native::bound(schema, index)),
                    Some(index),
                    "{schema} {index}"
                );
            }
        }
        assert_eq!(Native::bucket(0, 0.1), None);
        assert_eq!(Native::bucket(0, f64::INFINITY), Some(i32::MAX));
    }
}
