//! What pods wait for, in the words of kubelet and scheduler, as the closed list that is judged (kubernetes.md, Guilt without metrics).

use serde_json::Value;

use super::object::{Object, text};
use crate::record::{Hindrance, Waiting};

/// What is kept of the cluster's words, in characters.
const SAID: usize = 300;

/// What keeps something from starting, in the cluster's words.
fn hindrance(what: Waiting, said: Option<&str>) -> Hindrance {
    Hindrance {
        what,
        said: said.unwrap_or_default().chars().take(SAID).collect(),
    }
}

/// What `pod` waits for, where that is trouble.
#[must_use]
pub fn waiting(pod: &Object) -> Option<Hindrance> {
    let containers = || {
        pod.list("/status/initContainerStatuses")
            .chain(pod.list("/status/containerStatuses"))
    };
    let troubles = containers().filter_map(|status| {
        let state = status.pointer("/state/waiting")?;
        let (reason, message) = (text(state, "reason")?, text(state, "message"));
        Some(hindrance(
            container(reason, message.unwrap_or_default())?,
            message.or(Some(reason)),
        ))
    });
    // The release's own guilt before what the cluster adds to it.
    troubles
        .min_by_key(|hindrance| rank(hindrance.what))
        .or_else(|| unscheduled(pod))
        .or_else(|| refused_by_node(pod))
}

fn rank(waiting: Waiting) -> u8 {
    match waiting {
        Waiting::ImageNotFound | Waiting::ImageNameInvalid => 0,
        Waiting::CrashLoop => 1,
        _ => 2,
    }
}

fn container(reason: &str, message: &str) -> Option<Waiting> {
    Some(match reason {
        "ContainerCreating" | "PodInitializing" => return creating(message),
        "InvalidImageName" => Waiting::ImageNameInvalid,
        "ErrImagePull" | "ImagePullBackOff" | "ErrImageNeverPull" | "ImageInspectError" | "RegistryUnavailable" => pull(message),
        "CrashLoopBackOff" => Waiting::CrashLoop,
        "CreateContainerConfigError" => Waiting::ConfigMissing,
        "CreateContainerError" | "RunContainerError" | "PreCreateHookError" | "PreStartHookError" | "PostStartHookError" => {
            Waiting::CannotStart
        }
        _ => Waiting::Other,
    })
}

/// Creating is no trouble by itself; its message tells where it hangs.
fn creating(message: &str) -> Option<Waiting> {
    let lower = message.to_lowercase();
    if lower.contains("volume") {
        Some(Waiting::Volumes)
    } else if lower.contains("network") || lower.contains("sandbox") {
        Some(Waiting::Network)
    } else {
        None
    }
}

/// Only what a registry says for certain convicts. `denied` may mean that the image does not exist, or that nobody may know.
fn pull(message: &str) -> Waiting {
    let lower = message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let doubtful = says(&[
        "denied",
        "unauthorized",
        "forbidden",
        "authentication",
        "timeout",
        "timed out",
        "deadline exceeded",
        "connection refused",
        "no such host",
        "too many requests",
        "toomanyrequests",
        "tls",
        "x509",
        "unavailable",
        "bad gateway",
        "internal server error",
    ]);
    if !doubtful
        && says(&[
            "not found",
            "manifest unknown",
            "manifest_unknown",
            "name unknown",
            "name_unknown",
        ])
    {
        Waiting::ImageNotFound
    } else {
        Waiting::RegistryAway
    }
}

/// A pod that no node has taken.
fn unscheduled(pod: &Object) -> Option<Hindrance> {
    let condition = pod
        .list("/status/conditions")
        .find(|condition| text(condition, "type") == Some("PodScheduled") && text(condition, "status") == Some("False"))?;
    let message = text(condition, "message");
    let volumes = message.is_some_and(|message| {
        let lower = message.to_lowercase();
        lower.contains("persistentvolumeclaim") || lower.contains("volume node affinity") || lower.contains("unbound")
    });
    let what = if volumes { Waiting::Volumes } else { Waiting::Unschedulable };
    Some(hindrance(what, message))
}

/// A pod that its node turned away, or drove out.
fn refused_by_node(pod: &Object) -> Option<Hindrance> {
    let failed = pod.text("/status/phase") == Some("Failed");
    let reason = pod.text("/status/reason");
    let what = match reason {
        Some("Evicted" | "OutOfcpu" | "OutOfmemory" | "OutOfpods" | "NodeAffinity" | "NodeLost" | "Preempting") => {
            Some(Waiting::Unschedulable)
        }
        Some("UnexpectedAdmissionError") => Some(Waiting::Other),
        _ if failed => Some(Waiting::Other),
        _ => None,
    };
    Some(hindrance(what?, pod.text("/status/message").or(reason)))
}

