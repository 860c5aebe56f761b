//! A serde deserializer over a [`Node`] that goes on after errors: unknown and doubled keys and wrong values become faults, and a
//! [`Given`](super::given::Given) field whose value is faulty is simply not given. The known keys are the wire structs' own fields.

use std::fmt;

use serde::de::{self, DeserializeSeed, IntoDeserializer, Unexpected, Visitor};

use super::{
    error::{Fault, Faults},
    nearest::{listed, nearest, shown},
    tree::{Entry, Node, Value},
};

/// The name by which a `Given` asks for its place and its value.
pub(super) const GIVEN: &str = "lastgood::Given";

/// Reads one node.
#[derive(Clone)]
pub(crate) struct Reader<'n> {
    pub node: &'n Node,
    /// The key's path, for faults.
    pub path: String,
    pub faults: &'n Faults,
    /// Where in a file of this kind a key belongs that is misplaced: the paths of the mappings that have it.
    pub homes: fn(&str) -> Vec<String>,
}

/// Why a value cannot be taken: a fault without its place, which the nearest `Given` adds.
#[derive(Debug)]
pub(crate) struct Wrong {
    message: String,
    help: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<T: fmt::Display>(text: T) -> Self {
        // Types that parse themselves say `what is wrong: what is allowed`; the second half is the help.
        let text = text.to_string();
        match text.split_once(": ") {
            Some((message, help)) => Self {
                message: message.to_owned(),
                help: help.to_owned(),
            },
            None => Self {
                message: text,
                help: String::new(),
            },
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self {
            message: format!("found {}", found_in_words(&found)),
            help: format!("write {}", expected_in_words(&expected.to_string())),
        }
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::invalid_type(found, expected)
    }
}

fn found_in_words(found: &Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => format!("`{value}`"),
        Unexpected::Unsigned(value) => format!("the number `{value}`"),
        Unexpected::Signed(value) => format!("the number `{value}`"),
        Unexpected::Float(value) => format!("the number `{value}`"),
        Unexpected::Str(text) => format!("the text `{}`", shown(text)),
        Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a mapping (`key: value`)".to_owned(),
        _ => "something else".to_owned(),
    }
}

fn expected_in_words(expected: &str) -> &str {
    match expected {
        "a string" => "text, in quotes if it looks like a number",
        "u64" | "u32" => "a whole number, 1 or more",
        "f64" => "a number",
        "a boolean" => "`true` or `false`",
        "a sequence" => "a list: `[a, b]`, or one `- a` a line",
        "a mapping" => "keys and values: `key: value`",
        other => other,
    }
}

impl<'n> Reader<'n> {
    fn child(&self, entry: &'n Entry) -> Self {
        let path = if self.path.is_empty() {
            entry.key.clone()
        } else {
            format!("{}.{}", self.path, entry.key)
        };
        Self {
            node: &entry.value,
            path,
            faults: self.faults,
            homes: self.homes,
        }
    }

