//! Metrics as they are written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::{
    given::Given,
    model::OnRegression,
    quantity::{Quantity, Share, Time},
};

/// One metric: `ratio` (bad events out of all), `histogram` (latency) or `value` (anything else, such as memory).
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[schemars(rename = "Metric", extend("required" = ["name"]))]
pub(in crate::policy) struct MetricFile {
    /// The metric's name in alerts and explanations, unique in the policy: `errors`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    #[schemars(extend("minLength" = 1, "maxLength" = 63))]
    pub name: Given<String>,
    /// Bad events out of all events.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub ratio: Given<RatioFile>,
    /// The PromQL selector of a histogram of seconds, classic (without `_bucket`) or native: `http_request_duration_seconds{app="myapp"}`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub histogram: Given<String>,
    /// PromQL with one value an instance, which keeps the labels `job` and `instance`: `process_resident_memory_bytes{job="myapp"}`. Above 0
    /// where it is compared with what was before; any with `above` or `below`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub value: Given<String>,
    /// Histograms: the quantiles that are judged, ascending, between 0 % and 100 %. Default `[50%, 90%, 99%, 99.9%]`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    #[schemars(extend("minItems" = 1))]
    pub quantiles: Given<Vec<Given<Share>>>,
    /// What nobody minds. Ratios: `times` and `floor`; histograms: `slower` and `floor`; values: `more`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub tolerate: Given<TolerateFile>,
    /// The smallest change that is harm. Ratios: `times`; histograms: `slower`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub harmful: Given<HarmfulFile>,
    /// Ratios: the share of good events that is promised, `99.5%`. The metric is judged against it alone, without what ran before.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub objective: Given<Share>,
    /// Values: a bound that is judged alone, without what ran before: above it for as long as `for` says is a regression.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub above: Given<f64>,
    /// The same the other way: below it.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub below: Given<f64>,
    /// Values with `above` or `below`: so long a pod must have been beyond it without a break, at most 1h and the watch. Default `5m`.
    #[serde(skip_serializing_if = "Given::is_absent", rename = "for")]
    pub held_for: Given<Time>,
    /// Histograms and values: the first time of a new process that does not count. Default `60s`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub warmup: Given<Time>,
    /// Whether a regression of this metric may revert or only warn. Default: the policy's own `onRegression`, of values `alert`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub on_regression: Given<OnRegression>,
}

/// Bad events out of all events, each a PromQL selector of counters, without `rate()`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Ratio", extend("required" = ["bad", "total"]))]
pub(in crate::policy) struct RatioFile {
    /// Counters of bad events: `http_requests_total{app="myapp",code=~"5.."}`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub bad: Given<String>,
    /// Counters of all events, the bad ones among them: `http_requests_total{app="myapp"}`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub total: Given<String>,
}

/// What nobody minds.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Tolerate")]
pub(in crate::policy) struct TolerateFile {
    /// Ratios: so many times the bad rate of before, at least 1. Default 1.25.
    #[serde(skip_serializing_if = "Given::is_absent")]
    #[schemars(extend("minimum" = 1))]
    pub times: Given<f64>,
    /// Histograms: this much slower is fine. Default `20%`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub slower: Given<Share>,
    /// Values: this much more than before is fine. Default `30%`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub more: Given<Share>,
    /// Ratios: a bad share that nobody minds, default `0.1%`; `0%` is no floor. Histograms: times below it do not matter, default
    /// `5ms`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub floor: Given<Quantity>,
}

/// The smallest change that is harm.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Harmful")]
pub(in crate::policy) struct HarmfulFile {
    /// Ratios: so many times the bad rate of before; above `tolerate.times`. Default 2.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub times: Given<f64>,
    /// Histograms: this much slower; above `tolerate.slower`. Default `100%`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub slower: Given<Share>,
}

/// Never convict on less than this.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "AtLeast")]
pub(in crate::policy) struct AtLeastFile {
    /// Bad events of the new version, at least 1. Default 5.
    #[serde(skip_serializing_if = "Given::is_absent")]
    #[schemars(extend("minimum" = 1))]
    pub bad: Given<u64>,
}
