//! Patches of a workload, sent once each; what is given up afterwards; and what is said where that fails.

use super::{
    call::CallError,
    cluster::Cluster,
    object::Object,
    patch::{self, FIELD_MANAGER},
    resource::Resource,
};
use crate::{policy::KubernetesTarget, ports::PlatformError};

/// How often it is tried to give up what was written, where the object changes meanwhile.
const TRIES: u32 = 5;

/// Sends `operations` to the workload; with `dry_run` they are only tried.
pub(super) async fn send(
    cluster: &Cluster,
    target: &KubernetesTarget,
    operations: json_patch::Patch,
    dry_run: bool,
) -> Result<Object, CallError> {
    let place = (target.namespace.as_str(), target.name.as_str());
    cluster
        .calls
        .patch(Resource::of(target.kind), place, operations, dry_run)
        .await
}

/// Gives up what the last patch made lastgood the owner of, as `after` shows it.
pub(super) async fn disowned(cluster: &Cluster, target: &KubernetesTarget, after: &Object) -> Result<(), String> {
    let mut object = after.clone();
    for _ in 0..TRIES {
        let Some(operations) = patch::disown(&object) else {
            return Ok(());
        };
        match send(cluster, target, operations, false).await {
            Ok(_) => return Ok(()),
            Err(error) => {
                let resource = Resource::of(target.kind);
                match cluster.calls.get(resource, &target.namespace, &target.name).await {
                    Ok(now) => object = now,
                    Err(_) => return Err(still_owned(&error)),
                }
            }
        }
    }
    Err(still_owned(&CallError::Conflict("it changes all the time".to_owned())))
}

fn still_owned(error: &CallError) -> String {
    format!(
        "the field manager `{FIELD_MANAGER}` still owns what it wrote ({error}): the next server-side apply may need `--force-conflicts` once"
    )
}

/// What failed, with the workload's name and what to do next.
pub(super) fn cannot(target: &KubernetesTarget, doing: &str, error: &CallError) -> PlatformError {
    let (kind, namespace, name) = (target.kind.as_str(), &target.namespace, &target.name);
    let next = match error {
        CallError::Absent(_) => "create it, or correct the target in the policy".to_owned(),
        CallError::Refused(_) => "look at what the API server says".to_owned(),
        CallError::Unauthorized(_) => "log in again".to_owned(),
        CallError::Forbidden(_) => format!(
            "give that right in {namespace}: lastgood has it by what `deploy/kubernetes` lists, people by the ClusterRole `edit`"
        ),
        CallError::Invalid(_) => "look at the admission policies and webhooks of the cluster".to_owned(),
        CallError::Conflict(_) | CallError::Busy { .. } => "lastgood tries again by itself".to_owned(),
        CallError::Unknown(_) => "look at the API server; lastgood tries again by itself".to_owned(),
    };
    PlatformError(format!("cannot {doing} {kind} {namespace}/{name}: {error}; {next}"))
}
