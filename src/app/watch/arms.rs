//! The pods of a record as the two sides of what is counted.

use crate::{
    count::{PodArms, PodLife},
    engine::Stage,
    record::{ArmPod, Record},
    words::{Arm, Moment, Pod},
};

/// The sides of the watch; of the verification of a version that was put back, its pods are the ones that are judged, alone.
pub(super) fn of(record: &Record, stage: Stage) -> PodArms {
    let put_back = stage == Stage::Verification && record.intent.is_some();
    let judged = if put_back { Arm::Baseline } else { Arm::Candidate };
    let arm = |pod: &ArmPod| if pod.arm == judged { Arm::Candidate } else { Arm::Baseline };
    let arms = PodArms::of(record.pods.iter().map(|pod| lives(pod, arm(pod))));
    if stage == Stage::Verification {
        arms.candidate_only()
    } else {
        arms
    }
}

/// These pods alone, as the ones that are counted.
pub(super) fn alone(pods: &[ArmPod]) -> PodArms {
    PodArms::of(pods.iter().map(|pod| lives(pod, Arm::Candidate)))
}

fn lives(pod: &ArmPod, arm: Arm) -> (Pod, PodLife) {
    let life = PodLife {
        arm,
        created_at: pod.created_at,
        ready_at: pod.ready_at,
        gone_at: pod.gone_at,
    };
    (pod.pod.clone(), life)
}

/// What the first pod of the candidate did before it was ready counts too.
pub(super) fn begins(arms: &PodArms, activated: Moment) -> Moment {
    arms.first(Arm::Candidate).map_or(activated, |first| first.min(activated))
}
