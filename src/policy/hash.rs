//! The hash that a rollout is pinned to: SHA-256 over the policy as canonical JSON (keys sorted, no spaces), the hash itself left out.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Policy;
use crate::words::Fingerprint;

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
