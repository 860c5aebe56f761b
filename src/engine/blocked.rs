//! A StatefulSet waits for each pod before it touches the next, also for one that will never be ready: then a restored template is not enough.

use std::time::Duration;

use super::{acting::failed, draft::Draft};
use crate::{
    policy::{KubernetesTarget, Target, WorkloadKind},
    record::{Observation, Phase, Record, SeenPod},
    words::Outcome,
};

/// So long after the act its controller has had time to begin with the pod.
const BEGUN: Duration = Duration::from_secs(30);

/// Whether a pod of the version that was left blocks the way back: then a person is asked to delete it, by the command.
pub(super) fn seen(draft: &mut Draft<'_>, record: &mut Record, observation: &Observation) {
    let Target::Kubernetes(target) = &record.policy.target else {
        return;
    };
    let (Phase::Verifying { .. }, Some(intent)) = (&record.phase, &record.intent) else {
        return;
    };
    if target.kind != WorkloadKind::StatefulSet || draft.now.since(intent.at) < BEGUN {
        return;
    }
    let blocks = |pod: &&SeenPod| {
        pod.version.as_ref() == Some(&intent.from) && pod.ready_at.is_none() && !pod.leaving && pod.created_at <= intent.at
    };
    if let Some(pod) = observation.pods.iter().find(blocks) {
        let detail = told(target, pod, intent.from.name.as_str());
        failed(draft, record, Outcome::Stuck, &detail);
    }
}

fn told(target: &KubernetesTarget, pod: &SeenPod, left: &str) -> String {
    let name = pod.pod.0.rsplit('/').next().unwrap_or_default();
    format!(
        "the template is back, but the StatefulSet waits for its pod {name} of {left}, which is not ready, and replaces no pod before; \
         `kubectl delete pod {name} -n {}`",
        target.namespace
    )
}
