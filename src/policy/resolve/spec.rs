//! The keys of `spec` that are neither target nor metrics: their defaults and their limits.

use std::time::Duration;

use crate::words::{ChannelName, Env, Fingerprint, Service, VersionName};

use super::{DAY, MINUTE, SECOND, arms, metrics, name, proven, target, time, watch};
use crate::policy::{
    Limits, Mode, Notify, NotifyOn, OnInconclusive, OnRegression, Policy, Require, RevertPolicy, RevertTo, Risk, Startup, Target,
    error::Faults,
    file::{LimitsFile, NotifyFile, RequireFile, RevertFile, RiskFile, SpecFile},
    given::Given,
    quantity::{Share, share_text},
};

/// All of the policy but its hash.
pub(super) fn spec(given: &Given<SpecFile>, service: Option<Service>, faults: &Faults) -> Option<Policy> {
    let spec = given.as_ref()?;
    let on_regression = spec.on_regression.value.unwrap_or(OnRegression::Revert);
    // Everything is looked at before anything is given up, so that all faults are found.
    let env = env(&spec.env, faults);
    let target = target::target(given, spec, faults);
    let arms = arms::arms(&spec.arms, target.as_ref(), faults);
    let watch = watch::watch(&spec.watch, target.as_ref(), faults);
    let compare = arms::compare(&spec.compare, target.as_ref(), faults);
    let risk = risk(&spec.risk, faults);
    let metrics = metrics::metrics(given, spec, (on_regression, watch.length), faults);
    let at_least_bad = metrics::at_least_bad(&spec.at_least, faults);
    let revert = revert(&spec.revert, faults);
    let limits = limits(&spec.limits, faults);
    let startup = startup(&spec.startup, target.as_ref(), faults);
    let require = require(&spec.require, env.as_ref(), faults);
    let on_proven = proven::on_proven(&spec.on_proven, target.as_ref(), faults);
    let notify = notify(&spec.notify, faults);
    Some(Policy {
        service: service?,
        env: env?,
        mode: spec.mode.value.unwrap_or(Mode::Enforce),
        target: target?,
        arms,
        watch,
        compare,
        risk,
        metrics: metrics?,
        at_least_bad,
        on_regression,
        on_inconclusive: spec.on_inconclusive.value.unwrap_or(OnInconclusive::Prove),
        revert,
        limits,
        startup,
        require,
        on_proven,
        notify,
        hash: Fingerprint::from_sha256(&[0; 32]),
    })
}

fn env(given: &Given<String>, faults: &Faults) -> Option<Env> {
    if given.is_written() {
        name(given, faults)
    } else {
        "prod".parse().ok()
    }
}

fn risk(given: &Given<RiskFile>, faults: &Faults) -> Risk {
    let file = given.value.clone().unwrap_or_default();
    Risk {
        false_revert: probability(&file.false_revert, 0.01, faults),
        missed_regression: probability(&file.missed_regression, 0.05, faults),
    }
}

fn probability(given: &Given<Share>, default: f64, faults: &Faults) -> f64 {
    match given.value {
        Some(Share(share)) if share > 0.0 && share <= 0.5 => share,
        Some(Share(share)) => {
            let message = format!(
                "`{}` is {}",
                share_text(share),
                if share > 0.5 { "too much" } else { "too little" }
            );
            let help = format!(
                "this is how often a mistake is allowed: above `0%`, at most `50%`; `{}` is usual",
                share_text(default)
            );
            faults.add(given.fault(message, help));
            default
        }
        None => default,
    }
}

fn revert(given: &Given<RevertFile>, faults: &Faults) -> RevertPolicy {
    let file = given.value.clone().unwrap_or_default();
    RevertPolicy {
        to: file.to.value.unwrap_or(RevertTo::Passed),
        verify_for: time(&file.verify_for, 5 * MINUTE, SECOND, DAY, faults),
        max_age: time(&file.max_age, 90 * DAY, 60 * MINUTE, 3_650 * DAY, faults),
        min_version: min_version(&file.min_version, faults),
    }
}

/// A version; a tag that moves has no place among them.
fn min_version(given: &Given<String>, faults: &Faults) -> Option<VersionName> {
    let version: VersionName = name(given, faults)?;
    if version.moves() {
        let help = "write the oldest version that may be gone back to: `minVersion: v1.2.0`";
        faults.add(given.fault(format!("`{version}` is a tag that moves, and names no version"), help));
        return None;
    }
    Some(version)
}

fn limits(given: &Given<LimitsFile>, faults: &Faults) -> Limits {
    let file = given.value.clone().unwrap_or_default();
    let reverts_per_hour = match file.reverts_per_hour.value {
        Some(0) => {
            let help = "write 1 or more; to never revert, write `mode: observe` instead";
            faults.add(file.reverts_per_hour.fault("0 would mean never to revert", help));
            1
        }
        Some(count) => count,
        None => 1,
    };
    Limits { reverts_per_hour }
}

fn startup(given: &Given<Startup>, target: Option<&Target>, faults: &Faults) -> Startup {
    if given.is_written() && matches!(target, Some(Target::Host(_))) {
        let help = "remove it: on a host a process that does not start shows in its unit, and in its metrics";
        faults.add(given.fault("`startup` says nothing of a host", help));
    }
    given.value.unwrap_or_default()
}

fn require(given: &Given<RequireFile>, own: Option<&Env>, faults: &Faults) -> Require {
    let file = given.value.clone().unwrap_or_default();
    let proven_in: Option<Env> = name(&file.proven_in, faults);
    if proven_in.is_some() && proven_in.as_ref() == own {
        let help = "write the environment that comes before this one: `provenIn: staging`";
        faults.add(file.proven_in.fault("this is the policy's own environment", help));
    }
    Require { proven_in }
}

fn notify(given: &Given<NotifyFile>, faults: &Faults) -> Notify {
    let file = given.value.clone().unwrap_or_default();
    let by = [
        (NotifyOn::Revert, &file.revert),
        (NotifyOn::Refused, &file.refused),
        (NotifyOn::Blind, &file.blind),
        (NotifyOn::Inconclusive, &file.inconclusive),
        (NotifyOn::Proven, &file.proven),
        (NotifyOn::Failed, &file.failed),
        (NotifyOn::Contested, &file.contested),
        (NotifyOn::Late, &file.late),
        (NotifyOn::Skipped, &file.skipped),
        (NotifyOn::ClusterFault, &file.cluster_fault),
        (NotifyOn::Hold, &file.hold),
        (NotifyOn::NotReady, &file.not_ready),
    ];
    Notify {
        default: channels(&file.default, faults),
        by: by
            .into_iter()
            .filter(|(_, list)| list.is_written())
            .map(|(what, list)| (what, channels(list, faults)))
            .collect(),
    }
}

fn channels(given: &Given<Vec<Given<String>>>, faults: &Faults) -> Vec<ChannelName> {
    let mut channels: Vec<ChannelName> = Vec::new();
    for item in given.as_ref().into_iter().flatten() {
        let Some(channel) = name::<ChannelName>(item, faults) else {
            continue;
        };
        if channels.contains(&channel) {
            faults.add(item.fault(format!("channel `{channel}` is listed twice"), "keep one of the two"));
        } else {
            channels.push(channel);
        }
    }
    channels
}

/// The default length of time after which a command is ended.
pub(super) const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);
