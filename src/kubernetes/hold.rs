//! Holding a rolling update part-way: how many pods a share is, and where the update is paused (kubernetes.md, Hold).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::object::Object;
use crate::{
    policy::WorkloadKind,
    words::{Moment, RolloutId},
};

/// The annotation by which a held workload says that it is lastgood who holds it, and until when. `paused` without it is a person's.
pub const HELD: &str = "lastgood.dev/held";

/// What the annotation [`HELD`] holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBy {
    /// The rollout that is judged meanwhile.
    pub rollout: RolloutId,
    /// Until when it is held at most.
    pub until: Moment,
    /// A StatefulSet's own partition, to be put back; none where it had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<u32>,
}

impl HeldBy {
    /// The hold of `workload`, if lastgood holds it.
    #[must_use]
    pub fn read(workload: &Object) -> Option<Self> {
        serde_json::from_str(workload.annotation(HELD)?).ok()
    }
}

/// How a rolling update is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// So many pods of the new version serve while it is judged.
    pub pods: u32,
    /// So many pods are wanted.
    pub of: u32,
    /// Where the update is paused.
    pub pause: Pause,
}

/// Where a rolling update is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// As soon as the new revision appears: its first step is all that was asked for, or more.
    AtOnce,
    /// When so many of its pods are ready.
    WhenReady(u32),
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

/// How `workload` is held at `share` (a fraction of its pods): the larger of the share, rounded down, and what the strategy replaces at once.
///
/// # Errors
/// When its kind, strategy or size has no part-way.
pub fn hold(kind: WorkloadKind, workload: &Object, share: f64) -> Result<Hold, Unholdable> {
    let of = replicas(workload);
    match kind {
        WorkloadKind::DaemonSet => Err(Unholdable::DaemonSet),
        WorkloadKind::Deployment if workload.text("/spec/strategy/type") == Some("Recreate") => Err(Unholdable::Recreate),
        WorkloadKind::StatefulSet if workload.text("/spec/updateStrategy/type") == Some("OnDelete") => Err(Unholdable::OnDelete),
        _ if of < 2 => Err(Unholdable::TooFew(of)),
        WorkloadKind::Deployment => {
            let (asked, first) = (asked(of, share), first_step(workload));
            let pause = if asked > first {
                Pause::WhenReady(asked)
            } else {
                Pause::AtOnce
            };
            Ok(Hold {
                pods: asked.max(first),
                of,
                pause,
            })
        }
        WorkloadKind::StatefulSet => {
            let partition = workload.number("/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
            if partition > 0 && HeldBy::read(workload).is_none() {
                return Err(Unholdable::Partitioned(u32::try_from(partition).unwrap_or(u32::MAX)));
            }
            let pods = asked(of, share);
            Ok(Hold {
                pods,
                of,
                pause: Pause::Partition(of - pods),
            })
        }
    }
}

/// Pods wanted; 1 where the workload does not say.
pub(super) fn replicas(workload: &Object) -> u32 {
    workload
        .number("/spec/replicas")
        .map_or(1, |replicas| u32::try_from(replicas).unwrap_or(u32::MAX))
}

fn asked(of: u32, share: f64) -> u32 {
    let pods = (f64::from(of) * share.clamp(0.0, 1.0) + 1e-9).floor();
    // Between 0 and `of`, so nothing is cut off.
    (pods as u32).clamp(1, of)
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