/// Why `workload` cannot make pods that are wanted: its own condition `ReplicaFailure`, or that of its newest ReplicaSet.
#[must_use]
pub fn lacking(workload: &Object) -> Option<Hindrance> {
    let condition = workload
        .list("/status/conditions")
        .find(|condition| is_replica_failure(condition))?;
    let message = text(condition, "message");
    let lower = message.unwrap_or_default().to_lowercase();
    let forbidden = ["quota", "forbidden", "denied", "limitrange"];
    let what = if forbidden.iter().any(|word| lower.contains(word)) {
        Waiting::Quota
    } else {
        Waiting::Other
    };
    Some(hindrance(what, message))
}

fn is_replica_failure(condition: &Value) -> bool {
    text(condition, "type") == Some("ReplicaFailure") && text(condition, "status") == Some("True")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::record::Guilt;

    fn pod(reason: &str, message: &str) -> Object {
        Object(json!({"status": {"containerStatuses": [{"state": {"waiting": {"reason": reason, "message": message}}}]}}))
    }

    #[test]
    fn only_what_is_certainly_the_releases_fault_may_convict() {
        for (reason, message, expected) in [
            (
                "ErrImagePull",
                "rpc error: code = NotFound desc = failed to pull image \"app:v9\": not found",
                Waiting::ImageNotFound,
            ),
            (
                "ImagePullBackOff",
                "Back-off pulling image \"app:v9\": ErrImagePull: manifest unknown",
                Waiting::ImageNotFound,
            ),
            (
                "InvalidImageName",
                "Failed to apply default image tag \"App:\": invalid reference format",
                Waiting::ImageNameInvalid,
            ),
            (
                "CrashLoopBackOff",
                "back-off 10s restarting failed container",
                Waiting::CrashLoop,
            ),
            ("ImagePullBackOff", "Back-off pulling image \"app:v9\"", Waiting::RegistryAway),
            (
                "ErrImagePull",
                "pull access denied, repository does not exist or may require authorization: not found",
                Waiting::RegistryAway,
            ),
            ("ErrImagePull", "429 Too Many Requests", Waiting::RegistryAway),
            (
                "ErrImagePull",
                "dial tcp: lookup registry: no such host",
                Waiting::RegistryAway,
            ),
            (
                "CreateContainerConfigError",
                "configmap \"myapp\" not found",
                Waiting::ConfigMissing,
            ),
            ("RunContainerError", "exec: \"app\": not found", Waiting::CannotStart),
            ("SomethingNew", "", Waiting::Other),
        ] {
            let found = waiting(&pod(reason, message)).expect("trouble").what;
            assert_eq!(found, expected, "{reason}: {message}");
            let convicts = matches!(
                expected,
                Waiting::ImageNotFound | Waiting::ImageNameInvalid | Waiting::CrashLoop
            );
            assert_eq!(found.guilt() == Guilt::Release, convicts, "{reason}");
        }
    }

    #[test]
    fn a_pod_that_is_being_made_is_in_no_trouble() {
        assert_eq!(waiting(&pod("ContainerCreating", "")), None);
        assert_eq!(waiting(&pod("PodInitializing", "")), None);
        assert_eq!(waiting(&Object(json!({"status": {"phase": "Pending"}}))), None);
    }

    #[test]
    fn the_clusters_trouble_has_its_own_names() {
        let unscheduled = |message: &str| {
            let condition = json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message});
            waiting(&Object(json!({"status": {"conditions": [condition]}}))).map(|hindrance| hindrance.what)
        };
        assert_eq!(
            unscheduled("0/3 nodes are available: 3 Insufficient cpu."),
            Some(Waiting::Unschedulable)
        );
        assert_eq!(
            unscheduled("pod has unbound immediate PersistentVolumeClaims"),
            Some(Waiting::Volumes)
        );
        let evicted =
            Object(json!({"status": {"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory."}}));
        let evicted = waiting(&evicted).expect("trouble");
        assert_eq!(
            (evicted.what, evicted.said.as_str()),
            (Waiting::Unschedulable, "The node was low on memory.")
        );
        let condition =
            json!({"type": "ReplicaFailure", "status": "True", "message": "pods \"a\" is forbidden: exceeded quota: q"});
        let lacks = lacking(&Object(json!({"status": {"conditions": [condition]}}))).expect("trouble");
        assert_eq!(
            (lacks.what, lacks.said.as_str()),
            (Waiting::Quota, "pods \"a\" is forbidden: exceeded quota: q")
        );
    }

    #[test]
    fn an_image_that_does_not_exist_outweighs_what_else_a_pod_waits_for() {
        let statuses = json!([
            {"state": {"waiting": {"reason": "CreateContainerConfigError"}}},
            {"state": {"waiting": {"reason": "ErrImagePull", "message": "manifest unknown"}}},
            {"state": {"running": {}}},
        ]);
        let pod = Object(json!({"status": {"containerStatuses": statuses}}));
        assert_eq!(waiting(&pod).map(|hindrance| hindrance.what), Some(Waiting::ImageNotFound));
    }
}
