//! Sentences as typed spans, so that every channel escapes what came from outside by its own rules.

use std::fmt::Display;

use super::clean::clean;

/// A piece of a sentence. Holds no control, invisible or direction-changing character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// Text as it is.
    Plain(String),
    /// A name that matters.
    Bold(String),
    /// What is typed or asked: commands, queries.
    Code(String),
}

impl Span {
    /// The text, whatever its kind.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Plain(text) | Self::Bold(text) | Self::Code(text) => text,
        }
    }
}

/// What is told: one line that holds the whole story, and lines that bear it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The first line.
    pub headline: Vec<Span>,
    /// The lines below it.
    pub lines: Vec<Vec<Span>>,
}

impl Told {
    /// From marked sentences; empty lines are left out.
    pub(super) fn new(headline: &str, lines: &[String]) -> Self {
        Self {
            headline: spans(headline),
            lines: lines.iter().filter(|line| !line.is_empty()).map(|line| spans(line)).collect(),
        }
    }

    /// The whole as text for a terminal or a log: one line a sentence, code in backticks where it holds none itself.
    #[must_use]
    pub fn to_plain(&self) -> String {
        let lines: Vec<String> = std::iter::once(&self.headline)
            .chain(&self.lines)
            .map(|line| plain_line(line))
            .collect();
        lines.join("\n")
    }
}

fn plain_line(line: &[Span]) -> String {
    line.iter()
        .map(|span| match span {
            Span::Plain(text) | Span::Bold(text) => text.clone(),
            Span::Code(text) if text.contains('`') => text.clone(),
            Span::Code(text) => format!("`{text}`"),
        })
        .collect()
}

// Marks inside a sentence under construction. `clean` escapes them in whatever comes from outside, so only this file can set them.
const BOLD: char = '\u{1}';
const CODE: char = '\u{2}';
const END: char = '\u{3}';

/// A name that matters, from outside.
pub(super) fn bold(text: impl Display) -> String {
    format!("{BOLD}{}{END}", clean(&text.to_string()))
}

/// A command or a query, from outside.
pub(super) fn code(text: impl Display) -> String {
    format!("{CODE}{}{END}", clean(&text.to_string()))
}

/// A headline with its sign.
pub(super) fn signed(sign: &str, sentence: &str) -> String {
    format!("{sign} {sentence}")
}

/// Text from outside.
pub(super) fn outside(text: impl Display) -> String {
    clean(&text.to_string())
}

/// A marked sentence as text for a terminal.
pub(super) fn unmarked(marked: &str) -> String {
    plain_line(&spans(marked))
}

/// A marked sentence as spans.
pub(super) fn spans(marked: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut kind = None;
    let mut text = String::new();
    for c in marked.chars() {
        match c {
            BOLD | CODE | END => {
                push(&mut spans, kind, &mut text);
                kind = (c != END).then_some(c);
            }
            c => text.push(c),
        }
    }
    push(&mut spans, kind, &mut text);
    spans
}

fn push(spans: &mut Vec<Span>, kind: Option<char>, text: &mut String) {
    if text.is_empty() {
        return;
    }
    let cleaned = clean(text);
    text.clear();
    spans.push(match kind {
        Some(BOLD) => Span::Bold(cleaned),
        Some(CODE) => Span::Code(cleaned),
        _ => Span::Plain(cleaned),
    });
}
