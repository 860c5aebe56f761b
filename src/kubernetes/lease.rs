//! The lease: of several controllers one acts (kubernetes.md, Who may act). How to read one and what to write, on raw JSON.
//!
//! Nobody's wall clock counts: who stands by takes the lease when it has not changed for its duration by the local clock.

use std::time::Duration;

use serde_json::{Value, json};

use super::object::Object;
use crate::words::Moment;

/// Others wait so long, from the last change that they saw.
pub const DURATION: Duration = Duration::from_secs(12);
/// Who could not renew it for so long writes nothing more: well before the others stop to wait.
pub const RENEW_WITHIN: Duration = Duration::from_secs(8);

/// What has been seen of another controller's lease, by the local clock.
#[derive(Debug, Default)]
pub struct Observed {
    spec: Value,
    changed: Duration,
}

impl Observed {
    /// Takes note of the lease as it is at `now` of the local clock, and tells whether it may be taken: nobody holds it, or who does has
    /// not renewed it for its duration. A lease seen for the first time has changed just now.
    pub fn is_free(&mut self, lease: &Object, now: Duration) -> bool {
        if holder(lease).is_none() {
            return true;
        }
        let spec = lease.0.get("spec").cloned().unwrap_or_default();
        if self.spec != spec {
            (self.spec, self.changed) = (spec, now);
        }
        let duration = lease
            .number("/spec/leaseDurationSeconds")
            .map_or(DURATION, Duration::from_secs);
        now.saturating_sub(self.changed) >= duration
    }
}

/// Who holds the lease, if anybody.
#[must_use]
pub fn holder(lease: &Object) -> Option<&str> {
    lease.text("/spec/holderIdentity").filter(|name| !name.is_empty())
}

/// How often it has changed hands.
#[must_use]
pub fn transitions(lease: &Object) -> u64 {
    lease.number("/spec/leaseTransitions").unwrap_or(0)
}

/// A lease that was not there, held by `me`.
#[must_use]
pub fn first(namespace: &str, name: &str, me: &str, at: Moment) -> Object {
    let empty = Object(json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"leaseTransitions": 0},
    }));
    held(empty, me, 0, at)
}

/// The lease `lease`, taken by `me`.
#[must_use]
pub fn taken(lease: &Object, me: &str, at: Moment) -> Object {
    held(lease.clone(), me, transitions(lease).saturating_add(1), at)
}

/// The lease, renewed by who holds it.
#[must_use]
pub fn renewed(lease: &Object, at: Moment) -> Object {
    let mut lease = lease.clone();
    set(&mut lease, "renewTime", stamp(at));
    lease
}

/// The lease, given back: the next one need not wait.
#[must_use]
pub fn given_back(lease: &Object, at: Moment) -> Object {
    let mut lease = renewed(lease, at);
    set(&mut lease, "holderIdentity", json!(""));
    lease
}

fn held(mut lease: Object, me: &str, transitions: u64, at: Moment) -> Object {
    set(&mut lease, "holderIdentity", json!(me));
    set(&mut lease, "leaseDurationSeconds", json!(DURATION.as_secs()));
    set(&mut lease, "leaseTransitions", json!(transitions));
    set(&mut lease, "acquireTime", stamp(at));
    set(&mut lease, "renewTime", stamp(at));
    lease
}

/// A `MicroTime`, which has six digits after the point; people read it, no decision rests on it.
/// A moment as the API server writes times of microseconds.
pub(super) fn stamp(at: Moment) -> Value {
    let text = at.to_string();
    let text = text.trim_end_matches('Z');
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    json!(format!("{whole}.{fraction:0<6}Z"))
}

fn set(lease: &mut Object, key: &str, value: Value) {
    if let Some(object) = lease.0.as_object_mut()
        && let Some(spec) = object.entry("spec").or_insert_with(|| json!({})).as_object_mut()
    {
        spec.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn at(seconds: i64) -> Moment {
        Moment::from_millis(seconds * 1000 + 250)
    }

    #[test]
    fn a_lease_that_is_renewed_is_never_free_and_one_that_is_not_is_free_after_its_duration() {
        let mut observed = Observed::default();
        let mut lease = first("lastgood", "lastgood", "one", at(0));
        for turn in 0..20 {
            assert!(!observed.is_free(&lease, seconds(turn * 5)), "{turn}");
            lease = renewed(&lease, at(i64::try_from(turn).expect("small") + 1));
        }
        assert!(!observed.is_free(&lease, seconds(100)));
        assert!(!observed.is_free(&lease, seconds(111)));
        assert!(observed.is_free(&lease, seconds(112)));
    }

    #[test]
    fn c03_the_wall_clocks_of_others_do_not_count() {
        for set in [-7200, 0, 7200] {
            let mut observed = Observed::default();
            let lease = first("lastgood", "lastgood", "one", at(1_000_000 + set));
            assert!(!observed.is_free(&lease, seconds(5)));
            assert!(!observed.is_free(&renewed(&lease, at(1_000_001 - set)), seconds(16)));
            assert!(!observed.is_free(&renewed(&lease, at(1_000_001 - set)), seconds(27)));
            assert!(observed.is_free(&renewed(&lease, at(1_000_001 - set)), seconds(28)));
        }
    }

    #[test]
    fn a_lease_that_was_given_back_is_free_at_once_and_each_taking_counts() {
        let lease = first("lastgood", "lastgood", "one", at(0));
        assert_eq!(transitions(&lease), 0);
        let back = given_back(&lease, at(1));
        assert!(Observed::default().is_free(&back, seconds(0)));
        let again = taken(&back, "two", at(2));
        assert_eq!((holder(&again), transitions(&again)), (Some("two"), 1));
        let shipped = Object(json!({"metadata": {"name": "lastgood"}}));
        assert!(Observed::default().is_free(&shipped, seconds(0)));
        let taken = taken(&shipped, "one", at(2));
        let expected = json!({
            "holderIdentity": "one", "leaseDurationSeconds": 12, "leaseTransitions": 1,
            "acquireTime": "1970-01-01T00:00:02.250000Z", "renewTime": "1970-01-01T00:00:02.250000Z",
        });
        assert_eq!(taken.0["spec"], expected);
    }

    #[test]
    fn what_a_newer_server_knows_of_a_lease_survives() {
        let mut lease = first("lastgood", "lastgood", "one", at(0));
        lease.0["spec"]["strategy"] = json!("OldestEmulationVersion");
        let taken = taken(&lease, "two", at(1));
        assert_eq!(taken.0["spec"]["strategy"], json!("OldestEmulationVersion"));
    }
}
