//! `lastgood rollback`: a person goes back to a version.

pub(super) mod asked;

use std::{io::IsTerminal as _, time::Duration};

use serde::Serialize;

use super::{
    Common, Exit, Format,
    cluster::InCluster,
    noting,
    output::{self, WrongUse},
    reach::{self, WhichService},
};
use crate::{
    app::{self, clock::SystemClock, watch},
    explain::{self, Lately, Passage, Way},
    ports::{Clock, Command, Desk, DeskError, NotedAction},
    prometheus::Prometheus,
    record::{Phase, Record},
    words::{Outcome, TargetKey, VersionName},
};

/// So long a person waits for numbers before they decide, and so long where nobody is asked.
const NUMBERS: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(1));
/// Between two looks whether it is done.
const LOOK: Duration = Duration::from_millis(50);

/// Goes back to a version by your word: nothing is judged first, no freeze and no budget stands in the way, and lastgood does not undo it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Shows how both versions did lately and what will change, asks, and goes back:
through the running controller, or by itself where none runs. Nothing is judged
first, no freeze and no budget stands in the way, and lastgood does not undo it.
What was being judged is over; what you leave is not condemned by this alone:
for that, `lastgood release quarantine`.

In a cluster, of a version whose pod template is not kept only the image goes
back, the recorded one: that is said, and asked.

Exit codes: 0 it is back, 1 failed, 2 nothing was done: wrong usage, unknown
service or version, or nobody to ask and no --yes; 5 refused: it runs already,
its files are gone, or someone else was first. 130 interrupted.

Examples:
  lastgood rollback --service myapp --to v1.2.2 --reason 'checkout fails'
  lastgood rollback myapp                      pick one of the last five
  lastgood rollback myapp --yes                to the last good version, now
  lastgood rollback myapp --to v1.2.2 --dry-run")]
pub struct Args {
    #[command(flatten)]
    which: WhichService,
    #[command(flatten)]
    within: InCluster,
    /// The version to go back to; without it you pick one, with --yes it is the last good one.
    #[arg(long, value_name = "VERSION")]
    to: Option<VersionName>,
    /// Why, for the record and for whoever reads the alert.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
    /// Show what would change, and change nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: output::AsFormat,
}

/// Runs it.
///
/// # Errors
/// When it is refused or fails, or there is nobody to ask.
pub async fn run(common: &Common, args: &Args) -> anyhow::Result<Exit> {
    let agreed = tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => return Ok(Exit::Interrupted),
        agreed = agree(common, args) => agreed,
    };
    let way = match agreed {
        Ok(Agreed::Go(way)) => way,
        Ok(Agreed::Over(exit)) => return Ok(exit),
        Err(error) => {
            note_refusal(common, args, &error).await;
            return Err(error);
        }
    };
    let (runs, to) = ends(&way)?;
    // Anew: while a person thinks, the store is not held and a controller may have begun.
    let desk = reach::desk_to_act(common, &args.within, true).await?;
    let command = Command::GoBack {
        target: way.target.clone(),
        from: runs,
        to: way.image.as_ref().map_or_else(|| to.clone(), |only| only.release.clone()),
        reason: args.reason.clone(),
    };
    // Not interrupted: without a controller this is the act itself. Whoever was not asked sees the numbers beside it, not before it.
    let (_, acted) = futures::join!(shown_beside(common, args, &way), desk.act(command));
    output::note(common, &acted?);
    tokio::select! {
        biased;
        _ = tokio::signal::ctrl_c() => {
            output::say(&format!("the controller goes on with it: see `lastgood status {}`", way.target.service));
            Ok(Exit::Interrupted)
        }
        record = ended(&*desk, &way.target, &to) => tell(args, &record?, common),
    }
}

/// What was refused before it came to an order is in the audit too; a command that was written wrongly is nobody's deed.
async fn note_refusal(common: &Common, args: &Args, error: &anyhow::Error) {
    let Some(because) = error.downcast_ref::<DeskError>().filter(|_| !args.dry_run) else {
        return;
    };
    let target = match reach::desk_to_act(common, &args.within, true).await {
        Ok(desk) => args.which.target(&*desk).await,
        Err(error) => Err(error),
    };
    // Of a service that nobody guards there is nothing to note.
    if let Ok(target) = target {
        let to = args.to.as_ref().map_or("the last good version", VersionName::as_str);
        noting::refused(
            (common, &args.within),
            target,
            (NotedAction::Rollback, format!("to {to}")),
            &args.reason,
            because,
        )
        .await;
    }
}

/// What came of showing and asking.
enum Agreed {
    /// It is wanted.
    Go(Box<Way>),
    /// Nothing is to be done.
    Over(Exit),
}

async fn agree(common: &Common, args: &Args) -> anyhow::Result<Agreed> {
    let asks = !args.yes && !args.dry_run;
    if asks && !std::io::stdin().is_terminal() {
        return Err(WrongUse("nothing was done: there is no terminal to ask at; say yes with --yes".to_owned()).into());
    }
    let mut way = look(common, args, args.to.as_ref()).await?;
    if asks && args.to.is_none() {
        way = look(common, args, Some(&asked::which(&way).await?)).await?;
    }
    let (_, to) = ends(&way)?;
    if args.dry_run {
        return dry(args, &way, numbers((common, args), &way, NUMBERS.0).await).map(Agreed::Over);
    }
    if asks {
        show(common, args, &way, NUMBERS.0).await;
    }
    unhindered(&way)?;
    let alone = way.image.as_ref().map(|_| " by its image alone").unwrap_or_default();
    if asks && !asked::yes(&format!("Go back to {}{alone}?", explain::clean(to.as_str()))).await? {
        output::say("nothing was done");
        return Ok(Agreed::Over(Exit::Usage));
    }
    Ok(Agreed::Go(Box::new(way)))
}

