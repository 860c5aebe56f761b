//! Guilt without metrics: a release whose pods never start to serve (kubernetes.md, Guilt without metrics). Whatever may be the cluster's
//! fault convicts nobody.

use super::{deciding, draft::Draft};
use crate::{
    record::{NotStarted, Observation, Phase, Record, RolloutKind, SeenPod, StartupFailure, Waiting},
    words::Arm,
};

/// So many restarts of a container that was never ready are a loop.
const LOOP: u32 = 3;
/// So many pods must be in it; fewer where there are no more.
const PODS: usize = 2;

/// Convicts the candidate where it is certain that it does not start, and that it is not the cluster.
pub(super) fn judged(draft: &mut Draft<'_>, record: &mut Record, observation: &Observation) {
    let waits = matches!(record.phase, Phase::WaitingForActivation { .. } | Phase::Watching { .. });
    if !waits || record.kind != RolloutKind::Release || record.verdict.is_some() {
        return;
    }
    if let Some(failure) = failure(draft, record, observation) {
        record.startup = Some(failure);
        deciding::convict(draft, record);
    }
}

fn failure(draft: &Draft<'_>, record: &Record, observation: &Observation) -> Option<StartupFailure> {
    let candidates = || record.pods.iter().filter(|pod| pod.arm == Arm::Candidate);
    // One that was ever ready has started: its metrics tell the rest.
    if candidates().any(|pod| pod.ready_at.is_some()) {
        return None;
    }
    let since = candidates().map(|pod| pod.created_at).min()?;
    let own = observation.pods.iter().filter(|pod| pod.version.as_ref() == Some(&record.to));
    let own: Vec<&SeenPod> = own.collect();
    let late = !observation.deadline.is_zero() && draft.now >= since.plus(observation.deadline);
    let (how, pods) = no_image(&own)
        .or_else(|| crash_loop(&own, observation, record))
        .or_else(|| never_ready(&own, observation, record).filter(|_| late))?;
    Some(StartupFailure {
        how,
        pod: pods.first()?.pod.clone(),
        pods: u32::try_from(pods.len()).unwrap_or(u32::MAX),
        restarts: pods.iter().map(|pod| pod.restarts).sum(),
        since,
    })
}

type Found<'a> = Option<(NotStarted, Vec<&'a SeenPod>)>;

fn no_image<'a>(own: &[&'a SeenPod]) -> Found<'a> {
    let without = own
        .iter()
        .copied()
        .filter(|pod| matches!(pod.waits_for(), Some(Waiting::ImageNotFound | Waiting::ImageNameInvalid)));
    let without: Vec<&SeenPod> = without.collect();
    (!without.is_empty()).then_some((NotStarted::NoImage, without))
}

fn crash_loop<'a>(own: &[&'a SeenPod], observation: &Observation, record: &Record) -> Found<'a> {
    let looping: Vec<&SeenPod> = own.iter().copied().filter(|pod| pod.restarts >= LOOP).collect();
    let baseline_loops = baseline(observation, record).any(|pod| pod.waits_for() == Some(Waiting::CrashLoop));
    (looping.len() >= PODS.min(own.len()).max(1) && !baseline_loops).then_some((NotStarted::CrashLoop, looping))
}

/// Pods that run and are not ready, while those of the version before are.
fn never_ready<'a>(own: &[&'a SeenPod], observation: &Observation, record: &Record) -> Found<'a> {
    let running = own
        .iter()
        .copied()
        .filter(|pod| pod.ready_at.is_none() && matches!(pod.waits_for(), None | Some(Waiting::CrashLoop)));
    let running: Vec<&SeenPod> = running.collect();
    let baseline_ready = baseline(observation, record).any(|pod| pod.ready_at.is_some());
    (!running.is_empty() && running.len() == own.len() && baseline_ready).then_some((NotStarted::NeverReady, running))
}

fn baseline<'a>(observation: &'a Observation, record: &'a Record) -> impl Iterator<Item = &'a SeenPod> {
    let version = record.baseline.as_ref().map(|(version, _)| version);
    observation
        .pods
        .iter()
        .filter(move |pod| version.is_some() && pod.version.as_ref() == version)
}
