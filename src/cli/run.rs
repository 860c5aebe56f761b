//! `lastgood run`: the controller.

use super::{Common, Exit, cluster};
use crate::app;

/// Runs in the foreground until SIGTERM or Ctrl-C; SIGHUP reads the policies again, a bad file keeps what it said before.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Runs in the foreground until SIGTERM or Ctrl-C. SIGHUP reads the policies again;
a bad file is rejected whole, and what it said before stays in force.

Examples:
  lastgood run                            with /etc/lastgood/lastgood.toml
  lastgood run --config ./lastgood.toml   all under a plain user's paths
  systemctl reload lastgood               read the policies again"
)]
pub struct Args {}

/// Runs it.
///
/// # Errors
/// When it cannot start, or the store refuses for good.
pub async fn run(common: &Common, Args {}: &Args) -> anyhow::Result<Exit> {
    app::run(&cluster::loaded(common)?).await?;
    Ok(Exit::Done)
}
