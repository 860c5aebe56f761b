//! `lastgood schema`: the JSON Schemas of policy files and of release manifests.

use clap::ValueEnum;

use super::{Exit, Format, output};
use crate::{manifest, policy};

/// Prints the JSON Schema of policy files, or of release manifests (draft-07), for editors: it is made from the same types that read them.
#[derive(Debug, clap::Args)]
#[command(after_help = "For editors: draft-07, made from the same types that read the files.

Examples:
  lastgood schema > policy.schema.json
  and as the first line of a policy:
  # yaml-language-server: $schema=./policy.schema.json

  lastgood schema manifest > release.schema.json")]
pub struct Args {
    /// Of which files: policy or manifest.
    #[arg(value_enum, default_value_t = Of::Policy, value_name = "OF", hide_possible_values = true)]
    of: Of,
}

/// What has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Of {
    /// Policies.
    Policy,
    /// Release manifests.
    Manifest,
}

/// Runs it.
///
/// # Errors
/// When stdout cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let schema = match args.of {
        Of::Policy => policy::schema(),
        Of::Manifest => manifest::schema(),
    };
    output::document(&schema, Format::Json)?;
    Ok(Exit::Done)
}
