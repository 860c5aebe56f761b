//! `lastgood demo`: versions of a small service on this machine, a bad deploy, the revert, the explanation.

use std::{ffi::OsString, path::PathBuf};

use anyhow::Context as _;

use super::{Common, Exit};
use crate::demo::{self, DemoOptions, Ended, Pace, Prometheus};

/// A real service, a real Prometheus and a real controller on this machine: five deployments, two of them bad, and what lastgood makes of them
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Two good versions, two bad ones, and one that cannot be seen, with a real
Prometheus, in about three minutes, without root. Nothing is left behind,
also after Ctrl-C. `make demo` in the source tree fetches Prometheus too.

Examples:
  lastgood demo
  lastgood demo --prometheus /opt/prometheus/prometheus
  lastgood demo --fast -q     for machines: exit 0 only if all five end as promised"
)]
pub struct Args {
    /// The Prometheus server to run; otherwise the one on the PATH
    #[arg(long, value_name = "PATH", env = "LASTGOOD_DEMO_PROMETHEUS", hide_env = true)]
    prometheus: Option<PathBuf>,
    /// Shorter watches: for machines
    #[arg(long)]
    fast: bool,
    #[command(subcommand)]
    part: Option<Part>,
}

/// The demo's own processes.
#[derive(Debug, clap::Subcommand)]
enum Part {
    /// The service behind ROOT/current, on the listening socket that is standard input
    #[command(hide = true)]
    Serve {
        /// The directory with `releases` and `current`
        #[arg(long)]
        root: PathBuf,
    },
    /// Restarts the service below ROOT with what `current` points to
    #[command(hide = true)]
    Activate {
        /// The directory with `releases` and `current`
        #[arg(long)]
        root: PathBuf,
    },
    /// Runs a program that ends when its parent does
    #[command(hide = true)]
    Hold {
        /// The process that starts this one
        parent: u32,
        /// The program
        program: OsString,
        /// Its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// Runs it.
///
/// # Errors
/// When the demo's parts cannot be started.
pub async fn run(common: &Common, args: &Args) -> anyhow::Result<Exit> {
    match &args.part {
        Some(Part::Serve { root }) => demo::serve(root).await?,
        Some(Part::Activate { root }) => demo::activate(root).await.context("cannot activate")?,
        Some(Part::Hold {
            parent,
            program,
            arguments,
        }) => return Err(demo::hold(*parent, program, arguments).into()),
        None => return watch(args, common.quiet).await,
    }
    Ok(Exit::Done)
}

async fn watch(args: &Args, quiet: bool) -> anyhow::Result<Exit> {
    let options = DemoOptions {
        prometheus: Prometheus::find(args.prometheus.as_deref())?,
        pace: if args.fast { Pace::FAST } else { Pace::WATCHED },
        quiet,
    };
    Ok(match demo::play(&options).await? {
        Ended::AsPromised => Exit::Done,
        Ended::Interrupted => Exit::Interrupted,
        Ended::Otherwise(endings) => anyhow::bail!("the demo ended otherwise than promised: {}", endings.join("; ")),
    })
}
