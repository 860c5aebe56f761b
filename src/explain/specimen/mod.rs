//! Records as they come about, for tests: one bad release of `myapp`, and what may become of it.

mod evidences;
pub(crate) mod policies;

use std::time::Duration;

pub(crate) use evidences::{bad_errors, below_objective, evidence, memory, memory_beside, queue, quiet, slow, warned};
pub(crate) use policies::policy;

use crate::{
    decide::{Decision, Freeze},
    judge::{Alone, Comparison, Estimate, Evidence, LateChange, MetricEvidence, Noise, NoiseSource, Plan},
    record::{
        ActResult, Activation, Alert, AlertKind, DataFault, Entry, Happened, Intent, KnownVersion, Ordered, Phase, ProofBasis,
        Record, RolloutKind, Served, TargetHistory, Unready, Verification,
    },
    words::{Actor, Fingerprint, GapReason, Moment, Outcome, Standing, Verdict, Version},
};

/// Seconds after 2026-11-24T14:02:00Z, when v1.2.3 began to serve.
pub(crate) fn at(seconds: i64) -> Moment {
    Moment::from_millis(1_795_528_920_000 + seconds * 1_000)
}

pub(crate) fn version(name: &str, digit: u8) -> Version {
    Version {
        name: name.parse().expect("a version name"),
        fingerprint: Fingerprint::from_sha256(&[digit; 32]),
    }
}

pub(crate) fn bad() -> Version {
    version("v1.2.3", 0x33)
}

pub(crate) fn good() -> Version {
    version("v1.2.2", 0x22)
}

pub(crate) const BAD_QUERY: &str = "sum by (job, instance) (http_requests_total{app=\"myapp\",code=~\"5..\"})";

/// Being watched, undecided.
pub(crate) fn watching() -> Record {
    Record {
        id: "01936f3e-7c00-7000-8000-000000000001".parse().expect("an id"),
        service: "myapp".parse().expect("a service"),
        env: "prod".parse().expect("an environment"),
        kind: RolloutKind::Release,
        from: Some(good()),
        to: bad(),
        baseline: Some((good(), Standing::Proven)),
        baseline_since: Some(at(-6 * 86_400)),
        seen_at: at(-2),
        activation: Some(Activation {
            at: at(0),
            known_by: "unit".to_owned(),
            fresh_counters: true,
        }),
        policy: policy(),
        plan: Some(Plan {
            step: Duration::from_secs(15),
            steps: 480,
            compare: Comparison::Concurrent,
            candidate_pods: 1,
            baseline_pods: 1,
        }),
        calibration: None,
        phase: Phase::Watching { until: at(7_200) },
        verdict: None,
        decided_at: None,
        evidence: Some(evidence(vec![quiet(bad_errors()), quiet(slow())])),
        fault: None,
        decision: None,
        intent: None,
        agreed: None,
        outcome: None,
        outcome_detail: None,
        verification: None,
        queries: vec![BAD_QUERY.to_owned()],
        pods: Vec::new(),
        old_pods: Vec::new(),
        ready: None,
        startup: None,
        hindered: None,
        hold: None,
        timeline: vec![
            Entry {
                at: at(-2),
                what: Happened::Seen,
            },
            Entry {
                at: at(0),
                what: Happened::Activated,
            },
            Entry {
                at: at(3),
                what: Happened::Calibrated,
            },
        ],
        closed_at: None,
    }
}

/// Convicted; `decision` follows.
pub(crate) fn convicted(decision: Decision) -> Record {
    let mut record = watching();
    record.verdict = Some(Verdict::Regression);
    record.decided_at = Some(at(45));
    record.evidence = Some(evidence(vec![bad_errors(), quiet(slow())]));
    record.decision = Some(decision);
    record.timeline.push(Entry {
        at: at(45),
        what: Happened::Judged {
            verdict: Verdict::Regression,
        },
    });
    record.timeline.push(Entry {
        at: at(45),
        what: Happened::Decided,
    });
    record
}

