//! What keeps pods from starting and convicts nobody: people are told once for each kind of it, and once that it is over. What was put back
//! and can never start has failed.

use std::{collections::BTreeMap, time::Duration};

use super::{acting::failed, draft::Draft};
use crate::{
    record::{AlertKind, Guilt, Hindered, Hindrance, Observation, Phase, ReadyPods, Record, RolloutKind, SeenPod, Waiting},
    words::{Outcome, RolloutId},
};

/// So long it must be seen without a break: a new node, or a registry that was slow once, comes sooner.
const LASTS: Duration = Duration::from_secs(60);

/// The platform looked at the pods.
pub(super) fn seen(draft: &mut Draft<'_>, record: &mut Record, observation: &Observation) {
    let rolls = matches!(
        record.phase,
        Phase::WaitingForActivation { .. } | Phase::Watching { .. } | Phase::Verifying { .. }
    );
    if !rolls || record.kind == RolloutKind::FirstSight {
        return;
    }
    let Some(mut found) = found(draft, record, observation) else {
        record.hindered = None;
        over(draft, record);
        return;
    };
    let before = record.hindered.take().filter(|before| before.by.what == found.by.what);
    let Some(before) = before else {
        record.hindered = Some(found);
        return;
    };
    found.since = before.since;
    if draft.now.since(found.since) < LASTS || told(draft, record.id, found.by.what) {
        // Its figures are those of when it was told: they may change with every look.
        record.hindered = Some(before);
        return;
    }
    record.hindered = Some(found.clone());
    lasts(draft, record, &found);
}

/// What most pods of the version that runs wait for; where none does, what keeps them from being made. Nothing where as many as are wanted
/// are ready: what else there is are remains, of pods that a node drove out.
fn found(draft: &Draft<'_>, record: &Record, observation: &Observation) -> Option<Hindered> {
    if record.ready.is_some_and(ReadyPods::all) {
        return None;
    }
    let verifies = matches!(record.phase, Phase::Verifying { .. });
    let counts = |hindrance: &Hindrance| verifies || hindrance.what.guilt() == Guilt::Cluster;
    let mut waiting: BTreeMap<Waiting, Vec<(&SeenPod, &Hindrance)>> = BTreeMap::new();
    let own = |pod: &&SeenPod| pod.version == observation.version && !pod.leaving;
    for pod in observation.pods.iter().filter(own) {
        if let Some(hindrance) = pod.waiting.as_ref().filter(|hindrance| counts(hindrance)) {
            waiting.entry(hindrance.what).or_default().push((pod, hindrance));
        }
    }
    let most = waiting.into_values().max_by_key(Vec::len);
    let (by, pod, pods) = match most.as_deref() {
        Some([(pod, hindrance), rest @ ..]) => ((*hindrance).clone(), Some(pod.pod.clone()), rest.len() + 1),
        _ => (observation.lacking.clone()?, None, 0),
    };
    Some(Hindered {
        by,
        pods: u32::try_from(pods).unwrap_or(u32::MAX),
        pod,
        since: draft.now,
    })
}

/// It lasts: people are told. What was put back and can never start has failed, and nothing is moved a second time (failures.md, K19, K20).
fn lasts(draft: &mut Draft<'_>, record: &mut Record, hindered: &Hindered) {
    let what = hindered.by.what;
    let hopeless = match what {
        Waiting::ImageNotFound | Waiting::ImageNameInvalid => "its image is gone",
        Waiting::ConfigMissing => "a ConfigMap or Secret that it names is gone",
        _ => "",
    };
    if record.intent.is_some() && !hopeless.is_empty() {
        let detail = format!("the template is back, but {hopeless}: {}", hindered.by.said);
        failed(draft, record, Outcome::Failed, &detail);
        return;
    }
    draft.tell_as(id(record.id, what), Some(record.id), AlertKind::ClusterFault);
}

/// All pods are ready after people were told that they cannot start.
fn over(draft: &mut Draft<'_>, record: &Record) {
    let prefix = format!("{}/{}/", record.id, AlertKind::ClusterFault.name());
    let was_told = draft.history.told.iter().any(|id| id.starts_with(&prefix));
    if was_told && record.ready.is_some_and(ReadyPods::all) {
        draft.tell(record, AlertKind::ClusterFaultOver);
    }
}

fn told(draft: &Draft<'_>, rollout: RolloutId, what: Waiting) -> bool {
    draft.history.told.contains(&id(rollout, what))
}

/// Once a rollout and kind.
fn id(rollout: RolloutId, what: Waiting) -> String {
    format!("{rollout}/{}/{}", AlertKind::ClusterFault.name(), what.as_str())
}
