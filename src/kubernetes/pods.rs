//! Pods: which version each runs, since when it is ready, what it waits for.

use serde_json::Value;

use super::{
    identity::images,
    object::{Object, text},
    revision::Revision,
    trouble::waiting,
};
use crate::{
    manifest::ImageReference,
    record::SeenPod,
    words::{Moment, Pod, Version},
};

/// The pods of `workload` among `pods`, by name; `version` tells which version a revision is, `container` whose image is told: else that of
/// the first.
#[must_use]
pub fn seen<'a>(
    workload: &Object,
    container: Option<&str>,
    pods: impl Iterator<Item = &'a Object>,
    revisions: &[Revision],
    version: impl Fn(&Revision) -> Option<Version>,
) -> Vec<SeenPod> {
    let mut seen: Vec<SeenPod> = pods
        .filter_map(|pod| {
            let owner = pod.controller().and_then(|owner| text(owner, "uid"))?;
            let hash = pod
                .label("pod-template-hash")
                .or_else(|| pod.label("controller-revision-hash"));
            let by_replica_set = revisions.iter().find(|revision| revision.uid == owner);
            if by_replica_set.is_none() && owner != workload.uid() {
                return None;
            }
            let by_hash = || revisions.iter().find(|revision| Some(revision.hash.as_str()) == hash);
            let revision = by_replica_set.or_else(by_hash);
            Some(SeenPod {
                pod: Pod(format!("{}/{}", pod.namespace(), pod.name()).into()),
                uid: pod.uid().to_owned(),
                version: revision.and_then(&version),
                created_at: pod.created_at()?,
                ready_at: ready_at(pod),
                leaving: pod.text("/metadata/deletionTimestamp").is_some(),
                restarts: restarts(pod),
                waiting: waiting(pod),
                image: revision.and_then(|revision| image(pod, &revision.template, container)),
            })
        })
        .collect();
    seen.sort_by(|a, b| (&a.pod, &a.uid).cmp(&(&b.pod, &b.uid)));
    seen
}

/// Since when the pod is ready; a pod that is being deleted serves until it ends, but no new traffic.
fn ready_at(pod: &Object) -> Option<Moment> {
    let ready = pod
        .list("/status/conditions")
        .find(|condition| text(condition, "type") == Some("Ready") && text(condition, "status") == Some("True"))?;
    text(ready, "lastTransitionTime")?.parse().ok()
}

/// The image that the pod runs: its name as the template says it, with the digest that the template pins, else the one that the runtime
/// tells. A runtime that tells no registry's digest (an image that was loaded by hand) tells none.
fn image(pod: &Object, template: &Value, container: Option<&str>) -> Option<ImageReference> {
    let images = images(template);
    let named = container.and_then(|wanted| images.iter().find(|(name, _)| *name == wanted));
    let (container, name) = *named.or_else(|| images.first())?;
    let status = pod
        .list("/status/containerStatuses")
        .find(|status| text(status, "name") == Some(container))?;
    let (_, told) = text(status, "imageID")?.rsplit_once('@')?;
    let digest = name.split_once('@').map_or(told, |(_, pinned)| pinned);
    ImageReference::of(name, digest).ok()
}

fn restarts(pod: &Object) -> u32 {
    let counts = pod
        .list("/status/containerStatuses")
        .filter_map(|status| status.get("restartCount").and_then(Value::as_u64));
    u32::try_from(counts.sum::<u64>()).unwrap_or(u32::MAX)
}
