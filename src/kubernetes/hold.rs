//! Holding a rolling update part-way: how many pods a share is, and where the update is paused (kubernetes.md, Hold).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::object::Object;
use crate::{
    policy::{HoldPolicy, WorkloadKind},
    record::HeldMark,
    words::{Moment, RolloutId},
};

/// The annotation by which a held workload says that it is lastgood who holds it, and until when. `paused` without it is a person's.
pub const HELD: &str = "lastgood.dev/held";

/// What the annotation [`HELD`] holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBy {
    /// The rollout that is judged meanwhile.
    pub rollout: RolloutId,
    /// Until when it is held at most while nothing is found out.
    pub until: Moment,
    /// A StatefulSet's own partition, to be put back; none where it had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<u32>,
    /// The partition by which lastgood holds it: where it is another one by now, a person moved it, and it is theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<u32>,
}

impl HeldBy {
    /// The hold of `workload`, if lastgood holds it.
    #[must_use]
    pub fn read(workload: &Object) -> Option<Self> {
        serde_json::from_str(workload.annotation(HELD)?).ok()
    }

    /// What is written into the annotation.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_value(self).unwrap_or_default().to_string()
    }

    /// Whether `workload` stands still as this says.
    #[must_use]
    pub fn in_force(&self, kind: WorkloadKind, workload: &Object) -> bool {
        match kind {
            WorkloadKind::Deployment => is_paused(workload),
            WorkloadKind::StatefulSet => self.set.is_some() && partition(workload) == self.set,
            WorkloadKind::DaemonSet => false,
        }
    }

    /// The same as the rest of lastgood sees it; `newer`: a newer template waits behind it.
    #[must_use]
    pub fn mark(&self, kind: WorkloadKind, workload: &Object, newer: bool) -> HeldMark {
        HeldMark {
            rollout: self.rollout,
            until: self.until,
            in_force: self.in_force(kind, workload),
            newer,
        }
    }
}

/// Whether a Deployment is paused, by whomever.
pub(super) fn is_paused(workload: &Object) -> bool {
    workload.0.pointer("/spec/paused") == Some(&Value::Bool(true))
}

/// A StatefulSet's partition; none where it has none.
pub(super) fn partition(workload: &Object) -> Option<u32> {
    let partition = workload.number("/spec/updateStrategy/rollingUpdate/partition")?;
    Some(u32::try_from(partition).unwrap_or(u32::MAX))
}

/// How a rolling update is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// So many pods of the new version serve at most while it is judged.
    pub pods: u32,
    /// So many pods are wanted.
    pub of: u32,
    /// Where the update is paused.
    pub pause: Pause,
}

/// Where a rolling update is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// As soon as the new revision was given so many pods: they are not waited for, as the next ones would be made when they are ready.
    Given(u32),
    /// By a StatefulSet's partition: ordinals at or above it are updated.
    Partition(u32),
}

/// Why a workload cannot be held; each says what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unholdable {
    /// A DaemonSet has no pause and no partition.
    #[error(
        "a DaemonSet cannot be held part-way; remove `hold`, and set `updateStrategy.rollingUpdate.maxUnavailable` to go slowly"
    )]
    DaemonSet,
    /// All pods are replaced at once.
    #[error("the strategy `Recreate` replaces all pods at once; remove `hold`, or use `RollingUpdate`")]
    Recreate,
    /// Pods are replaced when a person deletes them.
    #[error("with the strategy `OnDelete` people replace the pods; remove `hold`, or use `RollingUpdate`")]
    OnDelete,
    /// A person's partition is never moved.
    #[error("the StatefulSet has a partition of its own ({0}), which is never moved; remove `hold`, or set the partition to 0")]
    Partitioned(u32),
    /// Both versions cannot serve at once.
    #[error("with {0} pods both versions cannot serve at once; remove `hold`, or ask for 2 pods or more")]
    TooFew(u32),
}

/// How `workload` is held at `share` of its pods: at the larger of that, rounded down, and what the strategy makes at once.
///
/// # Errors
/// When its kind, strategy or size has no part-way.
pub fn plan(kind: WorkloadKind, workload: &Object, share: HoldPolicy) -> Result<Plan, Unholdable> {
    let of = replicas(workload);
    let pods = share.pods(of);
    match kind {
        WorkloadKind::DaemonSet => Err(Unholdable::DaemonSet),
        WorkloadKind::Deployment if workload.text("/spec/strategy/type") == Some("Recreate") => Err(Unholdable::Recreate),
        WorkloadKind::StatefulSet if workload.text("/spec/updateStrategy/type") == Some("OnDelete") => Err(Unholdable::OnDelete),
        _ if of < 2 => Err(Unholdable::TooFew(of)),
        WorkloadKind::Deployment => Ok(Plan {
            pods: pods.max(first_step(workload)),
            of,
            pause: Pause::Given(pods),
        }),
        WorkloadKind::StatefulSet => match partition(workload).filter(|partition| *partition > 0) {
            Some(theirs) if HeldBy::read(workload).is_none() => Err(Unholdable::Partitioned(theirs)),
            _ => Ok(Plan {
                pods,
                of,
                pause: Pause::Partition(of - pods),
            }),
        },
    }
}

/// Pods wanted; 1 where the workload does not say.
pub(super) fn replicas(workload: &Object) -> u32 {
    workload
        .number("/spec/replicas")
        .map_or(1, |replicas| u32::try_from(replicas).unwrap_or(u32::MAX))
}

/// How many pods of the new version a Deployment's strategy makes before any of them is ready: the surge, and a replacement for each that
/// may be missing.
fn first_step(workload: &Object) -> u32 {
    let of = replicas(workload);
    let limit = |key: &str, up: bool| {
        let value = workload.0.pointer(&format!("/spec/strategy/rollingUpdate/{key}"));
        pods(value.unwrap_or(&Value::Null), of, up)
    };
    let (surge, missing) = (limit("maxSurge", true), limit("maxUnavailable", false));
    // Both zero would never move; the controller takes one to be missing then.
    let step = surge.saturating_add(missing);
    step.clamp(1, of.max(1))
}

/// A number of pods, or a percentage of `of`; 25 % where nothing is said, as the API server fills in.
fn pods(value: &Value, of: u32, up: bool) -> u32 {
    if let Some(number) = value.as_u64() {
        return u32::try_from(number).unwrap_or(u32::MAX);
    }
    let percent: u64 = value
        .as_str()
        .and_then(|text| text.trim_end_matches('%').parse().ok())
        .unwrap_or(25);
    let hundredths = u64::from(of).saturating_mul(percent);
    let pods = if up { hundredths.div_ceil(100) } else { hundredths / 100 };
    u32::try_from(pods).unwrap_or(u32::MAX)
}
