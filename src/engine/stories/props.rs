//! What stories are made of: versions, a policy, a metric's evidence.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use crate::{
    judge::{MetricEvidence, Noise, NoiseSource},
    policy::{
        Activate, ActivateBy, Arms, Compare, Harmful, HostTarget, Limits, Metric, MetricKind, Mode, Notify, NotifyOn,
        OnInconclusive, OnProven, OnRegression, Policy, RatioMetric, Require, RevertPolicy, RevertTo, Risk, Startup, StepSetting,
        Target, Tolerate, Watch,
    },
    words::{Actor, Fingerprint, Version},
};

pub const STEP: u64 = 15;
pub const MINUTE: u64 = 60;
pub const HOUR: u64 = 3600;
pub const DAY: u64 = 24 * HOUR;

pub fn version(name: &str) -> Version {
    let mut digest = [0; 32];
    digest.iter_mut().zip(name.bytes()).for_each(|(digit, byte)| *digit = byte);
    Version {
        name: name.parse().expect("a version"),
        fingerprint: Fingerprint::from_sha256(&digest),
    }
}

pub fn alice() -> Actor {
    Actor("uid 1000 (alice)".to_owned())
}

pub fn policy() -> Policy {
    let channel = "ops".parse().expect("a channel");
    Policy {
        service: "myapp".parse().expect("a service"),
        env: "prod".parse().expect("an environment"),
        mode: Mode::Enforce,
        target: Target::Host(HostTarget {
            releases: PathBuf::from("/srv/releases"),
            current: PathBuf::from("/srv/current"),
            activate: Activate::Unit {
                unit: "myapp.service".to_owned(),
                by: ActivateBy::Restart,
            },
        }),
        arms: Arms::Time { instance: None },
        watch: Watch {
            length: Duration::from_secs(2 * HOUR),
            prove_after: Duration::from_secs(30 * MINUTE),
            step: StepSetting::Auto,
            hold: None,
        },
        compare: Compare::Auto,
        risk: Risk {
            false_revert: 0.01,
            missed_regression: 0.05,
        },
        metrics: vec![Metric {
            name: "errors".to_owned(),
            kind: MetricKind::Ratio(RatioMetric {
                bad: "bad".to_owned(),
                total: "total".to_owned(),
                tolerate: Tolerate {
                    times: 1.25,
                    floor: 0.001,
                },
                harmful: Harmful { times: 2.0 },
                objective: None,
            }),
            on_regression: OnRegression::Revert,
        }],
        at_least_bad: 5,
        on_regression: OnRegression::Revert,
        on_inconclusive: OnInconclusive::Prove,
        revert: RevertPolicy {
            to: RevertTo::Passed,
            verify_for: Duration::from_secs(5 * MINUTE),
            max_age: Duration::from_secs(90 * DAY),
            min_version: None,
        },
        limits: Limits { reverts_per_hour: 1 },
        startup: Startup::default(),
        require: Require::default(),
        on_proven: OnProven::default(),
        notify: Notify {
            default: vec![channel],
            by: BTreeMap::from([(NotifyOn::Proven, vec!["ops".parse().expect("a channel")])]),
        },
        hash: Fingerprint::from_sha256(&[7; 32]),
    }
}

pub fn metric(name: &str, may_revert: bool) -> MetricEvidence {
    MetricEvidence {
        objective: None,
        name: name.to_owned(),
        may_revert,
        verdict: None,
        harm_log10: 0.0,
        needed_harm_log10: 2.0,
        safe_log10: 0.0,
        needed_safe_log10: 1.3,
        candidate: [1.0, 1000.0],
        baseline: [1.0, 1000.0],
        alone: None,
        ratio: None,
        excluded_times: Some(5.0),
        late: None,
        noise: Noise {
            phi: 1.5,
            sigma: 0.1,
            source: NoiseSource::History,
            history: Duration::from_secs(HOUR),
            left_out: [0.0; 2],
        },
        first_bad: None,
        bounds: Vec::new(),
        value: None,
        gaps: BTreeMap::new(),
        unusable: None,
    }
}
