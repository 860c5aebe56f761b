//! How results and errors are written: data on stdout, all else on stderr.

use std::io::Write;

use clap::ValueEnum;
use serde::Serialize;

use super::{Common, Exit, cluster::as_called};
use crate::{app::NothingToGuard, explain, ports::DeskError, settings::SettingsError};

/// The option by which a person says how results look.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct AsFormat {
    /// Table, wide, json, yaml or name.
    #[arg(
        short = 'o',
        long = "output",
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        hide_possible_values = true
    )]
    pub format: Format,
}

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

/// Whoever read stdout has gone, as `head` does: nothing more is to be done, and nothing is to be said.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads stdout any more")]
pub struct Closed;

/// Writes data.
///
/// # Errors
/// When stdout cannot be written; [`Closed`] where nobody reads it any more.
pub fn data(text: &str) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    let newline = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
    match write!(out, "{text}{newline}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Err(Closed.into()),
        Err(error) => Err(anyhow::Error::from(error).context("cannot write to stdout")),
        Ok(()) => Ok(()),
    }
}

/// Writes a document as JSON or YAML.
///
/// # Errors
/// When it cannot be written.
pub fn document(value: &impl Serialize, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Yaml => {
            let yaml = serde_saphyr::to_string(value)?;
            let hidden = |c: char| c != '\n' && explain::is_hidden(c);
            // Not every YAML text may hold an escape. JSON is YAML too, and shows them all.
            if yaml.chars().any(hidden) {
                document(value, Format::Json)
            } else {
                data(&yaml)
            }
        }
        _ => data(&visible(&serde_json::to_string_pretty(value)?)),
    }
}

/// What [`list`] writes.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a, T> {
    api_version: &'static str,
    kind: &'static str,
    items: &'a [T],
}

/// Writes several things as one document of this kind.
///
/// # Errors
/// When it cannot be written.
pub fn list<T: Serialize>(kind: &'static str, items: &[T], format: Format) -> anyhow::Result<()> {
    let api_version = explain::API_VERSION;
    document(
        &List {
            api_version,
            kind,
            items,
        },
        format,
    )
}

/// JSON that means the same and shows what it holds: hidden characters, which stand in its texts only, as escapes.
pub fn visible(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || !explain::is_hidden(c) {
            out.push(c);
        } else {
            let mut units = [0; 2];
            out.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    out
}

/// Says something to the person, on stderr. Whatever drives terminals is shown, not done.
pub fn say(text: &str) {
    let text = as_called(text);
    let lines: Vec<String> = text.lines().map(explain::clean).collect();
    let _ = writeln!(anstream::stderr(), "{}", lines.join("\n"));
}

/// As [`say`], unless only errors are wanted.
pub fn note(common: &Common, text: &str) {
    if !common.quiet {
        say(text);
    }
}

/// Says what went wrong, on stderr, with its causes.
pub fn complain(error: &anyhow::Error) {
    if error.is::<Closed>() {
        return;
    }
    say(&format!("error: {error:#}"));
}

/// The exit code that an error means.
#[must_use]
pub fn exit_of(error: &anyhow::Error) -> Exit {
    if error.is::<Closed>() {
        return Exit::Done;
    }
    if error.is::<SettingsError>() || error.is::<WrongUse>() || error.is::<NothingToGuard>() {
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
