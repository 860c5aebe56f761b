//! Holding a rolling update, and letting it go on: read anew, decided anew, written once; whatever comes back is looked at first (as a revert).

use super::{
    brake::not_to_be_touched,
    call::{CallError, pause},
    cluster::Cluster,
    hold::{self, HeldBy, Pause},
    object::Object,
    patch,
    resource::Resource,
    revert::{AGAIN, TRIES, Tried},
    revision::{Revision, same},
    seen::Seen,
    workload::Workload,
};
use crate::{
    policy::{HoldPolicy, KubernetesTarget, WorkloadKind},
    ports::PlatformError,
    record::{Hold, HoldResult, MarkedWorkload, Rolling, Unready},
};

impl Workload {
    /// How the rolling update of what was seen stands; none of what cannot be held at all.
    pub(super) fn rolling(&self, seen: &Seen, runs: Option<&Revision>) -> Option<Rolling> {
        let (kind, workload) = (self.target.kind, &seen.workload);
        let made = match kind {
            WorkloadKind::Deployment => Some(runs.and_then(|revision| revision.replicas).unwrap_or(0)),
            WorkloadKind::StatefulSet => None,
            WorkloadKind::DaemonSet => return None,
        };
        // A paused Deployment's controller makes no revision of a newer template; a StatefulSet's does.
        let waits = |template| !seen.revisions.iter().any(|revision| same(&revision.template, template));
        let newer = kind == WorkloadKind::Deployment && workload.template().is_some_and(waits);
        let held = HeldBy::read(workload).map(|held| held.mark(kind, workload, newer));
        Some(Rolling { made, held })
    }

    /// Holds it at `share`; lets it go on without one.
    pub(super) async fn held(&self, hold: &Hold, share: Option<HoldPolicy>) -> HoldResult {
        let mut met = String::new();
        for number in 1..=TRIES {
            let tried = match share {
                Some(share) => self.tries_to_hold(hold, share).await,
                None => self.tries_to_let_go(hold).await,
            };
            match tried {
                Ok(Tried::Ended(result)) => return result,
                Ok(Tried::Again(error)) => {
                    met = self.cannot("write to", &error).0;
                    pause(error.asked_pause().unwrap_or(AGAIN) * number).await;
                }
                Err(PlatformError(error)) => return HoldResult::Unknown { error },
            }
        }
        HoldResult::Unknown { error: met }
    }

    async fn tries_to_hold(&self, hold: &Hold, share: HoldPolicy) -> Result<Tried<HoldResult>, PlatformError> {
        let kind = self.target.kind;
        // Which version a template is does not change: its revisions need not be read anew.
        let seen = match self.read().await {
            Ok(workload) => self.lately(workload).await?,
            Err(error) => return Ok(self.met(error)),
        };
        let planned = hold::plan(kind, &seen.workload, share);
        let before = HeldBy::read(&seen.workload);
        let ours = before.as_ref().filter(|held| held.rollout == hold.rollout);
        if let (Some(held), Ok(plan)) = (ours, &planned)
            && held.in_force(kind, &seen.workload)
        {
            return Ok(Tried::Ended(is_held(*plan)));
        }
        if self.identified(&seen).await?.as_ref() != Some(&hold.version) {
            return Ok(Tried::Ended(HoldResult::Superseded));
        }
        let plan = match (not_to_be_touched(kind, &seen.workload), planned) {
            (None, Ok(plan)) => plan,
            (Some((_, found)), _) => return Ok(Tried::Ended(HoldResult::Refused { found })),
            (None, Err(error)) => {
                return Ok(Tried::Ended(HoldResult::Refused {
                    found: error.to_string(),
                }));
            }
        };
        let held = HeldBy {
            rollout: hold.rollout,
            until: hold.until,
            partition: before.map_or_else(|| hold::partition(&seen.workload), |before| before.partition),
            set: match plan.pause {
                Pause::Partition(partition) => Some(partition),
                Pause::Given(_) => None,
            },
        };
        self.wrote(&seen.workload, patch::hold(&seen.workload, plan.pause, &held), is_held(plan))
            .await
    }

