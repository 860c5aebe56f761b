//! A history with something in every field, as a bad release leaves it.

use std::{collections::BTreeMap, time::Duration};

use lastgood::{
    decide::{Decision, Freeze},
    judge::{BoundEvidence, Comparison, Estimate, Evidence, LateChange, MetricEvidence, Noise, NoiseSource, Plan},
    policy::{
        Activate, Arms, Compare, Harmful, HostTarget, Limits, Metric, MetricKind, Mode, Notify, OnInconclusive, OnProven,
        OnRegression, Policy, RatioMetric, Require, RevertPolicy, RevertTo, Risk, Startup, StepSetting, Target, Tolerate, Watch,
    },
    record::{
        ActResult, Action, Activation, Alert, AlertKind, Chain, DataFault, Deed, Delivery, Entry, Happened, Intent, KnownVersion,
        Phase, ProofBasis, Record, RolloutKind, Served, TargetHistory, Unready, Verification,
    },
    words::{Actor, Fingerprint, GapReason, Moment, Outcome, RolloutId, Standing, TargetKey, Verdict, Version},
};

// By its path, as other suites take this file by its own.
#[path = "pods.rs"]
mod pods;

/// The moment `seconds` after the sample's own beginning.
pub fn at(seconds: i64) -> Moment {
    Moment::from_millis(1_764_000_000_123 + 1000 * seconds)
}

/// A target of its own for every story.
pub fn target(name: &str) -> TargetKey {
    format!("prod/{name}").parse().expect("a target")
}

/// A version whose fingerprint follows from its name.
pub fn version(name: &str) -> Version {
    let mut digest = [0; 32];
    for (place, byte) in digest.iter_mut().zip(name.bytes()) {
        *place = byte;
    }
    Version {
        name: name.parse().expect("a version name"),
        fingerprint: Fingerprint::from_sha256(&digest),
    }
}

/// The id of the sample's rollout `number`.
pub fn rollout(number: u128) -> RolloutId {
    let uuid = format!("0199f3a0-0000-7000-8000-{number:012x}");
    uuid.parse().expect("an id")
}

/// A closed record of the rollout `number`, seen `number` minutes after the beginning.
pub fn record(target: &TargetKey, number: u16) -> Record {
    let (from, to) = (version("v1.2.2"), version("v1.2.3"));
    let seen = i64::from(number) * 60;
    let intent = Intent {
        rollout: rollout(number.into()),
        from: to.clone(),
        to: from.clone(),
        at: at(seen + 45),
        approved_by: Some(Actor("uid 1000 (alice)".to_owned())),
        uid: Some("0b7c5f0e-33ff-4a51-9a44-5a8d5b6f7a10".to_owned()),
        ordered: None,
    };
    Record {
        id: rollout(number.into()),
        service: target.service.clone(),
        env: target.env.clone(),
        kind: RolloutKind::Release,
        from: Some(from.clone()),
        to,
        baseline: Some((from.clone(), Standing::Proven)),
        baseline_since: Some(at(-3600)),
        seen_at: at(seen),
        activation: Some(Activation {
            at: at(seen + 1),
            known_by: "unit".to_owned(),
            fresh_counters: true,
        }),
        policy: policy(target),
        plan: Some(plan()),
        calibration: Some(serde_json::json!({"sigma": [0.1, 1e-300], "steps": 240})),
        phase: Phase::Closed,
        verdict: Some(Verdict::Regression),
        decided_at: Some(at(seen + 45)),
        evidence: Some(evidence(seen + 45)),
        fault: Some(fault(seen + 20)),
        decision: Some(Decision::Revert {
            to: from,
            standing: Standing::Proven,
        }),
        intent: Some(intent),
        agreed: None,
        outcome: Some(Outcome::Verified),
        outcome_detail: Some("myapp: restarted\n".to_owned()),
        verification: Some(Verification {
            active: Some(true),
            evidence: Some(evidence(seen + 300)),
            at: at(seen + 300),
        }),
        queries: vec!["sum by (job, instance)(http_requests_total{app=\"myapp\"})".to_owned()],
        pods: Vec::new(),
        old_pods: pods::past_pods(),
        ready: None,
        startup: None,
        hindered: Some(pods::hindered(seen)),
        hold: None,
        timeline: timeline(seen),
        closed_at: Some(at(seen + 301)),
    }
}

