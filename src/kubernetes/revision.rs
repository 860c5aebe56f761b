//! Revisions: the ReplicaSets of a Deployment, the ControllerRevisions of a StatefulSet or DaemonSet. A version is anchored to their uids.

use serde_json::Value;

use super::{
    hold::{HeldBy, is_paused},
    identity::normalized,
    object::Object,
};
use crate::{policy::WorkloadKind, words::Moment};

/// One revision of a workload, and the template that it stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct Revision {
    /// The uid of its ReplicaSet or ControllerRevision: the anchor.
    pub uid: String,
    /// That object's name.
    pub name: String,
    /// The higher, the later it was rolled out; going back to an old one gives it a new number.
    pub number: u64,
    /// When it was made; going back to it does not change that.
    pub created_at: Option<Moment>,
    /// The template as the workload had it: without what controllers add.
    pub template: Value,
    /// The hash that its pods carry as a label.
    pub hash: String,
    /// How many pods a Deployment gives it now; none where revisions are given none.
    pub replicas: Option<u32>,
}

impl Revision {
    /// Reads `object`, a ReplicaSet or ControllerRevision; none where it holds no template.
    #[must_use]
    pub fn read(kind: WorkloadKind, object: &Object) -> Option<Self> {
        let (template, number, hash) = match kind {
            WorkloadKind::Deployment => {
                let number = object
                    .annotation("deployment.kubernetes.io/revision")
                    .and_then(|text| text.parse().ok());
                (of_replica_set(object)?, number, object.label(TEMPLATE_HASH)?.to_owned())
            }
            WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => (
                of_controller_revision(object)?,
                object.number("/revision"),
                pod_hash(kind, object),
            ),
        };
        Some(Self {
            uid: object.uid().to_owned(),
            name: object.name().to_owned(),
            number: number.unwrap_or_default(),
            created_at: object.created_at(),
            template,
            hash,
            replicas: object
                .number("/spec/replicas")
                .map(|replicas| u32::try_from(replicas).unwrap_or(u32::MAX)),
        })
    }
}

const TEMPLATE_HASH: &str = "pod-template-hash";

/// What the label `controller-revision-hash` of its pods says: a StatefulSet's pods name the whole revision, a DaemonSet's its hash.
fn pod_hash(kind: WorkloadKind, object: &Object) -> String {
    match (kind, object.label("controller-revision-hash")) {
        (WorkloadKind::DaemonSet, Some(hash)) => hash.to_owned(),
        _ => object.name().to_owned(),
    }
}

/// A ReplicaSet's template is the Deployment's and `pod-template-hash`.
fn of_replica_set(object: &Object) -> Option<Value> {
    let mut template = object.template()?.clone();
    let labels = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut);
    if let Some(labels) = labels {
        labels.remove(TEMPLATE_HASH);
    }
    Some(template)
}

/// A ControllerRevision holds a patch that replaces the template.
fn of_controller_revision(object: &Object) -> Option<Value> {
    let mut template = object.0.pointer("/data/spec/template")?.clone();
    template.as_object_mut()?.remove("$patch");
    Some(template)
}

/// The revision that `workload` is being rolled out to, or already runs; none while its controller has not made one yet.
///
/// Controllers find a template's revision by comparing, restarts included; so does this. What compares equal to nothing may still be known
/// by the workload's own status (a ControllerRevision does not gain an upgraded server's new defaults), or, while a person paused the
/// Deployment, be the one that ran last.
#[must_use]
pub fn current<'a>(kind: WorkloadKind, workload: &Object, revisions: &'a [Revision]) -> Option<&'a Revision> {
    let template = whole(workload.template()?);
    let same = revisions.iter().filter(|revision| whole(&revision.template) == template);
    if let Some(found) = same.max_by_key(|revision| revision.number) {
        return Some(found);
    }
    let newest = || revisions.iter().max_by_key(|revision| revision.number);
    let seen = workload.number("/status/observedGeneration") >= workload.number("/metadata/generation");
    match kind {
        // What lastgood holds goes on for a newer template, so nothing is told of that before.
        WorkloadKind::Deployment if is_paused(workload) && HeldBy::read(workload).is_none() => newest(),
        WorkloadKind::Deployment => None,
        WorkloadKind::StatefulSet if seen => {
            let named = workload.text("/status/updateRevision")?;
            revisions.iter().find(|revision| revision.name == named)
        }
        WorkloadKind::DaemonSet if seen => newest(),
        WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => None,
    }
}

/// The template as controllers compare it: restarts count.
fn whole(template: &Value) -> Value {
    const RESTARTED_AT: &str = "/metadata/annotations/kubectl.kubernetes.io~1restartedAt";
    let mut normal = normalized(template, &[]);
    if let (Some(restarted), Some(entries)) = (template.pointer(RESTARTED_AT), normal.as_object_mut()) {
        entries.insert("restartedAt".to_owned(), restarted.clone());
    }
    normal
}

/// Whether two templates are one to the controllers.
#[must_use]
pub fn same(one: &Value, other: &Value) -> bool {
    whole(one) == whole(other)
}

/// When `revision` came to be what runs, if that can be told: only of one that was never gone back to.
#[must_use]
pub fn moved_at(revision: &Revision, revisions: &[Revision]) -> Option<Moment> {
    let newest = revisions.iter().filter_map(|other| other.created_at).max();
    revision.created_at.filter(|created| Some(*created) == newest)
}
