//! `lastgood explain`: the record of a rollout, in words.

use super::{
    Common, Exit, Format,
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
#[command(after_help = "Examples:
  lastgood explain                       the newest rollout
  lastgood explain myapp                 the newest rollout of myapp
  lastgood explain 019a2f3c-…            by its id, as alerts name it
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
    /// How it looks.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Runs it.
///
/// # Errors
/// When there is no such rollout.
pub async fn run(common: &Common, args: &Args) -> anyhow::Result<Exit> {
    let desk = reach::desk(common).await?;
    let record = find(&*desk, args).await?;
    match args.output {
        Format::Json | Format::Yaml => output::document(&explain::document(&record), args.output)?,
        Format::Name => output::data(&record.id.to_string())?,
        Format::Table | Format::Wide => output::data(&explain::text(&record, reach::settings(common)?.language))?,
    }
    Ok(Exit::Done)
}

async fn find(desk: &dyn Desk, args: &Args) -> anyhow::Result<Record> {
    let named = match &args.what {
        Some(what) => match what.parse::<RolloutId>() {
            Ok(id) => {
                let found = desk.record(id).await?;
                return found.ok_or_else(|| DeskError::Unknown(format!("no rollout {id} is recorded here")).into());
            }
            Err(_) => Some(
                what.parse::<Service>()
                    .map_err(|_| WrongUse(format!("`{what}` is neither a rollout's id nor a service")))?,
            ),
        },
        None => args.service.clone(),
    };
    let mut newest: Option<Record> = None;
    for target in targets(desk, named.as_ref(), args.env.as_ref()).await? {
        let last = desk.records(&target, 1).await?.into_iter().next();
        newest = newest.into_iter().chain(last).max_by_key(|record| record.seen_at);
    }
    newest.ok_or_else(|| DeskError::Unknown("no rollout is recorded yet".to_owned()).into())
}

async fn targets(desk: &dyn Desk, service: Option<&Service>, env: Option<&Env>) -> anyhow::Result<Vec<TargetKey>> {
    let all = desk.status().await?.into_iter().map(|status| status.target);
    let meant: Vec<TargetKey> = all
        .filter(|key| service.is_none_or(|name| *name == key.service) && env.is_none_or(|name| *name == key.env))
        .collect();
    match (meant.is_empty(), service) {
        (true, Some(service)) => {
            Err(DeskError::Unknown(format!("no service `{service}` is guarded here; `lastgood status` lists all")).into())
        }
        _ => Ok(meant),
    }
}