/// The last good version was put back.
pub(crate) fn reverted() -> Record {
    let mut record = convicted(Decision::Revert {
        to: good(),
        standing: Standing::Proven,
    });
    record.intent = Some(Intent {
        rollout: record.id,
        from: bad(),
        to: good(),
        at: at(46),
        approved_by: None,
        uid: None,
        ordered: None,
    });
    record.timeline.push(Entry {
        at: at(46),
        what: Happened::Intended,
    });
    act(
        &mut record,
        ActResult::Applied {
            moved_at: at(47),
            activated_at: at(51),
            detail: "job done".to_owned(),
        },
    );
    record.outcome = Some(Outcome::Reverted);
    record.phase = Phase::Verifying { until: at(351) };
    record
}

/// A person went back from the bad version in the middle of its watch.
pub(crate) fn ordered() -> Record {
    let mut record = reverted();
    record.kind = RolloutKind::Return;
    (record.from, record.to) = (Some(bad()), good());
    (record.plan, record.verdict, record.decided_at) = (None, None, None);
    (record.evidence, record.decision) = (None, None);
    record.queries.clear();
    record.timeline.retain(|entry| entry.at >= at(46));
    if let Some(intent) = &mut record.intent {
        intent.ordered = Some(Ordered {
            by: Actor("alice (uid 1000)".to_owned()),
            reason: "checkout fails".to_owned(),
            image: None,
        });
    }
    record
}

pub(crate) fn act(record: &mut Record, result: ActResult) {
    record.timeline.push(Entry {
        at: at(51),
        what: Happened::Acted { result },
    });
}

/// Settled after the act.
pub(crate) fn settled(outcome: Outcome, active: Option<bool>, rates: [f64; 2]) -> Record {
    let mut record = reverted();
    let metric = MetricEvidence {
        candidate: rates,
        ..quiet(bad_errors())
    };
    let seen = Evidence {
        compare: Comparison::BeforeAfter,
        ..evidence(vec![metric])
    };
    record.verification = Some(Verification {
        active,
        evidence: Some(seen),
        at: at(351),
    });
    record.outcome = Some(outcome);
    record.timeline.push(Entry {
        at: at(351),
        what: Happened::Settled { outcome },
    });
    record.phase = Phase::Closed;
    record.closed_at = Some(at(351));
    record
}

/// The act failed.
pub(crate) fn failed(result: ActResult, detail: &str) -> Record {
    let mut record = reverted();
    record.timeline.pop();
    act(&mut record, result);
    record.outcome = Some(Outcome::Failed);
    record.outcome_detail = Some(detail.to_owned());
    record
}

/// The data went missing.
pub(crate) fn blind() -> Record {
    let mut record = watching();
    record.verdict = Some(Verdict::Blind);
    record.decided_at = Some(at(7_200));
    record.fault = Some(fault());
    record.phase = Phase::Closed;
    record
}

pub(crate) fn fault() -> DataFault {
    DataFault {
        since: at(60),
        reason: GapReason::NoData,
        because: "the query of `errors` answered with nothing".to_owned(),
        query: Some(BAD_QUERY.to_owned()),
    }
}

/// Watched to the end.
pub(crate) fn ended(verdict: Verdict) -> Record {
    let mut record = watching();
    record.verdict = Some(verdict);
    record.decided_at = Some(at(7_200));
    record.phase = Phase::Closed;
    record.closed_at = Some(at(7_200));
    record
}

/// At first sight, proven by soaking for half an hour.
pub(crate) fn soaked() -> Record {
    let mut record = ended(Verdict::Healthy);
    record.kind = RolloutKind::FirstSight;
    (record.verdict, record.decided_at, record.from, record.baseline) = (None, None, None, None);
    if let Some(evidence) = &mut record.evidence {
        evidence.compare = Comparison::None;
        for metric in &mut evidence.metrics {
            (metric.baseline, metric.ratio) = ([0.0; 2], None);
            metric.bounds.clear();
        }
        evidence.metrics[1].candidate[0] = 0.0;
    }
    let stood = Happened::Stood {
        version: bad(),
        standing: Standing::Proven,
    };
    record.timeline.push(Entry {
        at: at(1_800),
        what: stood,
    });
    record.closed_at = Some(at(1_800));
    record
}

