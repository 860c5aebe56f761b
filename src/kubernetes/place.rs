//! Where histories are, who asks for them, and what is said to whom who may not.

use super::call::CallError;
use crate::{
    policy::{KubernetesTarget, WorkloadKind},
    ports::HistoryError,
};

/// Where an object is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Its namespace; empty: all of them.
    pub namespace: String,
    pub name: String,
}

impl Place {
    /// That of a workload's history: it is called `deployment-myapp` and lies in the workload's namespace.
    pub fn beside(target: &KubernetesTarget) -> Self {
        let kind = match target.kind {
            WorkloadKind::Deployment => "deployment",
            WorkloadKind::StatefulSet => "statefulset",
            WorkloadKind::DaemonSet => "daemonset",
        };
        Self {
            namespace: target.namespace.clone(),
            name: format!("{kind}-{}", target.name),
        }
    }

    /// All histories of a namespace.
    pub fn all_of(namespace: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: "*".to_owned(),
        }
    }
}

/// Who asks for histories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    /// lastgood, by the role that was made for it.
    Controller,
    /// A person, by their own rights.
    Person,
}

/// That a call for a history failed, with what to do next.
pub(super) fn unavailable(asker: Asker, doing: &str, place: &Place, error: &CallError) -> HistoryError {
    let Place { namespace, name } = place;
    let everywhere = namespace.is_empty();
    let what = if everywhere {
        "the histories of all namespaces".to_owned()
    } else {
        format!("the history object {namespace}/{name}")
    };
    let next = match (asker, error) {
        (_, CallError::Absent(_)) if name == "*" => {
            "this cluster has no histories.lastgood.dev: install lastgood there, or choose another cluster with --context"
                .to_owned()
        }
        (Asker::Person, CallError::Forbidden(_)) if everywhere => "name a namespace of yours with -n".to_owned(),
        (Asker::Person, CallError::Forbidden(_)) => {
            let role = if doing == "write" { "edit" } else { "view" };
            format!(
                "where lastgood is installed, the ClusterRole `{role}` holds that right: \
                 `kubectl create rolebinding NAME --clusterrole={role} --user=YOU -n {namespace}`"
            )
        }
        (Asker::Person, CallError::Unauthorized(_)) => "log in again".to_owned(),
        (Asker::Person, _) => "try `kubectl get histories.lastgood.dev`".to_owned(),
        (Asker::Controller, CallError::Forbidden(words)) if words.contains("being terminated") => {
            format!(
                "the namespace {namespace} is being deleted, and what is known of its services with it: remove their policies"
            )
        }
        (Asker::Controller, _) => {
            format!("look at the API server, at lastgood's role in {namespace}, and whether the CRD of histories was applied")
        }
    };
    HistoryError::Unavailable(format!("cannot {doing} {what}: {error}; {next}"))
}