const fn plan() -> Plan {
    Plan {
        step: Duration::from_millis(1500),
        steps: 480,
        compare: Comparison::BeforeAfter,
        candidate_pods: 1,
        baseline_pods: 1,
    }
}

fn timeline(seen: i64) -> Vec<Entry> {
    let happened = [
        Happened::Seen,
        Happened::Data {
            fault: Some(fault(seen)),
        },
        Happened::Data { fault: None },
        Happened::Judged {
            verdict: Verdict::Regression,
        },
        Happened::Intended,
        Happened::Acted {
            result: ActResult::Applied {
                moved_at: at(seen + 46),
                activated_at: at(seen + 47),
                detail: "done".to_owned(),
            },
        },
        Happened::Stood {
            version: version("v1.2.3"),
            standing: Standing::Quarantined,
        },
        Happened::Settled {
            outcome: Outcome::Verified,
        },
        Happened::Closed,
    ];
    happened.into_iter().map(|what| Entry { at: at(seen + 46), what }).collect()
}

fn fault(seconds: i64) -> DataFault {
    DataFault {
        since: at(seconds),
        reason: GapReason::QueryFailed,
        because: "Prometheus refused the connection".to_owned(),
        query: Some("up".to_owned()),
    }
}

fn evidence(seconds: i64) -> Evidence {
    Evidence {
        at: at(seconds),
        steps: 3,
        used: 2,
        whole_since: None,
        compare: Comparison::BeforeAfter,
        alone_since: None,
        verdict: Some(Verdict::Regression),
        harm_log10: 37.012_345_678_901_234,
        needed_harm_log10: 2.0,
        metrics: vec![errors(seconds), latency(seconds)],
    }
}

fn errors(seconds: i64) -> MetricEvidence {
    MetricEvidence {
        objective: None,
        name: "errors".to_owned(),
        may_revert: true,
        verdict: Some(Verdict::Regression),
        harm_log10: 37.3,
        needed_harm_log10: 2.3,
        safe_log10: -4.1,
        needed_safe_log10: 1.3,
        candidate: [508.0, 12_400.0],
        baseline: [186.0, 37_100.0],
        alone: None,
        ratio: Some(ESTIMATE),
        excluded_times: None,
        late: None,
        noise: Noise {
            phi: 1.5,
            sigma: 0.1,
            source: NoiseSource::History,
            history: Duration::from_secs(3600),
            left_out: [0.0; 2],
        },
        first_bad: Some(at(seconds - 30)),
        bounds: Vec::new(),
        gaps: BTreeMap::from([(GapReason::Stale, 1)]),
        value: None,
        unusable: None,
    }
}

fn latency(seconds: i64) -> MetricEvidence {
    MetricEvidence {
        name: "latency".to_owned(),
        may_revert: false,
        verdict: None,
        harm_log10: 0.0,
        ratio: None,
        excluded_times: Some(5.0),
        late: Some(LateChange {
            at: at(seconds),
            harm_log10: 0.1,
        }),
        bounds: vec![BoundEvidence {
            quantile: 0.99,
            baseline_above: 0.25,
            candidate_above: 0.3,
            interpolated: true,
            harm_log10: 0.0,
            safe_log10: 0.5,
            candidate: [1.5, 100.0],
            baseline: [1.0, 100.0],
            alone: None,
            ratio: Some(ESTIMATE),
            excluded_times: Some(5.0),
        }],
        unusable: Some("the histogram of the hour before is empty".to_owned()),
        ..errors(seconds)
    }
}