    async fn tries_to_let_go(&self, hold: &Hold) -> Result<Tried<HoldResult>, PlatformError> {
        let workload = match self.read().await {
            Ok(workload) => workload,
            Err(CallError::Absent(_)) => return Ok(Tried::Ended(HoldResult::Released)),
            Err(error) => return Ok(self.met(error)),
        };
        let ours = HeldBy::read(&workload).is_some_and(|held| held.rollout == hold.rollout);
        match patch::let_go(self.target.kind, &workload).filter(|_| ours) {
            Some(operations) => self.wrote(&workload, operations, HoldResult::Released).await,
            None => Ok(Tried::Ended(HoldResult::Released)),
        }
    }

    async fn wrote(
        &self,
        before: &Object,
        operations: json_patch::Patch,
        done: HoldResult,
    ) -> Result<Tried<HoldResult>, PlatformError> {
        match self.send(operations, false).await {
            Ok(after) => {
                if let Err(because) = self.disowned(&after).await {
                    tracing::warn!(%because, "after a hold");
                }
                Ok(Tried::Ended(done))
            }
            Err(error @ CallError::Invalid(_)) if self.is_unwelcome(before, &error).await => Ok(self.met(error)),
            Err(error @ CallError::Invalid(_)) => Ok(Tried::Again(error)),
            Err(error) => Ok(self.met(error)),
        }
    }

    /// What a call that did not do what was wanted means.
    fn met(&self, error: CallError) -> Tried<HoldResult> {
        match error {
            CallError::Busy { .. } | CallError::Unknown(_) | CallError::Conflict(_) => Tried::Again(error),
            CallError::Absent(_)
            | CallError::Invalid(_)
            | CallError::Refused(_)
            | CallError::Unauthorized(_)
            | CallError::Forbidden(_) => Tried::Ended(HoldResult::Failed {
                error: self.cannot("write to", &error).0,
            }),
        }
    }
}

impl Cluster {
    /// How many pods of how many a workload would be held at.
    ///
    /// # Errors
    /// Why it could not be held, or cannot be told.
    pub async fn holdable(&self, target: &KubernetesTarget, share: HoldPolicy) -> Result<(u32, u32), Unready> {
        let unready = |because: String| Unready {
            name: "not_holdable".to_owned(),
            because,
        };
        let (kind, namespace, name) = (target.kind, &target.namespace, &target.name);
        let found = self.calls.get_surely(Resource::of(kind), namespace, name).await;
        let cannot = |error: CallError| unready(format!("cannot look at {} {namespace}/{name}: {error}", kind.as_str()));
        let plan = hold::plan(kind, &found.map_err(cannot)?, share).map_err(|error| unready(error.to_string()))?;
        Ok((plan.pods, plan.of))
    }

    /// The workloads of a namespace that tell that lastgood holds them.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn held(&self, namespace: &str) -> Result<Vec<MarkedWorkload>, PlatformError> {
        let mut found = Vec::new();
        for kind in [WorkloadKind::Deployment, WorkloadKind::StatefulSet] {
            let resource = Resource::of(kind);
            let listed = self.calls.list(resource, namespace, "").await;
            let listed =
                listed.map_err(|error| PlatformError(format!("cannot list {} in {namespace}: {error}", resource.plural())))?;
            found.extend(listed.iter().filter_map(|workload| {
                let held = HeldBy::read(workload)?;
                Some(MarkedWorkload {
                    kind: kind.as_str().to_owned(),
                    namespace: namespace.to_owned(),
                    name: workload.name().to_owned(),
                    rollout: held.rollout,
                    until: held.until,
                    in_force: held.in_force(kind, workload),
                })
            }));
        }
        Ok(found)
    }
}

const fn is_held(plan: hold::Plan) -> HoldResult {
    HoldResult::Held {
        pods: plan.pods,
        of: plan.of,
    }
}
