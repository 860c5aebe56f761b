//! `lastgood forget`: all that is known of a service, forgotten by a person's word.

use std::{collections::BTreeSet, io::IsTerminal as _};

use super::{
    Common, Exit,
    cluster::InCluster,
    output::{self, WrongUse},
    reach::{self, WhichService},
    rollback::asked,
};
use crate::{
    explain::{ReleaseStatus, clean},
    ports::{Command, DeskError},
    words::TargetKey,
};

/// Names of versions that are shown where it is asked whether they shall be forgotten.
const SHOWN: usize = 5;

/// Forgets all that is known of a service: its versions, which of them are good or quarantined, how to restore them, its rollouts and recorded releases.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "For a service that is gone for good, or that another one took the name of. What
runs is seen for the first time afterwards, and can be gone back to once it is
proven. The audit stays, and says so; so do a freeze and the budget of reverts.

Exit codes: 0 forgotten, 1 failed, 2 nothing was done: wrong usage, unknown
service, or nobody to ask and no --yes; 5 a rollout is open, or it is held.

Examples:
  lastgood forget myapp --reason 'another service has its name now'
  lastgood forget myapp --env staging --yes"
)]
pub struct Args {
    #[command(flatten)]
    which: WhichService,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    within: InCluster,
}

/// Runs it.
///
/// # Errors
/// When nothing is known of the service, a rollout of it is open, or something of it is held.
pub async fn run(common: &Common, args: &Args) -> anyhow::Result<Exit> {
    let (service, env) = args.which.named()?;
    let desk = reach::desk(common, &args.within).await?;
    let known = desk.releases(service).await?;
    let targets: BTreeSet<TargetKey> = known.iter().map(|release| release.target.clone()).collect();
    if targets.is_empty() {
        let because = format!("nothing is known of {service} that could be forgotten; what is guarded: `lastgood status`");
        return Err(DeskError::Unknown(because).into());
    }
    let target = reach::only(&Vec::from_iter(targets), service, env)?;
    if !args.yes {
        if !std::io::stdin().is_terminal() {
            return Err(WrongUse("nothing was done: there is no terminal to ask at; say yes with --yes".to_owned()).into());
        }
        if !asked::yes(&question(&target, &known)).await? {
            output::say("nothing was done");
            return Ok(Exit::Usage);
        }
    }
    let command = Command::Forget {
        target,
        reason: args.reason.clone(),
    };
    output::say(&desk.act(command).await?);
    Ok(Exit::Done)
}

fn question(target: &TargetKey, known: &[ReleaseStatus]) -> String {
    let names = known.iter().filter(|release| release.target == *target);
    let names: Vec<String> = names.map(|release| clean(release.version.as_str())).collect();
    let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(SHOWN);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("Forget {shown}{more} of {} ({})?", target.service, target.env)
}
