//! The record as one versioned JSON document: `explain -o json`, and what a webhook carries.

use serde_json::{Value, json};

use super::{Language, story::sentence, told::unmarked};
use crate::record::Record;

/// The version of the document's shape.
pub const API_VERSION: &str = "lastgood.dev/v1";

/// The document of a rollout. Times are RFC 3339 in UTC, durations seconds, evidence log10, shares fractions; what is not known is `null`.
/// Keys are only ever added under the same `apiVersion`.
#[must_use]
pub fn document(record: &Record) -> Value {
    let baseline = record
        .baseline
        .as_ref()
        .map(|(version, standing)| json!({"version": version, "standing": standing, "since": record.baseline_since}));
    json!({
        "apiVersion": API_VERSION,
        "kind": "Rollout",
        "sentence": unmarked(&sentence(record, Language::En)),
        "id": record.id,
        "service": record.service,
        "env": record.env,
        "change": record.kind,
        "from": record.from,
        "to": record.to,
        "baseline": baseline,
        "seen_at": record.seen_at,
        "activation": record.activation,
        "policy": {"hash": record.policy.hash, "mode": record.policy.mode, "metrics": record.policy.metrics, "risk": record.policy.risk},
        "plan": record.plan,
        "phase": record.phase,
        "verdict": record.verdict,
        "decided_at": record.decided_at,
        "decided_after_seconds": record.decided_after().map(|after| after.as_secs_f64()),
        "evidence": record.evidence,
        "fault": record.fault,
        "decision": record.decision,
        "intent": record.intent,
        "outcome": record.outcome,
        "outcome_detail": record.outcome_detail,
        "verification": record.verification,
        "startup": record.startup,
        "hindered": record.hindered,
        "queries": record.queries,
        "timeline": record.timeline,
        "closed_at": record.closed_at,
    })
}
