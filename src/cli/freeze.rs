//! `lastgood freeze` and `unfreeze`: a person's hand on the guard.

use super::{
    Common, Exit, output,
    reach::{self, MaybeService},
};
use crate::ports::Command;

/// No more reverts until `lastgood unfreeze`: of one service, or of all. Judging and alerts go on; an act that has begun is finished.
#[derive(Debug, clap::Args)]
#[command(after_help = "An act that has begun is finished.

Examples:
  lastgood freeze --reason 'database migration until 18:00'
  lastgood freeze myapp --reason 'a third party is down'")]
pub struct FreezeArgs {
    #[command(flatten)]
    which: MaybeService,
    /// Why, for the record and for whoever finds it frozen.
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Reverts again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  lastgood unfreeze
  lastgood unfreeze myapp")]
pub struct UnfreezeArgs {
    #[command(flatten)]
    which: MaybeService,
}

/// Freezes.
///
/// # Errors
/// When the service is unknown or nothing could be stored.
pub async fn freeze(common: &Common, args: &FreezeArgs) -> anyhow::Result<Exit> {
    let desk = reach::desk(common).await?;
    let command = Command::Freeze {
        target: args.which.target(&*desk).await?,
        reason: args.reason.clone(),
    };
    output::say(&desk.act(command).await?);
    Ok(Exit::Done)
}

/// Unfreezes.
///
/// # Errors
/// When the service is unknown or nothing could be stored.
pub async fn unfreeze(common: &Common, args: &UnfreezeArgs) -> anyhow::Result<Exit> {
    let desk = reach::desk(common).await?;
    let command = Command::Unfreeze {
        target: args.which.target(&*desk).await?,
    };
    output::say(&desk.act(command).await?);
    Ok(Exit::Done)
}