/// A change an hour after the rollout, on a host.
pub(crate) fn late() -> Record {
    let mut record = before_after(watching());
    if let Some(evidence) = &mut record.evidence {
        evidence.metrics[0].candidate = [310.0, 31_000.0];
        evidence.metrics[0].ratio = Some(Estimate {
            median: 2.0,
            low: 1.6,
            high: 2.5,
        });
        evidence.metrics[0].late = Some(LateChange {
            at: at(3_600),
            harm_log10: 4.2,
        });
    }
    record
}

/// The same, compared with the hour before, with a minute of history.
pub(crate) fn before_after(mut record: Record) -> Record {
    if let Some(evidence) = &mut record.evidence {
        evidence.compare = Comparison::BeforeAfter;
        for metric in &mut evidence.metrics {
            metric.noise = Noise {
                phi: 3.0,
                sigma: 0.3,
                source: NoiseSource::Assumed,
                history: Duration::from_secs(720),
                left_out: [0.0; 2],
            };
        }
    }
    record
}

/// The old version has gone in mid-watch, and only then was it bad; `used`: there is an hour to compare the rest with.
pub(crate) fn old_version_gone(mut record: Record, used: bool) -> Record {
    if let Some(evidence) = &mut record.evidence {
        evidence.alone_since = Some(at(30));
        if used {
            evidence.compare = Comparison::Auto;
        }
        for metric in evidence.metrics.iter_mut().filter(|_| used) {
            metric.alone = Some(Alone {
                candidate: [470.0, 5_000.0],
                before: [450.0, 90_000.0],
            });
            for bound in &mut metric.bounds {
                bound.alone = Some(Alone {
                    candidate: [bound.candidate[0] - 10.0, bound.candidate[1] / 2.0],
                    before: [450.0, 90_000.0],
                });
            }
        }
    }
    record
}

pub(crate) fn freeze() -> Freeze {
    Freeze {
        since: at(40),
        by: Actor("lastgood".to_owned()),
        reason: "3 services turned bad within 5 minutes".to_owned(),
    }
}

pub(crate) fn alert(kind: AlertKind, record: Option<Record>) -> Alert {
    Alert {
        id: format!("01936f3e-7c00-7000-8000-000000000001/{}", kind.name()),
        at: at(360),
        target: Some(policy().key()),
        kind,
        record: record.map(Box::new),
        audit: None,
        deliveries: Vec::new(),
    }
}

pub(crate) fn unready() -> Vec<Unready> {
    vec![
        Unready {
            name: "unit_not_found".to_owned(),
            because: "systemd knows no unit `myapp.service`: correct `target.host.activate.unit` in the policy".to_owned(),
        },
        Unready {
            name: "link_not_writable".to_owned(),
            because: "no permission to write in /opt/myapp: give the user of lastgood write access to it".to_owned(),
        },
    ]
}

/// A history with v1.2.2 proven and `open` under judgment.
pub(crate) fn history(open: Option<Record>) -> TargetHistory {
    let known = |version: Version, standing, since| KnownVersion {
        version,
        standing,
        since,
        basis: ProofBasis::None,
        first_seen: since,
        last_ran: since,
        images: Vec::new(),
    };
    TargetHistory {
        versions: vec![
            known(good(), Standing::Proven, at(-6 * 86_400)),
            known(bad(), Standing::Unproven, at(0)),
        ],
        served: vec![Served {
            version: bad(),
            from: at(0),
            until: None,
        }],
        open,
        closed: vec![settled(Outcome::Verified, Some(true), [15.0, 3_000.0])],
        ..TargetHistory::new(policy().key())
    }
}

/// A history in which `record` is what was closed last.
pub(crate) fn closed_as(record: Record) -> TargetHistory {
    TargetHistory {
        closed: vec![record],
        ..history(None)
    }
}
