//! A policy file as a tree of nodes, each with its place in the text: what YAML says, before any key is known.
//!
//! serde stops at the first error; a tree that is read leniently afterwards lets a file name all of its errors at once.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{
    Error, Location, Spanned,
    budget::BudgetBreach,
    options::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy},
};

use super::{
    error::{At, Fault},
    nearest::shown,
};

/// The largest policy file, in bytes; real ones have a few kilobytes.
pub const MAX_BYTES: usize = 256 * 1024;
const MAX_NODES: usize = 20_000;
const MAX_DEPTH: usize = 32;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub at: At,
    pub value: Value,
}

/// What YAML can say.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Nothing,
    Bool(bool),
    Whole(i64),
    Number(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One key of a mapping with its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub key: String,
    pub at: At,
    pub value: Node,
}

/// Reads `text` into a tree.
///
/// # Errors
/// When it is no YAML, or larger, deeper or more repetitive than any policy is. One fault: what follows cannot be trusted.
pub(super) fn read(text: &str) -> Result<Node, Fault> {
    if text.len() > MAX_BYTES {
        return Err(Fault::file(
            "the file is larger than 256 KiB",
            "a policy needs a few kilobytes; write one service a file",
        ));
    }
    let read = serde_saphyr::from_str_with_options::<Spanned<Value>>(text, options());
    let node = read.map(node).map_err(|error| syntax(&error, text))?;
    if matches!(node.value, Value::Nothing) {
        return Err(nothing(node.at));
    }
    Ok(node)
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: MAX_NODES,
            max_depth: MAX_DEPTH,
        },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::AsOrdinary,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        strict_booleans: true,
        with_snippet: false,
    }
}

fn node(spanned: Spanned<Value>) -> Node {
    Node {
        at: at(&spanned.defined),
        value: spanned.value,
    }
}

fn at(location: &Location) -> At {
    let span = location.span();
    let start = span.byte_offset().unwrap_or_default();
    let end = start.saturating_add(span.byte_len().unwrap_or_default());
    At {
        line: location.line(),
        column: location.column(),
        start: usize::try_from(start).unwrap_or(usize::MAX),
        end: usize::try_from(end).unwrap_or(usize::MAX),
    }
}

/// The one error that YAML itself gives, in our words where they are clearer.
fn syntax(error: &Error, text: &str) -> Fault {
    let mut error = error.without_snippet();
    let at = error.location().map_or_else(At::default, |location| located(&location, text));
    // What goes wrong inside an alias is wrapped.
    while let Error::AliasError { error: inner, .. } = error {
        error = inner.without_snippet();
    }
    match error {
        Error::Eof { .. } => nothing(at),
        Error::MultipleDocuments { .. } => {
            Fault::at(at, "", "a second document begins here").help("write one policy a file and no `---` between")
        }
        Error::Budget { breach, .. } => too_much(at, breach),
        Error::UnknownAnchor { .. } => Fault::at(at, "", "this alias has no anchor").help("write the value itself"),
        // The scanner's own limit, which a run of brackets reaches before anything is counted.
        _ if error.to_string().contains("recursion limit") => too_much(at, &BudgetBreach::Depth { depth: MAX_DEPTH }),
        _ => Fault::at(at, "", format!("this is no YAML: {}", shown(bare(&error.to_string()))))
            .help("look at this line and those before it: quotes, indentation, tabs, a missing `:`"),
    }
}

fn nothing(at: At) -> Fault {
    Fault::at(at, "", "the file holds no policy")
        .help("begin with `apiVersion: lastgood.dev/v1`; the examples are under policies/")
}

/// The place of a location that knows its line but not its byte.
fn located(location: &Location, text: &str) -> At {
    let mut at = at(location);
    if location.span().byte_offset().is_none() {
        let before = usize::try_from(at.line.saturating_sub(1)).unwrap_or(usize::MAX);
        let column = usize::try_from(at.column.saturating_sub(1)).unwrap_or(usize::MAX);
        let line_start: usize = text.split_inclusive('\n').take(before).map(str::len).sum();
        let in_line: usize = text[line_start..].chars().take(column).map(char::len_utf8).sum();
        (at.start, at.end) = (line_start + in_line, line_start + in_line);
    }
    at
}

/// serde-saphyr's own sentence without the place, which the fault has already.
fn bare(message: &str) -> &str {
    let end = message.rfind(" at line ").unwrap_or(message.len());
    message[..end].trim_end_matches([':', ',', ' '])
}

fn too_much(at: At, breach: &BudgetBreach) -> Fault {
    let (message, help) = match breach {
        BudgetBreach::Depth { .. } => ("nested too deeply", "a policy has at most 32 levels of nesting"),
        BudgetBreach::Nodes { .. } | BudgetBreach::Events { .. } => (
            "too many values, aliases counted as what they stand for",
            "a policy has at most 20,000 values; write values out instead of repeating aliases",
        ),
        BudgetBreach::Documents { .. } => ("too many documents", "write one policy a file"),
        _ => (
            "more anchors, aliases or text than any policy needs",
            "write values out instead of repeating aliases",
        ),
    };
    Fault::at(at, "", message).help(help)
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Whole(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Text(value.to_string()), Value::Whole))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        // Not a number and infinity are text here: no key allows them.
        let number = Value::Number(value);
        Ok(if value.is_finite() {
            number
        } else {
            Value::Text(value.to_string())
        })
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Spanned<Value>>()? {
            list.push(node(item));
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = entries.next_key::<Spanned<String>>()? {
            map.push(Entry {
                at: at(&key.defined),
                key: key.value,
                value: node(entries.next_value::<Spanned<Value>>()?),
            });
        }
        Ok(Value::Map(map))
    }
}
