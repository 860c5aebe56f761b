//! `lastgood check`: validates policies offline; with `--prometheus` asks, shows what there is, and forecasts what could be found.

mod asked;
mod forecast;
mod held;

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
};

use super::{Common, Exit, Format, cluster, output};
use crate::{
    explain::API_VERSION,
    policy::{self, Policy},
    question,
    settings::{self, Settings, policies::PolicyFile},
    words::ChannelName,
};
use asked::{Asked, Asking};

/// Validates policies: every error of a file at once, with file, line and column. Shows every default filled in and the PromQL to ask.
#[derive(Debug, clap::Args)]
#[command(after_help = "Every error of a file is shown at once. With --prometheus each query is asked
once: the counts by instance, the scrape interval, what is empty. Then the last
24 h are asked for, as before a rollout, and releases are simulated with that
traffic and noise: how soon which change would be found, and what a healthy
release could prove. With -o json or yaml that is a document of its own, of
kind Forecast. Where the settings (--config) name the same URL, their
credentials are used. Channels that the settings do not have are warned of.

Exit codes: 0 valid, 2 invalid, 4 valid, but a release would be blind now:
Prometheus does not answer, or a query is empty.

Examples:
  lastgood check policy.yaml
  lastgood check policies/ -o name          only which of them are valid
  lastgood check policy.yaml -o json        every default filled in
  lastgood check policy.yaml --prometheus http://127.0.0.1:9090")]
pub struct Args {
    /// Policy files, and directories of them.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Ask this Prometheus, and forecast what could be found.
    #[arg(long, value_name = "URL")]
    prometheus: Option<String>,
    /// A file with the bearer token for it.
    #[arg(long, value_name = "FILE", requires = "prometheus")]
    bearer_token_file: Option<PathBuf>,
    #[command(flatten)]
    output: output::AsFormat,
}

/// Runs it.
///
/// # Errors
/// When the settings that `--config` names are invalid, or the URL is none.
pub async fn run(common: &Common, args: &Args) -> anyhow::Result<Exit> {
    let settings = known_settings(common)?;
    let asking = args
        .prometheus
        .as_deref()
        .map(|url| Asking::of(url, args.bearer_token_file.clone(), settings.as_ref()))
        .transpose()?;
    let read = settings::policies::part(&args.paths);
    for error in &read.rejected {
        output::say(&error.to_string());
    }
    let barren: Vec<&PathBuf> = args.paths.iter().filter(|path| is_barren(path, &read)).collect();
    for path in &barren {
        output::say(&format!(
            "error: {}: no policy file (*.yaml, *.yml) is in this directory",
            path.display()
        ));
    }
    let mut all_asked = Vec::new();
    for file in &read.accepted {
        if let Some(asking) = &asking {
            let progress = |text: &str| {
                if std::io::stderr().is_terminal() {
                    output::note(common, &format!("{}: {text}", file.path.display()));
                }
            };
            all_asked.push(asking.ask(&file.policy, progress).await);
        }
    }
    shown(common, args.output.format, &read.accepted, &all_asked)?;
    for (index, PolicyFile { path, policy }) in read.accepted.iter().enumerate() {
        let warn = |warning: &String| output::note(common, &format!("warning: {}: {warning}", path.display()));
        warnings(policy, settings.as_ref()).iter().for_each(warn);
        held::told(
            common,
            &path.display().to_string(),
            policy,
            settings.as_ref(),
            asking.is_some(),
        )
        .await;
        let Some(asked) = all_asked.get(index) else { continue };
        told(policy, asked, args.output.format)?;
        let foreseen = asked.foreseen.iter();
        foreseen
            .flat_map(|foreseen| forecast::warnings(policy, foreseen))
            .for_each(|warning| warn(&warning));
    }
    let blind = all_asked.iter().any(|asked| !asked.errors.is_empty());
    Ok(match (read.rejected.is_empty() && barren.is_empty(), blind) {
        (false, _) => Exit::Usage,
        (true, true) => Exit::NoVerdict,
        (true, false) => Exit::Done,
    })
}

/// What Prometheus said about one policy: on stdout for people, else on stderr, as documents and names stay alone on stdout.
fn told(policy: &Policy, asked: &Asked, format: Format) -> anyhow::Result<()> {
    if !asked.counts.is_empty() {
        match format {
            Format::Json | Format::Yaml | Format::Name => output::say(asked.counts.trim_end()),
            Format::Table | Format::Wide => output::data(&asked.counts)?,
        }
    }
    if let (Some(foreseen), Format::Table | Format::Wide) = (&asked.foreseen, format) {
        output::data(&forecast::table(policy, foreseen))?;
    }
    for error in &asked.errors {
        output::say(&format!("error: {error}"));
    }
    for warning in &asked.warnings {
        output::say(&format!("warning: {warning}"));
    }
    Ok(())
}

