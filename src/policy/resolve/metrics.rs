//! Metrics: which keys go with which kind, tolerances below harm, names unique, quantiles ascending.

use std::time::Duration;

use super::{
    MINUTE, time,
    values::{of_values_alone, value},
};
use crate::policy::{
    Harmful, HistogramMetric, Metric, MetricKind, OnRegression, RatioMetric, Tolerate,
    error::Faults,
    file::{AtLeastFile, HarmfulFile, MetricFile, RatioFile, SpecFile, TolerateFile},
    given::Given,
    nearest::shown,
    promql,
    quantity::{Quantity, QuantityError, Share, Time, duration_text, share_text},
};

const LEAST_METRIC: &str = "write at least one metric: `- name: errors`, with `ratio: {bad: …, total: …}`";

pub(super) fn at_least_bad(given: &Given<AtLeastFile>, faults: &Faults) -> u64 {
    let bad = given.value.clone().unwrap_or_default().bad;
    if bad.value == Some(0) {
        faults.add(bad.fault("0 bad events convict nobody", "write 1 or more; 5 is usual"));
    }
    bad.value.unwrap_or(5)
}

/// All metrics, of a policy with this default and this length of a watch; `None` where one of them is wrong.
pub(super) fn metrics(
    spec_given: &Given<SpecFile>,
    spec: &SpecFile,
    of: (OnRegression, Duration),
    faults: &Faults,
) -> Option<Vec<Metric>> {
    if !spec.metrics.is_written() {
        faults.add(spec_given.lacks("metrics", LEAST_METRIC));
    }
    let list = spec.metrics.as_ref()?;
    if list.is_empty() {
        faults.add(spec.metrics.fault("no metric", LEAST_METRIC));
    }
    unique_names(list, faults);
    let metrics: Vec<Option<Metric>> = list.iter().map(|given| metric(given, of, faults)).collect();
    metrics.into_iter().collect()
}

fn unique_names(list: &[Given<MetricFile>], faults: &Faults) {
    let names: Vec<&Given<String>> = list
        .iter()
        .filter_map(|given| given.as_ref().map(|file| &file.name))
        .collect();
    for (index, name) in names.iter().enumerate() {
        let Some(text) = name.as_ref() else { continue };
        if names[..index].iter().any(|earlier| earlier.as_ref() == Some(text)) {
            faults.add(name.fault(
                format!("a second metric named `{}`", shown(text)),
                "give each metric its own name",
            ));
        }
    }
}

fn metric(given: &Given<MetricFile>, (on_regression, watch): (OnRegression, Duration), faults: &Faults) -> Option<Metric> {
    let file = given.as_ref()?;
    let name = metric_name(given, file, faults);
    let written = [file.ratio.is_written(), file.histogram.is_written(), file.value.is_written()];
    let (kind, default) = match written {
        [true, false, false] => (ratio(file, faults), on_regression),
        [false, true, false] => (histogram(file, faults), on_regression),
        [false, false, true] => (value(file, watch, faults), OnRegression::Alert),
        several => {
            let message = if several.contains(&true) {
                "several kinds of metric at once"
            } else {
                "neither `ratio` nor `histogram` nor `value`"
            };
            faults.add(given.fault(
                message,
                "a metric is `ratio: {bad: …, total: …}`, `histogram: '…'` or `value: '…'`",
            ));
            (None, on_regression)
        }
    };
    Some(Metric {
        name: name?,
        kind: kind?,
        on_regression: file.on_regression.value.unwrap_or(default),
    })
}

fn metric_name(given: &Given<MetricFile>, file: &MetricFile, faults: &Faults) -> Option<String> {
    if !file.name.is_written() {
        faults.add(given.lacks("name", "write the metric's name as alerts shall say it: `name: errors`"));
    }
    let text = file.name.as_ref()?;
    if text.trim().is_empty() || text.trim() != text || text.chars().count() > 63 || text.contains(char::is_control) {
        let message = if text.is_empty() {
            "found empty text".to_owned()
        } else {
            format!("`{}` is no name", shown(text))
        };
        faults.add(file.name.fault(
            message,
            "write 1 to 63 characters on one line, as alerts shall say it: `errors`",
        ));
        return None;
    }
    Some(text.clone())
}

