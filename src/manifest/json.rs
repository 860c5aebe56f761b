//! JSON as a tree of nodes with their places, for the same lenient reader that reads policies. Strictly JSON: no comments, no YAML.

use std::{borrow::Cow, fmt};

use serde::{
    Deserializer as _,
    de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::policy::{At, Entry, Fault, MAX_BYTES, Node, Value};

/// A manifest is four levels deep.
const MAX_DEPTH: usize = 16;

/// Reads `text` into a tree.
///
/// # Errors
/// When it is no JSON, or larger or deeper than any manifest is. One fault: what follows cannot be trusted.
pub(super) fn read(text: &str) -> Result<Node, Fault> {
    if text.len() > MAX_BYTES {
        return Err(Fault::file(
            "the manifest is larger than 256 KiB",
            "a manifest needs a few kilobytes; name a changelog or a test report by its URL instead of copying it",
        ));
    }
    if text.trim().is_empty() {
        return Err(Fault::file(
            "there is no manifest: nothing was read",
            r#"write one with `lastgood manifest`; the least is {"version":"v1.2.3","commit":"abc1234","built_at":"2026-11-24T18:00:00Z","passed_smoke_test":true}"#,
        ));
    }
    let places = Places { text };
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| places.syntax(&error))?;
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| places.syntax(&error))?;
    places.node(raw, MAX_DEPTH)
}

/// Finds where a part of the text stands in it.
struct Places<'t> {
    text: &'t str,
}

impl<'t> Places<'t> {
    fn syntax(&self, error: &serde_json::Error) -> Fault {
        let before: usize = self
            .text
            .split_inclusive('\n')
            .take(error.line().saturating_sub(1))
            .map(str::len)
            .sum();
        // serde_json counts columns in bytes.
        let byte = (before + error.column().saturating_sub(1)).min(self.text.len());
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default().to_owned();
        Fault::at(self.at(byte, byte), "", format!("this is no JSON: {message}"))
            .help("look at this place and just before it: quotes, commas (none after the last), brackets")
    }

    fn at(&self, start: usize, end: usize) -> At {
        let floor = self.text.floor_char_boundary(start);
        let before = &self.text[..floor];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        At {
            line: count(before.matches('\n').count() + 1),
            column: count(before[line_start..].chars().count() + 1),
            start: floor,
            end,
        }
    }

    /// The place of `part`, which is a slice of the text; of anything else the beginning.
    fn of(&self, part: &str) -> At {
        let start = (part.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize);
        match start.filter(|start| start + part.len() <= self.text.len()) {
            Some(start) => self.at(start, start + part.len()),
            None => self.at(0, 0),
        }
    }

    fn node(&self, raw: &'t RawValue, depth: usize) -> Result<Node, Fault> {
        let text = raw.get();
        let at = self.of(text);
        let Some(deeper) = depth.checked_sub(1) else {
            return Err(Fault::at(at, "", "nested too deeply").help("a manifest has at most 16 levels of nesting"));
        };
        let broken = |error: serde_json::Error| self.syntax(&error);
        let value = match text.as_bytes().first() {
            Some(b'{') => {
                let entries = serde_json::Deserializer::from_str(text)
                    .deserialize_map(Members)
                    .map_err(broken)?;
                let entry = |(key, value): (Cow<'t, str>, &'t RawValue)| {
                    let value = self.node(value, deeper)?;
                    Ok(Entry {
                        at: match &key {
                            Cow::Borrowed(key) => self.of(key),
                            // A key with escapes is none of ours: told where its value stands.
                            Cow::Owned(_) => value.at,
                        },
                        key: key.into_owned(),
                        value,
                    })
                };
                Value::Map(entries.into_iter().map(entry).collect::<Result<_, Fault>>()?)
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text).map_err(broken)?;
                Value::List(
                    items
                        .into_iter()
                        .map(|item| self.node(item, deeper))
                        .collect::<Result<_, Fault>>()?,
                )
            }
            _ => plain(text).map_err(broken)?,
        };
        Ok(Node { at, value })
    }
}

/// A value without parts.
fn plain(text: &str) -> Result<Value, serde_json::Error> {
    Ok(match serde_json::from_str(text)? {
        serde_json::Value::Null => Value::Nothing,
        serde_json::Value::Bool(value) => Value::Bool(value),
        serde_json::Value::String(text) => Value::Text(text),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Value::Whole(whole),
            (None, Some(number)) => Value::Number(number),
            (None, None) => Value::Text(text.to_owned()),
        },
        serde_json::Value::Array(_) | serde_json::Value::Object(_) => Value::Nothing,
    })
}

/// The members of an object in their order, doubled keys too.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = map.next_key_seed(Key)? {
            members.push((key, map.next_value::<&RawValue>()?));
        }
        Ok(members)
    }
}

/// A key, borrowed where it has no escapes.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}
