//! The command line: one file a verb. Data on stdout, all else on stderr.
//!
//! May touch: every room.

mod approve;
mod check;
mod completions;
mod config_show;
mod demo;
mod explain;
mod freeze;
mod judge;
mod log;
mod output;
mod reach;
mod release;
mod run;
mod schema;
mod status;
mod wait;

use std::{path::PathBuf, process::ExitCode};

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

pub use output::Format;

/// How a command ended: one table for every command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, or judged good.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// Wrong usage, or an invalid policy or settings.
    Usage = 2,
    /// Judged bad.
    Bad = 3,
    /// No verdict: inconclusive, blind, timed out.
    NoVerdict = 4,
    /// Refused by a guard.
    Refused = 5,
    /// Interrupted.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

const EXIT_CODES: &str = "Exit codes:
  0 done, or judged good   1 failed   2 wrong usage, or an invalid policy or settings
  3 judged bad   4 no verdict (inconclusive, blind, timed out)   5 refused by a guard   130 interrupted";

/// An unattended guard for deployments: judges every rollout from Prometheus and puts the last good version back by itself.
#[derive(Debug, Parser)]
#[command(name = "lastgood", version, about, after_help = EXIT_CODES, max_term_width = 110)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: Verb,
}

/// What every command takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Common {
    /// The settings file [default: /etc/lastgood/lastgood.toml, if it is there].
    #[arg(
        long,
        global = true,
        env = "LASTGOOD_CONFIG",
        value_name = "FILE",
        help_heading = "Common options"
    )]
    pub config: Option<PathBuf>,
    /// More of what happens, on stderr; twice: everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Common options")]
    pub verbose: u8,
    /// Only errors on stderr.
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Common options")]
    pub quiet: bool,
    /// How log lines look [default: text on a terminal, else json].
    #[arg(long, global = true, value_enum, value_name = "FORMAT", help_heading = "Common options")]
    pub log_format: Option<LogFormat>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the controller: the host agent.
    Run(run::Args),
    /// Validate policies, show every default filled in and the PromQL that will be asked.
    Check(check::Args),
    /// What runs where, what is last good, whether lastgood is ready, and what is being judged.
    Status(status::Args),
    /// Why: the record of a rollout, in words.
    Explain(explain::Args),
    /// Block until the verdict on a rollout: for pipelines.
    Wait(wait::Args),
    /// Counts in as NDJSON, verdicts out: for CI, for other tools.
    Judge(judge::Args),
    /// A person's word on a version.
    Release(release::Args),
    /// Say yes to a proposed revert.
    Approve(approve::Args),
    /// No more reverts, of one service or of all; judging and alerts go on.
    Freeze(freeze::FreezeArgs),
    /// Reverts again, of one service or of all.
    Unfreeze(freeze::UnfreezeArgs),
    /// Print the JSON Schema of policy files.
    Schema(schema::Args),
    /// The controller's settings.
    Config(config_show::Args),
    /// Print a completion script for a shell.
    Completions(completions::Args),
    /// Five versions of a small service on this machine: two good, two bad, one that cannot be seen; with a real Prometheus.
    Demo(demo::Args),
}

/// Reads the command line, does what it says and tells how it ended.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage.into()
            } else {
                Exit::Done.into()
            };
        }
    };
    log::start(&arguments.common, matches!(arguments.verb, Verb::Run(_)));
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::complain(&anyhow::anyhow!(error));
            return Exit::Failed.into();
        }
    };
    let ended = runtime.block_on(dispatch(arguments));
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    match ended {
        Ok(exit) => exit.into(),
        Err(error) => {
            output::complain(&error);
            output::exit_of(&error).into()
        }
    }
}

async fn dispatch(Arguments { common, verb }: Arguments) -> anyhow::Result<Exit> {
    match verb {
        Verb::Run(args) => run::run(&common, &args).await,
        Verb::Check(args) => check::run(&args).await,
        Verb::Status(args) => status::run(&common, &args).await,
        Verb::Explain(args) => explain::run(&common, &args).await,
        Verb::Wait(args) => wait::run(&common, &args).await,
        Verb::Judge(args) => tokio::task::block_in_place(|| judge::run(&args)),
        Verb::Release(args) => release::run(&common, &args).await,
        Verb::Approve(args) => approve::run(&common, &args).await,
        Verb::Freeze(args) => freeze::freeze(&common, &args).await,
        Verb::Unfreeze(args) => freeze::unfreeze(&common, &args).await,
        Verb::Schema(args) => schema::run(&args),
        Verb::Config(args) => config_show::run(&common, &args),
        Verb::Completions(args) => completions::run(&args, Arguments::command()),
        Verb::Demo(args) => demo::run(&common, &args).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