fn ratio(file: &MetricFile, faults: &Faults) -> Option<MetricKind> {
    let tolerate = file.tolerate.value.clone().unwrap_or_default();
    let harmful = file.harmful.value.clone().unwrap_or_default();
    for (slower, key) in [(&tolerate.slower, "tolerate"), (&harmful.slower, "harmful")] {
        foreign(slower, "histograms", &format!("a ratio has `{key}: {{times: …}}`"), faults);
    }
    foreign(&tolerate.more, "values", "a ratio has `tolerate: {times: …}`", faults);
    of_values_alone(file, faults);
    foreign(&file.quantiles, "histograms", "leave it out", faults);
    foreign(
        &file.warmup,
        "histograms",
        "leave it out; errors count from the first second",
        faults,
    );
    let objective = objective(file, faults);
    let (tolerate, harmful) = match objective {
        Some(_) => against_objective(&harmful, faults),
        None => ratio_limits(&tolerate, &harmful, faults),
    };
    let ratio = file.ratio.as_ref()?;
    let bad = counter(&file.ratio, &ratio.bad, "bad", faults);
    let total = counter(&file.ratio, &ratio.total, "total", faults);
    Some(MetricKind::Ratio(RatioMetric {
        bad: bad?,
        total: total?,
        tolerate,
        harmful,
        objective,
    }))
}

/// The share of good events that is promised. One that is faulty is read as a usual one, so that it is one error.
fn objective(file: &MetricFile, faults: &Faults) -> Option<f64> {
    if file.objective.is_written() && file.tolerate.is_written() {
        faults.add(file.tolerate.fault(
            "an objective tolerates nothing beyond itself",
            "leave out `tolerate`: the metric is judged against `objective` alone",
        ));
    }
    let Share(objective) = file.objective.value?;
    if (0.5..1.0).contains(&objective) {
        return Some(objective);
    }
    let message = format!("`{}` is no objective", share_text(objective));
    let help = "write the share that must be good, from `50%` to below `100%`: `99.5%`";
    faults.add(file.objective.fault(message, help));
    Some(0.995)
}

/// Harm is so many times the bad share that the objective allows.
fn against_objective(harmful: &HarmfulFile, faults: &Faults) -> (Tolerate, Harmful) {
    let times = harmful.times.value.unwrap_or(2.0);
    if times <= 1.0 {
        let message = format!("harm from {times} times what the objective allows");
        faults.add(harmful.times.fault(message, "write more than 1; `2` is usual"));
    }
    (Tolerate { times: 1.0, floor: 0.0 }, Harmful { times })
}

/// A fault where a key was written that belongs to the other kind of metric.
pub(super) fn foreign<T>(given: &Given<T>, owner: &str, help: &str, faults: &Faults) {
    if given.is_written() {
        faults.add(given.fault(format!("this belongs to {owner}"), help));
    }
}

fn ratio_limits(tolerate: &TolerateFile, harmful: &HarmfulFile, faults: &Faults) -> (Tolerate, Harmful) {
    let mut times = tolerate.times.value.unwrap_or(1.25);
    if times < 1.0 {
        faults.add(tolerate.times.fault(
            format!("`{times}` would convict versions that are better than before"),
            "write 1 or more: `1.25` tolerates a quarter more",
        ));
        times = 1.25;
    }
    let harm = harmful.times.value.unwrap_or(2.0);
    if harm <= times {
        let (place, other) = if harmful.times.is_written() {
            (&harmful.times, "tolerate")
        } else {
            (&tolerate.times, "harmful")
        };
        let message = format!("harm from {harm} times on, but {times} times is tolerated");
        faults.add(place.fault(
            message,
            format!("`harmful.times` must be above `tolerate.times`; see `{other}.times` too"),
        ));
    }
    let floor = quantity(
        &tolerate.floor,
        Share(0.001),
        "a ratio's floor is a share such as `0.1%`; `0%` is none",
        faults,
    );
    if floor.0 >= 1.0 {
        faults.add(tolerate.floor.fault(
            format!("`{}` would tolerate everything", share_text(floor.0)),
            "write a share below 100 %, such as `0.1%`",
        ));
    }
    (Tolerate { times, floor: floor.0 }, Harmful { times: harm })
}

