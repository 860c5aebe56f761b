//! How results and errors are written: data on stdout, all else on stderr.

use std::io::Write;

use clap::ValueEnum;
use serde::Serialize;

use super::Exit;
use crate::{ports::DeskError, settings::SettingsError};

/// How results look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For people, with more columns.
    Wide,
    /// JSON, times in RFC 3339, durations in seconds.
    Json,
    /// The same as YAML.
    Yaml,
    /// Only the name, one a line.
    Name,
}

/// Writes data; a closed pipe is not an error.
///
/// # Errors
/// When stdout cannot be written.
pub fn data(text: &str) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    let newline = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
    match write!(out, "{text}{newline}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Writes a document as JSON or YAML.
///
/// # Errors
/// When it cannot be written.
pub fn document(value: &impl Serialize, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Yaml => data(&serde_saphyr::to_string(value)?),
        _ => data(&serde_json::to_string_pretty(value)?),
    }
}

/// Says something to the person, on stderr.
pub fn say(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Says what went wrong, on stderr, with its causes.
pub fn complain(error: &anyhow::Error) {
    say(&format!("error: {error:#}"));
}

/// The exit code that an error means.
#[must_use]
pub fn exit_of(error: &anyhow::Error) -> Exit {
    if error.downcast_ref::<SettingsError>().is_some() || error.downcast_ref::<WrongUse>().is_some() {
        return Exit::Usage;
    }
    match error.downcast_ref::<DeskError>() {
        Some(DeskError::Refused(_)) => Exit::Refused,
        Some(DeskError::Unknown(_)) => Exit::Usage,
        _ => Exit::Failed,
    }
}

/// The command was used wrongly in a way that only it can see.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct WrongUse(pub String);
