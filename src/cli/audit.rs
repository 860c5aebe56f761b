//! `lastgood audit`: who did what, and whether the chain of it is whole.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Subcommand;

use super::{
    Common, Exit, Format,
    cluster::InCluster,
    output::{self, WrongUse},
    reach,
};
use crate::{
    app::clock::SystemClock,
    explain, policy,
    ports::{Clock, Desk, Trail},
    record::{AuditEntry, Audited, Head, verify},
    words::{Env, Moment, Service},
};

/// Who did what, when, why and from where: rollbacks, reverts, words on versions, freezes, policies, and what was refused.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Each entry is chained to the one before by its hash; there is a chain for each
service and one for the controller. Each alert carries the end of its chain:
`audit verify --head` with one that you kept finds what was cut off since.

Exit codes: 0 done, or whole; 1 failed, or not whole.

Examples:
  lastgood audit --service myapp --since 24h
  lastgood audit --actor alice --action rollback -o json
  lastgood audit verify
  lastgood audit verify --head prod/myapp@42:0123456789ab"
)]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Only of this service.
    #[arg(long, value_name = "SERVICE")]
    service: Option<Service>,
    /// Only of this environment.
    #[arg(short, long, value_name = "ENV")]
    env: Option<Env>,
    /// Not before: 24h, or 2026-11-24T14:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Not after.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only whose name holds this.
    #[arg(long, value_name = "TEXT")]
    actor: Option<String>,
    /// Only this action: rollback, revert, release, freeze, policy…
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    #[command(flatten)]
    output: output::AsFormat,
    #[command(flatten)]
    within: InCluster,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Say whether every chain is whole.
    Verify(VerifyArgs),
}

/// Finds every entry that was changed, swapped or removed; and, by an end that you kept from an alert, whether a chain was cut off.
#[derive(Debug, clap::Args)]
#[command(after_help = "A store can be cut back to an earlier state as a whole, and then it does not
know better. An end that an alert carried does: give it with --head. So does a
file that the audit is written to (`[audit] file` in the settings): with --file
each of its lines must be in the store as it stands there.

Exit codes: 0 whole, 1 not whole: what is wrong is on stdout.

Examples:
  lastgood audit verify
  lastgood audit verify --head prod/myapp@42:0123456789ab
  lastgood audit verify --file /var/log/lastgood/audit.jsonl")]
struct VerifyArgs {
    /// An end that a chain had, as an alert's last line has it; may be given again.
    #[arg(long, value_name = "HEAD")]
    head: Vec<Head>,
    /// Lines that the audit was written to; may be given again.
    #[arg(long, value_name = "FILE")]
    file: Vec<PathBuf>,
    #[command(flatten)]
    within: InCluster,
}

/// Runs it.
///
/// # Errors
/// When neither a controller nor a store answers, or a time is none.
pub async fn run(common: &Common, args: &Args) -> anyhow::Result<Exit> {
    match &args.verb {
        Some(Verb::Verify(verify)) => {
            let desk = reach::desk(common, &verify.within).await?;
            whole(&desk.trail(None).await?, verify)
        }
        None => list(&*reach::desk(common, &args.within).await?, args).await,
    }
}

async fn list(desk: &dyn Desk, args: &Args) -> anyhow::Result<Exit> {
    let now = SystemClock.now();
    let since = args.since.as_deref().map(|text| moment(text, now)).transpose()?;
    let until = args.until.as_deref().map(|text| moment(text, now)).transpose()?;
    let chain = match (&args.service, &args.env) {
        (Some(service), Some(env)) => Some(format!("{env}/{service}")),
        _ => None,
    };
    let entries = desk.trail(chain.as_deref()).await?.entries;
    let mut found: Vec<Audited> = entries
        .iter()
        .filter_map(|entry| serde_json::from_str(&entry.document).ok())
        .filter(|entry| wanted(args, entry))
        .filter(|entry| since.is_none_or(|since| entry.at >= since) && until.is_none_or(|until| entry.at <= until))
        .collect();
    found.sort_by(|a, b| (a.at, &a.chain, a.seq).cmp(&(b.at, &b.chain, b.seq)));
    match args.output.format {
        Format::Json | Format::Yaml => output::list("AuditList", &found, args.output.format)?,
        Format::Name => output::data(
            &found
                .iter()
                .map(|entry| format!("{}@{}\n", entry.chain, entry.seq))
                .collect::<String>(),
        )?,
        Format::Table | Format::Wide => output::data(&explain::trail(&found, args.output.format == Format::Wide))?,
    }
    Ok(Exit::Done)
}