async fn shown_beside(common: &Common, args: &Args, way: &Way) {
    if args.yes && !common.quiet {
        show(common, args, way, NUMBERS.1).await;
    }
}

async fn show(common: &Common, args: &Args, way: &Way, within: Duration) {
    let seen = numbers((common, args), way, within).await;
    let text = way.text(seen.as_ref().map_err(String::as_str), SystemClock.now());
    output::note(common, &text);
}

/// What going back would mean. The desk is let go again: whoever thinks about it holds nothing.
async fn look(common: &Common, args: &Args, to: Option<&VersionName>) -> anyhow::Result<Way> {
    let desk = reach::desk_to_act(common, &args.within, args.to.as_ref() != to).await?;
    let target = args.which.target(&*desk).await?;
    Ok(desk.way(&target, to).await?)
}

/// What runs, and where it goes.
fn ends(way: &Way) -> Result<(VersionName, VersionName), DeskError> {
    let service = &way.target.service;
    let runs = &way.runs.stands.version;
    let Some(to) = &way.to else {
        return Err(DeskError::Refused(format!(
            "{service} has no last good version beside the one that runs: name one with --to"
        )));
    };
    if to.stands.version == *runs && way.unfinished.is_none() {
        let name = explain::clean(runs.name.as_str());
        return Err(DeskError::Refused(format!("nothing to do: {name} of {service} runs already")));
    }
    Ok((runs.name.clone(), to.stands.version.name.clone()))
}

fn unhindered(way: &Way) -> Result<(), DeskError> {
    if way.hindered.is_empty() {
        return Ok(());
    }
    let because: Vec<&str> = way.hindered.iter().map(|unready| unready.because.as_str()).collect();
    Err(DeskError::Refused(format!("nothing was changed: {}", because.join("; "))))
}

/// How both versions did lately, or why that is not known. Never in the way.
async fn numbers((common, args): (&Common, &Args), way: &Way, within: Duration) -> Result<[Vec<Lately>; 2], String> {
    let settings = args.within.settings(common).map_err(|error| error.to_string())?;
    let source = Prometheus::new(app::options(&settings.prometheus)).map_err(|error| error.to_string())?;
    let now = SystemClock.now();
    let of = |passage: Option<&Passage>| {
        let (source, passage) = (&source, passage.cloned());
        async move {
            match passage {
                Some(passage) => watch::lately(source, &way.policy, &passage, now).await,
                None => Ok(Vec::new()),
            }
        }
    };
    let both = futures::future::try_join(of(Some(&way.runs)), of(way.to.as_ref()));
    match tokio::time::timeout(within, both).await {
        Ok(Ok((here, there))) => Ok([here, there]),
        Ok(Err(fault)) => Err(fault.because),
        Err(_) => Err(format!("Prometheus did not answer within {} s", within.as_secs())),
    }
}

/// What `--dry-run -o json` prints.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Plan<'a> {
    api_version: &'static str,
    kind: &'static str,
    way: &'a Way,
    /// What runs, then where it goes; none where it is not known.
    lately: Option<[Vec<Lately>; 2]>,
}

fn dry(args: &Args, way: &Way, lately: Result<[Vec<Lately>; 2], String>) -> anyhow::Result<Exit> {
    let text = way.text(lately.as_ref().map_err(String::as_str), SystemClock.now());
    match args.output.format {
        Format::Json | Format::Yaml => output::document(
            &Plan {
                api_version: explain::API_VERSION,
                kind: "RollbackPlan",
                way,
                lately: lately.ok(),
            },
            args.output.format,
        )?,
        Format::Name => output::data(&way.to.iter().map(|to| to.stands.version.name.to_string()).collect::<String>())?,
        Format::Table | Format::Wide => output::data(&format!("{text}\n\nnothing was changed (--dry-run)\n"))?,
    }
    unhindered(way)?;
    Ok(Exit::Done)
}

/// Waits until it is known how it ended. The controller goes on whatever becomes of this command.
async fn ended(desk: &dyn Desk, target: &TargetKey, to: &VersionName) -> anyhow::Result<Record> {
    loop {
        let records = desk.records(target, 5).await?;
        let ours = records
            .into_iter()
            .find(|record| record.ordered().is_some() && record.to.name == *to);
        if let Some(record) = ours.filter(|record| record.phase != Phase::Reverting) {
            return Ok(record);
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn tell(args: &Args, record: &Record, common: &Common) -> anyhow::Result<Exit> {
    match args.output.format {
        Format::Json | Format::Yaml => output::document(&explain::document(record), args.output.format)?,
        Format::Name => output::data(&record.id.to_string())?,
        Format::Table | Format::Wide => output::data(&explain::in_one_line(record, args.within.settings(common)?.language))?,
    }
    Ok(match record.outcome {
        Some(Outcome::Reverted | Outcome::Verified | Outcome::DidNotHelp) => Exit::Done,
        Some(Outcome::Superseded) => {
            output::say("nothing was changed: something else was put there meanwhile; look again");
            Exit::Refused
        }
        Some(Outcome::Gone) => {
            output::say("nothing was changed: the workload is gone, or was made again meanwhile; look again");
            Exit::Refused
        }
        _ => {
            output::say(record.outcome_detail.as_deref().unwrap_or("it is not known why"));
            Exit::Failed
        }
    })
}
