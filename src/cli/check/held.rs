//! What `hold` will mean: the rule, and the pods where the cluster can be asked.

use super::{Common, Settings, output};
use crate::{
    app::Clusters,
    policy::{self, HoldPolicy, KubernetesTarget, Policy, Target, WorkloadKind},
    settings::KubernetesSettings,
};

/// Says how many pods the policy's workload is held at; `online`: the cluster may be asked.
pub(super) async fn told(common: &Common, path: &str, policy: &Policy, settings: Option<&Settings>, online: bool) {
    let (Some(hold), Target::Kubernetes(target)) = (policy.watch.hold, &policy.target) else {
        return;
    };
    output::note(common, &format!("{path}: {}", rule(target, hold)));
    if !online {
        return;
    }
    let cluster = settings.map_or_else(KubernetesSettings::default, |settings| settings.kubernetes.clone());
    let asked = match Clusters::new(&cluster).get().await {
        Ok(cluster) => cluster.holdable(target, hold).await.map_err(|unready| unready.because),
        Err(error) => Err(error.0),
    };
    match asked {
        Ok((pods, of)) => output::note(common, &format!("{path}: it would be held at {pods} of {of} pods now")),
        Err(because) => output::note(common, &format!("warning: {path}: it would not be held now: {because}")),
    }
}

fn rule(target: &KubernetesTarget, hold: HoldPolicy) -> String {
    let (share, max) = (policy::share_text(hold.share), policy::duration_text(hold.max));
    let or_more = match target.kind {
        WorkloadKind::Deployment => ", or as many as its strategy makes at once where that is more",
        WorkloadKind::StatefulSet | WorkloadKind::DaemonSet => "",
    };
    let examples = [4, 10, 100].map(|of| format!("{} of {of}", hold.pods(of))).join(", ");
    format!(
        "held at {share} of its pods, rounded down and one at least ({examples}){or_more}; without a verdict it goes on after {max}, \
         so a pipeline that waits for the rollout waits so much longer"
    )
}
