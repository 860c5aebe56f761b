//! The hash that a rollout is pinned to: SHA-256 over the policy as canonical JSON (keys sorted, no spaces), the hash itself left out.
//! And that of one metric's queries, by which what was counted under them is known again.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Metric, MetricKind, Policy};
use crate::words::Fingerprint;

impl Metric {
    /// SHA-256 over its queries: what it counts, whatever is tolerated.
    #[must_use]
    pub fn queries_hash(&self) -> Fingerprint {
        let queries = match &self.kind {
            MetricKind::Ratio(ratio) => serde_json::json!(["ratio", ratio.bad, ratio.total]),
            MetricKind::Histogram(histogram) => serde_json::json!(["histogram", histogram.selector]),
            MetricKind::Value(value) => serde_json::json!(["value", value.query]),
        };
        Fingerprint::from_sha256(&Sha256::digest(queries.to_string().as_bytes()).into())
    }
}

/// The hash of all of `policy` but its `hash`.
pub(super) fn of(policy: &Policy) -> Fingerprint {
    // A Policy has string keys and finite numbers alone, so it always is JSON.
    let mut json = serde_json::to_value(policy).unwrap_or_default();
    if let Value::Object(map) = &mut json {
        map.remove("hash");
    }
    json.sort_all_objects();
    Fingerprint::from_sha256(&Sha256::digest(json.to_string().as_bytes()).into())
}
