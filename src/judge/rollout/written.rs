//! One rollout as a line of JSON writes it: every number whole, every count possible; each error with its key.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

use super::LineError;
use crate::policy::nearest::shown;

/// One line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(borrow, default)]
    pub(super) history: Vec<Arm<'a>>,
    #[serde(borrow)]
    pub(super) steps: Vec<StepLine<'a>>,
}

/// One step of the watch.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepLine<'a> {
    #[serde(borrow)]
    pub(super) candidate: Arm<'a>,
    #[serde(borrow, default)]
    pub(super) baseline: Arm<'a>,
}

/// The pods of one arm in one step.
#[derive(Debug)]
pub(super) enum Arm<'a> {
    /// `null`: not known.
    Gap,
    /// A pod that is `null` was there and could not be counted.
    Pods(Vec<(Text<'a>, Option<Count<'a>>)>),
}

/// What one pod did in one step.
#[derive(Debug, Clone)]
pub(super) enum Count<'a> {
    /// `[bad, total]`
    Ratio([u64; 2]),
    /// Cumulative counts by the text of their bound, in the order in which they were written.
    Buckets(Vec<(Text<'a>, u64)>),
}

/// Text that is borrowed from the line unless it holds escapes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

/// Reads one line.
///
/// # Errors
/// With the column and the key of the first thing that is wrong.
pub(super) fn read(text: &str) -> Result<Line<'_>, LineError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    if let Ok(line) = Line::deserialize(&mut reader)
        && reader.end().is_ok()
    {
        return Ok(line);
    }
    Err(wrong(text))
}

/// What is wrong with a line that cannot be read: read again with an eye on the keys, which costs more.
fn wrong(text: &str) -> LineError {
    let mut reader = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, Line<'_>>(&mut reader) {
        Err(error) => {
            let key = shown(&error.path().to_string());
            LineError::at(key.trim_matches(['.', '?']), error.inner())
        }
        Ok(_) => match reader.end() {
            Err(error) => LineError::at("", &error),
            Ok(()) => LineError::new("", "it cannot be read"),
        },
    }
}

impl Default for Arm<'_> {
    fn default() -> Self {
        Self::Pods(Vec::new())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor(PhantomData))
    }
}

struct TextVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for TextVisitor<'a> {
    type Value = Text<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'a>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text<'a>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Arm<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ArmVisitor(PhantomData))
    }
}

struct ArmVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for ArmVisitor<'a> {
    type Value = Arm<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of pods, such as `{\"pod-a\":[1,200]}`")
    }

    fn visit_unit<E: Error>(self) -> Result<Arm<'a>, E> {
        Ok(Arm::Gap)
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Arm<'a>, M::Error> {
        let mut pods: Vec<(Text<'a>, Option<Count<'a>>)> = Vec::with_capacity(map.size_hint().unwrap_or(8));
        while let Some(entry) = map.next_entry()? {
            pods.push(entry);
        }
        match repeated(&pods) {
            Some(name) => Err(M::Error::custom(format!("pod `{}` is written twice", shown(name)))),
            None => Ok(Arm::Pods(pods)),
        }
    }
}

/// A name that is there twice.
fn repeated<'p, T>(named: &'p [(Text<'_>, T)]) -> Option<&'p str> {
    const FEW: usize = 16;
    if named.len() <= FEW {
        let twice = |(i, (name, _)): (usize, &'p (Text<'_>, T))| {
            named[..i].iter().any(|(earlier, _)| earlier == name).then_some(&*name.0)
        };
        return named.iter().enumerate().find_map(twice);
    }
    let mut names: Vec<&str> = named.iter().map(|(name, _)| &*name.0).collect();
    names.sort_unstable();
    names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

impl<'de: 'a, 'a> Deserialize<'de> for Count<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CountVisitor(PhantomData))
    }
}

struct CountVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for CountVisitor<'a> {
    type Value = Count<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`[bad, total]`, or cumulative bucket counts such as `{\"0.1\":10,\"+Inf\":50}`")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Count<'a>, S::Error> {
        let two = || S::Error::custom("two numbers are wanted: `[bad, total]`");
        let Whole(bad) = seq.next_element()?.ok_or_else(two)?;
        let Whole(total) = seq.next_element()?.ok_or_else(two)?;
        if seq.next_element::<serde::de::IgnoredAny>()?.is_some() {
            return Err(two());
        }
        if bad > total {
            return Err(S::Error::custom(format!(
                "{bad} bad of {total} events: `[bad, total]`, bad being among the total"
            )));
        }
        Ok(Count::Ratio([bad, total]))
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Count<'a>, M::Error> {
        let mut buckets: Vec<(Text<'a>, u64)> = Vec::with_capacity(map.size_hint().unwrap_or(16));
        while let Some((bound, Whole(count))) = map.next_entry()? {
            buckets.push((bound, count));
        }
        Ok(Count::Buckets(buckets))
    }
}

/// A whole number of 0 or more.
struct Whole(u64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WholeVisitor)
    }
}

struct WholeVisitor;

impl Visitor<'_> for WholeVisitor {
    type Value = Whole;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number of 0 or more")
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Whole, E> {
        Ok(Whole(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Whole, E> {
        Err(E::custom(format!(
            "{value} is negative: a count is a whole number of 0 or more"
        )))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Whole, E> {
        Err(E::custom(if value.abs() >= u64::MAX as f64 {
            format!("{value:e} is too large: a count is at most {}", u64::MAX)
        } else {
            format!("{value} is written as a fraction: a count is a whole number of 0 or more")
        }))
    }
}
