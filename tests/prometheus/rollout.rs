//! The policy and the record that a watch needs, and following one.

use std::{path::PathBuf, time::Duration};

use lastgood::{
    app::watch::{Prepared, Progress, Watch},
    engine::Stage,
    judge::Evidence,
    policy::{
        Activate, ActivateBy, Arms, Compare, Harmful, HistogramMetric, HostTarget, Limits, Metric, MetricKind, Mode, Notify,
        OnInconclusive, OnRegression, Policy, RatioMetric, RevertPolicy, RevertTo, Risk, StepSetting, Target, Tolerate,
    },
    ports::MetricSource,
    record::{Activation, Phase, Record, RolloutKind},
    words::{Fingerprint, Moment, RolloutId, Standing, Version},
};
use tokio::time::sleep;

use crate::rig::{PATIENCE, SCRAPE, now};

/// A host's policy with one ratio metric over `job`.
pub fn policy(job: &str) -> Policy {
    let metric = Metric {
        name: "errors".to_owned(),
        kind: MetricKind::Ratio(RatioMetric {
            bad: format!("requests_total{{job=\"{job}\",code=~\"5..\"}}"),
            total: format!("requests_total{{job=\"{job}\"}}"),
            tolerate: Tolerate {
                times: 1.25,
                floor: 0.001,
            },
            harmful: Harmful { times: 2.0 },
            objective: None,
        }),
        on_regression: OnRegression::Revert,
    };
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
        watch: lastgood::policy::Watch {
            length: Duration::from_secs(600),
            prove_after: Duration::from_secs(300),
            step: StepSetting::Every(SCRAPE),
        },
        compare: Compare::Auto,
        risk: Risk {
            false_revert: 0.01,
            missed_regression: 0.05,
        },
        metrics: vec![metric],
        at_least_bad: 5,
        on_regression: OnRegression::Revert,
        on_inconclusive: OnInconclusive::Prove,
        revert: RevertPolicy {
            to: RevertTo::Passed,
            verify_for: Duration::from_secs(300),
            max_age: Duration::from_secs(90 * 86_400),
        },
        limits: Limits { reverts_per_hour: 1 },
        notify: Notify::default(),
        hash: Fingerprint::from_sha256(&[7; 32]),
    }
}

/// A histogram in which every bad request is a slow one.
pub fn latency(job: &str) -> Metric {
    Metric {
        name: "latency".to_owned(),
        kind: MetricKind::Histogram(HistogramMetric {
            selector: format!("seconds{{job=\"{job}\"}}"),
            quantiles: vec![0.5],
            tolerate_slower: 0.2,
            tolerate_floor: Duration::from_millis(5),
            harmful_slower: 1.0,
            warmup: Duration::ZERO,
        }),
        on_regression: OnRegression::Revert,
    }
}

pub fn version(name: &str) -> Version {
    Version {
        name: name.parse().expect("a name"),
        fingerprint: Fingerprint::from_sha256(&[name.len() as u8; 32]),
    }
}

/// A rollout to `v2` whose process began at `at`; with `baseline`, `v1` is the last good version.
pub fn record(policy: &Policy, at: Moment, baseline: bool) -> Record {
    Record {
        id: RolloutId::new(uuid::Uuid::nil()),
        service: policy.service.clone(),
        env: policy.env.clone(),
        kind: RolloutKind::Release,
        from: baseline.then(|| version("v1")),
        to: version("v2.0"),
        baseline: baseline.then(|| (version("v1"), Standing::Proven)),
        baseline_since: None,
        seen_at: at,
        activation: Some(Activation {
            at,
            known_by: "unit".to_owned(),
            fresh_counters: true,
        }),
        policy: policy.clone(),
        plan: None,
        calibration: None,
        phase: Phase::Watching {
            until: at.plus(policy.watch.length),
        },
        verdict: None,
        decided_at: None,
        evidence: None,
        fault: None,
        decision: None,
        intent: None,
        outcome: None,
        outcome_detail: None,
        verification: None,
        queries: Vec::new(),
        timeline: Vec::new(),
        closed_at: None,
    }
}

/// Pins what was prepared and begins to watch.
pub fn watch(record: &mut Record, prepared: &Prepared) -> Watch {
    record.plan = Some(prepared.plan.clone());
    record.calibration = Some(serde_json::to_value(&prepared.calibration).expect("JSON"));
    record.queries.clone_from(&prepared.queries);
    Watch::resume(record, Stage::Watch).expect("a watch")
}

/// Goes on until everything up to `until` was answered well, live: each step as it becomes due.
pub async fn follow(watch: &mut Watch, source: &dyn MetricSource, until: Moment) -> Vec<Progress> {
    let mut progress = Vec::new();
    let end = now().plus(PATIENCE);
    while watch.evidence().at < until {
        assert!(now() < end, "waited in vain for evidence: {progress:?}");
        let pause = watch.next_at().since(now());
        sleep(pause.min(Duration::from_secs(1))).await;
        progress.extend(watch.advance(source, now()).await);
    }
    progress
}

/// The evidence of every step that was judged.
pub fn judged(progress: &[Progress]) -> Vec<Evidence> {
    let evidence = progress.iter().filter_map(|progress| match progress {
        Progress::Judged(evidence) => Some(evidence.clone()),
        Progress::Data(_) => None,
    });
    evidence.collect()
}
