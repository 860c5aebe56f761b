//! Valid settings, every default filled in. Paths are absolute; times are durations.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use secrecy::SecretString;

pub use crate::explain::Language;
use crate::{
    policy::Mode,
    words::{ChannelName, Retention},
};

/// The controller's settings.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How far lastgood may go in any service; the more cautious of this and the policy's mode wins.
    pub mode: Mode,
    /// The language of alerts.
    pub language: Language,
    /// Policy files and directories of them.
    pub policies: Vec<PathBuf>,
    /// Where the metrics are.
    pub prometheus: PrometheusSettings,
    /// Where the history is kept.
    pub store: StoreSettings,
    /// The cluster, where the store or a target is in one.
    pub kubernetes: KubernetesSettings,
    /// The registries of images that may be asked, by host and port as images name them.
    pub registries: BTreeMap<String, RegistrySettings>,
    /// Where lastgood listens.
    pub server: ServerSettings,
    /// Budgets over all services.
    pub limits: LimitsSettings,
    /// How much of the past is kept.
    pub retention: Retention,
    /// How much a release may be that is deployed.
    pub deploy: DeploySettings,
    /// Where the audit is written beside the store.
    pub audit: AuditSettings,
    /// Where alerts go, by the name that policies use.
    pub channels: BTreeMap<ChannelName, ChannelSettings>,
}

/// How Prometheus is reached.
#[derive(Debug, Clone)]
pub struct PrometheusSettings {
    /// Base URL, http or https, without credentials.
    pub url: String,
    /// The deadline of one query (default 10 s).
    pub timeout: Duration,
    /// Headers that every query carries; values are secret.
    pub headers: BTreeMap<String, SecretString>,
    /// A file that holds a bearer token; never together with `basic_auth`.
    pub bearer_token_file: Option<PathBuf>,
    /// User and password.
    pub basic_auth: Option<BasicAuth>,
    /// Certificate authorities to trust instead of the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate, PEM; together with `key_file`.
    pub cert_file: Option<PathBuf>,
    /// Its key, PEM.
    pub key_file: Option<PathBuf>,
    /// A proxy, http or https; never taken from the environment's `http_proxy`.
    pub proxy: Option<String>,
    /// How late samples arrive beyond a scrape's own duration (remote storage; default none).
    pub lag: Duration,
}

/// HTTP basic authentication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasicAuth {
    /// The user's name.
    pub user: String,
    /// A file that holds the password.
    pub password_file: PathBuf,
}

/// Where the history is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreSettings {
    /// In a SQLite file, at this path.
    Sqlite(PathBuf),
    /// In the cluster, as objects beside their workloads.
    Kubernetes,
}

/// The cluster, and what of it lastgood minds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KubernetesSettings {
    /// A kubeconfig; none: the pod's own service account, else what kubectl would read.
    pub kubeconfig: Option<PathBuf>,
    /// A context of the kubeconfig; none: its current one.
    pub context: Option<String>,
    /// The namespaces that policies may name; empty: any. Histories are read in them, and in lastgood's own.
    pub namespaces: Vec<String>,
    /// Annotations of pod templates that make no version: dates of deployments and the like.
    pub ignore_annotations: Vec<String>,
    /// The lease under which one of several controllers acts; none: there is one controller alone.
    pub lease: Option<LeaseSettings>,
}

/// A lease of `coordination.k8s.io`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseSettings {
    /// Its namespace; none: the pod's, else that of the kubeconfig's context.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

/// How a registry of images is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegistrySettings {
    /// Plain HTTP in place of HTTPS.
    pub plain_http: bool,
    /// User and password; never together with `token_file`.
    pub basic_auth: Option<BasicAuth>,
    /// A file that holds a bearer token.
    pub token_file: Option<PathBuf>,
    /// Certificate authorities to trust instead of the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// A proxy, http or https; never taken from the environment.
    pub proxy: Option<String>,
}

/// Where lastgood listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSettings {
    /// Metrics and health over HTTP; a loopback address in this version.
    pub listen: SocketAddr,
    /// The Unix socket for people's commands.
    pub socket: PathBuf,
}

/// Budgets over all services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitsSettings {
    /// Reverts of all services together within any hour; at least 1.
    pub reverts_per_hour: u32,
    /// So many services bad at once are an incident, not a release; at least 2.
    pub freeze_at: u32,
}

/// How much a release may be, so that nothing that is unpacked fills a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeploySettings {
    /// Bytes of a download, and of all that is unpacked (default 4 GiB).
    pub max_bytes: u64,
    /// Files, directories and links (default 100,000).
    pub max_entries: u64,
    /// Unpacked bytes for each packed one (default 100).
    pub max_ratio: u64,
}

/// Where the audit is written, a line of JSON an entry, beside the store and lastgood's own log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditSettings {
    /// A file that lines are appended to.
    pub file: Option<PathBuf>,
    /// The socket of the local syslog.
    pub syslog: Option<PathBuf>,
    /// The journal of systemd, with the keys of an entry as its fields.
    pub journald: bool,
}

/// One channel for alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelSettings {
    /// A Slack incoming webhook.
    Slack {
        /// A file that holds the webhook's URL, which is a secret.
        webhook_file: PathBuf,
    },
    /// A generic webhook.
    Webhook {
        /// Where it is posted to.
        url: String,
        /// A file that holds the signing secret; without it nothing is signed.
        secret_file: Option<PathBuf>,
    },
    /// lastgood's own log.
    Log,
}
