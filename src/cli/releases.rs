//! `lastgood releases`: what was built, where it stands and where it runs.

use std::{collections::BTreeSet, num::NonZeroUsize};

use super::{
    Common, Exit, Format,
    cluster::InCluster,
    output::{self, WrongUse},
    reach::{self, MaybeService},
    status::printed,
};
use crate::{
    app::clock::SystemClock,
    explain::{self, ReleaseStatus},
    ports::{Clock, Desk},
    words::Service,
};

/// Lists the releases of a service, newest first: what was built, where it stands and where it runs.
#[derive(Debug, clap::Args)]
#[command(after_help = "A version that was never recorded is listed too, by what was seen of it.

Examples:
  lastgood releases --service myapp
  lastgood releases myapp --env prod --limit 20
  lastgood releases myapp -o json | jq '.items[0].release.manifest.commit'")]
pub struct Args {
    #[command(flatten)]
    which: MaybeService,
    #[command(flatten)]
    within: InCluster,
    /// So many versions.
    #[arg(long, value_name = "N", default_value = "5")]
    limit: NonZeroUsize,
    #[command(flatten)]
    output: output::AsFormat,
}

/// Runs it.
///
/// # Errors
/// When the service is not known, or neither a controller nor a store answers.
pub async fn run(common: &Common, args: &Args) -> anyhow::Result<Exit> {
    let service = args.which.service().ok_or_else(|| WrongUse("name a service".to_owned()))?;
    let desk = reach::desk(common, &args.within).await?;
    let items = newest(known(&*desk, service, args).await?, args.limit.get());
    match args.output.format {
        Format::Json | Format::Yaml => output::list("ReleaseList", &items, args.output.format)?,
        Format::Name => {
            let names = items.iter().map(|item| explain::clean(item.version.as_str()) + "\n");
            let mut seen = BTreeSet::new();
            output::data(&names.filter(|name| seen.insert(name.clone())).collect::<String>())?;
        }
        Format::Table | Format::Wide if items.is_empty() => output::note(common, &nothing(service)),
        Format::Table | Format::Wide => {
            let table = explain::releases_table(&items, args.output.format == Format::Wide, SystemClock.now());
            printed(&table)?;
        }
    }
    Ok(Exit::Done)
}

async fn known(desk: &dyn Desk, service: &Service, args: &Args) -> anyhow::Result<Vec<ReleaseStatus>> {
    let mut items = desk.releases(service).await?;
    items.retain(|item| args.which.matches(&item.target));
    if items.is_empty() {
        let guarded: Vec<_> = desk.status().await?.into_iter().map(|status| status.target).collect();
        if !guarded.iter().any(|target| args.which.matches(target)) {
            return Err(reach::unknown(service, args.which.env(), &guarded).into());
        }
    }
    Ok(items)
}

/// Those of the newest `limit` versions, each in all of its environments.
fn newest(mut items: Vec<ReleaseStatus>, limit: usize) -> Vec<ReleaseStatus> {
    let mut names = BTreeSet::new();
    items.retain(|item| {
        let room = names.len() < limit;
        names.contains(&item.version) || (room && names.insert(item.version.clone()))
    });
    items
}

fn nothing(service: &Service) -> String {
    format!(
        "nothing is known of {service} yet: record a release, `lastgood manifest | lastgood record - --service {service}`, or let \
         `lastgood run` see what runs"
    )
}
