//! What every schema that is published keeps to.

use serde_json::Value;

/// Every mapping is closed, and every key explained.
pub fn closed_and_explained(schema: &Value) {
    fn walk(at: &str, schema: &Value) {
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            assert_eq!(schema.get("additionalProperties"), Some(&Value::Bool(false)), "{at}");
            for (key, property) in properties {
                assert!(
                    property.get("description").is_some_and(Value::is_string),
                    "{at}.{key} has no description"
                );
            }
        }
        let parts = schema.as_object().into_iter().flatten();
        for (key, part) in parts.filter(|(_, part)| part.is_object()) {
            walk(&format!("{at}.{key}"), part);
        }
    }
    walk("", schema);
}
