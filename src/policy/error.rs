//! What is wrong with a policy file: every error of it at once, each with its place, its key and what is allowed.

use std::{cell::RefCell, fmt};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// Where something stands in a file. Line and column count from 1, in characters; `start..end` are bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct At {
    pub line: u64,
    pub column: u64,
    pub start: usize,
    pub end: usize,
}

/// One thing that is wrong, before it is known which file it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub at: At,
    pub key: String,
    pub message: String,
    pub help: String,
}

impl Fault {
    pub fn at(at: At, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            at,
            key: key.into(),
            message: message.into(),
            help: String::new(),
        }
    }

    /// Of the file as a whole.
    pub fn file(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::at(At::default(), "", message).help(help)
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }
}

/// More errors than this help nobody, and cost time: a file of thousands of wrong keys is no policy.
const MOST: usize = 50;

/// Collects faults while a file is read on, at most [`MOST`].
#[derive(Debug, Default)]
pub(crate) struct Faults(RefCell<Vec<Fault>>);

impl Faults {
    pub fn add(&self, fault: Fault) {
        if !self.is_full() {
            self.0.borrow_mut().push(fault);
        }
    }

    /// Whether another fault would not be kept.
    pub fn is_full(&self) -> bool {
        self.0.borrow().len() >= MOST
    }

    pub fn into_vec(self) -> Vec<Fault> {
        self.0.into_inner()
    }
}

/// One thing that is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    /// Line in the file, from 1.
    pub line: u64,
    /// Column in the line, from 1, in characters.
    pub column: u64,
    /// The key's path: `spec.metrics[0].tolerate.times`; empty for the file as a whole.
    pub key: String,
    /// What was found and why it cannot stand.
    pub message: String,
    /// What is allowed, or what to write instead; may be empty.
    pub help: String,
    rendered: String,
}

/// All that is wrong with one policy file. Displayed as a compiler would, with the lines in question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyErrors {
    /// The file, as it was named to the parser.
    pub file: String,
    /// The errors in the order of the file; at least one, at most 50.
    pub errors: Vec<PolicyError>,
}

impl PolicyErrors {
    pub(crate) fn new(file: &str, text: &str, mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|fault| (fault.at.line, fault.at.column));
        let errors = faults.into_iter().map(|fault| placed(file, text, fault)).collect();
        Self {
            file: file.to_owned(),
            errors,
        }
    }

    /// One line an error, without the source: for logs and alerts.
    #[must_use]
    pub fn brief(&self) -> String {
        let lines: Vec<String> = self.errors.iter().map(|error| format!("{}:{error}", self.file)).collect();
        lines.join("\n")
    }
}

impl fmt::Display for PolicyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in &self.errors {
            writeln!(f, "{}\n", error.rendered)?;
        }
        match self.errors.len() {
            1 => write!(f, "{}: 1 error", self.file),
            count if count < MOST => write!(f, "{}: {count} errors", self.file),
            count => write!(f, "{}: the first {count} errors", self.file),
        }
    }
}

impl std::error::Error for PolicyErrors {}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, titled(&self.key, &self.message))?;
        if !self.help.is_empty() {
            write!(f, " ({})", self.help)?;
        }
        Ok(())
    }
}

fn titled(key: &str, message: &str) -> String {
    if key.is_empty() {
        message.to_owned()
    } else {
        format!("{key}: {message}")
    }
}

fn placed(file: &str, text: &str, fault: Fault) -> PolicyError {
    // An empty or oversized file has nothing to show.
    let text = if text.len() > super::tree::MAX_BYTES { "" } else { text };
    let rendered = rendered(file, text, &fault);
    PolicyError {
        line: fault.at.line.max(1),
        column: fault.at.column.max(1),
        key: fault.key,
        message: fault.message,
        help: fault.help,
        rendered,
    }
}

fn rendered(file: &str, text: &str, fault: &Fault) -> String {
    let snippet = Snippet::source(text)
        .path(file)
        .annotation(AnnotationKind::Primary.span(underlined(text, fault.at)));
    let mut group = Level::ERROR
        .primary_title(titled(&fault.key, &fault.message))
        .element(snippet);
    if !fault.help.is_empty() {
        group = group.element(Level::HELP.message(fault.help.as_str()));
    }
    Renderer::plain().render(&[group])
}

/// The part of one line that is underlined: a block's first line, never half a character.
fn underlined(text: &str, at: At) -> std::ops::Range<usize> {
    let floor = |mut byte: usize| {
        byte = byte.min(text.len());
        while !text.is_char_boundary(byte) {
            byte -= 1;
        }
        byte
    };
    let start = floor(at.start);
    let line_end = text[start..].find('\n').map_or(text.len(), |length| start + length);
    let end = floor(at.end).clamp(start, line_end);
    start..start + text[start..end].trim_end().len()
}
