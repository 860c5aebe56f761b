//! A field of the wire structs: a value that may be given, with its place in the file, so that later checks can point at it.

use std::{borrow::Cow, fmt, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, SeqAccess, Visitor},
};

use super::{
    error::{At, Fault},
    reader::GIVEN,
};

/// A value that may be given. Not given, or given wrongly (then there is a fault already): `value` is `None`.
#[derive(Debug, Clone)]
pub(crate) struct Given<T> {
    pub value: Option<T>,
    /// Where the value stands, and its key; `None` where the key is not in the file.
    pub place: Option<Place>,
}

/// Where a value stands.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub at: At,
    pub path: String,
}

impl<T> Default for Given<T> {
    fn default() -> Self {
        Self {
            value: None,
            place: None,
        }
    }
}

impl<T> From<T> for Given<T> {
    fn from(value: T) -> Self {
        Self {
            value: Some(value),
            place: None,
        }
    }
}

impl<T> Given<T> {
    /// Whether the file does not have the key at all.
    pub fn is_absent(&self) -> bool {
        self.place.is_none() && self.value.is_none()
    }

    /// Whether the key was written, rightly or wrongly.
    pub fn is_written(&self) -> bool {
        self.place.is_some()
    }

    pub fn as_ref(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// A fault of this value.
    pub fn fault(&self, message: impl Into<String>, help: impl Into<String>) -> Fault {
        let (at, path) = match &self.place {
            Some(place) => (place.at, place.path.clone()),
            None => (At::default(), String::new()),
        };
        Fault::at(at, path, message).help(help)
    }

    /// A fault of the key `key` that this mapping lacks.
    pub fn lacks(&self, key: &str, help: impl Into<String>) -> Fault {
        let mut fault = self.fault("missing", help);
        fault.key = if fault.key.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", fault.key)
        };
        fault
    }
}

impl<T: Serialize> Serialize for Given<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(GIVEN, GivenVisitor(PhantomData))
    }
}

struct GivenVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for GivenVisitor<T> {
    type Value = Given<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value with its place")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Given<T>, A::Error> {
        let at = At {
            line: part(&mut parts)?,
            column: part(&mut parts)?,
            start: part(&mut parts)?,
            end: part(&mut parts)?,
        };
        let path = part(&mut parts)?;
        Ok(Given {
            value: parts.next_element()?,
            place: Some(Place { at, path }),
        })
    }
}

fn part<'de, P: Deserialize<'de>, A: SeqAccess<'de>>(parts: &mut A) -> Result<P, A::Error> {
    parts.next_element()?.ok_or_else(|| A::Error::custom("a place is incomplete"))
}

impl<T: JsonSchema> JsonSchema for Given<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
