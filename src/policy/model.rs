//! The valid policy, every default filled in (product.md, Policy). Shares are fractions (1 % is 0.01), times are durations.

use std::{collections::BTreeMap, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Arms, OnProven, Target, Threshold};
use crate::words::{ChannelName, Env, Fingerprint, Service, TargetKey, VersionName};

/// A valid policy for one service in one environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// `metadata.name`.
    pub service: Service,
    /// `spec.env`.
    pub env: Env,
    /// `spec.mode`.
    pub mode: Mode,
    /// `spec.target`.
    pub target: Target,
    /// `spec.arms`.
    pub arms: Arms,
    /// `spec.watch`.
    pub watch: Watch,
    /// `spec.compare`; on a host `auto` means before/after.
    pub compare: Compare,
    /// `spec.risk`.
    pub risk: Risk,
    /// `spec.metrics`, at least one, names unique.
    pub metrics: Vec<Metric>,
    /// `spec.atLeast.bad`: never convict on fewer bad events of the candidate.
    pub at_least_bad: u64,
    /// `spec.onRegression`.
    pub on_regression: OnRegression,
    /// `spec.onInconclusive`.
    pub on_inconclusive: OnInconclusive,
    /// `spec.revert`.
    pub revert: RevertPolicy,
    /// `spec.limits`.
    pub limits: Limits,
    /// `spec.startup`.
    #[serde(default, skip_serializing_if = "Startup::is_default")]
    pub startup: Startup,
    /// `spec.require`.
    #[serde(default, skip_serializing_if = "Require::is_nothing")]
    pub require: Require,
    /// `spec.onProven`.
    #[serde(default, skip_serializing_if = "OnProven::is_nothing")]
    pub on_proven: OnProven,
    /// `spec.notify`.
    pub notify: Notify,
    /// SHA-256 of the canonical form of all of the above: the policy that a rollout is pinned to.
    pub hash: Fingerprint,
}

impl Policy {
    /// The key of the history that this policy's target has.
    #[must_use]
    pub fn key(&self) -> TargetKey {
        TargetKey {
            env: self.env.clone(),
            service: self.service.clone(),
        }
    }
}

/// What becomes of a release whose pods never start to serve: no metrics are needed for that (kubernetes.md, Guilt without metrics).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Startup {
    /// It is convicted.
    #[default]
    Judge,
    /// People are told.
    Alert,
}

impl Startup {
    /// Whether it is what a policy has that does not say.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How far lastgood may go by itself; ordered from cautious to bold, so the lesser of two is the more cautious.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Judge and alert only.
    Observe,
    /// Ask a person and wait for `lastgood approve`.
    Propose,
    /// Revert.
    Enforce,
}

/// The time a rollout is judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Watch {
    /// `for` (default 2 h).
    #[serde(rename = "for", with = "crate::words::seconds")]
    pub length: Duration,
    /// `proveAfter` (default the smaller of 30 m and `for`).
    #[serde(with = "crate::words::seconds")]
    pub prove_after: Duration,
    /// `step` (default auto).
    pub step: StepSetting,
    /// `hold` and `holdMax` (default none).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldPolicy>,
}

/// How a rolling update is held part-way while it is judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct HoldPolicy {
    /// The share of the pods that the new version gets, as a fraction.
    pub share: f64,
    /// How long it is held without a verdict (default 5 m, at most `for`).
    #[serde(with = "crate::words::seconds")]
    pub max: Duration,
}

impl HoldPolicy {
    /// The share of `of` pods, rounded down; one at least.
    #[must_use]
    pub fn pods(self, of: u32) -> u32 {
        // The smallest numbers above keep 30 % of 10 from being 2. Between 0 and `of`, so nothing is cut off.
        let pods = (f64::from(of) * self.share.clamp(0.0, 1.0) + 1e-9).floor();
        (pods as u32).clamp(1, of.max(1))
    }
}

/// How often counts are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepSetting {
    /// The scrape interval, learnt.
    Auto,
    /// Fixed by the policy.
    Every(#[serde(with = "crate::words::seconds")] Duration),
}

/// What the candidate is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Compare {
    /// Whatever there is: beside it while both serve, then before/after.
    Auto,
    /// Only what runs beside it.
    Concurrent,
    /// Only the last good version's own last hour.
    BeforeAfter,
}

/// What mistakes are allowed, as probabilities over a whole watch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Risk {
    /// alpha: a harmless release is reverted at most this often (default 0.01).
    pub false_revert: f64,
    /// beta: a harmful release passes at most this often (default 0.05).
    pub missed_regression: f64,
}

/// One metric of the policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Its name, unique in the policy.
    pub name: String,
    /// What it counts.
    pub kind: MetricKind,
    /// Whether a regression of this metric may revert or only warn.
    pub on_regression: OnRegression,
}

/// What a metric counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// Bad events out of all events.
    Ratio(RatioMetric),
    /// A histogram of seconds, classic or native.
    Histogram(HistogramMetric),
    /// A value that is no count.
    Value(ValueMetric),
}

impl MetricKind {
    /// A process's first time that does not count; errors count from the first second.
    #[must_use]
    pub const fn warmup(&self) -> Duration {
        match self {
            Self::Ratio(_) => Duration::ZERO,
            Self::Histogram(histogram) => histogram.warmup,
            Self::Value(value) => value.warmup,
        }
    }
}

