//! Values that are no counts: which keys go with them.

use std::time::Duration;

use super::{
    MINUTE,
    metrics::{checked, foreign},
    time,
};
use crate::policy::{MetricKind, Side, Threshold, ValueMetric, error::Faults, file::MetricFile, promql};

/// A value in a policy with a watch of this length.
pub(super) fn value(file: &MetricFile, watch: Duration, faults: &Faults) -> Option<MetricKind> {
    let tolerate = file.tolerate.value.clone().unwrap_or_default();
    const MORE: &str = "a value has `tolerate: {more: …}`";
    foreign(&tolerate.times, "ratios", MORE, faults);
    foreign(&tolerate.slower, "histograms", MORE, faults);
    foreign(&tolerate.floor, "ratios and histograms", MORE, faults);
    foreign(&file.harmful, "ratios and histograms", "leave it out", faults);
    foreign(&file.quantiles, "histograms", "leave it out", faults);
    foreign(&file.objective, "ratios", "leave it out", faults);
    let warmup = time(&file.warmup, MINUTE, Duration::ZERO, 60 * MINUTE, faults);
    let threshold = threshold(file, watch, faults);
    Some(MetricKind::Value(ValueMetric {
        query: checked(&file.value, promql::value, faults)?,
        tolerate_more: tolerate.more.value.map_or(0.3, |share| share.0),
        threshold,
        warmup,
    }))
}

/// A fault where a key was written that only values have.
pub(super) fn of_values_alone(file: &MetricFile, faults: &Faults) {
    foreign(&file.above, "values", "leave it out", faults);
    foreign(&file.below, "values", "leave it out", faults);
    foreign(&file.held_for, "values", "leave it out", faults);
}

/// What is to hold for longer than the watch would never be judged.
fn threshold(file: &MetricFile, watch: Duration, faults: &Faults) -> Option<Threshold> {
    let (side, given) = match (file.above.is_written(), file.below.is_written()) {
        (true, true) => {
            let help = "write one of them; another metric can have the other";
            faults.add(file.below.fault("`above` and `below` at once", help));
            return None;
        }
        (true, false) => (Side::Above, &file.above),
        (false, true) => (Side::Below, &file.below),
        (false, false) => {
            let help = "write `above: 0.9` or `below: 10` beside it, or leave it out";
            if file.held_for.is_written() {
                faults.add(file.held_for.fault("no bound that is to hold for so long", help));
            }
            return None;
        }
    };
    if file.tolerate.is_written() {
        let help = "leave out `tolerate`: the value is judged against its bound alone";
        faults.add(file.tolerate.fault("a bound tolerates nothing beyond itself", help));
    }
    let held_for = time(
        &file.held_for,
        watch.min(5 * MINUTE),
        Duration::ZERO,
        watch.min(60 * MINUTE),
        faults,
    );
    Some(Threshold {
        side,
        value: given.value?,
        held_for,
    })
}