/// The settings, where a file says what they are: a policy can be checked on a machine that runs no lastgood.
fn known_settings(common: &Common) -> anyhow::Result<Option<Settings>> {
    match settings::load_with_origins(common.config.as_deref(), &cluster::environment()) {
        Ok(loaded) => Ok(loaded.file.is_some().then_some(loaded.settings)),
        Err(error) if common.config.is_some() => Err(error.into()),
        Err(error) => {
            output::note(common, &format!("warning: channels are not checked: {error}"));
            Ok(None)
        }
    }
}

fn is_barren(path: &Path, read: &settings::policies::Policies) -> bool {
    let mut found = read
        .accepted
        .iter()
        .map(|file| &file.path)
        .chain(read.rejected.iter().map(|error| &error.path));
    path.is_dir() && !found.any(|file| file.starts_with(path))
}

fn shown(common: &Common, format: Format, files: &[PolicyFile], asked: &[Asked]) -> anyhow::Result<()> {
    match format {
        Format::Name => output::data(
            &files
                .iter()
                .map(|file| format!("{}\n", file.policy.key()))
                .collect::<String>(),
        ),
        Format::Json => documents(files, &forecasts(files, asked)),
        Format::Yaml => {
            let mut documents: Vec<String> = files.iter().map(|file| policy::filled(&file.policy)).collect();
            for forecast in forecasts(files, asked) {
                documents.push(serde_saphyr::to_string(&forecast)?);
            }
            output::data(&documents.join("---\n"))
        }
        Format::Table | Format::Wide => {
            for PolicyFile { path, policy } in files {
                output::note(common, &format!("{}: valid", path.display()));
                output::data(&described(policy))?;
            }
            Ok(())
        }
    }
}

fn forecasts(files: &[PolicyFile], asked: &[Asked]) -> Vec<serde_json::Value> {
    let both = files.iter().zip(asked);
    both.filter_map(|(file, asked)| Some(forecast::document(&file.policy, asked.foreseen.as_ref()?)))
        .collect()
}

/// One policy in the file's own shape; several as a list of them; with forecasts, a list of both.
fn documents(files: &[PolicyFile], forecasts: &[serde_json::Value]) -> anyhow::Result<()> {
    let mut items: Vec<serde_json::Value> = files
        .iter()
        .map(|file| serde_saphyr::from_str(&policy::filled(&file.policy)))
        .collect::<Result<_, _>>()?;
    items.extend(forecasts.iter().cloned());
    let kind = if forecasts.is_empty() { "PolicyList" } else { "List" };
    match items.as_slice() {
        [] => Ok(()),
        [one] => output::document(one, Format::Json),
        several => {
            let list = serde_json::json!({"apiVersion": API_VERSION, "kind": kind, "items": several});
            output::document(&list, Format::Json)
        }
    }
}

fn described(policy: &Policy) -> String {
    let named = policy.metrics.iter().enumerate().map(|(index, metric)| {
        let queries = question::readable(policy, index);
        format!("# {}\n{}\n", metric.name, queries.join("\n"))
    });
    format!(
        "{}---\n# The PromQL that will be asked, at aligned times, for cumulative counts; scrape times and process starts are asked beside it:\n{}",
        policy::filled(policy),
        named.collect::<String>()
    )
}

/// What is valid and still not wise.
fn warnings(policy: &Policy, settings: Option<&Settings>) -> Vec<String> {
    let mut warnings = Vec::new();
    for metric in &policy.metrics {
        let warmup = metric.kind.warmup();
        if warmup * 2 > policy.watch.length {
            warnings.push(format!(
                "metric `{}`: its warm-up of {} eats half of the watch of {}",
                metric.name,
                policy::duration_text(warmup),
                policy::duration_text(policy.watch.length)
            ));
        }
    }
    let mut named: Vec<&ChannelName> = policy
        .notify
        .default
        .iter()
        .chain(policy.notify.by.values().flatten())
        .collect();
    named.sort_unstable();
    named.dedup();
    if named.is_empty() {
        warnings.push("nobody is told of anything: add `notify: {default: [CHANNEL]}`".to_owned());
    }
    let missing = |name: &&ChannelName| settings.is_some_and(|settings| !settings.channels.contains_key(*name));
    for name in named.into_iter().filter(missing) {
        warnings.push(format!(
            "it notifies `{name}`, which the settings do not have: add [channels.{name}]"
        ));
    }
    warnings
}
