//! The policy that the records of the tests are pinned to.

use std::time::Duration;

use crate::{
    policy::{
        Activate, ActivateBy, Arms, Compare, Harmful, HistogramMetric, HostTarget, Limits, Metric, MetricKind, Mode, Notify,
        OnInconclusive, OnProven, OnRegression, Policy, RatioMetric, Require, RevertPolicy, RevertTo, Risk, Startup, StepSetting,
        Target, Tolerate, ValueMetric, Watch,
    },
    words::Fingerprint,
};

pub(crate) fn policy() -> Policy {
    Policy {
        service: "myapp".parse().expect("a service"),
        env: "prod".parse().expect("an environment"),
        mode: Mode::Enforce,
        target: Target::Host(HostTarget {
            releases: "/opt/myapp/releases".into(),
            current: "/opt/myapp/current".into(),
            activate: Activate::Unit {
                unit: "myapp.service".to_owned(),
                by: ActivateBy::Restart,
            },
        }),
        arms: Arms::Time { instance: None },
        watch: Watch {
            length: Duration::from_secs(7_200),
            prove_after: Duration::from_secs(1_800),
            step: StepSetting::Auto,
            hold: None,
        },
        compare: Compare::Auto,
        risk: Risk {
            false_revert: 0.01,
            missed_regression: 0.05,
        },
        metrics: vec![errors(), latency()],
        at_least_bad: 5,
        on_regression: OnRegression::Revert,
        on_inconclusive: OnInconclusive::Keep,
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
        hash: Fingerprint::from_sha256(&[0xab; 32]),
    }
}

fn errors() -> Metric {
    Metric {
        name: "errors".to_owned(),
        kind: MetricKind::Ratio(RatioMetric {
            bad: "http_requests_total{app=\"myapp\",code=~\"5..\"}".to_owned(),
            total: "http_requests_total{app=\"myapp\"}".to_owned(),
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

fn latency() -> Metric {
    Metric {
        name: "latency".to_owned(),
        kind: MetricKind::Histogram(HistogramMetric {
            selector: "http_request_duration_seconds{app=\"myapp\"}".to_owned(),
            quantiles: vec![0.5, 0.99],
            tolerate_slower: 0.2,
            tolerate_floor: Duration::from_millis(5),
            harmful_slower: 1.0,
            warmup: Duration::from_secs(60),
        }),
        on_regression: OnRegression::Revert,
    }
}

/// A value that only warns.
pub(crate) fn memory() -> Metric {
    Metric {
        name: "memory".to_owned(),
        kind: MetricKind::Value(ValueMetric {
            query: "process_resident_memory_bytes{job=\"myapp\"}".to_owned(),
            tolerate_more: 0.3,
            threshold: None,
            warmup: Duration::from_secs(60),
        }),
        on_regression: OnRegression::Alert,
    }
}
