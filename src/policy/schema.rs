//! The JSON Schema of policy files (draft-07, which editors know best), from the wire structs and their doc comments.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::file::PolicyFile;

/// The schema, as `lastgood schema` prints it and `policies/policy.schema.json` holds it.
#[must_use]
pub fn schema() -> Value {
    let mut schema = SchemaSettings::draft07()
        .into_generator()
        .into_root_schema_for::<PolicyFile>()
        .to_value();
    schema.sort_all_objects();
    schema
}

/// The mappings of a policy that have a key named `key`.
pub(super) fn homes(key: &str) -> Vec<String> {
    homes_in(&schema(), key)
}

/// The mappings of `schema` that have a key named `key`, by their paths (`spec.risk`): where a misplaced key belongs.
pub(crate) fn homes_in(schema: &Value, key: &str) -> Vec<String> {
    let mut homes = Vec::new();
    walk(schema, schema, "", key, &mut homes);
    homes
}

fn walk(root: &Value, part: &Value, path: &str, key: &str, homes: &mut Vec<String>) {
    for reference in references(part) {
        if let Some(definition) = reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer)) {
            walk(root, definition, path, key, homes);
        }
    }
    let properties = part.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        if name == key && !path.is_empty() {
            homes.push(path.to_owned());
        }
        let below = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        walk(root, property, &below, key, homes);
        if let Some(items) = property.get("items") {
            walk(root, items, &format!("{below}[…]"), key, homes);
        }
    }
}

/// What a part refers to, by itself or (beside a description) in an `allOf`.
fn references(part: &Value) -> impl Iterator<Item = &str> {
    let all_of = part.get("allOf").and_then(Value::as_array).into_iter().flatten();
    std::iter::once(part)
        .chain(all_of)
        .filter_map(|part| part.get("$ref"))
        .filter_map(Value::as_str)
}
