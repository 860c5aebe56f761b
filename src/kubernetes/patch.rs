//! The writes, as JSON Patches on raw JSON: each holds only while the object still is the one that was judged (kubernetes.md, The write).

use json_patch::{AddOperation, Patch, PatchOperation, RemoveOperation, ReplaceOperation, TestOperation, jsonptr::PointerBuf};
use serde_json::{Map, Value};

use super::{
    hold::{HELD, HeldBy, Pause, is_paused},
    object::{Object, text},
};
use crate::{
    policy::WorkloadKind,
    words::{Moment, RolloutId},
};

/// The name under which lastgood writes.
pub const FIELD_MANAGER: &str = "lastgood";
/// The rollout whose revert was written last.
pub const REVERT_ID: &str = "lastgood.dev/revert-id";
/// When it was written, by lastgood's clock.
pub const REVERTED_AT: &str = "lastgood.dev/reverted-at";
/// How often the lease had changed hands when it was written: a later number is a later leader.
pub const FENCE: &str = "lastgood.dev/fence";

/// Where a StatefulSet has its partition.
const PARTITION: [&str; 4] = ["spec", "updateStrategy", "rollingUpdate", "partition"];

/// What a revert leaves on the workload, so that it can be told whose it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// The rollout that is reverted.
    pub rollout: RolloutId,
    /// When.
    pub at: Moment,
    /// The lease's number of transitions; none where there is no lease.
    pub fence: Option<u64>,
}

/// The revert of `workload`, as it was just read, to the template `to`: one patch that fails where the object or its template is another one
/// by now. What lastgood holds goes on in the same patch. `replicas` and `resourceVersion` are never named: a scaler writes at its own pace.
#[must_use]
pub fn revert(kind: WorkloadKind, workload: &Object, to: &Value, marks: &Marks) -> Patch {
    let mut operations = as_seen(kind, workload);
    operations.extend(release(kind, workload));
    operations.push(replace(&["spec", "template"], to.clone()));
    let mut notes = vec![(REVERT_ID, marks.rollout.to_string()), (REVERTED_AT, marks.at.to_string())];
    notes.extend(marks.fence.map(|fence| (FENCE, fence.to_string())));
    operations.extend(annotate(workload, notes));
    Patch(operations)
}

/// Another template for `workload`, as a person ships it.
pub(super) fn ship(kind: WorkloadKind, workload: &Object, to: &Value) -> Patch {
    let mut operations = as_seen(kind, workload);
    operations.push(replace(&["spec", "template"], to.clone()));
    Patch(operations)
}

/// What must still hold: the object and its template are those that were seen, and nobody paused it.
fn as_seen(kind: WorkloadKind, workload: &Object) -> Vec<PatchOperation> {
    let mut operations = vec![
        test(&["metadata", "uid"], Value::from(workload.uid())),
        test(&["spec", "template"], workload.template().cloned().unwrap_or_default()),
    ];
    if kind == WorkloadKind::Deployment && workload.0.pointer("/spec/paused").is_none() {
        // The server takes what is absent for null: a person who pauses it in this very moment is seen first.
        operations.push(test(&["spec", "paused"], Value::Null));
    }
    operations
}

/// The hold of `workload`, as it was just read: one patch that fails where the object, its template or who holds it is another one by now.
#[must_use]
pub fn hold(workload: &Object, pause: Pause, held: &HeldBy) -> Patch {
    let mut operations = vec![
        test(&["metadata", "uid"], Value::from(workload.uid())),
        test(&["spec", "template"], workload.template().cloned().unwrap_or_default()),
    ];
    let annotation = ["metadata", "annotations", HELD];
    if workload.0.pointer("/metadata/annotations").is_some() {
        // The server takes what is absent for null.
        operations.push(test(&annotation, workload.annotation(HELD).map_or(Value::Null, Value::from)));
    }
    operations.extend(annotate(workload, vec![(HELD, held.text())]));
    match pause {
        Pause::Given(_) => {
            let paused = ["spec", "paused"];
            operations.push(test(&paused, workload.0.pointer("/spec/paused").cloned().unwrap_or_default()));
            operations.push(add(&paused, Value::Bool(true)));
        }
        Pause::Partition(partition) => {
            let now = workload.0.pointer("/spec/updateStrategy/rollingUpdate/partition");
            operations.push(test(&PARTITION, now.cloned().unwrap_or_default()));
            operations.push(add(&PARTITION, Value::from(partition)));
        }
    }
    Patch(operations)
}

