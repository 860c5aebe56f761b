//! When the API server did what, by its audit log.

use lastgood::words::{Moment, RolloutId};
use serde_json::Value;

use crate::plane::Plane;

/// The accepted writes to the workloads of one namespace, in order.
pub struct Log(Vec<Value>);

impl Log {
    /// As the log is now, with the files that it was rotated to.
    pub fn of(plane: &Plane, namespace: &str) -> Self {
        // Most of it is of no concern, and to read it whole takes longer than what is measured.
        let here = format!("\"namespace\":\"{namespace}\"");
        let concerns = |line: &str| line.contains(&here) && ["\"patch\"", "\"create\""].iter().any(|verb| line.contains(verb));
        Self(plane.audited(concerns).filter(is_accepted).collect())
    }

    /// Writes of this kind.
    pub fn writes(&self, verb: &str, resource: &str) -> impl DoubleEndedIterator<Item = &Value> {
        let is = move |event: &&Value| event["verb"] == verb && event["objectRef"]["resource"] == resource;
        self.0.iter().filter(is)
    }

    /// When the revert of a rollout was accepted.
    pub fn reverted_at(&self, rollout: RolloutId) -> Option<Moment> {
        self.patched_at(rollout, |patch| patch.contains("lastgood.dev~1revert-id"))
    }

    /// When its hold was.
    pub fn held_at(&self, rollout: RolloutId) -> Option<Moment> {
        self.patched_at(rollout, |patch| {
            patch.contains("/spec/paused") && !patch.contains("revert-id")
        })
    }

    fn patched_at(&self, rollout: RolloutId, is: impl Fn(&str) -> bool) -> Option<Moment> {
        let id = rollout.to_string();
        let mut patches = self.writes("patch", "deployments");
        let found = patches.find(|event| {
            let patch = event["requestObject"].to_string();
            patch.contains(&id) && is(&patch)
        });
        found.map(done_at)
    }
}

fn is_accepted(event: &Value) -> bool {
    matches!(event["responseStatus"]["code"].as_u64(), Some(200 | 201))
        && event["requestURI"].as_str().is_some_and(|uri| !uri.contains("dryRun"))
}

/// When the server had done it.
pub fn done_at(event: &Value) -> Moment {
    let text = event["stageTimestamp"].as_str().expect("a time");
    let time: jiff::Timestamp = text.parse().expect("a time");
    Moment::from_millis(time.as_millisecond())
}
