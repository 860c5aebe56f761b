//! An object of the API server as the raw JSON that it sent: what lastgood does not know survives (failures.md, K28).

use serde_json::Value;

use crate::words::Moment;

/// An object as raw JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct Object(pub Value);

impl Object {
    /// The text at a JSON pointer: `/metadata/uid`.
    #[must_use]
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.0.pointer(pointer)?.as_str()
    }

    /// The number at a JSON pointer.
    #[must_use]
    pub fn number(&self, pointer: &str) -> Option<u64> {
        self.0.pointer(pointer)?.as_u64()
    }

    /// The moment at a JSON pointer.
    #[must_use]
    pub fn moment(&self, pointer: &str) -> Option<Moment> {
        self.text(pointer)?.parse().ok()
    }

    /// The elements of the list at a JSON pointer; none where there is no list.
    pub fn list(&self, pointer: &str) -> impl Iterator<Item = &Value> {
        self.0.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
    }

    /// Its uid; empty where the server sent none.
    #[must_use]
    pub fn uid(&self) -> &str {
        self.text("/metadata/uid").unwrap_or_default()
    }

    /// Its name; empty where the server sent none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text("/metadata/name").unwrap_or_default()
    }

    /// Its namespace; empty where it has none.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.text("/metadata/namespace").unwrap_or_default()
    }

    /// When it was made.
    #[must_use]
    pub fn created_at(&self) -> Option<Moment> {
        self.moment("/metadata/creationTimestamp")
    }

    /// The value of an annotation.
    #[must_use]
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.0.pointer("/metadata/annotations")?.get(key)?.as_str()
    }

    /// The value of a label.
    #[must_use]
    pub fn label(&self, key: &str) -> Option<&str> {
        self.0.pointer("/metadata/labels")?.get(key)?.as_str()
    }

    /// A workload's pod template.
    #[must_use]
    pub fn template(&self) -> Option<&Value> {
        self.0.pointer("/spec/template")
    }

    /// The owner reference of the controller that made it.
    #[must_use]
    pub fn controller(&self) -> Option<&Value> {
        self.list("/metadata/ownerReferences")
            .find(|owner| owner.get("controller") == Some(&Value::Bool(true)))
    }

    /// Whether the object with this uid controls it.
    #[must_use]
    pub fn belongs_to(&self, uid: &str) -> bool {
        self.controller().and_then(|owner| owner.get("uid")?.as_str()) == Some(uid)
    }
}

/// The text of a field.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}
