//! The pods of a target as the platform sees them at one moment, and what they wait for.

use serde::{Deserialize, Serialize};

use crate::{
    manifest::ImageReference,
    words::{Arm, Moment, Pod, Version},
};

/// A workload as an object of the cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "object", rename_all = "snake_case")]
pub enum SeenObject {
    /// Nothing of that kind: a host.
    #[default]
    None,
    /// There it is.
    Found {
        /// Its uid: one that was deleted and made again has another.
        uid: String,
    },
    /// The API server says for certain that there is no such workload.
    Gone {
        /// In a sentence for people, with what to do next.
        because: String,
    },
}

/// A pod that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenPod {
    /// `namespace/name`, as the samples of its metrics are grouped.
    pub pod: Pod,
    /// Its uid: a StatefulSet's pods keep their names from version to version.
    pub uid: String,
    /// The version that it runs; none where its revision is not known any more.
    pub version: Option<Version>,
    /// When it was made.
    pub created_at: Moment,
    /// Since when it is ready; none while it is not.
    pub ready_at: Option<Moment>,
    /// Whether it is being deleted.
    pub leaving: bool,
    /// How often its containers were started again, added up.
    pub restarts: u32,
    /// What it waits for, where that is trouble.
    pub waiting: Option<Hindrance>,
    /// The image that its container runs, by the digest that its runtime tells; none where it tells none.
    #[serde(default)]
    pub image: Option<ImageReference>,
}

impl SeenPod {
    /// What it waits for, without the cluster's words.
    #[must_use]
    pub fn waits_for(&self) -> Option<Waiting> {
        self.waiting.as_ref().map(|hindrance| hindrance.what)
    }
}

/// What keeps something from starting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hindrance {
    /// What.
    pub what: Waiting,
    /// The same in the words of kubelet, scheduler or API server, cut.
    pub said: String,
}

/// What keeps pods of a rollout from starting and convicts nobody, as it was seen last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hindered {
    /// What, in whose words.
    #[serde(flatten)]
    pub by: Hindrance,
    /// How many pods wait so; 0: they are not even made.
    pub pods: u32,
    /// One of them.
    pub pod: Option<Pod>,
    /// Since when it is seen.
    pub since: Moment,
}

/// A pod of either side of a rollout. It is remembered after its deletion, as long as the rollout is open: what it did still counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmPod {
    /// Which.
    pub pod: Pod,
    /// Its uid.
    pub uid: String,
    /// Which side it is on.
    pub arm: Arm,
    /// When it was made.
    pub created_at: Moment,
    /// When it was first seen to be ready, since when it was; none while it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<Moment>,
    /// When it was no longer there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_at: Option<Moment>,
}

/// How many pods of the version that runs are ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadyPods {
    /// Ready.
    pub ready: u32,
    /// Wanted.
    pub wanted: u32,
}

impl ReadyPods {
    /// Whether all that are wanted are ready.
    #[must_use]
    pub const fn all(self) -> bool {
        self.ready >= self.wanted
    }
}

/// How a release failed before it served anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotStarted {
    /// Its image does not exist, or its name cannot be one.
    NoImage,
    /// Its containers end again and again.
    CrashLoop,
    /// Its pods run, and none was ready within their deadline.
    NeverReady,
}

/// What of a release did not start, as it was seen when it was convicted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartupFailure {
    /// How.
    pub how: NotStarted,
    /// One of the pods, to look at.
    pub pod: Pod,
    /// How many pods are so.
    pub pods: u32,
    /// Restarts of these, added up.
    pub restarts: u32,
    /// When the first pod of the release was made.
    pub since: Moment,
}

/// What a pod waits for, where that is trouble: a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waiting {
    /// The registry says that there is no such image.
    ImageNotFound,
    /// The image's name cannot be one.
    ImageNameInvalid,
    /// A container ends again and again, and is started ever later.
    CrashLoop,
    /// The image cannot be had, and it is not certain that there is none: no permission, the registry away, slow, or too busy.
    RegistryAway,
    /// A ConfigMap or Secret that it names is missing.
    ConfigMissing,
    /// The container runtime cannot start it.
    CannotStart,
    /// No node takes it.
    Unschedulable,
    /// A quota, a limit or an admission rule forbids it.
    Quota,
    /// A volume cannot be had.
    Volumes,
    /// Its network cannot be had.
    Network,
    /// Something that this lastgood has no name for.
    Other,
}

/// Whose fault trouble is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guilt {
    /// The release's: it may convict.
    Release,
    /// The cluster's, or nobody can tell: it may only alert.
    Cluster,
}

impl Waiting {
    /// The word as it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ImageNotFound => "image_not_found",
            Self::ImageNameInvalid => "image_name_invalid",
            Self::CrashLoop => "crash_loop",
            Self::RegistryAway => "registry_away",
            Self::ConfigMissing => "config_missing",
            Self::CannotStart => "cannot_start",
            Self::Unschedulable => "unschedulable",
            Self::Quota => "quota",
            Self::Volumes => "volumes",
            Self::Network => "network",
            Self::Other => "other",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn guilt(self) -> Guilt {
        match self {
            Self::ImageNotFound | Self::ImageNameInvalid | Self::CrashLoop => Guilt::Release,
            Self::RegistryAway
            | Self::ConfigMissing
            | Self::CannotStart
            | Self::Unschedulable
            | Self::Quota
            | Self::Volumes
            | Self::Network
            | Self::Other => Guilt::Cluster,
        }
    }
}
