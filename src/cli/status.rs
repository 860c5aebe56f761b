//! `lastgood status`: what runs where, and what is being judged.

use std::{io::IsTerminal, time::Duration};

use super::{
    Common, Exit, Format,
    cluster::InCluster,
    output,
    reach::{self, MaybeService},
};
use crate::{
    app::clock::SystemClock,
    explain::{self, TargetStatus},
    ports::{Clock, Desk},
    web::StatusList,
    words::TargetKey,
};

/// Shows what runs, its standing, the last good version, whether lastgood could act if it had to, and what is being judged.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "READY says whether lastgood could act if it had to. Below the table each reason
why not is a sentence.

Examples:
  lastgood status
  lastgood status -w myapp     a live view while a rollout is judged
  lastgood status -n shop      in a cluster; -A: in all namespaces
  lastgood status -o json | jq '.items[].ready'"
)]
pub struct Args {
    #[command(flatten)]
    which: MaybeService,
    #[command(flatten)]
    within: InCluster,
    /// Keep watching: a live view on a terminal, else a JSON line a second.
    #[arg(short, long)]
    watch: bool,
    #[command(flatten)]
    output: output::AsFormat,
}

/// Runs it.
///
/// # Errors
/// When neither a controller nor a store answers.
pub async fn run(common: &Common, args: &Args) -> anyhow::Result<Exit> {
    if args.watch {
        return watch(common, args).await;
    }
    let items = ask(&*reach::desk(common, &args.within).await?, args).await?;
    match args.output.format {
        Format::Json | Format::Yaml => output::document(&StatusList::new(items), args.output.format)?,
        Format::Name => output::data(&items.iter().map(|item| format!("{}\n", item.target)).collect::<String>())?,
        Format::Table | Format::Wide if items.is_empty() && args.within.is_one_namespace(common)? => {
            output::note(
                common,
                "nothing is guarded in this namespace: name another with -n, or all with -A",
            );
        }
        Format::Table | Format::Wide => {
            let table = explain::status_table(&items, args.output.format == Format::Wide, SystemClock.now());
            printed(&table)?;
        }
    }
    Ok(Exit::Done)
}

async fn ask(desk: &dyn Desk, args: &Args) -> anyhow::Result<Vec<TargetStatus>> {
    let all = desk.status().await?;
    let keys: Vec<TargetKey> = all.iter().map(|item| item.target.clone()).collect();
    let items: Vec<TargetStatus> = all.into_iter().filter(|item| args.which.matches(&item.target)).collect();
    match args.which.service() {
        Some(service) if items.is_empty() => Err(reach::unknown(service, args.which.env(), &keys).into()),
        _ => Ok(items),
    }
}

async fn watch(common: &Common, args: &Args) -> anyhow::Result<Exit> {
    let desk = reach::controller(common, &args.within).await?;
    let terminal = std::io::stdout().is_terminal() && args.output.format != Format::Json;
    let mut ticker = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(Exit::Interrupted),
            _ = ticker.tick() => {}
        }
        let items = ask(&*desk, args).await?;
        if terminal {
            output::data(&repainted(&screen(&items)))?;
        } else {
            output::data(&output::visible(&serde_json::to_string(&StatusList::new(items))?))?;
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
            let table = fitted(&explain::status_table(several, false, now), width, width);
            format!("{table}\n{}", views.join("\n"))
        }
    }
}

/// Prints a table: rows whole, and on a terminal the sentences below it broken to its width.
pub(super) fn printed(table: &str) -> anyhow::Result<()> {
    let width = std::io::stdout().is_terminal().then(terminal_width);
    output::data(&fitted(table, usize::MAX, width.unwrap_or(usize::MAX)))
}

/// A table whose rows are cut at `rows` columns, and the sentences below it broken at words to fit into `sentences` columns.
fn fitted(table: &str, rows: usize, sentences: usize) -> String {
    let Some((table, below)) = table.split_once("\n\n") else {
        return table.lines().map(|row| explain::fit(row, rows) + "\n").collect();
    };
    let mut out: String = table.lines().map(|row| explain::fit(row, rows) + "\n").collect();
    for sentence in below.lines() {
        let lines = explain::wrap(sentence, sentences.saturating_sub(2));
        out.push('\n');
        out.push_str(&lines.join("\n  "));
    }
    out.push('\n');
    out
}

/// `screen` painted over the one before, line by line so that it does not flicker, and no longer than the terminal.
fn repainted(screen: &str) -> String {
    let lines: Vec<&str> = screen.lines().take(terminal().1.saturating_sub(1)).collect();
    // A line end follows, and it must not scroll the first line away.
    format!("\x1b[H{}\x1b[J", lines.join("\x1b[K\n"))
}

fn terminal_width() -> usize {
    terminal().0.max(40)
}

/// Columns and rows.
fn terminal() -> (usize, usize) {
    let size = rustix::termios::tcgetwinsize(std::io::stdout());
    let known = size.ok().filter(|size| size.ws_col > 0 && size.ws_row > 1);
    known.map_or((80, 24), |size| (size.ws_col.into(), size.ws_row.into()))
}
