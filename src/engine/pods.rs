//! On Kubernetes: which pods are on which side of the open rollout, when its candidate begins to serve, and until when it is watched.

use super::{blocked, draft::Draft, hindrance, startup, waiting};
use crate::{
    policy::Target,
    record::{Activation, ArmPod, Observation, Phase, ReadyPods, Record, SeenPod},
    words::{Arm, Version},
};

/// The platform looked at the pods.
pub(super) fn seen(draft: &mut Draft<'_>, observation: &Observation) {
    images_ran(draft, observation);
    let Some(rollout) = draft.open_in(|_| true) else {
        return;
    };
    draft.with_open(rollout, |draft, record| {
        if !matches!(record.policy.target, Target::Kubernetes(_)) {
            return;
        }
        record.ready = ready(observation);
        let newly_ready = remembered(record, observation);
        begun(draft, record);
        leaving(draft, record, observation);
        if newly_ready && others_serve(record, observation) {
            goes_on(draft, record);
        }
        startup::judged(draft, record, observation);
        hindrance::seen(draft, record, observation);
        blocked::seen(draft, record, observation);
    });
}

/// Which images the versions ran, while it can be seen: later only their digests tell them (failures.md, K19).
fn images_ran(draft: &mut Draft<'_>, observation: &Observation) {
    for pod in &observation.pods {
        let Some((version, image)) = pod.version.as_ref().zip(pod.image.as_ref()) else {
            continue;
        };
        let known = draft.history.versions.iter_mut().find(|known| known.version == *version);
        if let Some(known) = known.filter(|known| known.images.len() < 2 && !known.images.contains(image)) {
            known.images.push(image.clone());
        }
    }
}

/// How many pods of the version that runs are ready.
fn ready(observation: &Observation) -> Option<ReadyPods> {
    let version = observation.version.as_ref()?;
    let own = observation.pods.iter().filter(|pod| pod.version.as_ref() == Some(version));
    let ready = own.filter(|pod| pod.ready_at.is_some()).count();
    Some(ReadyPods {
        ready: u32::try_from(ready).unwrap_or(u32::MAX),
        wanted: observation.wanted,
    })
}

fn side(record: &Record, version: &Version) -> Option<Arm> {
    let back = record.intent.as_ref().map(|intent| &intent.to);
    let beside = record.baseline.as_ref().map(|(version, _)| version);
    if *version == record.to {
        Some(Arm::Candidate)
    } else if back.or(beside) == Some(version) {
        Some(Arm::Baseline)
    } else {
        None
    }
}

/// Takes over what was seen; whether a pod of the candidate became ready.
fn remembered(record: &mut Record, observation: &Observation) -> bool {
    let mut newly_ready = false;
    for gone in record.pods.iter_mut().filter(|known| known.gone_at.is_none()) {
        if !observation.pods.iter().any(|pod| pod.uid == gone.uid) {
            gone.gone_at = Some(observation.at);
        }
    }
    for pod in &observation.pods {
        let Some(arm) = pod.version.as_ref().and_then(|version| side(record, version)) else {
            continue;
        };
        let ready = match record.pods.iter_mut().find(|known| known.uid == pod.uid) {
            Some(known) => {
                let ready = known.ready_at.is_none() && pod.ready_at.is_some();
                known.ready_at = known.ready_at.or(pod.ready_at);
                ready
            }
            None => {
                record.pods.push(known(pod, arm));
                pod.ready_at.is_some()
            }
        };
        newly_ready |= ready && arm == Arm::Candidate;
    }
    newly_ready
}

fn known(pod: &SeenPod, arm: Arm) -> ArmPod {
    ArmPod {
        pod: pod.pod.clone(),
        uid: pod.uid.clone(),
        arm,
        created_at: pod.created_at,
        ready_at: pod.ready_at,
        gone_at: None,
    }
}

/// The first pod of the candidate that is ready begins its watch.
fn begun(draft: &mut Draft<'_>, record: &mut Record) {
    let Phase::WaitingForActivation { moved_at } = record.phase else {
        return;
    };
    let candidates = record.pods.iter().filter(|pod| pod.arm == Arm::Candidate);
    if let Some(at) = candidates.filter_map(|pod| pod.ready_at).min() {
        let activation = Activation {
            at: at.max(moved_at).min(draft.now),
            known_by: "pod".to_owned(),
            fresh_counters: true,
        };
        waiting::begin(draft, record, activation);
    }
}

/// Pods of what was left serve on until others are ready in their place: what they do meanwhile is no noise of the version that came back.
fn leaving(draft: &mut Draft<'_>, record: &Record, observation: &Observation) {
    let serves = |pod: &ArmPod| pod.arm == Arm::Candidate && pod.ready_at.is_some() && pod.gone_at.is_none();
    if let (Phase::Verifying { .. }, Some(intent)) = (&record.phase, &record.intent)
        && record.pods.iter().any(serves)
    {
        draft.serves_alone(intent.at, observation.at);
    }
}

/// Whether pods of other versions serve too: the rollout goes on. Pods that are added later, by a scaler, prolong nothing.
pub(super) fn others_serve(record: &Record, observation: &Observation) -> bool {
    observation.pods.iter().any(|pod| pod.version.as_ref() != Some(&record.to))
}

/// The watch ends its whole length after the last pod was updated (kubernetes.md, Watch clock).
fn goes_on(draft: &Draft<'_>, record: &mut Record) {
    let length = record.policy.watch.length;
    if let Phase::Watching { until } = &mut record.phase {
        *until = (*until).max(draft.now.plus(length));
    }
}
