//! What people wrote on the workload to keep lastgood from acting, read anew directly before each act (failures.md, I8).

use super::{
    hold::{HeldBy, is_paused},
    object::Object,
    ownership::owner,
};
use crate::{decide::Brake, policy::WorkloadKind};

/// Switches lastgood off for a workload: `"true"`.
pub const OFF: &str = "lastgood.dev/off";
/// Says of a release why it cannot be gone back from; on the workload or in its template.
pub const IRREVERSIBLE: &str = "lastgood.dev/irreversible";

/// What keeps lastgood from writing to `workload`, and a sentence with what to do; none: nothing does.
#[must_use]
pub fn brake(kind: WorkloadKind, workload: &Object) -> Option<(Brake, String)> {
    let owned = || owner(workload).filter(|owner| owner.writes_back).map(|owner| owner.sentence);
    not_to_be_touched(kind, workload).or_else(|| owned().map(|found| (Brake::Owned, found)))
}

/// What keeps lastgood even from holding `workload`: whoever owns it may end a pause, and is heeded.
#[must_use]
pub fn not_to_be_touched(kind: WorkloadKind, workload: &Object) -> Option<(Brake, String)> {
    let named = |by: Brake| move |found: String| (by, found);
    off(workload)
        .map(named(Brake::SwitchedOff))
        .or_else(|| irreversible(workload).map(named(Brake::NoWayBack)))
        .or_else(|| paused(kind, workload).map(named(Brake::Paused)))
        .or_else(|| leaving(workload).map(named(Brake::Leaving)))
}

/// Why a person's deploy to `workload` would come to nothing: a sentence with what to do; none: it may be done.
pub(super) fn unfit(kind: WorkloadKind, workload: &Object) -> Option<String> {
    let held = || {
        HeldBy::read(workload).map(|_| {
            "lastgood holds its rollout until there is a verdict; wait for that, `lastgood status -w` shows it".to_owned()
        })
    };
    let theirs = || {
        let owner = owner(workload).filter(|owner| owner.writes_back)?;
        let who = owner.sentence.split(';').next().unwrap_or_default();
        Some(format!("{who}; change the image there, it would be written back here"))
    };
    paused(kind, workload)
        .or_else(held)
        .or_else(|| leaving(workload))
        .or_else(theirs)
}

fn off(workload: &Object) -> Option<String> {
    (workload.annotation(OFF)? == "true")
        .then(|| format!("the annotation {OFF} switches lastgood off here; remove it, or go back by hand"))
}

fn irreversible(workload: &Object) -> Option<String> {
    let in_template = || {
        workload
            .template()?
            .pointer("/metadata/annotations")?
            .get(IRREVERSIBLE)?
            .as_str()
    };
    let reason = workload.annotation(IRREVERSIBLE).or_else(in_template)?;
    Some(format!(
        "the annotation {IRREVERSIBLE} says that there is no way back: {reason}; repair it forward"
    ))
}

/// That a person paused the Deployment.
pub(super) fn paused(kind: WorkloadKind, workload: &Object) -> Option<String> {
    let paused = kind == WorkloadKind::Deployment && is_paused(workload);
    (paused && HeldBy::read(workload).is_none()).then(|| {
        let (name, namespace) = (workload.name(), workload.namespace());
        format!(
            "a person paused the Deployment, and lastgood never resumes what it did not pause; `kubectl rollout resume deployment/{name} -n {namespace}`"
        )
    })
}

fn leaving(workload: &Object) -> Option<String> {
    workload
        .text("/metadata/deletionTimestamp")
        .map(|_| "it is being deleted; nothing is to be done".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn brakes(workload: Value) -> Option<(Brake, String)> {
        brake(WorkloadKind::Deployment, &Object(workload))
    }

    #[test]
    fn k17_k21_each_brake_keeps_lastgood_from_writing_and_says_what_to_do() {
        for (workload, by, said) in [
            (
                json!({"metadata": {"annotations": {OFF: "true"}}}),
                Brake::SwitchedOff,
                "switches lastgood off",
            ),
            (
                json!({"metadata": {"annotations": {IRREVERSIBLE: "drops a column"}}}),
                Brake::NoWayBack,
                "drops a column",
            ),
            (
                json!({"spec": {"template": {"metadata": {"annotations": {IRREVERSIBLE: "new disk format"}}}}}),
                Brake::NoWayBack,
                "new disk format",
            ),
            (
                json!({"metadata": {"name": "myapp", "namespace": "shop"}, "spec": {"paused": true}}),
                Brake::Paused,
                "`kubectl rollout resume deployment/myapp -n shop`",
            ),
            (
                json!({"metadata": {"deletionTimestamp": "2026-11-24T12:00:00Z"}}),
                Brake::Leaving,
                "being deleted",
            ),
            (
                json!({"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": "a:b"}}}),
                Brake::Owned,
                "`argocd app rollback a`",
            ),
        ] {
            let (found_by, found) = brakes(workload).expect("a brake");
            assert!(found_by == by && found.contains(said), "{found_by:?}: {found}");
        }
    }

    #[test]
    fn what_lastgood_holds_itself_and_what_is_only_called_off_is_no_brake() {
        let held = r#"{"rollout":"019a2f3c-0000-7000-8000-000000000000","until":"2026-11-24T12:00:00Z"}"#;
        let by_us = json!({"metadata": {"annotations": {super::super::hold::HELD: held}}, "spec": {"paused": true}});
        assert_eq!(brakes(by_us), None);
        assert_eq!(brakes(json!({"metadata": {"annotations": {OFF: "false"}}})), None);
    }
}
