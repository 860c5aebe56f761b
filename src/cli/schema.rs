//! `lastgood schema`: the JSON Schema of policy files.

use super::{Exit, Format, output};
use crate::policy;

/// Prints the JSON Schema of policy files (draft-07), for editors: it is made from the same types that read them.
#[derive(Debug, clap::Args)]
#[command(after_help = "For editors: draft-07, made from the same types that read policies.

Examples:
  lastgood schema > policy.schema.json
  and as the first line of a policy:
  # yaml-language-server: $schema=./policy.schema.json")]
pub struct Args {}

/// Runs it.
///
/// # Errors
/// When stdout cannot be written.
pub fn run(Args {}: &Args) -> anyhow::Result<Exit> {
    output::document(&policy::schema(), Format::Json)?;
    Ok(Exit::Done)
}
