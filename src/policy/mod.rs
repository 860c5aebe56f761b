//! Policies: what a service's owner allows. A [`Policy`] is the proof that its file was valid; later rooms never check again.
//!
//! May touch: `words`. Deliberately absent: files, network, clocks; reading a file is `settings`' and `app`'s work.

mod model;

pub use model::{
    Activate, ActivateBy, Arms, Compare, Harmful, HistogramMetric, HostTarget, Limits, Metric, MetricKind, Mode, Notify,
    NotifyOn, OnInconclusive, OnRegression, Policy, RatioMetric, RevertPolicy, RevertTo, Risk, StepSetting, Target, Tolerate,
    Watch,
};