/// A floor as this kind of metric has it.
fn quantity<T>(given: &Given<Quantity>, default: T, help: &str, faults: &Faults) -> T
where
    T: std::str::FromStr<Err = QuantityError>,
{
    let Some(Quantity(text)) = given.as_ref() else {
        return default;
    };
    text.parse().unwrap_or_else(|error: QuantityError| {
        faults.add(given.fault(format!("found `{}`", error.found), help));
        default
    })
}

fn counter(ratio: &Given<RatioFile>, given: &Given<String>, key: &str, faults: &Faults) -> Option<String> {
    if !given.is_written() {
        faults.add(ratio.lacks(key, "write a selector of counters: `http_requests_total{app=\"myapp\"}`"));
    }
    checked(given, promql::counters, faults)
}

pub(super) fn checked(given: &Given<String>, check: fn(&str) -> Result<(), promql::Slip>, faults: &Faults) -> Option<String> {
    let text = given.as_ref()?;
    match check(text) {
        Ok(()) => Some(text.trim().to_owned()),
        Err(slip) => {
            faults.add(given.fault(slip.message, slip.help));
            None
        }
    }
}

fn histogram(file: &MetricFile, faults: &Faults) -> Option<MetricKind> {
    let tolerate = file.tolerate.value.clone().unwrap_or_default();
    let harmful = file.harmful.value.clone().unwrap_or_default();
    for (times, key) in [(&tolerate.times, "tolerate"), (&harmful.times, "harmful")] {
        foreign(times, "ratios", &format!("a histogram has `{key}: {{slower: …}}`"), faults);
    }
    foreign(&tolerate.more, "values", "a histogram has `tolerate: {slower: …}`", faults);
    of_values_alone(file, faults);
    foreign(&file.objective, "ratios", "leave it out", faults);
    let tolerate_slower = tolerate.slower.value.map_or(0.2, |share| share.0);
    let harmful_slower = harmful.slower.value.map_or(1.0, |share| share.0);
    if harmful_slower <= tolerate_slower {
        let place = if harmful.slower.is_written() {
            &harmful.slower
        } else {
            &tolerate.slower
        };
        let (harm, fine) = (share_text(harmful_slower), share_text(tolerate_slower));
        let message = format!("harm from {harm} slower on, but {fine} slower is tolerated");
        faults.add(place.fault(message, "`harmful.slower` must be above `tolerate.slower`"));
    }
    let floor = Time(Duration::from_millis(5));
    let floor = quantity(
        &tolerate.floor,
        floor,
        "a histogram's floor is a time such as `5ms`; `0s` is none",
        faults,
    );
    if floor.0 > MINUTE {
        let message = format!("`{}` would leave out every latency that matters", duration_text(floor.0));
        faults.add(tolerate.floor.fault(message, "write at most `1m`; `5ms` is usual"));
    }
    let warmup = time(&file.warmup, MINUTE, Duration::ZERO, 60 * MINUTE, faults);
    let quantiles = quantiles(&file.quantiles, faults);
    Some(MetricKind::Histogram(HistogramMetric {
        selector: checked(&file.histogram, promql::histogram, faults)?,
        quantiles,
        tolerate_slower,
        tolerate_floor: floor.0,
        harmful_slower,
        warmup,
    }))
}

fn quantiles(given: &Given<Vec<Given<Share>>>, faults: &Faults) -> Vec<f64> {
    const USUAL: [f64; 4] = [0.5, 0.9, 0.99, 0.999];
    let Some(list) = given.as_ref() else {
        return USUAL.to_vec();
    };
    if list.is_empty() {
        faults.add(given.fault("no quantile", "write `[50%, 90%, 99%, 99.9%]`, or leave the key out"));
    }
    let mut quantiles = Vec::new();
    for item in list {
        let Some(Share(quantile)) = item.value else { continue };
        if quantile <= 0.0 || quantile >= 1.0 {
            let message = format!("`{}` is no quantile", share_text(quantile));
            faults.add(item.fault(message, "write shares above `0%` and below `100%`: `50%` is the median"));
        } else if quantiles.last().is_some_and(|last| quantile <= *last) {
            let message = format!("`{}` is not above the one before it", share_text(quantile));
            faults.add(item.fault(message, "write quantiles in ascending order, each once"));
        } else {
            quantiles.push(quantile);
        }
    }
    quantiles
}