const ESTIMATE: Estimate = Estimate {
    median: 8.2,
    low: 6.9,
    high: 9.7,
};

/// The policy that the sample's records are pinned to.
pub fn policy(target: &TargetKey) -> Policy {
    Policy {
        service: target.service.clone(),
        env: target.env.clone(),
        mode: Mode::Enforce,
        target: Target::Host(HostTarget {
            releases: "/opt/myapp/releases".into(),
            current: "/opt/myapp/current".into(),
            activate: Activate::Command {
                command: vec!["/bin/true".to_owned()],
                timeout: Duration::from_secs(60),
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

/// An alert of `record` that waits for `channels` since the record was decided.
pub fn alert(target: &TargetKey, record: Record, channels: &[&str]) -> Alert {
    let decided = record.decided_at.expect("decided");
    let delivery = |name: &&str| Delivery {
        channel: name.parse().expect("a channel"),
        attempts: 0,
        next_at: decided,
        last_error: None,
    };
    Alert {
        id: format!("{}/reverted", record.id),
        at: decided,
        target: Some(target.clone()),
        kind: AlertKind::Reverted,
        record: Some(Box::new(record)),
        audit: None,
        deliveries: channels.iter().map(delivery).collect(),
    }
}

/// A history with something in every field.
pub fn history(target: &TargetKey) -> TargetHistory {
    let known = |name: &str, standing, basis| KnownVersion {
        version: version(name),
        standing,
        since: at(0),
        basis,
        first_seen: at(-10),
        last_ran: at(10),
        images: Vec::new(),
    };
    let person = ProofBasis::Person {
        by: Actor("uid 0 (root)".to_owned()),
        reason: "looked at it".to_owned(),
    };
    let excluded = ProofBasis::Excluded {
        metrics: vec![("errors".to_owned(), Some(5.0)), ("latency".to_owned(), None)],
    };
    let mut open = record(target, 12);
    open.closed_at = None;
    open.outcome = None;
    open.phase = Phase::Reverting;
    let mut told = alert(target, open.clone(), &["slack-ops", "hook"]);
    told.deliveries[1].last_error = Some("channel hook answered 503 Service Unavailable".to_owned());
    let mut audit = Chain::new();
    audit.add(&target.to_string(), at(47), deed(1));
    told.audit = Some(audit.head(&target.to_string()));
    TargetHistory {
        audit,
        policy: Some(version("v1").fingerprint),
        versions: vec![
            known("v1.2.1", Standing::Passed, excluded),
            known("v1.2.2", Standing::Proven, person),
            known("v1.2.3", Standing::Quarantined, ProofBasis::Convicted),
        ],
        served: vec![Served {
            version: version("v1.2.2"),
            from: at(-100),
            until: Some(at(0)),
        }],
        open: Some(open),
        closed: (2..12).map(|number| record(target, number)).collect(),
        outbox: vec![told],
        reverts: vec![at(47)],
        off: Some(freeze()),
        unready: vec![Unready {
            name: "unit_not_found".to_owned(),
            because: "there is no unit myapp.service".to_owned(),
        }],
        past_pods: pods::past_pods(),
        ..TargetHistory::new(target.clone())
    }
}

/// Something that a person did.
pub fn deed(number: i64) -> Deed {
    Deed {
        by: Actor("alice (uid 1000)".to_owned()),
        origin: "socket on web-1".to_owned(),
        action: Action::Rollback,
        what: format!("v{number} -> v1"),
        why: "checkout fails".to_owned(),
        refused: false,
        rollout: None,
    }
}

/// A freeze by a person.
pub fn freeze() -> Freeze {
    Freeze {
        since: at(5),
        by: Actor("uid 1000 (alice)".to_owned()),
        reason: "incident 42".to_owned(),
    }
}
