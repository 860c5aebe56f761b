//! Metrics to judge by: a ratio, a latency and a value, with the defaults of a policy.

use std::time::Duration;

use lastgood::policy::{Harmful, HistogramMetric, Metric, MetricKind, OnRegression, RatioMetric, Tolerate, ValueMetric};

/// A ratio metric with `harmful: 2x`.
pub fn ratio(name: &str, times: f64, floor: f64) -> Metric {
    Metric {
        name: name.to_owned(),
        kind: MetricKind::Ratio(RatioMetric {
            bad: "bad_total".to_owned(),
            total: "all_total".to_owned(),
            tolerate: Tolerate { times, floor },
            harmful: Harmful { times: 2.0 },
            objective: None,
        }),
        on_regression: OnRegression::Revert,
    }
}

/// The metric `latency`.
pub fn latency() -> Metric {
    Metric {
        name: "latency".to_owned(),
        kind: MetricKind::Histogram(HistogramMetric {
            selector: "duration_seconds".to_owned(),
            quantiles: vec![0.5, 0.9, 0.99, 0.999],
            tolerate_slower: 0.2,
            tolerate_floor: Duration::from_millis(5),
            harmful_slower: 1.0,
            warmup: Duration::from_secs(60),
        }),
        on_regression: OnRegression::Revert,
    }
}

/// The metric `memory`, 30 % more being tolerated, without a warm-up; it only alerts.
pub fn memory() -> Metric {
    Metric {
        name: "memory".to_owned(),
        kind: MetricKind::Value(ValueMetric {
            query: "resident_bytes".to_owned(),
            tolerate_more: 0.3,
            threshold: None,
            warmup: Duration::ZERO,
        }),
        on_regression: OnRegression::Alert,
    }
}
