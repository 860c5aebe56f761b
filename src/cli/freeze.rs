//! `lastgood freeze` and `unfreeze`: a person's hand on the guard.

use super::{
    Common, Exit,
    cluster::InCluster,
    output,
    reach::{self, MaybeService},
};
use crate::{
    ports::{Command, DeskError},
    words::TargetKey,
};

/// No more reverts until `lastgood unfreeze`: of one service, or of all. Judging and alerts go on; an act that has begun is finished.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "An act that has begun is finished. In a cluster it is of a namespace's services,
or with -A of all that the controller guards.

Examples:
  lastgood freeze --reason 'database migration until 18:00'
  lastgood freeze myapp --reason 'a third party is down'
  lastgood freeze -n shop --reason 'we move house'"
)]
pub struct FreezeArgs {
    #[command(flatten)]
    which: MaybeService,
    #[command(flatten)]
    within: InCluster,
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
    #[command(flatten)]
    within: InCluster,
}

/// Freezes.
///
/// # Errors
/// When the service is unknown or nothing could be stored.
pub async fn freeze(common: &Common, args: &FreezeArgs) -> anyhow::Result<Exit> {
    let command = |target| Command::Freeze {
        target,
        reason: args.reason.clone(),
    };
    each(common, (&args.which, &args.within), command).await
}

/// Unfreezes.
///
/// # Errors
/// When the service is unknown or nothing could be stored.
pub async fn unfreeze(common: &Common, args: &UnfreezeArgs) -> anyhow::Result<Exit> {
    let command = |target| Command::Unfreeze { target };
    each(common, (&args.which, &args.within), command).await
}

/// Of the one service that is named; else of each in the namespace that is meant; else of all at once.
async fn each(
    common: &Common,
    (which, within): (&MaybeService, &InCluster),
    command: impl Fn(Option<TargetKey>) -> Command,
) -> anyhow::Result<Exit> {
    let desk = reach::desk(common, within).await?;
    let targets = match which.target(&*desk).await? {
        None if within.is_one_namespace(common)? => {
            let all = desk.status().await?.into_iter().map(|status| Some(status.target));
            all.collect()
        }
        target => vec![target],
    };
    if targets.is_empty() {
        return Err(
            DeskError::Unknown("nothing is guarded in this namespace: name another with -n, or all with -A".to_owned()).into(),
        );
    }
    for target in targets {
        output::say(&desk.act(command(target)).await?);
    }
    Ok(Exit::Done)
}