    fn found(&self) -> Unexpected<'n> {
        match &self.node.value {
            Value::Nothing => Unexpected::Unit,
            Value::Bool(value) => Unexpected::Bool(*value),
            Value::Whole(value) => Unexpected::Signed(*value),
            Value::Number(value) => Unexpected::Float(*value),
            Value::Text(text) => Unexpected::Str(text),
            Value::List(_) => Unexpected::Seq,
            Value::Map(_) => Unexpected::Map,
        }
    }

    /// The entries whose keys are `known`, each once; a fault for every other.
    fn known_entries(&self, entries: &'n [Entry], known: &'static [&'static str]) -> Vec<&'n Entry> {
        let mut kept: Vec<&Entry> = Vec::new();
        for entry in entries {
            if !known.contains(&entry.key.as_str()) {
                self.unknown(entry, known);
            } else if let Some(first) = kept.iter().find(|first| first.key == entry.key) {
                let message = format!("written twice, first in line {}", first.at.line);
                self.faults
                    .add(Fault::at(entry.at, self.child(entry).path, message).help("keep one of the two"));
            } else {
                kept.push(entry);
            }
        }
        kept
    }

    fn unknown(&self, entry: &Entry, known: &[&str]) {
        if self.faults.is_full() {
            return;
        }
        let allowed = format!("known here: {}", listed(known));
        let help = match nearest(&entry.key, known) {
            Some(near) => format!("did you mean `{near}`? {allowed}"),
            None => match (self.homes)(&entry.key).as_slice() {
                [home] => format!("`{}` stands under `{home}`; {allowed}", entry.key),
                _ => allowed,
            },
        };
        let key = shown(&entry.key);
        let path = if self.path.is_empty() {
            key
        } else {
            format!("{}.{key}", self.path)
        };
        self.faults.add(Fault::at(entry.at, path, "unknown key").help(help));
    }

    fn report(&self, wrong: Wrong) {
        self.faults
            .add(Fault::at(self.node.at, self.path.clone(), wrong.message).help(wrong.help));
    }
}

impl<'de> de::Deserializer<'de> for Reader<'_> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.node.value {
            Value::Nothing => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Whole(value) => visitor.visit_i64(*value),
            Value::Number(value) => visitor.visit_f64(*value),
            Value::Text(text) => visitor.visit_str(text),
            Value::List(items) => visitor.visit_seq(Items {
                reader: self.clone(),
                items,
                next: 0,
            }),
            Value::Map(entries) => visitor.visit_map(Entries {
                reader: self.clone(),
                entries: entries.iter().collect(),
                next: 0,
            }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        if name == GIVEN {
            visitor.visit_seq(PlaceAndValue { reader: self, next: 0 })
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let Value::Map(entries) = &self.node.value else {
            let keys = format!("a mapping with {}", listed(fields));
            return Err(de::Error::invalid_type(self.found(), &keys.as_str()));
        };
        let entries = self.known_entries(entries, fields);
        visitor.visit_map(Entries {
            reader: self,
            entries,
            next: 0,
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        let one_of = format!("one of {}", listed(variants));
        let one_of = if variants.len() == 1 { listed(variants) } else { one_of };
        match &self.node.value {
            Value::Text(text) if variants.contains(&text.as_str()) => visitor.visit_enum(text.as_str().into_deserializer()),
            Value::Text(text) => Err(Wrong {
                message: format!("found `{}`", shown(text)),
                help: match nearest(text, variants) {
                    Some(near) if variants.len() > 1 => format!("did you mean `{near}`? allowed: {one_of}"),
                    _ => format!("allowed: {one_of}"),
                },
            }),
            _ => Err(de::Error::invalid_type(self.found(), &one_of.as_str())),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map identifier ignored_any
    }
}

struct Entries<'n> {
    reader: Reader<'n>,
    entries: Vec<&'n Entry>,
    next: usize,
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Wrong> {
        let Some(entry) = self.entries.get(self.next) else {
            return Ok(None);
        };
        self.next += 1;
        seed.deserialize(entry.key.as_str().into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        match self.next.checked_sub(1).and_then(|index| self.entries.get(index)) {
            Some(entry) => seed.deserialize(self.reader.child(entry)),
            None => Err(de::Error::custom("a value was asked for before its key")),
        }
    }
}

struct Items<'n> {
    reader: Reader<'n>,
    items: &'n [Node],
    next: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Wrong> {
        let Some(node) = self.items.get(self.next) else {
            return Ok(None);
        };
        let path = format!("{}[{}]", self.reader.path, self.next);
        self.next += 1;
        let reader = Reader {
            node,
            path,
            faults: self.reader.faults,
            homes: self.reader.homes,
        };
        seed.deserialize(reader).map(Some)
    }
}

/// What a `Given` reads: four numbers of its place and its path, then its value. A wrong value is reported here, with that place.
struct PlaceAndValue<'n> {
    reader: Reader<'n>,
    next: usize,
}

impl<'de> de::SeqAccess<'de> for PlaceAndValue<'_> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Wrong> {
        let at = self.reader.node.at;
        let number = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
        self.next += 1;
        let read = match self.next {
            1 => seed.deserialize(at.line.into_deserializer()),
            2 => seed.deserialize(at.column.into_deserializer()),
            3 => seed.deserialize(number(at.start).into_deserializer()),
            4 => seed.deserialize(number(at.end).into_deserializer()),
            5 => seed.deserialize(self.reader.path.as_str().into_deserializer()),
            _ => return self.value(seed),
        };
        read.map(Some)
    }
}

impl PlaceAndValue<'_> {
    fn value<'de, T: DeserializeSeed<'de>>(&self, seed: T) -> Result<Option<T::Value>, Wrong> {
        if matches!(self.reader.node.value, Value::Nothing) {
            self.reader.report(Wrong {
                message: "found nothing".to_owned(),
                help: "give it a value, or leave the key out for its default".to_owned(),
            });
            return Ok(None);
        }
        match seed.deserialize(self.reader.clone()) {
            Ok(value) => Ok(Some(value)),
            Err(wrong) => {
                self.reader.report(wrong);
                Ok(None)
            }
        }
    }
}
