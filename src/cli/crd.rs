//! `lastgood crd`: the definition of the objects that histories are kept in.

use super::{Exit, output};
use crate::kubernetes::crd;

/// Prints the definition of the histories' objects, for a cluster that shall keep them.
#[derive(Debug, clap::Args)]
#[command(after_help = "A store `kubernetes:` needs it once a cluster; deploy/kubernetes has it too.

Examples:
  lastgood crd | kubectl apply -f -
  kubectl get histories.lastgood.dev -A")]
pub struct Args {}

/// Runs it.
///
/// # Errors
/// When stdout cannot be written.
pub fn run(Args {}: &Args) -> anyhow::Result<Exit> {
    output::data(crd::histories())?;
    Ok(Exit::Done)
}
