//! `lastgood judge`: counts in as NDJSON, verdicts out, for CI, for other tools, for tests of the mathematics.

mod asked;
mod lines;
mod stream;

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::PathBuf,
    time::Duration,
};

use anyhow::Context;

use super::{Exit, output::WrongUse};
use crate::{
    policy::{parse_duration, parse_share},
    words::Verdict,
};
use stream::Tally;

/// Judges rollouts: one line of JSON in, one verdict out, in the order of the lines. Of one metric: `[bad, total]` or cumulative
/// bucket counts of each pod in each step.
#[derive(Debug, clap::Args)]
#[command(after_help = "A line, in one piece; a pod that is missing or null in a step is a gap:
  {\"id\":\"r1\",\"history\":[{\"pod-a\":[1,200]}],\"steps\":[
   {\"candidate\":{\"pod-c\":[3,60]},\"baseline\":{\"pod-a\":[1,180]}}]}
Latency: {\"0.1\":10,\"0.5\":40,\"+Inf\":50} instead of [bad, total].
A line has at most 64 MiB; an id is unique among 262,144 lines.

Examples:
  my-exporter | lastgood judge --tolerate 1 --floor 0% | jq -r .verdict
  lastgood judge --policy policy.yaml --metric errors rollouts.ndjson

Exit codes: one line: 0 healthy, 3 regression, 4 inconclusive or blind; several:
0 if all were answered; 2 if a line is wrong.")]
pub struct Args {
    /// The rollouts, one a line [default: stdin].
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Judge as a metric of this policy is judged.
    #[arg(long, value_name = "FILE", requires = "metric")]
    policy: Option<PathBuf>,
    /// Which metric of the policy.
    #[arg(long, value_name = "NAME", requires = "policy")]
    metric: Option<String>,
    /// A harmless release is convicted this often at most.
    #[arg(long, value_name = "SHARE", value_parser = parse_share, default_value = "1%", conflicts_with = "policy")]
    false_revert: f64,
    /// A harmful release passes this often at most.
    #[arg(long, value_name = "SHARE", value_parser = parse_share, default_value = "5%", conflicts_with = "policy")]
    missed: f64,
    /// So many times the bad share of before is fine.
    #[arg(long, value_name = "TIMES", default_value_t = 1.25, conflicts_with = "policy")]
    tolerate: f64,
    /// A bad share that nobody minds; 0%: none.
    #[arg(long, value_name = "SHARE", value_parser = parse_share, default_value = "0.1%", conflicts_with = "policy")]
    floor: f64,
    /// So many times the bad share, or as slow, is harm.
    #[arg(long, value_name = "TIMES", default_value_t = 2.0, conflicts_with = "policy")]
    harmful: f64,
    /// Judge against this share of good events alone.
    #[arg(long, value_name = "SHARE", value_parser = parse_share, conflicts_with_all = ["policy", "tolerate", "floor", "slower", "quantiles"])]
    objective: Option<f64>,
    /// How long a step is.
    #[arg(long, value_name = "TIME", value_parser = parse_duration, default_value = "15s")]
    step: Duration,
    /// Latency: this much slower is fine.
    #[arg(long, value_name = "SHARE", value_parser = parse_share, default_value = "20%", conflicts_with = "policy")]
    slower: f64,
    /// Latency: the quantiles that are judged.
    #[arg(long, value_name = "SHARES", value_parser = parse_share, value_delimiter = ',', default_value = "50%,90%,99%,99.9%",
        conflicts_with = "policy")]
    quantiles: Vec<f64>,
    /// Never convict on fewer bad events of the candidate.
    #[arg(long, value_name = "COUNT", default_value_t = 5, conflicts_with = "policy")]
    at_least: u64,
}

/// Runs it.
///
/// # Errors
/// When an option or the policy is wrong, or something cannot be read or written.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let asked = asked::asked(args)?;
    let input: Box<dyn Read + Send> = match &args.file {
        Some(path) => {
            Box::new(File::open(path).map_err(|error| WrongUse(format!("{}: cannot be read: {error}", path.display())))?)
        }
        None => Box::new(io::stdin()),
    };
    let name = args
        .file
        .as_ref()
        .map_or_else(|| "stdin".to_owned(), |path| path.display().to_string());
    let tally = stream::judge(BufReader::with_capacity(1 << 16, input), &asked).with_context(|| name.clone())?;
    if tally.lines == 0 {
        return Err(WrongUse(format!(
            "{name}: no rollout in it: write one JSON object a line; `lastgood judge --help` shows one"
        ))
        .into());
    }
    Ok(ended(&tally))
}

fn ended(tally: &Tally) -> Exit {
    match (tally.wrong, tally.lines, tally.last) {
        (1.., ..) => Exit::Usage,
        (0, 1, Some(Verdict::Regression)) => Exit::Bad,
        (0, 1, Some(Verdict::Inconclusive | Verdict::Blind)) => Exit::NoVerdict,
        _ => Exit::Done,
    }
}
