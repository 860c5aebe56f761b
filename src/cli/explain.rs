//! `lastgood explain`: the record of a rollout, in words.

use super::{
    Common, Exit, Format,
    cluster::InCluster,
    output::{self, WrongUse},
    reach,
};
use crate::{
    explain,
    ports::{Desk, DeskError},
    record::Record,
    words::{Env, RolloutId, Service, TargetKey},
};

/// Explains a rollout by its stored record alone, so it says the same a year later. Without an argument: the newest of all.
#[derive(Debug, clap::Args)]
#[command(after_help = "Everything comes from the stored record, so it says the same a year later.

Examples:
  lastgood explain                the newest rollout of all
  lastgood explain myapp          the newest rollout of myapp
  lastgood explain 019a2f3c-…     by its id, as alerts name it
  lastgood explain myapp -o json")]
pub struct Args {
    /// A rollout's id, or a service.
    #[arg(value_name = "ROLLOUT|SERVICE")]
    what: Option<String>,
    /// The service, as an option.
    #[arg(long, value_name = "SERVICE", conflicts_with = "what")]
    service: Option<Service>,
    /// The environment.
    #[arg(short, long, value_name = "ENV")]
    env: Option<Env>,
    #[command(flatten)]
    output: output::AsFormat,
    #[command(flatten)]
    within: InCluster,
}

/// Runs it.
///
/// # Errors
/// When there is no such rollout.
pub async fn run(common: &Common, args: &Args) -> anyhow::Result<Exit> {
    let wanted = wanted(args)?;
    let desk = reach::desk(common, &args.within).await?;
    let record = find(&*desk, &wanted, args.env.as_ref()).await?;
    match args.output.format {
        Format::Json | Format::Yaml => output::document(&explain::document(&record), args.output.format)?,
        Format::Name => output::data(&record.id.to_string())?,
        Format::Table | Format::Wide => output::data(&explain::text(&record, args.within.settings(common)?.language))?,
    }
    Ok(Exit::Done)
}

/// What a person asked for.
enum Wanted {
    Rollout(RolloutId),
    Newest(Option<Service>),
}

fn wanted(args: &Args) -> Result<Wanted, WrongUse> {
    let Some(what) = &args.what else {
        return Ok(Wanted::Newest(args.service.clone()));
    };
    if let Ok(id) = what.parse() {
        return Ok(Wanted::Rollout(id));
    }
    let service = what.parse();
    service
        .map(|service| Wanted::Newest(Some(service)))
        .map_err(|_| WrongUse(format!("`{what}` is neither a rollout's id nor a service")))
}

async fn find(desk: &dyn Desk, wanted: &Wanted, env: Option<&Env>) -> anyhow::Result<Record> {
    let service = match wanted {
        Wanted::Rollout(id) => {
            let found = desk.record(*id).await?;
            return found.ok_or_else(|| DeskError::Unknown(format!("no rollout {id} is recorded here")).into());
        }
        Wanted::Newest(service) => service.as_ref(),
    };
    let mut newest: Option<Record> = None;
    for target in targets(desk, service, env).await? {
        let last = desk.records(&target, 1).await?.into_iter().next();
        newest = newest.into_iter().chain(last).max_by_key(|record| record.seen_at);
    }
    newest.ok_or_else(|| {
        DeskError::Unknown("no rollout is recorded yet: the first one is when `lastgood run` first sees a service".to_owned())
            .into()
    })
}

async fn targets(desk: &dyn Desk, service: Option<&Service>, env: Option<&Env>) -> anyhow::Result<Vec<TargetKey>> {
    let all: Vec<TargetKey> = desk.status().await?.into_iter().map(|status| status.target).collect();
    let meant = |key: &&TargetKey| service.is_none_or(|name| *name == key.service) && env.is_none_or(|name| *name == key.env);
    let meant: Vec<TargetKey> = all.iter().filter(meant).cloned().collect();
    match service {
        Some(service) if meant.is_empty() => Err(reach::unknown(service, env, &all).into()),
        _ => Ok(meant),
    }
}