fn wanted(args: &Args, entry: &Audited) -> bool {
    let of = |part: usize, wanted: Option<&str>| wanted.is_none_or(|wanted| entry.chain.split('/').nth(part) == Some(wanted));
    of(0, args.env.as_ref().map(Env::as_str))
        && of(1, args.service.as_ref().map(Service::as_str))
        && args
            .actor
            .as_ref()
            .is_none_or(|actor| entry.deed.by.0.contains(actor.as_str()))
        && args.action.as_ref().is_none_or(|action| entry.deed.action.as_str() == action)
}

/// A moment: so long before `now`, or as RFC 3339 writes it.
fn moment(text: &str, now: Moment) -> Result<Moment, WrongUse> {
    let ago = policy::parse_duration(text).ok();
    ago.map(|ago: Duration| now.minus(ago))
        .or_else(|| text.parse().ok())
        .ok_or_else(|| {
            WrongUse(format!(
                "`{}` is no time: write `24h` for that long ago, or `2026-11-24T14:00:00Z`",
                explain::clean(text)
            ))
        })
}

fn whole(trail: &Trail, kept: &VerifyArgs) -> anyhow::Result<Exit> {
    let mut written = Written::default();
    for file in &kept.file {
        written.compare(file, trail)?;
    }
    let heads: Vec<Head> = trail.heads.iter().chain(&kept.head).chain(&written.beyond).cloned().collect();
    let mut chains: Vec<&str> = trail.entries.iter().map(|entry| entry.chain.as_str()).collect();
    chains.extend(heads.iter().map(|head| head.chain.as_str()));
    chains.sort_unstable();
    chains.dedup();
    let mut exit = if written.wrong.is_empty() { Exit::Done } else { Exit::Failed };
    let mut lines = written.same;
    lines.extend(written.wrong.iter().map(|wrong| format!("NOT WHOLE: {wrong}")));
    for chain in chains {
        let entries: Vec<_> = trail.entries.iter().filter(|entry| entry.chain == chain).cloned().collect();
        let cut = trail.cut.iter().find(|cut| cut.chain == chain);
        let wrong = verify(chain, &entries, &heads, cut);
        if wrong.is_empty() {
            let end = entries.last().map(|last| Head::of(last).to_string());
            lines.push(format!(
                "{}: whole, {} entries{}",
                explain::clean(chain),
                entries.len(),
                end.map(|end| format!(", ends at {end}")).unwrap_or_default()
            ));
        } else {
            exit = Exit::Failed;
            lines.extend(wrong.iter().map(|wrong| format!("NOT WHOLE: {}", explain::clean(wrong))));
        }
    }
    output::data(&lines.join("\n"))?;
    Ok(exit)
}

/// What files of lines say beside the store.
#[derive(Default)]
struct Written {
    /// That the store has their lines, a sentence for each file.
    same: Vec<String>,
    /// What differs.
    wrong: Vec<String>,
    /// Lines that the store does not have: its chains reached so far once.
    beyond: Vec<Head>,
}

impl Written {
    fn compare(&mut self, file: &Path, trail: &Trail) -> anyhow::Result<()> {
        let shown = explain::clean(&file.display().to_string());
        let text = fs::read_to_string(file).map_err(|error| WrongUse(format!("cannot read {shown}: {error}")))?;
        let mut same = 0;
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
            let Some(entry) = AuditEntry::of_line(line) else {
                self.wrong
                    .push(format!("{shown}: line {} is no entry of an audit", number + 1));
                continue;
            };
            let stored = trail
                .entries
                .iter()
                .find(|stored| (&stored.chain, stored.seq) == (&entry.chain, entry.seq));
            match stored {
                Some(stored) if *stored == entry => same += 1,
                Some(_) => self.wrong.push(format!(
                    "{shown}: line {} is another one than {}@{} in the store",
                    number + 1,
                    explain::clean(&entry.chain),
                    entry.seq
                )),
                None => self.beyond.push(Head::of(&entry)),
            }
        }
        self.same.push(format!("{shown}: {same} lines are as the store has them"));
        Ok(())
    }
}
