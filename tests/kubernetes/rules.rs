//! What the small API server does with a request, by the rules of the real one.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use json_patch::{Patch, PatchOperation, patch};
use serde_json::{Value, json};

use crate::api::Objects;

/// An error as the server answers it.
pub fn status(code: u16, reason: &str, message: &str) -> (StatusCode, Value) {
    let body =
        json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message});
    (StatusCode::from_u16(code).expect("a code"), body)
}

/// Changes `object` by the patch, as the server does: its library takes what is absent for null. False, and nothing changed, where a test fails.
pub fn patched_by(object: &mut Value, operations: &Patch) -> bool {
    let mut rest = operations.clone();
    rest.0.retain(|operation| match operation {
        PatchOperation::Test(test) => !(test.value.is_null() && object.pointer(test.path.as_str()).is_none()),
        _ => true,
    });
    patch(object, &rest).is_ok()
}

/// Answers a request and changes the objects by it.
pub fn apply(
    objects: &mut Objects,
    method: &Method,
    path: &str,
    query: &BTreeMap<String, String>,
    body: &Value,
) -> (StatusCode, Value) {
    // /apis/GROUP/VERSION/namespaces/NS/PLURAL[/NAME], and /api/v1/namespaces/NS/PLURAL[/NAME].
    let parts: Vec<&str> = path.split('/').collect();
    let place = parts.iter().position(|part| *part == "namespaces").expect("namespaced") + 3;
    let collection = parts[..place].join("/");
    match (method, parts.get(place)) {
        (&Method::GET, None) => (StatusCode::OK, list(objects, &collection, query)),
        (&Method::GET, Some(name)) => found(objects, &collection, name),
        (&Method::POST, None) => create(objects, &collection, body),
        (&Method::PUT, Some(name)) => replace(objects, &collection, name, body),
        (&Method::PATCH, Some(name)) => patched(objects, &collection, name, query, body),
        _ => status(405, "MethodNotAllowed", "no such method"),
    }
}

fn absent(collection: &str, name: &str) -> (StatusCode, Value) {
    status(404, "NotFound", &format!("{collection} \"{name}\" not found"))
}

fn list(objects: &Objects, collection: &str, query: &BTreeMap<String, String>) -> Value {
    let wanted: Vec<(&str, &str)> = query
        .get("labelSelector")
        .into_iter()
        .flat_map(|selector| selector.split(','))
        .filter_map(|pair| pair.split_once('='))
        .collect();
    let items: Vec<&Value> = objects
        .stored
        .iter()
        .filter(|((stored_in, _), _)| stored_in == collection)
        .map(|(_, object)| object)
        .filter(|object| wanted.iter().all(|(key, value)| object["metadata"]["labels"][key] == **value))
        .collect();
    json!({"metadata": {"resourceVersion": objects.version()}, "items": items})
}

fn found(objects: &Objects, collection: &str, name: &str) -> (StatusCode, Value) {
    objects
        .get(collection, name)
        .map_or_else(|| absent(collection, name), |object| (StatusCode::OK, object.clone()))
}

fn create(objects: &mut Objects, collection: &str, body: &Value) -> (StatusCode, Value) {
    let name = body["metadata"]["name"].as_str().expect("a name");
    if objects.get(collection, name).is_some() {
        return status(409, "AlreadyExists", &format!("{name} already exists"));
    }
    (StatusCode::CREATED, objects.put(collection, body.clone()))
}

fn replace(objects: &mut Objects, collection: &str, name: &str, body: &Value) -> (StatusCode, Value) {
    let Some(stored) = objects.get(collection, name) else {
        return absent(collection, name);
    };
    if stored["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"] {
        return status(409, "Conflict", "the object has been modified");
    }
    (StatusCode::OK, objects.put(collection, body.clone()))
}

fn patched(
    objects: &mut Objects,
    collection: &str,
    name: &str,
    query: &BTreeMap<String, String>,
    body: &Value,
) -> (StatusCode, Value) {
    let Some(stored) = objects.get(collection, name) else {
        return absent(collection, name);
    };
    let mut after = stored.clone();
    let operations: Patch = serde_json::from_value(body.clone()).expect("a patch");
    if !patched_by(&mut after, &operations) {
        return status(
            422,
            "Invalid",
            "the server rejected our request due to an error in our request",
        );
    }
    let manager = query.get("fieldManager").expect("a manager");
    let changed = stored["spec"] != after["spec"];
    let entries = after["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    if changed && !entries.iter().any(|entry| entry["manager"] == **manager) {
        let mut entries = entries;
        entries.push(json!({"manager": manager, "operation": "Update"}));
        after["metadata"]["managedFields"] = json!(entries);
    }
    if query.contains_key("dryRun") {
        return (StatusCode::OK, after);
    }
    (StatusCode::OK, objects.put(collection, after))
}
