//! What a restored template has and the bad one had not: a later `apply` that never knew of it leaves it behind.

use serde_json::{Map, Value};

use super::object::text;

/// The paths of everything that `good` has and `bad` has not: `spec.containers[app].env[FEATURE]`. Values are not told: they may be secret.
#[must_use]
pub fn leftovers(bad: &Value, good: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(bad, good, String::new(), &mut found);
    found
}

fn compare(bad: &Value, good: &Value, path: String, found: &mut Vec<String>) {
    match (bad, good) {
        (Value::Object(bad), Value::Object(good)) => keys(bad, good, &path, found),
        (Value::Array(bad), Value::Array(good)) => items(bad, good, &path, found),
        _ => {}
    }
}

fn keys(bad: &Map<String, Value>, good: &Map<String, Value>, path: &str, found: &mut Vec<String>) {
    for (key, value) in good {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        match bad.get(key) {
            Some(before) => compare(before, value, path, found),
            None => found.push(path),
        }
    }
}

/// Lists are merged by the key that names their elements; where there is none a later `apply` replaces the list as a whole.
fn items(bad: &[Value], good: &[Value], path: &str, found: &mut Vec<String>) {
    for item in good {
        let Some((key, name)) = named(item) else { return };
        let path = format!("{path}[{name}]");
        match bad.iter().find(|other| text(other, key) == Some(name)) {
            Some(before) => compare(before, item, path, found),
            None => found.push(path),
        }
    }
}

fn named(item: &Value) -> Option<(&'static str, &str)> {
    ["mountPath", "name"]
        .into_iter()
        .find_map(|key| Some((key, text(item, key)?)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_only_the_restored_template_has_is_named_without_its_value() {
        let bad = json!({"spec": {"containers": [
            {"name": "app", "image": "app:v2", "args": ["a"], "env": [{"name": "A", "value": "1"}, {"name": "NEW", "value": "2"}]},
        ]}});
        let good = json!({"spec": {"hostNetwork": true, "containers": [
            {"name": "app", "image": "app:v1", "args": ["a", "b"], "env": [{"name": "A", "value": "0"}, {"name": "OLD", "value": "secret"}],
             "volumeMounts": [{"name": "data", "mountPath": "/data"}]},
            {"name": "proxy", "image": "proxy:1"},
        ]}});
        assert_eq!(
            leftovers(&bad, &good),
            [
                "spec.containers[app].env[OLD]",
                "spec.containers[app].volumeMounts",
                "spec.containers[proxy]",
                "spec.hostNetwork"
            ]
        );
        assert!(leftovers(&good, &good).is_empty());
    }
}