/// Bad events out of all events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RatioMetric {
    /// PromQL instant vector of cumulative counters of bad events.
    pub bad: String,
    /// PromQL instant vector of cumulative counters of all events.
    pub total: String,
    /// What is tolerated.
    pub tolerate: Tolerate,
    /// The smallest change that is harm.
    pub harmful: Harmful,
    /// The share of good events that is promised, as a fraction: judged against it alone, nothing is tolerated beyond it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective: Option<f64>,
}

/// Tolerance of a ratio metric.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tolerate {
    /// Times the baseline's rate (default 1.25; at least 1).
    pub times: f64,
    /// A bad rate that nobody minds, as a fraction (default 0.001); 0: none.
    pub floor: f64,
}

/// The smallest change of a ratio metric that is harm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Harmful {
    /// Times the baseline's rate (default 2; above the tolerance).
    pub times: f64,
}

/// A histogram of durations in seconds, classic or native; which one, Prometheus's answer says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistogramMetric {
    /// The family's selector without `_bucket`: `http_request_duration_seconds{app="myapp"}`.
    pub selector: String,
    /// Quantiles of the baseline whose bounds are judged, as fractions, ascending.
    pub quantiles: Vec<f64>,
    /// `tolerate.slower` as a fraction (default 0.2): this much slower is fine.
    pub tolerate_slower: f64,
    /// `tolerate.floor` (default 5 ms): bounds below it are left out.
    #[serde(with = "crate::words::seconds")]
    pub tolerate_floor: Duration,
    /// `harmful.slower` as a fraction (default 1): from here on it is harm.
    pub harmful_slower: f64,
    /// A pod's first time that does not count (default 60 s).
    #[serde(with = "crate::words::seconds")]
    pub warmup: Duration,
}

/// A value that is no count: memory, the length of a queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValueMetric {
    /// PromQL instant vector with one value an instance, with the labels `job` and `instance`.
    pub query: String,
    /// `tolerate.more` as a fraction (default 0.3): this much more is fine.
    pub tolerate_more: f64,
    /// The bound that it is judged by alone, without what was before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<Threshold>,
    /// A process's first time that does not count (default 60 s).
    #[serde(with = "crate::words::seconds")]
    pub warmup: Duration,
}

/// What a regression leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnRegression {
    /// Put the last good version back.
    Revert,
    /// Tell people.
    Alert,
}

/// What a watch without a verdict leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnInconclusive {
    /// Proven, with what is excluded as its basis.
    Prove,
    /// Unproven.
    Keep,
    /// Put the last good version back.
    Revert,
}

/// How to go back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevertPolicy {
    /// Which standing is good enough (default passed).
    pub to: RevertTo,
    /// How long the service is watched afterwards (default 5 m).
    #[serde(with = "crate::words::seconds")]
    pub verify_for: Duration,
    /// Nothing that last ran longer ago is gone back to (default 90 d).
    #[serde(with = "crate::words::seconds")]
    pub max_age: Duration,
    /// Nothing before this version is gone back to, by the order of names; none: no matter how old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_version: Option<VersionName>,
}

/// Which standing is good enough to go back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RevertTo {
    /// Proven or passed, else assumed.
    Passed,
    /// Proven, else assumed.
    Proven,
}

/// Budgets of one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Reverts within any hour (default 1; at least 1).
    pub reverts_per_hour: u32,
}

/// What a release must have behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Require {
    /// The environment in which a version of its name must be proven; never the policy's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven_in: Option<Env>,
}

impl Require {
    /// Whether nothing is demanded. Such a policy has the hash that it had before there was anything to demand.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.proven_in.is_none()
    }
}

/// Who is told what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notify {
    /// The channels for whatever `by` does not name and a person is needed for.
    pub default: Vec<ChannelName>,
    /// Channels by what happened.
    pub by: BTreeMap<NotifyOn, Vec<ChannelName>>,
}

/// What can be told; the keys of `notify` beside `default`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NotifyOn {
    /// The last good version was put back, or a person is asked whether it shall be; and what came of it.
    Revert,
    /// A revert was wanted and a guard refused.
    Refused,
    /// The data were not fit to judge.
    Blind,
    /// Watched to the end without a verdict.
    Inconclusive,
    /// A version was proven. Not told by default.
    Proven,
    /// A revert did not help, failed or is stuck.
    Failed,
    /// A quarantined version was shipped again.
    Contested,
    /// Something changed late, with nothing beside it to compare with.
    Late,
    /// A release came without what `require` demands.
    Skipped,
    /// On Kubernetes, pods of a release cannot start, and that is the cluster's fault; or can again.
    ClusterFault,
    /// A rolling update could not be held, or goes on though nothing was found out in time.
    Hold,
    /// lastgood could not act if it had to, or could not move what follows the newest proof.
    NotReady,
}

impl NotifyOn {
    /// Whether `notify.default` receives it where the policy does not name it.
    #[must_use]
    pub const fn needs_a_person(self) -> bool {
        !matches!(self, Self::Proven)
    }
}

impl Notify {
    /// The channels that are told of `what`.
    #[must_use]
    pub fn channels(&self, what: NotifyOn) -> &[ChannelName] {
        match self.by.get(&what) {
            Some(channels) => channels,
            None if what.needs_a_person() => &self.default,
            None => &[],
        }
    }
}
