//! The policy file as it is written: the wire format, its JSON Schema and its known keys, all from these structs.
//!
//! One shape per key, no flattening and no untagged unions, so that a structural CRD can come from the same types. Doc comments are
//! what an editor shows. Nothing is required here: what is missing or contradicts itself is found by `resolve`, all at once.

mod metric;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) use metric::{AtLeastFile, HarmfulFile, MetricFile, RatioFile, TolerateFile};

use super::{
    given::Given,
    model::{Compare, Mode, OnInconclusive, OnRegression, RevertTo, Startup},
    quantity::{Share, Time},
    target::ActivateBy,
};

/// A policy: what lastgood may do for one service in one environment.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Policy", extend("required" = ["apiVersion", "kind", "metadata", "spec"]))]
pub(super) struct PolicyFile {
    /// The version of this format.
    #[serde(rename = "apiVersion", skip_serializing_if = "Given::is_absent")]
    pub api_version: Given<ApiVersion>,
    /// What this document is.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub kind: Given<Kind>,
    /// Names the service.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub metadata: Given<MetadataFile>,
    /// The policy itself. All but `target` and one metric has a default.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub spec: Given<SpecFile>,
}

/// The version of the format.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub(super) enum ApiVersion {
    /// The first and only version.
    #[serde(rename = "lastgood.dev/v1")]
    V1,
}

/// The kind of the document.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub(super) enum Kind {
    /// A policy.
    Policy,
}

/// Names the service.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Metadata", extend("required" = ["name"]))]
pub(super) struct MetadataFile {
    /// The service's name: 1 to 63 of a-z, 0-9, `-` and `.`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub name: Given<String>,
}

/// The policy itself.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[schemars(rename = "Spec", extend("required" = ["target", "metrics"]))]
pub(super) struct SpecFile {
    /// The environment. Default `prod`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub env: Given<String>,
    /// How far lastgood may go by itself; the more cautious of this and its own settings wins. Default `enforce`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub mode: Given<Mode>,
    /// What is guarded.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub target: Given<TargetFile>,
    /// What tells the two versions apart in the metrics. Default: `{by: pod}` on Kubernetes, `{by: time}` on a host.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub arms: Given<ArmsFile>,
    /// How long and how often a rollout is judged.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub watch: Given<WatchFile>,
    /// What the new version is compared with. Default `auto`: whatever there is; on a host before/after.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub compare: Given<Compare>,
    /// Which mistakes are allowed.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub risk: Given<RiskFile>,
    /// What is judged: at least one metric, names unique.
    #[serde(skip_serializing_if = "Given::is_absent")]
    #[schemars(extend("minItems" = 1))]
    pub metrics: Given<Vec<Given<MetricFile>>>,
    /// Never convict on less than this.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub at_least: Given<AtLeastFile>,
    /// What a regression leads to. Default `revert`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub on_regression: Given<OnRegression>,
    /// What a watch that ended without a verdict leads to. Default `prove`, and it is said what is excluded.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub on_inconclusive: Given<OnInconclusive>,
    /// What data that are not fit to judge lead to. Only `alert`: missing data never revert.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub on_blind: Given<OnBlind>,
    /// How to go back.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub revert: Given<RevertFile>,
    /// Budgets of this service.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub limits: Given<LimitsFile>,
    /// What becomes of a release whose pods never start to serve (an image that does not exist, a crash loop, never ready), on Kubernetes:
    /// no metrics are needed for that. Default `judge`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub startup: Given<Startup>,
    /// What a release must have behind it. Default: nothing.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub require: Given<RequireFile>,
    /// What follows the newest proven version, and goes back where its proof is withdrawn. Default: nothing.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub on_proven: Given<OnProvenFile>,
    /// Who is told what: names of channels from lastgood's settings.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub notify: Given<NotifyFile>,
}

/// What blindness leads to.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub(super) enum OnBlind {
    /// Wait until the end of the watch, then tell people.
    Alert,
}

/// What is guarded: exactly one of these.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Target", extend("minProperties" = 1, "maxProperties" = 1))]
pub(super) struct TargetFile {
    /// A service on a plain host: release directories, a symlink, a unit or a command.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub host: Given<HostFile>,
    /// A workload of Kubernetes as it is: a Deployment, StatefulSet or DaemonSet.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub kubernetes: Given<KubernetesFile>,
}

/// A service on a plain host.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Host", extend("required" = ["releases", "current", "activate"]))]
pub(super) struct HostFile {
    /// The directory that holds one directory a version: `/opt/myapp/releases`. Absolute.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub releases: Given<String>,
    /// The symlink to the version that runs: `/opt/myapp/current`. Absolute, outside `releases`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub current: Given<String>,
    /// How the running process takes up what `current` points to: `unit` and `by`, or `command` and `timeout`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub activate: Given<ActivateFile>,
}

/// How a moved `current` takes effect: `unit` and `by`, or `command` and `timeout`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Activate")]
pub(super) struct ActivateFile {
    /// The systemd unit: `myapp.service`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub unit: Given<String>,
    /// What is asked of the unit.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub by: Given<ActivateBy>,
    /// Where there is no systemd: the program and its arguments, one a list item, no shell. It runs in the parent directory of
    /// `current` with LASTGOOD_SERVICE, LASTGOOD_FROM, LASTGOOD_TO and LASTGOOD_RELEASE.
    #[serde(skip_serializing_if = "Given::is_absent")]
    #[schemars(extend("minItems" = 1))]
    pub command: Given<Vec<Given<String>>>,
    /// The command is ended after this long. Default `60s`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub timeout: Given<Time>,
}

