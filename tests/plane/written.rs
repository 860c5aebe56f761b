//! What the API server's audit log says of lastgood's writes to workloads: nothing was reverted twice, and nobody's change was lost
//! (failures.md, I2 to I5 and I9).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::plane::Plane;

/// Resources whose templates lastgood may write.
const WORKLOADS: [&str; 3] = ["deployments", "statefulsets", "daemonsets"];

/// An annotation in which the server counts a DaemonSet's templates.
pub const COUNTED: &str = "deprecated.daemonset.template.generation";

/// One accepted write to a workload: by whom, with what, and the object afterwards.
struct Write {
    ours: bool,
    scaled: bool,
    request: Value,
    after: Value,
}

/// How often lastgood put a template back in each namespace. Fails where a write of lastgood's was none that it may make.
pub fn template_changes(plane: &Plane) -> BTreeMap<String, usize> {
    changes(&writes(plane, ""))
}

/// The same in one namespace.
pub fn template_changes_in(plane: &Plane, namespace: &str) -> usize {
    let only = format!(r#""namespace":"{namespace}""#);
    changes(&writes(plane, &only)).get(namespace).copied().unwrap_or(0)
}

fn changes(writes: &BTreeMap<String, Vec<Write>>) -> BTreeMap<String, usize> {
    let mut changes = BTreeMap::new();
    for writes in writes.values() {
        let namespace = writes.first().and_then(|write| write.after["metadata"]["namespace"].as_str());
        *changes.entry(namespace.unwrap_or_default().to_owned()).or_default() += checked(writes);
    }
    changes
}

/// The accepted writes to each workload, in the order in which the server took them, by the workload's uid. Of the log only lines with `only` in them.
fn writes(plane: &Plane, only: &str) -> BTreeMap<String, Vec<Write>> {
    let mut found: BTreeMap<String, BTreeMap<u64, Write>> = BTreeMap::new();
    let events = plane.audited(|line| line.contains(r#""apiGroup":"apps""#) && line.contains(only));
    for event in events.filter(is_write) {
        let after = event["responseObject"].clone();
        let metadata = &after["metadata"];
        let (Some(uid), Some(version)) = (metadata["uid"].as_str(), metadata["resourceVersion"].as_str()) else {
            continue;
        };
        let write = Write {
            ours: event["requestURI"]
                .as_str()
                .is_some_and(|uri| uri.contains("fieldManager=lastgood")),
            scaled: event["objectRef"]["subresource"] == "scale",
            request: event["requestObject"].clone(),
            after: after.clone(),
        };
        let version = version.parse().expect("etcd's revision");
        // A write that changes nothing leaves the version as it was.
        found.entry(uid.to_owned()).or_default().entry(version).or_insert(write);
    }
    found
        .into_iter()
        .map(|(uid, writes)| (uid, writes.into_values().collect()))
        .collect()
}

fn is_write(event: &Value) -> bool {
    let is = |field: &Value, among: &[&str]| field.as_str().is_some_and(|text| among.contains(&text));
    is(&event["objectRef"]["resource"], &WORKLOADS)
        && is(&event["verb"], &["create", "update", "patch"])
        && matches!(event["responseStatus"]["code"].as_u64(), Some(200 | 201))
        && event["requestURI"].as_str().is_some_and(|uri| !uri.contains("dryRun"))
}

/// Follows one workload through all writes to it. Returns how often lastgood put a template back.
fn checked(writes: &[Write]) -> usize {
    let mut before: Option<Value> = None;
    let (mut had, mut left, mut reverted) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut fence = 0;
    for write in writes {
        if write.scaled {
            if let Some(before) = &mut before {
                before["spec"]["replicas"] = write.after["spec"]["replicas"].clone();
            }
            continue;
        }
        let after = &write.after;
        if let Some(before) = before.as_ref().filter(|_| write.ours) {
            assert_eq!(
                others(before),
                others(after),
                "a write of lastgood's changed more than it may"
            );
            if before["spec"]["template"] != after["spec"]["template"] {
                let (from, to) = (template(before), template(after));
                let one_image = images_that_differ(before, after) == Some(1);
                let id = annotation(after, "lastgood.dev/revert-id");
                if id == annotation(before, "lastgood.dev/revert-id") {
                    assert!(
                        one_image,
                        "a person's deploy, which leaves no mark, changed more than an image: {to}"
                    );
                } else {
                    assert!(reverted.insert(id.clone()), "{id} was written twice: from {from} to {to}");
                    assert!(left.insert(from.clone()), "reverted again: {from}");
                }
                // A person's order may put a recorded image back alone.
                assert!(
                    had.contains(&to) || one_image,
                    "put there without ever having been there: {to}"
                );
                assert!(
                    tests(&write.request, &before["spec"]["template"]),
                    "a write without its precondition: {}",
                    write.request
                );
                let by = annotation(after, "lastgood.dev/fence").parse().unwrap_or(0);
                assert!(by >= fence, "a deposed leader wrote: {by} after {fence}");
                fence = by;
            }
        }
        had.insert(template(after));
        before = Some(after.clone());
    }
    reverted.len()
}

fn template(object: &Value) -> String {
    object["spec"]["template"].to_string()
}

/// In how many images two templates differ; none where they differ in anything else.
fn images_that_differ(one: &Value, other: &Value) -> Option<usize> {
    let parted = |object: &Value| {
        let mut template = object["spec"]["template"].clone();
        let containers = template["spec"]["containers"].as_array_mut()?;
        let images: Vec<Value> = containers.iter_mut().map(|container| container["image"].take()).collect();
        Some((template, images))
    };
    let ((one, mine), (other, theirs)) = (parted(one)?, parted(other)?);
    let differing = mine.iter().zip(&theirs).filter(|(mine, theirs)| mine != theirs);
    (one == other).then(|| differing.count())
}

fn annotation(object: &Value, name: &str) -> String {
    object["metadata"]["annotations"][name]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// Whether a JSON Patch holds only where the template is this one.
fn tests(patch: &Value, template: &Value) -> bool {
    let mut operations = patch.as_array().into_iter().flatten();
    operations
        .any(|operation| operation["op"] == "test" && operation["path"] == "/spec/template" && operation["value"] == *template)
}

/// An object without what lastgood may change and what the server counts.
fn others(object: &Value) -> Value {
    let mut object = object.clone();
    let fields = object.as_object_mut().expect("an object");
    fields.remove("status");
    without(fields, "spec", &["template", "paused"]);
    without(fields, "metadata", &["resourceVersion", "generation", "managedFields"]);
    if let Some(annotations) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.retain(|name, _| !name.starts_with("lastgood.dev/") && name != COUNTED);
        if annotations.is_empty() {
            without(object.as_object_mut().expect("an object"), "metadata", &["annotations"]);
        }
    }
    if let Some(update) = object
        .pointer_mut("/spec/updateStrategy/rollingUpdate")
        .and_then(Value::as_object_mut)
    {
        update.remove("partition");
    }
    object
}

fn without(fields: &mut Map<String, Value>, within: &str, names: &[&str]) {
    if let Some(inner) = fields.get_mut(within).and_then(Value::as_object_mut) {
        inner.retain(|name, _| !names.contains(&name.as_str()));
    }
}
