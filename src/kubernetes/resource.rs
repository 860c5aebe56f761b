//! The resources that lastgood asks for, and where the API server has them.

use kube::{
    api::{ApiResource, DynamicObject},
    core::GroupVersionKind,
};

use crate::policy::WorkloadKind;

/// A kind of object, and its place in the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Resource {
    Deployments,
    StatefulSets,
    DaemonSets,
    ReplicaSets,
    ControllerRevisions,
    Pods,
    Histories,
    Leases,
    Events,
}

impl Resource {
    /// The resource of a kind of workload.
    pub const fn of(kind: WorkloadKind) -> Self {
        match kind {
            WorkloadKind::Deployment => Self::Deployments,
            WorkloadKind::StatefulSet => Self::StatefulSets,
            WorkloadKind::DaemonSet => Self::DaemonSets,
        }
    }

    /// The resource of its revisions.
    pub const fn revisions(kind: WorkloadKind) -> Self {
        match kind {
            WorkloadKind::Deployment => Self::ReplicaSets,
            WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => Self::ControllerRevisions,
        }
    }

    /// Its name in paths and roles.
    pub const fn plural(self) -> &'static str {
        self.names().1
    }

    /// What one object of it is called: `Deployment`.
    pub const fn kind(self) -> &'static str {
        self.names().0
    }

    /// Its group: `apps`.
    pub const fn group(self) -> &'static str {
        match self {
            Self::Pods => "",
            Self::Histories => "lastgood.dev",
            Self::Leases => "coordination.k8s.io",
            Self::Events => "events.k8s.io",
            _ => "apps",
        }
    }

    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Deployments => ("Deployment", "deployments"),
            Self::StatefulSets => ("StatefulSet", "statefulsets"),
            Self::DaemonSets => ("DaemonSet", "daemonsets"),
            Self::ReplicaSets => ("ReplicaSet", "replicasets"),
            Self::ControllerRevisions => ("ControllerRevision", "controllerrevisions"),
            Self::Pods => ("Pod", "pods"),
            Self::Histories => ("History", "histories"),
            Self::Leases => ("Lease", "leases"),
            Self::Events => ("Event", "events"),
        }
    }

    /// The path of its objects in a namespace; of all of them where it is empty.
    pub fn path(self, namespace: &str) -> String {
        let root = if self.group().is_empty() {
            "/api/v1".to_owned()
        } else {
            format!("/apis/{}/v1", self.group())
        };
        let within = if namespace.is_empty() {
            String::new()
        } else {
            format!("/namespaces/{namespace}")
        };
        format!("{root}{within}/{}", self.plural())
    }

    /// The same for `kube`'s watches.
    pub fn api(self) -> ApiResource {
        let (kind, plural) = self.names();
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(self.group(), "v1", kind), plural)
    }
}

/// What watches keep: an object whose kind is known at run time.
pub(super) type Watched = DynamicObject;