/// A workload of Kubernetes: its namespace, and exactly one of `deployment`, `statefulSet`, `daemonSet`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[schemars(rename = "Kubernetes", extend("required" = ["namespace"]))]
pub(super) struct KubernetesFile {
    /// The namespace.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub namespace: Given<String>,
    /// The Deployment's name.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub deployment: Given<String>,
    /// The StatefulSet's name.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub stateful_set: Given<String>,
    /// The DaemonSet's name.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub daemon_set: Given<String>,
    /// Which container's tag is shown as the version. Default: that of the only image that changed, else of the first container.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub container: Given<String>,
}

/// What tells the two versions apart in the metrics.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[schemars(rename = "Arms")]
pub(super) struct ArmsFile {
    /// Default: `pod` on Kubernetes, `time` on a host.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub by: Given<ArmsBy>,
    /// The one `instance` label to count, where several hosts answer the query. Default: the only one there is.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub instance: Given<String>,
    /// The label of the metrics that names the pod. Default `pod`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub pod_label: Given<String>,
    /// The label of the metrics that names the pod's namespace. Default `namespace`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub namespace_label: Given<String>,
}

/// What tells the two versions apart.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub(super) enum ArmsBy {
    /// By the pods that run each: Kubernetes.
    Pod,
    /// Before and after the switch: hosts.
    Time,
}

/// How long and how often a rollout is judged.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[schemars(rename = "Watch")]
pub(super) struct WatchFile {
    /// How long a new version is judged, 10s to 7d. Default `2h`.
    #[serde(skip_serializing_if = "Given::is_absent", rename = "for")]
    pub length: Given<Time>,
    /// Healthy for this long is proven; at most `for`. Default: the smaller of `30m` and `for`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub prove_after: Given<Time>,
    /// How often counts are taken, 1s to 5m. Default `auto`: the scrape interval, learnt.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub step: Given<String>,
    /// The share of the pods at which a rolling update is held while it is judged: `25%`. Deployments and StatefulSets only. Default `none`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub hold: Given<String>,
    /// How long it is held without a verdict, 10s to `for`; then it goes on. Default: the smaller of `5m` and `for`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub hold_max: Given<Time>,
}

/// Which mistakes are allowed, as probabilities over a whole watch; above 0 %, at most 50 %.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[schemars(rename = "Risk")]
pub(super) struct RiskFile {
    /// A harmless release is reverted at most this often. Default `1%`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub false_revert: Given<Share>,
    /// A harmful release passes at most this often. Default `5%`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub missed_regression: Given<Share>,
}

/// How to go back.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[schemars(rename = "Revert")]
pub(super) struct RevertFile {
    /// Which standing is good enough to go back to. Default `passed`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub to: Given<RevertTo>,
    /// How long it is watched afterwards whether the revert helped. Default `5m`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub verify_for: Given<Time>,
    /// Nothing that last ran longer ago is gone back to. Default `90d`.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub max_age: Given<Time>,
    /// Nothing before this version is gone back to: the one that closed a hole, say. Default: none.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub min_version: Given<String>,
}

/// Budgets of this service.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[schemars(rename = "Limits")]
pub(super) struct LimitsFile {
    /// Reverts within any hour, at least 1. Default 1.
    #[serde(skip_serializing_if = "Given::is_absent")]
    #[schemars(extend("minimum" = 1))]
    pub reverts_per_hour: Given<u32>,
}

/// What a release must have behind it; a release without it is told, and judged as any other.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[schemars(rename = "Require")]
pub(super) struct RequireFile {
    /// The environment in which the same service must have proven a version of this name before. Default: none.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub proven_in: Given<String>,
}

/// What follows the newest proven version, with `mode: enforce`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[schemars(rename = "OnProven")]
pub(super) struct OnProvenFile {
    /// A tag in the registry: `stable`. It is moved to the digest that was proven, in the repository of the image; the registry must be in
    /// lastgood's settings. On a host the release's manifest names the image. Default: none.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub tag_image: Given<String>,
    /// A symlink beside `current`, on a host: `stable`. Default: none.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub link: Given<String>,
}

/// Who is told what: lists of channels, which lastgood's settings define. Default: nobody but the log.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[schemars(rename = "Notify")]
pub(super) struct NotifyFile {
    /// For whatever needs a person and has no list of its own below.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub default: Given<Vec<Given<String>>>,
    /// The last good version was put back, or a person is asked whether it shall be; and what came of it.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub revert: Given<Vec<Given<String>>>,
    /// A revert was wanted and a guard refused.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub refused: Given<Vec<Given<String>>>,
    /// The data were not fit to judge.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub blind: Given<Vec<Given<String>>>,
    /// Watched to the end without a verdict.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub inconclusive: Given<Vec<Given<String>>>,
    /// A version was proven. `default` does not receive it.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub proven: Given<Vec<Given<String>>>,
    /// A revert did not help, failed or is stuck.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub failed: Given<Vec<Given<String>>>,
    /// A quarantined version was shipped again.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub contested: Given<Vec<Given<String>>>,
    /// Something changed late, with nothing beside it to compare with.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub late: Given<Vec<Given<String>>>,
    /// A release came without what `require` demands.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub skipped: Given<Vec<Given<String>>>,
    /// On Kubernetes, pods of a release cannot start, and that is the cluster's fault; or can again.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub cluster_fault: Given<Vec<Given<String>>>,
    /// A rolling update could not be held, or goes on though nothing was found out in time.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub hold: Given<Vec<Given<String>>>,
    /// lastgood could not act if it had to, or could not move what `onProven` wants moved.
    #[serde(skip_serializing_if = "Given::is_absent")]
    pub not_ready: Given<Vec<Given<String>>>,
}
