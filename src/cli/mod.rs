//! The command line: one file a verb. Data on stdout, all else on stderr.
//!
//! May touch: every room.

mod approve;
mod audit;
mod check;
mod cluster;
mod completions;
mod config_show;
mod crd;
mod demo;
mod deploy;
mod explain;
mod forget;
mod freeze;
mod hold;
mod judge;
mod log;
mod manifest;
mod noting;
mod output;
mod reach;
mod record;
mod release;
mod releases;
mod rollback;
mod run;
mod schema;
mod status;
mod version;
mod wait;

use std::{path::PathBuf, process::ExitCode};

use clap::{CommandFactory, FromArgMatches as _, Parser, Subcommand, ValueEnum};

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

const AFTER_HELP: &str = "Begin with:
  lastgood demo                 see it work on this machine
  lastgood check POLICY.yaml    what a policy says, every error of it at once

Exit codes of every command:
    0  done, or judged good    3  judged bad      5  refused by a guard
    1  failed                  4  no verdict    130  interrupted
    2  wrong usage, or an invalid policy or settings";

/// An unattended guard for deployments: judges every rollout from Prometheus and
/// puts the last good version back by itself.
#[derive(Debug, Parser)]
#[command(
    name = "lastgood",
    version,
    long_version = version::long(),
    after_help = AFTER_HELP,
    max_term_width = 80
)]
struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: Verb,
}

/// What every command takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Common {
    /// The settings file, else /etc/lastgood/lastgood.toml.
    #[arg(
        long,
        global = true,
        env = "LASTGOOD_CONFIG",
        hide_env = true,
        value_name = "FILE",
        help_heading = "Common options"
    )]
    pub config: Option<PathBuf>,
    /// Say more on stderr; twice: everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Common options")]
    pub verbose: u8,
    /// Say only errors on stderr.
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Common options")]
    pub quiet: bool,
    /// Log lines as text (on a terminal) or json (elsewhere).
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        hide_possible_values = true,
        help_heading = "Common options"
    )]
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
    /// Run the controller that guards the services of this host.
    Run(run::Args),
    /// Validate policies; show every default and the PromQL to be asked.
    Check(check::Args),
    /// Show what runs, what is last good, what is judged, and READY.
    Status(status::Args),
    /// Explain a rollout in words, from its stored record.
    Explain(explain::Args),
    /// Block until the verdict on a rollout, for pipelines.
    Wait(wait::Args),
    /// Fetch a release, switch to it and activate it.
    Deploy(deploy::Args),
    /// Judge counts given as NDJSON, for CI and other tools.
    Judge(judge::Args),
    /// Write the manifest of a release: git, files, lock files, tools.
    Manifest(Box<manifest::Args>),
    /// Take the manifest of a release that was built.
    Record(record::Args),
    /// List what was built, where it stands and where it runs.
    Releases(releases::Args),
    /// Say that a version is good, is bad, or may be shipped again.
    Release(release::Args),
    /// Go back to a version by your word; nothing is judged first.
    Rollback(rollback::Args),
    /// Say yes to a revert that waits for a person.
    Approve(approve::Args),
    /// Show what is held part-way, and let it go on.
    Hold(hold::Args),
    /// Stop reverts, of one service or of all; judging and alerts go on.
    Freeze(freeze::FreezeArgs),
    /// Allow reverts again, of one service or of all.
    Unfreeze(freeze::UnfreezeArgs),
    /// Forget all that is known of a service.
    Forget(forget::Args),
    /// Show who did what, and whether the record of it is whole.
    Audit(audit::Args),
    /// Print the JSON Schema of policy files, or of release manifests.
    Schema(schema::Args),
    /// Print the definition of histories' objects, for a cluster.
    Crd(crd::Args),
    /// Show the settings of lastgood itself.
    Config(config_show::Args),
    /// Print a completion script for a shell.
    Completions(completions::Args),
    /// See five versions of a small service judged on this machine.
    Demo(demo::Args),
}

/// Reads the command line, does what it says and tells how it ended.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match parsed() {
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

/// The command line, of the plugin under the name by which people call it.
fn parsed() -> Result<Arguments, clap::Error> {
    let command = if cluster::is_plugin() {
        cluster::renamed(Arguments::command()).bin_name("kubectl lastgood")
    } else {
        Arguments::command()
    };
    Arguments::from_arg_matches(&command.try_get_matches()?)
}

async fn dispatch(Arguments { common, verb }: Arguments) -> anyhow::Result<Exit> {
    match verb {
        Verb::Run(args) => run::run(&common, &args).await,
        Verb::Check(args) => check::run(&common, &args).await,
        Verb::Status(args) => status::run(&common, &args).await,
        Verb::Explain(args) => explain::run(&common, &args).await,
        Verb::Wait(args) => wait::run(&common, &args).await,
        Verb::Deploy(args) => deploy::run(&common, &args).await,
        Verb::Judge(args) => tokio::task::block_in_place(|| judge::run(&args)),
        Verb::Manifest(args) => tokio::task::block_in_place(|| manifest::run(&common, &args)),
        Verb::Record(args) => record::run(&common, &args).await,
        Verb::Releases(args) => releases::run(&common, &args).await,
        Verb::Release(args) => release::run(&common, &args).await,
        Verb::Rollback(args) => rollback::run(&common, &args).await,
        Verb::Approve(args) => approve::run(&common, &args).await,
        Verb::Hold(args) => hold::run(&common, &args).await,
        Verb::Freeze(args) => freeze::freeze(&common, &args).await,
        Verb::Unfreeze(args) => freeze::unfreeze(&common, &args).await,
        Verb::Forget(args) => forget::run(&common, &args).await,
        Verb::Audit(args) => audit::run(&common, &args).await,
        Verb::Schema(args) => schema::run(&args),
        Verb::Crd(args) => crd::run(&args),
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
