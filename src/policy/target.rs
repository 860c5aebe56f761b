//! What is guarded, and what tells its versions apart in the metrics.

use std::{path::PathBuf, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is guarded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// A plain host: release directories, a symlink, a unit or a command.
    Host(HostTarget),
    /// A workload of Kubernetes as it is.
    Kubernetes(KubernetesTarget),
}

/// A workload of Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KubernetesTarget {
    /// Its namespace.
    pub namespace: String,
    /// What it is.
    pub kind: WorkloadKind,
    /// Its name.
    pub name: String,
    /// The container whose image's tag a version is called by.
    pub container: Option<String>,
}

/// The kinds of workloads that can be guarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkloadKind {
    /// Its revisions are ReplicaSets.
    Deployment,
    /// Its revisions are ControllerRevisions, its pods keep their names.
    StatefulSet,
    /// Its revisions are ControllerRevisions, one pod a node.
    DaemonSet,
}

impl WorkloadKind {
    /// As kubectl writes it: `deployment`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deployment => "deployment",
            Self::StatefulSet => "statefulset",
            Self::DaemonSet => "daemonset",
        }
    }
}

/// A service on a plain host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostTarget {
    /// The directory that holds one directory a version; absolute.
    pub releases: PathBuf,
    /// The symlink to the version that runs; absolute, outside `releases`.
    pub current: PathBuf,
    /// How the running process takes up what `current` points to.
    pub activate: Activate,
}

/// How a moved `current` takes effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activate {
    /// A systemd unit, over D-Bus.
    Unit {
        /// `myapp.service`.
        unit: String,
        /// Reload or restart.
        by: ActivateBy,
    },
    /// A command, without a shell, in the parent directory of `current`.
    Command {
        /// The program and its arguments; at least the program.
        command: Vec<String>,
        /// It is ended after this long (default 60 s).
        #[serde(with = "crate::words::seconds")]
        timeout: Duration,
    },
}

/// What is asked of the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActivateBy {
    /// `systemctl reload`.
    Reload,
    /// `systemctl restart`.
    Restart,
}

/// What tells the two versions apart in the metrics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arms {
    /// Before and after the switch: hosts.
    Time {
        /// The one instance to count, where several answer.
        instance: Option<String>,
    },
    /// By the pods that run each: Kubernetes.
    Pod {
        /// The label that names the pod (default `pod`).
        pod_label: String,
        /// The label that names its namespace (default `namespace`).
        namespace_label: String,
    },
}
