//! The policy and the record that a watch needs, and following one.

use std::{path::PathBuf, time::Duration};

use lastgood::{
    app::watch::{Prepared, Progress, Watch, prepare},
    engine::Stage,
    judge::Evidence,
    policy::{
        Activate, ActivateBy, Arms, Compare, Harmful, HistogramMetric, HostTarget, Limits, Metric, MetricKind, Mode, Notify,
        OnInconclusive, OnProven, OnRegression, Policy, RatioMetric, Require, RevertPolicy, RevertTo, Risk, Startup, StepSetting,
        Target, Tolerate,
    },
    ports::MetricSource,
    record::{Activation, DataFault, KnownVersion, Phase, ProofBasis, Record, RolloutKind, Served, TargetHistory},
    words::{Fingerprint, Moment, RolloutId, Standing, Version},
};
use tokio::time::sleep;

use crate::rig::{Exporter, PATIENCE, SCRAPE, Server, now};

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
            hold: None,
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
        agreed: None,
        outcome: None,
        outcome_detail: None,
        verification: None,
        queries: Vec::new(),
        pods: Vec::new(),
        old_pods: Vec::new(),
        ready: None,
        startup: None,
        hindered: None,
        hold: None,
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
    follow_until(watch, source, |evidence| evidence.at >= until).await
}

/// Goes on until the evidence is as `wanted`, live: each step as it becomes due.
pub async fn follow_until(watch: &mut Watch, source: &dyn MetricSource, wanted: impl Fn(&Evidence) -> bool) -> Vec<Progress> {
    let mut progress = Vec::new();
    let end = now().plus(PATIENCE);
    while !wanted(&watch.evidence()) {
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

/// A history in which `v1` served from `from` until `until`.
pub fn history(policy: &Policy, from: Moment, until: Moment) -> TargetHistory {
    let mut history = TargetHistory::new(policy.key());
    history.versions.push(KnownVersion {
        version: version("v1"),
        standing: Standing::Proven,
        since: from,
        basis: ProofBasis::Evidence,
        first_seen: from,
        last_ran: until,
        images: Vec::new(),
    });
    history.served.push(Served {
        version: version("v1"),
        from,
        until: Some(until),
    });
    history
}

/// What was told of the data, in order.
pub fn faults(progress: &[Progress]) -> Vec<Option<DataFault>> {
    let faults = progress.iter().filter_map(|progress| match progress {
        Progress::Data(fault) => Some(fault.clone()),
        Progress::Judged(_) => None,
    });
    faults.collect()
}

/// `v1` serves for some scrapes, then `v2` does; the record of that rollout, prepared.
pub async fn rolled_out(server: &Server, exporter: &Exporter, policy: &Policy) -> (Record, Prepared) {
    let began = now();
    let learning = policy.watch.step == StepSetting::Auto;
    exporter.scraped(if learning { 8 } else { 3 }).await;
    exporter.page().restart();
    let switched = now();
    exporter.scraped(1).await;
    let record = record(policy, switched, true);
    let history = history(policy, began, switched);
    let prepared = prepare(&server.source(), policy, &history, &record, now())
        .await
        .expect("prepared");
    (record, prepared)
}

/// The evidence of a watch that begins afresh and asks for everything at the ends given.
pub async fn replay(record: &mut Record, prepared: &Prepared, source: &dyn MetricSource, ends: &[Moment]) -> Vec<Evidence> {
    let mut again = watch(record, prepared);
    let mut progress = Vec::new();
    for end in ends {
        // Far enough behind the end for the slowest scrape that could be assumed, and no step further.
        while again.evidence().at < *end {
            let next = again.next_at();
            progress.extend(again.advance(source, next.max(*end)).await);
        }
    }
    let mut evidence = judged(&progress);
    evidence.retain(|evidence| ends.last().is_some_and(|end| evidence.at <= *end));
    evidence
}
