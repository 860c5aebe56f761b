//! `lastgood approve`: yes to a proposed revert.

use super::{Common, Exit, cluster::InCluster, output, reach};
use crate::{
    ports::Command,
    words::{RolloutId, Service},
};

/// Says yes to a revert that lastgood proposed (mode: propose). The guards are asked once more, then it acts.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "In mode `propose` lastgood asks before it reverts. After the yes the guards are
asked once more, and then it acts.

Exit codes: 0 approved, 2 nothing waits, 5 refused by a guard.

Examples:
  lastgood approve                   the only one that waits
  lastgood approve 019a2f3c-…        the id that the alert names
  lastgood approve --service myapp
  lastgood approve -n shop           in a cluster: the only one there"
)]
pub struct Args {
    /// The rollout's id, as the alert names it; else the only one that waits.
    #[arg(value_name = "ID")]
    rollout: Option<RolloutId>,
    /// The one that waits for this service.
    #[arg(long, value_name = "SERVICE", conflicts_with = "rollout")]
    service: Option<Service>,
    #[command(flatten)]
    within: InCluster,
}

/// Runs it.
///
/// # Errors
/// When nothing waits, or a guard refuses.
pub async fn run(common: &Common, args: &Args) -> anyhow::Result<Exit> {
    let command = Command::Approve {
        rollout: args.rollout,
        service: args.service.clone(),
    };
    output::say(&reach::controller(common, &args.within).await?.act(command).await?);
    Ok(Exit::Done)
}
