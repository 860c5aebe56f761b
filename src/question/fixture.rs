//! A policy to count by, for tests of this crate.

use std::{path::PathBuf, time::Duration};

use crate::{
    policy::{
        Activate, ActivateBy, Arms, Compare, Harmful, HostTarget, Limits, Metric, MetricKind, Mode, Notify, OnInconclusive,
        OnProven, OnRegression, Policy, RatioMetric, Require, RevertPolicy, RevertTo, Risk, Startup, StepSetting, Target,
        Tolerate, Watch,
    },
    words::Fingerprint,
};

/// A host's policy with all defaults and these metrics.
pub(crate) fn policy(metrics: Vec<Metric>) -> Policy {
    Policy {
        service: "myapp".parse().expect("a name"),
        env: "test".parse().expect("a name"),
        mode: Mode::Enforce,
        target: Target::Host(HostTarget {
            releases: PathBuf::from("/opt/myapp/releases"),
            current: PathBuf::from("/opt/myapp/current"),
            activate: Activate::Unit {
                unit: "myapp.service".to_owned(),
                by: ActivateBy::Restart,
            },
        }),
        arms: Arms::Time { instance: None },
        watch: Watch {
            length: Duration::from_secs(7200),
            prove_after: Duration::from_secs(1800),
            step: StepSetting::Auto,
            hold: None,
        },
        compare: Compare::Auto,
        risk: Risk {
            false_revert: 0.01,
            missed_regression: 0.05,
        },
        metrics,
        at_least_bad: 5,
        on_regression: OnRegression::Revert,
        on_inconclusive: OnInconclusive::Prove,
        revert: RevertPolicy {
            to: RevertTo::Passed,
            verify_for: Duration::from_secs(300),
            max_age: Duration::from_secs(90 * 86_400),
            min_version: None,
        },
        limits: Limits { reverts_per_hour: 1 },
        startup: Startup::default(),
        require: Require::default(),
        on_proven: OnProven::default(),
        notify: Notify::default(),
        hash: Fingerprint::from_sha256(&[7; 32]),
    }
}

/// A ratio metric with all defaults.
pub(crate) fn ratio() -> Metric {
    Metric {
        name: "errors".to_owned(),
        kind: MetricKind::Ratio(RatioMetric {
            bad: "requests_total{code=~\"5..\"}".to_owned(),
            total: "requests_total".to_owned(),
            tolerate: Tolerate {
                times: 1.25,
                floor: 0.001,
            },
            harmful: Harmful { times: 2.0 },
            objective: None,
        }),
        on_regression: OnRegression::Revert,
    }
}
