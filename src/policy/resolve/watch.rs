//! `spec.watch`: how long and how often a rollout is judged, and whether it is held meanwhile.

use std::time::Duration;

use super::{DAY, MINUTE, SECOND, time};
use crate::policy::{
    HoldPolicy, StepSetting, Target, Watch, WorkloadKind,
    error::Faults,
    file::WatchFile,
    given::Given,
    nearest::shown,
    quantity::{Share, Time, duration_text},
};

pub(super) fn watch(given: &Given<WatchFile>, target: Option<&Target>, faults: &Faults) -> Watch {
    let file = given.value.clone().unwrap_or_default();
    let length = time(&file.length, 120 * MINUTE, 10 * SECOND, 7 * DAY, faults);
    let usual = length.min(30 * MINUTE);
    let mut prove_after = time(&file.prove_after, usual, SECOND, 7 * DAY, faults);
    // A wrong `for` is one error, not two.
    if prove_after > length {
        if file.length.value.is_some() || !file.length.is_written() {
            let message = format!(
                "`{}` is longer than the whole watch, `for: {}`",
                duration_text(prove_after),
                duration_text(length)
            );
            let help = "shorten `proveAfter`, lengthen `for`, or leave `proveAfter` out: the smaller of `30m` and `for`";
            faults.add(file.prove_after.fault(message, help));
        }
        prove_after = usual;
    }
    Watch {
        length,
        prove_after,
        step: step(&file.step, length, faults),
        hold: hold(&file, length, target, faults),
    }
}

/// Whether a rolling update of the target can stand still part-way.
pub(in crate::policy) fn can_be_held(target: &Target) -> bool {
    matches!(target, Target::Kubernetes(workload) if workload.kind != WorkloadKind::DaemonSet)
}

fn hold(file: &WatchFile, length: Duration, target: Option<&Target>, faults: &Faults) -> Option<HoldPolicy> {
    let share = share(&file.hold, faults);
    let max = time(&file.hold_max, length.min(5 * MINUTE), 10 * SECOND, length, faults);
    let refused = match target {
        Some(Target::Host(_)) => Some("a host switches at once: nothing can be held part-way"),
        Some(Target::Kubernetes(workload)) if workload.kind == WorkloadKind::DaemonSet => {
            Some("a DaemonSet has neither a pause nor a partition: it cannot be held part-way")
        }
        _ => None,
    };
    if let (Some(because), true) = (refused, share.is_some()) {
        let help = match target {
            Some(Target::Host(_)) => "remove `hold`",
            _ => "remove `hold`; `updateStrategy.rollingUpdate.maxUnavailable` of the DaemonSet makes it go slowly",
        };
        faults.add(file.hold.fault(because, help));
    } else if file.hold_max.is_written() && share.is_none() {
        let help = "write `hold: 25%` beside it, or remove it";
        faults.add(file.hold_max.fault("`holdMax` says nothing where nothing is held", help));
    }
    Some(HoldPolicy { share: share?, max })
}

fn share(given: &Given<String>, faults: &Faults) -> Option<f64> {
    let text = given.as_ref().filter(|text| *text != "none")?;
    match text.parse::<Share>() {
        Ok(Share(share)) if share > 0.0 && share < 1.0 => Some(share),
        _ => {
            let help = "write `none`, or a share of the pods above `0%` and below `100%`: `25%`";
            faults.add(given.fault(format!("found `{}`", shown(text)), help));
            None
        }
    }
}

fn step(given: &Given<String>, watch: Duration, faults: &Faults) -> StepSetting {
    let Some(text) = given.as_ref().filter(|text| *text != "auto") else {
        return StepSetting::Auto;
    };
    let (least, most) = (SECOND, 5 * MINUTE);
    match text.parse::<Time>() {
        Ok(Time(step)) if (least..=most).contains(&step) && step.subsec_millis() == 0 => {
            if step * 2 > watch {
                let message = format!(
                    "`{}` fits less than twice into `for: {}`",
                    duration_text(step),
                    duration_text(watch)
                );
                faults.add(given.fault(message, "write a shorter step, or `auto` (the scrape interval, learnt)"));
            }
            StepSetting::Every(step)
        }
        _ => {
            faults.add(given.fault(
                format!("found `{}`", shown(text)),
                "write `auto` (the scrape interval, learnt) or whole seconds from `1s` to `5m`",
            ));
            StepSetting::Auto
        }
    }
}
