//! A pod's counters at one time, checked: whole numbers, bad events never above all events, buckets that never fall.

use std::collections::BTreeMap;

use super::{Reading, native::native};
use crate::{
    policy::{MetricKind, ValueMetric},
    words::{GapReason, Increment, Moment},
};

/// Why a pod was not counted, and what was found.
pub(super) type Unfit = (GapReason, String);

/// A counter is whole; so much may arithmetic in floating point have taken from it.
const GRAIN: f64 = 1e-6;
/// The first number whose neighbour a double no longer tells apart: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A pod's cumulative counts at one scrape.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Counters {
    /// When they were scraped.
    pub scraped_at: Moment,
    /// When the process started, if it says so.
    pub started_at: Option<Moment>,
    /// Series of the totals, or of all buckets.
    pub series_of_total: u64,
    /// Series of the bad events.
    pub series_of_bad: u64,
    /// A classic histogram's bounds, ascending, the last one infinite; empty for ratios and native histograms.
    pub bounds: Vec<f64>,
    /// The cumulative counts.
    pub counts: Increment,
}

impl Counters {
    /// Checks a reading. `query` is named where it is empty.
    pub fn of(reading: &Reading, kind: &MetricKind, query: &str) -> Result<Self, Unfit> {
        if reading.twice {
            return Err((GapReason::Duplicate, "the same series came twice".to_owned()));
        }
        one_target(reading)?;
        let no_data = || (GapReason::NoData, query.to_owned());
        let (bounds, counts) = match kind {
            MetricKind::Ratio(_) => (Vec::new(), ratio(reading.bad, reading.total.ok_or_else(no_data)?)?),
            MetricKind::Histogram(_) => match &reading.native {
                Some(_) if !reading.buckets.is_empty() => {
                    return Err((GapReason::Duplicate, "a classic and a native histogram at once".to_owned()));
                }
                Some(found) => (Vec::new(), Increment::Native(native(found)?)),
                None if reading.buckets.is_empty() => return Err(no_data()),
                None => buckets(&reading.buckets)?,
            },
            MetricKind::Value(metric) => (Vec::new(), value(reading.value.ok_or_else(no_data)?, metric)?),
        };
        let series_of_total = whole(reading.series_of_total.unwrap_or(0.0))?;
        if matches!(counts, Increment::Value { .. }) && series_of_total > 1 {
            let found = format!("{series_of_total} values of one instance; aggregate them: `sum by (job, instance) (…)`");
            return Err((GapReason::Duplicate, found));
        }
        // Every series of a histogram has all bounds, or the sum over series is not cumulative.
        if !bounds.is_empty() && series_of_total % bounds.len() as u64 != 0 {
            let found = format!("{series_of_total} series share {} bounds unevenly", bounds.len());
            return Err((GapReason::BoundsDiffer, found));
        }
        Ok(Self {
            scraped_at: reading.scraped_at().ok_or_else(no_data)?,
            started_at: reading.started_at(),
            series_of_total,
            series_of_bad: whole(reading.series_of_bad.unwrap_or(0.0))?,
            bounds,
            counts,
        })
    }

    /// What was added since `before`; none where any counter fell.
    pub fn since(&self, before: &Self) -> Option<Increment> {
        match (&self.counts, &before.counts) {
            (Increment::Ratio { bad, total }, Increment::Ratio { bad: b, total: t }) => Some(Increment::Ratio {
                bad: bad.checked_sub(*b)?,
                total: total.checked_sub(*t)?,
            }),
            (Increment::Buckets(now), Increment::Buckets(then)) if now.len() == then.len() => now
                .iter()
                .zip(then)
                .map(|(now, then)| now.checked_sub(*then))
                .collect::<Option<Vec<u64>>>()
                .map(Increment::Buckets),
            (Increment::Native(now), Increment::Native(then)) => now.since(then).map(Increment::Native),
            _ => None,
        }
    }
}

/// What was scraped twice must not count twice, nor what an instance that is gone has counted with the one that took its pod's name.
fn one_target(reading: &Reading) -> Result<(), Unfit> {
    let targets = whole(reading.targets.unwrap_or(1.0))?;
    if targets <= 1 {
        return Ok(());
    }
    let found = format!(
        "{targets} scrape targets of one pod have it: pick one in the query, by its `job`, `container` or `endpoint`, or say what they are \
         together, `sum by (namespace, pod) (…)`"
    );
    Err((GapReason::SeveralInstances, found))
}

/// An increment is checked as counts are: two counters of one pod may be torn apart by a scrape.
pub(super) fn sound(increment: Increment) -> Result<Increment, Unfit> {
    match &increment {
        Increment::Ratio { bad, total } if bad > total => Err((GapReason::BadAboveTotal, format!("{bad} bad events of {total}"))),
        Increment::Buckets(counts) if !counts.is_sorted() => Err((
            GapReason::FallingBuckets,
            "fewer events below a larger bound than below a smaller one".to_owned(),
        )),
        _ => Ok(increment),
    }
}

/// Only what is above 0 has a logarithm, which a plain bound does not need.
fn value(value: f64, metric: &ValueMetric) -> Result<Increment, Unfit> {
    if !value.is_finite() {
        Err((GapReason::NotACount, format!("{value} is no value")))
    } else if value <= 0.0 && metric.threshold.is_none() {
        Err((GapReason::NotPositive, format!("{value} is not above 0")))
    } else {
        Ok(Increment::Value { value })
    }
}

fn ratio(bad: Option<f64>, total: f64) -> Result<Increment, Unfit> {
    // No series of bad events where the totals are there: none has happened yet.
    let (bad, total) = (whole(bad.unwrap_or(0.0))?, whole(total)?);
    sound(Increment::Ratio { bad, total })
}

fn buckets(by_le: &BTreeMap<String, f64>) -> Result<(Vec<f64>, Increment), Unfit> {
    let mut pairs = Vec::with_capacity(by_le.len());
    for (le, count) in by_le {
        if le.is_empty() {
            let found =
                "it is neither a classic histogram, with `_bucket` series, nor a native one, for which Prometheus 3 is needed"
                    .to_owned();
            return Err((GapReason::NotACount, found));
        }
        let bound: f64 = le
            .parse()
            .ok()
            .filter(|bound: &f64| !bound.is_nan())
            .ok_or_else(|| (GapReason::NotACount, format!("a bucket has the bound le={le:?}")))?;
        pairs.push((bound, whole(*count)?));
    }
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (bounds, counts): (Vec<f64>, Vec<u64>) = pairs.into_iter().unzip();
    if let Some(twice) = bounds.windows(2).find(|pair| pair[0] == pair[1]) {
        let found = format!("the bound {} is written in two ways", twice[0]);
        return Err((GapReason::Duplicate, found));
    }
    if bounds.last() != Some(&f64::INFINITY) {
        return Err((GapReason::NoInfBucket, "there is no bucket le=\"+Inf\"".to_owned()));
    }
    Ok((bounds, sound(Increment::Buckets(counts))?))
}

pub(super) fn whole(value: f64) -> Result<u64, Unfit> {
    let rounded = value.round();
    let good = (0.0..EXACT).contains(&rounded) && (value - rounded).abs() <= GRAIN;
    if good {
        Ok(rounded as u64)
    } else {
        Err((GapReason::NotACount, format!("{value} is not a whole count")))
    }
}
