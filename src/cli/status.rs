//! `lastgood status`: what runs where, and what is being judged.

use std::{io::IsTerminal, time::Duration};

use super::{
    Common, Exit, Format,
    output::{self, WrongUse},
    reach::{self, MaybeService},
};
use crate::{
    app::clock::SystemClock,
    explain::{self, TargetStatus},
    ports::{Clock, Desk},
    web::StatusList,
};

/// Shows what runs, its standing, the last good version, whether lastgood could act if it had to, and what is being judged.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  lastgood status
  lastgood status -w myapp        a live view while a rollout is judged
  lastgood status -o json | jq '.items[] | {service: .target.service, ready: (.ready == [])}'")]
pub struct Args {
    #[command(flatten)]
    which: MaybeService,
    /// Keep watching: redraw on a terminal, one JSON line a second elsewhere.
    #[arg(short, long)]
    watch: bool,
    /// How it looks.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// Runs it.
///
/// # Errors
/// When neither a controller nor a store answers.
pub async fn run(common: &Common, args: &Args) -> anyhow::Result<Exit> {
    if args.watch {
        return watch(common, args).await;
    }
    let items = ask(&*reach::desk(common).await?, args).await?;
    match args.output {
        Format::Json | Format::Yaml => output::document(&StatusList::new(items), args.output)?,
        Format::Name => output::data(&items.iter().map(|item| format!("{}\n", item.target)).collect::<String>())?,
        Format::Table | Format::Wide => {
            output::data(&explain::status_table(&items, args.output == Format::Wide, SystemClock.now()))?;
        }
    }
    Ok(Exit::Done)
}

async fn ask(desk: &dyn Desk, args: &Args) -> anyhow::Result<Vec<TargetStatus>> {
    let items: Vec<TargetStatus> = desk
        .status()
        .await?
        .into_iter()
        .filter(|item| args.which.matches(&item.target))
        .collect();
    if let (true, Some(service)) = (items.is_empty(), args.which.service()) {
        return Err(WrongUse(format!("no service `{service}` is guarded here; `lastgood status` lists all")).into());
    }
    Ok(items)
}

async fn watch(common: &Common, args: &Args) -> anyhow::Result<Exit> {
    let desk = reach::controller(common)?;
    let terminal = std::io::stdout().is_terminal() && args.output != Format::Json;
    let mut ticker = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(Exit::Done),
            _ = ticker.tick() => {}
        }
        let items = ask(&*desk, args).await?;
        if terminal {
            output::data(&format!("\x1b[H\x1b[2J{}", screen(&items)))?;
        } else {
            output::data(&serde_json::to_string(&StatusList::new(items))?)?;
        }
    }
}

fn screen(items: &[TargetStatus]) -> String {
    let now = SystemClock.now();
    let width = terminal_width();
    match items {
        [one] => explain::live(one, now, width, true),
        several => {
            let judged = several.iter().filter(|item| item.rollout.is_some());
            let views: Vec<String> = judged.map(|item| explain::live(item, now, width, true)).collect();
            format!("{}\n{}", explain::status_table(several, false, now), views.join("\n"))
        }
    }
}

fn terminal_width() -> usize {
    rustix::termios::tcgetwinsize(std::io::stdout()).map_or(80, |size| usize::from(size.ws_col).max(40))
}
