//! Values that are no counts: which keys go with them.

use std::time::Duration;

use super::{
    MINUTE,
    metrics::{checked, foreign},
    time,
};
use crate::policy::{MetricKind, ValueMetric, error::Faults, file::MetricFile, promql};

pub(super) fn value(file: &MetricFile, faults: &Faults) -> Option<MetricKind> {
    let tolerate = file.tolerate.value.clone().unwrap_or_default();
    const MORE: &str = "a value has `tolerate: {more: …}`";
    foreign(&tolerate.times, "ratios", MORE, faults);
    foreign(&tolerate.slower, "histograms", MORE, faults);
    foreign(&tolerate.floor, "ratios and histograms", MORE, faults);
    foreign(&file.harmful, "ratios and histograms", "leave it out", faults);
    foreign(&file.quantiles, "histograms", "leave it out", faults);
    foreign(&file.objective, "ratios", "leave it out", faults);
    let warmup = time(&file.warmup, MINUTE, Duration::ZERO, 60 * MINUTE, faults);
    Some(MetricKind::Value(ValueMetric {
        query: checked(&file.value, promql::value, faults)?,
        tolerate_more: tolerate.more.value.map_or(0.3, |share| share.0),
        warmup,
    }))
}
