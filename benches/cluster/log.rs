//! When the API server did what, by its audit log.

use std::fs;

use lastgood::words::Moment;
use serde_json::Value;

use crate::plane::Plane;

/// The accepted writes to objects of this kind in a namespace.
pub fn writes(plane: &Plane, verb: &str, resource: &str, namespace: &str) -> Vec<Value> {
    let log = fs::read_to_string(plane.file("audit.log")).expect("an audit log");
    let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let is = |event: &Value| {
        event["verb"] == verb
            && event["objectRef"]["resource"] == resource
            && event["objectRef"]["namespace"] == namespace
            && matches!(event["responseStatus"]["code"].as_u64(), Some(200 | 201))
            && event["requestURI"].as_str().is_some_and(|uri| !uri.contains("dryRun"))
    };
    events.filter(is).collect()
}

/// When the server had done it.
pub fn done_at(event: &Value) -> Moment {
    let text = event["stageTimestamp"].as_str().expect("a time");
    let time: jiff::Timestamp = text.parse().expect("a time");
    Moment::from_millis(time.as_millisecond())
}

/// When the revert with this id was accepted.
pub fn reverted_at(plane: &Plane, namespace: &str, id: &str) -> Option<Moment> {
    let patches = writes(plane, "patch", "deployments", namespace);
    let is = |event: &&Value| event["requestObject"].to_string().contains(id);
    patches.iter().find(is).map(done_at)
}
