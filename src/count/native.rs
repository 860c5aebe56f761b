//! A native histogram as Prometheus writes it, understood: which resolution it has, what is about zero, what cannot be counted.

use super::counters::{Unfit, whole};
use crate::{
    question::NativeBucket,
    words::{GapReason, Native},
};

/// A bucket is as wide as its resolution says, to so many digits of the logarithm.
const GRAIN: f64 = 1e-6;

/// The counts of these buckets; those that are empty are not among them, and the resolution is told by those that are.
pub(super) fn native(buckets: &[NativeBucket]) -> Result<Native, Unfit> {
    if buckets
        .iter()
        .any(|bucket| bucket.lower.is_nan() || bucket.upper.is_nan() || bucket.lower >= bucket.upper)
    {
        return Err((
            GapReason::NotACount,
            "a bucket of the native histogram has no width".to_owned(),
        ));
    }
    let mut low = (0.0_f64, 0);
    let mut positive: Vec<(NativeBucket, u64)> = Vec::with_capacity(buckets.len());
    for bucket in buckets {
        let count = whole(bucket.count)?;
        // Where the bounds have different signs it is the bucket about zero; where the upper one is none, all is negative.
        if bucket.lower < 0.0 || bucket.upper <= 0.0 {
            low = (low.0.max(bucket.upper), low.1 + count);
        } else {
            positive.push((*bucket, count));
        }
    }
    positive.sort_by(|a, b| a.0.upper.total_cmp(&b.0.upper));
    let mut counts = Native {
        schema: schema(&positive)?,
        low_until: low.0,
        low: low.1,
        buckets: Vec::with_capacity(positive.len()),
    };
    for (bucket, count) in positive {
        let index = place(counts.schema, &bucket).ok_or_else(|| custom(&bucket))?;
        if counts.buckets.last().is_some_and(|(last, _)| *last >= index) {
            return Err((GapReason::Duplicate, "a bucket of the native histogram came twice".to_owned()));
        }
        counts.buckets.push((index, count));
    }
    Ok(counts)
}

/// The resolution that the width of a bucket tells; the finest where there is none. The bucket beside those about zero may be cut by
/// them, and the infinite one has no width: where there is no other, the coarsest resolution of which it is a bucket.
fn schema(positive: &[(NativeBucket, u64)]) -> Result<i8, Unfit> {
    let finite = || {
        positive
            .iter()
            .map(|(bucket, _)| bucket)
            .filter(|bucket| bucket.upper.is_finite())
    };
    let Some(last) = finite().next_back() else {
        return Ok(Native::empty().schema);
    };
    let width = (last.upper / last.lower).log2();
    let exact = |schema: &i8| (width * f64::from(*schema).exp2() - 1.0).abs() <= GRAIN;
    let cut = |schema: &i8| finite().count() == 1 && place(*schema, last).is_some();
    let found = |fits: &dyn Fn(&i8) -> bool| Native::schemas().find(|schema| fits(schema));
    found(&exact).or_else(|| found(&cut)).ok_or_else(|| custom(last))
}

/// The bucket of `schema` that this one is, or is the upper part of.
fn place(schema: i8, bucket: &NativeBucket) -> Option<i32> {
    let index = Native::bucket(schema, bucket.upper)?;
    let whole = bucket.upper.is_infinite() || Native::bound(schema, index - 1) <= bucket.lower * (1.0 + GRAIN);
    whole.then_some(index)
}

fn custom(bucket: &NativeBucket) -> Unfit {
    let found = format!(
        "a native histogram with custom buckets ({} to {}): only exponential ones are counted; have Prometheus keep the classic histogram",
        bucket.lower, bucket.upper
    );
    (GapReason::BoundsDiffer, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(lower: f64, upper: f64, count: f64) -> NativeBucket {
        NativeBucket { lower, upper, count }
    }

    fn exponential(schema: i8, counts: &[(i32, u64)]) -> Vec<NativeBucket> {
        let bound = |index| Native::bound(schema, index);
        counts
            .iter()
            .map(|(index, count)| bucket(bound(index - 1), bound(*index), *count as f64))
            .collect()
    }

    #[test]
    fn the_resolution_is_told_by_any_one_bucket() {
        for schema in Native::schemas() {
            let counts = [(-12, 3), (8, 5)];
            let read = native(&exponential(schema, &counts)).expect("counts");
            assert_eq!((read.schema, read.buckets.as_slice()), (schema, counts.as_slice()));
        }
        assert_eq!(native(&[]), Ok(Native::empty()));
    }

    #[test]
    fn what_is_about_zero_and_what_is_negative_is_above_nothing() {
        let mut buckets = exponential(0, &[(1, 5), (2, 9)]);
        buckets.extend([bucket(-2.0, -1.0, 4.0), bucket(-0.001, 0.001, 2.0)]);
        let read = native(&buckets).expect("counts");
        assert_eq!((read.low, read.low_until, read.total()), (6, 0.001, 20));
        // The bucket beside zero is cut where that about zero ends, and tells no resolution.
        let cut = native(&[bucket(-0.3, 0.3, 1.0), bucket(0.3, 0.5, 1.0), bucket(1.0, 2.0, 1.0)]).expect("counts");
        assert_eq!((cut.schema, cut.buckets.as_slice()), (0, [(-1, 1), (1, 1)].as_slice()));
        let alone = native(&[bucket(-0.3, 0.3, 1.0), bucket(0.3, 0.5, 1.0)]).expect("counts");
        assert_eq!(
            (alone.schema, alone.buckets.as_slice()),
            (0, [(-1, 1)].as_slice()),
            "0.5 is a bound from schema 0 on"
        );
    }

    #[test]
    fn what_cannot_be_counted_says_so() {
        for (buckets, reason) in [
            (vec![bucket(0.1, 0.3, 1.0)], GapReason::BoundsDiffer),
            (vec![bucket(1.0, 2.0, 1.0), bucket(2.0, 3.0, 1.0)], GapReason::BoundsDiffer),
            (vec![bucket(1.0, 2.0, 1.5)], GapReason::NotACount),
            (vec![bucket(1.0, 2.0, f64::NAN)], GapReason::NotACount),
            (vec![bucket(2.0, 1.0, 1.0)], GapReason::NotACount),
            (vec![bucket(1.0, 2.0, 1.0), bucket(1.0, 2.0, 1.0)], GapReason::Duplicate),
        ] {
            assert_eq!(native(&buckets).map_err(|(reason, _)| reason), Err(reason), "{buckets:?}");
        }
        let beyond = native(&[bucket(1.0, 2.0, 3.0), bucket(f64::MAX, f64::INFINITY, 4.0)]).expect("counts");
        assert_eq!(beyond.buckets, [(1, 3), (i32::MAX, 4)]);
    }
}