/// Lets go of what lastgood holds; none where it holds nothing.
#[must_use]
pub fn let_go(kind: WorkloadKind, workload: &Object) -> Option<Patch> {
    let ends = release(kind, workload);
    let uid = test(&["metadata", "uid"], Value::from(workload.uid()));
    (!ends.is_empty()).then(|| Patch(std::iter::once(uid).chain(ends).collect()))
}

/// Ends lastgood's own hold of `workload`; nothing where it holds nothing.
fn release(kind: WorkloadKind, workload: &Object) -> Vec<PatchOperation> {
    let (Some(held), Some(written)) = (HeldBy::read(workload), workload.annotation(HELD)) else {
        return Vec::new();
    };
    let annotation = ["metadata", "annotations", HELD];
    let mut operations = vec![test(&annotation, Value::from(written)), remove(&annotation)];
    match kind {
        WorkloadKind::Deployment if is_paused(workload) => {
            operations.push(test(&["spec", "paused"], Value::Bool(true)));
            operations.push(remove(&["spec", "paused"]));
        }
        WorkloadKind::StatefulSet if held.in_force(kind, workload) => {
            operations.push(test(&PARTITION, Value::from(held.set)));
            operations.push(replace(&PARTITION, Value::from(held.partition.unwrap_or(0))));
        }
        // A person resumed it, or moved its partition: that is theirs.
        _ => {}
    }
    operations
}

fn annotate(workload: &Object, notes: Vec<(&str, String)>) -> Vec<PatchOperation> {
    if workload.0.pointer("/metadata/annotations").is_some() {
        let note = |(key, value): (&str, String)| add(&["metadata", "annotations", key], Value::from(value));
        return notes.into_iter().map(note).collect();
    }
    // Without annotations there is nothing to add to. Should someone write the first one meanwhile, the test fails.
    let all: Map<String, Value> = notes
        .into_iter()
        .map(|(key, value)| (key.to_owned(), Value::from(value)))
        .collect();
    vec![
        test(&["metadata", "annotations"], Value::Null),
        add(&["metadata", "annotations"], Value::Object(all)),
    ]
}

/// Gives up the ownership of all that lastgood wrote, so that the next server-side apply meets no conflict; none where it owns nothing.
#[must_use]
pub fn disown(workload: &Object) -> Option<Patch> {
    let ours: Vec<(usize, &Value)> = workload
        .list("/metadata/managedFields")
        .enumerate()
        .filter(|(_, entry)| text(entry, "manager") == Some(FIELD_MANAGER))
        .collect();
    if ours.is_empty() {
        return None;
    }
    let mut operations = vec![test(&["metadata", "uid"], Value::from(workload.uid()))];
    // From the last one on, so that those before it keep their places.
    for (place, _) in ours.iter().rev() {
        let place = place.to_string();
        let entry = ["metadata", "managedFields", place.as_str()];
        let manager = ["metadata", "managedFields", place.as_str(), "manager"];
        operations.push(test(&manager, Value::from(FIELD_MANAGER)));
        operations.push(remove(&entry));
    }
    Some(Patch(operations))
}

fn at(path: &[&str]) -> PointerBuf {
    PointerBuf::from_tokens(path.iter().copied())
}

fn test(path: &[&str], value: Value) -> PatchOperation {
    PatchOperation::Test(TestOperation { path: at(path), value })
}

fn add(path: &[&str], value: Value) -> PatchOperation {
    PatchOperation::Add(AddOperation { path: at(path), value })
}

fn replace(path: &[&str], value: Value) -> PatchOperation {
    PatchOperation::Replace(ReplaceOperation { path: at(path), value })
}

fn remove(path: &[&str]) -> PatchOperation {
    PatchOperation::Remove(RemoveOperation { path: at(path) })
}
