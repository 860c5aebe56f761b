//! `lastgood hold`: what is held part-way, and a person's word that it goes on.

use std::{io::IsTerminal as _, time::Duration};

use super::{
    Common, Exit, Format,
    cluster::InCluster,
    output::{self, WrongUse},
    reach::{self, MaybeService},
    rollback::asked,
    status::printed,
};
use crate::{
    app::{Clusters, clock::SystemClock},
    explain::{self, TargetStatus},
    policy::Target,
    ports::{Clock, Command, Desk, DeskError},
    record::MarkedWorkload,
    settings::{self, StoreSettings},
    words::TargetKey,
};

/// How long it is waited for that a workload goes on, and how often it is looked at meanwhile.
const WAITS: (Duration, Duration) = (Duration::from_secs(15), Duration::from_millis(100));

/// Shows which rolling updates lastgood holds part-way, and lets them go on.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  lastgood hold list
  lastgood hold resume myapp --reason 'it is the database'")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List what is held: since when, until when, by which rollout.
    List(ListArgs),
    /// Let a held rolling update go on, by your word.
    Resume(ResumeArgs),
}

/// Lists what is held: as it is stored, and as the workloads themselves tell by their annotation, whether or not a controller runs.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Workloads are asked by your own kubeconfig, or the one of the settings, in the
namespaces that the policies and the settings name.

Examples:
  lastgood hold list
  lastgood hold list -o json | jq '.items[] | select(.overdue)'"
)]
struct ListArgs {
    #[command(flatten)]
    which: MaybeService,
    #[command(flatten)]
    within: InCluster,
    #[command(flatten)]
    output: output::AsFormat,
}

/// Lets a held rolling update go on. It is not held again in this rollout; it is judged on, and reverted if it is bad.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit codes: 0 it goes on, 1 failed, 2 nothing was done: wrong usage, unknown
service, or nobody to ask and no --yes; 5 nothing is held.

Examples:
  lastgood hold resume myapp
  lastgood hold resume --all --yes --reason 'the incident is over'")]
struct ResumeArgs {
    #[command(flatten)]
    which: MaybeService,
    #[command(flatten)]
    within: InCluster,
    /// All that is held.
    #[arg(long)]
    all: bool,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
}

/// Runs it.
///
/// # Errors
/// When neither a controller nor a store answers, or a person's word cannot be done.
pub async fn run(common: &Common, args: &Args) -> anyhow::Result<Exit> {
    match &args.verb {
        Verb::List(args) => list(common, args).await,
        Verb::Resume(args) => resume(common, args).await,
    }
}

async fn list(common: &Common, args: &ListArgs) -> anyhow::Result<Exit> {
    let stored = reach::desk(common, &args.within).await?.status().await?;
    let now = SystemClock.now();
    let mut items = explain::holds(&stored, marked(common, &args.within, &stored).await?, now);
    if args.which.service().is_some() || args.which.env().is_some() {
        items.retain(|item| item.target.as_ref().is_some_and(|target| args.which.matches(target)));
    }
    match args.output.format {
        Format::Json | Format::Yaml => output::list("HoldList", &items, args.output.format)?,
        Format::Name => {
            let names = items.iter().filter_map(|item| item.target.as_ref());
            output::data(&names.map(|target| format!("{target}\n")).collect::<String>())?;
        }
        Format::Table | Format::Wide if items.is_empty() => output::note(common, "nothing is held"),
        Format::Table | Format::Wide => {
            printed(&explain::holds_table(&items, now))?;
        }
    }
    Ok(Exit::Done)
}

/// What the workloads themselves tell, in the namespaces of what is stored, of policies and settings, or the one that is named. Never in the
/// way of what is stored.
async fn marked(common: &Common, within: &InCluster, stored: &[TargetStatus]) -> anyhow::Result<Vec<MarkedWorkload>> {
    let settings = within.settings(common)?;
    let mut namespaces = settings.kubernetes.namespaces.clone();
    namespaces.extend(stored.iter().filter_map(|status| status.namespace.clone()));
    namespaces.extend(within.namespace().map(str::to_owned));
    for file in settings::policies::of(&settings).accepted {
        if let Target::Kubernetes(target) = file.policy.target {
            namespaces.push(target.namespace);
        }
    }
    namespaces.retain(|namespace| within.namespace().is_none_or(|named| named == namespace));
    namespaces.sort_unstable();
    namespaces.dedup();
    if namespaces.is_empty() && settings.store != StoreSettings::Kubernetes {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    match Clusters::new(&settings.kubernetes).get().await {
        Ok(cluster) => {
            for namespace in &namespaces {
                match cluster.held(namespace).await {
                    Ok(held) => found.extend(held),
                    Err(error) => output::note(common, &format!("note: {error}")),
                }
            }
        }
        Err(error) => output::note(common, &format!("note: the workloads were not asked: {error}")),
    }
    Ok(found)
}

async fn resume(common: &Common, args: &ResumeArgs) -> anyhow::Result<Exit> {
    if args.all == args.which.service().is_some() {
        return Err(WrongUse("name a service, or say --all".to_owned()).into());
    }
    let desk = reach::desk(common, &args.within).await?;
    let held = meant(&*desk, args).await?;
    if held.is_empty() {
        return Err(DeskError::Refused("nothing is held; see `lastgood hold list`".to_owned()).into());
    }
    if !args.yes {
        if !std::io::stdin().is_terminal() {
            return Err(WrongUse("nothing was done: there is no terminal to ask at; say yes with --yes".to_owned()).into());
        }
        let named: Vec<String> = held.iter().map(ToString::to_string).collect();
        if !asked::yes(&format!("Let {} go on?", named.join(", "))).await? {
            output::say("nothing was done");
            return Ok(Exit::Usage);
        }
    }
    for target in &held {
        let command = Command::GoOn {
            target: target.clone(),
            reason: args.reason.clone(),
        };
        output::note(common, &desk.act(command).await?);
    }
    ended(&*desk, &held).await
}

/// The targets that are meant and of which something is held.
async fn meant(desk: &dyn Desk, args: &ResumeArgs) -> anyhow::Result<Vec<TargetKey>> {
    let one = args.which.target(desk).await?;
    let all = desk.status().await?.into_iter();
    let held = all.filter(|status| status.hold.is_some()).map(|status| status.target);
    Ok(held
        .filter(|target| one.as_ref().map_or_else(|| args.which.matches(target), |one| one == target))
        .collect())
}

/// Waits until all of them go on.
async fn ended(desk: &dyn Desk, meant: &[TargetKey]) -> anyhow::Result<Exit> {
    let mut waited = Duration::ZERO;
    loop {
        let still: Vec<_> = desk
            .status()
            .await?
            .into_iter()
            .filter(|status| meant.contains(&status.target))
            .filter_map(|status| Some((status.target, status.hold?)))
            .collect();
        if still.is_empty() {
            return Ok(Exit::Done);
        }
        if waited >= WAITS.0 {
            for (target, hold) in still {
                let because = hold.detail.unwrap_or_else(|| "it is not known why".to_owned());
                output::say(&format!("{target} does not go on yet, and it is tried again: {because}"));
            }
            return Ok(Exit::Failed);
        }
        tokio::time::sleep(WAITS.1).await;
        waited += WAITS.1;
    }
}
