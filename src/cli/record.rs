//! `lastgood record`: what was built, from CI into the history of its service.

use std::{io::Read as _, path::PathBuf};

use super::{
    Common, Exit,
    cluster::InCluster,
    output::{self, WrongUse},
    reach,
};
use crate::{
    manifest,
    policy::MAX_BYTES,
    ports::{Command, Desk},
    words::{Env, Service, TargetKey},
};

/// Takes the manifest of a release, so that people and lastgood know what a version is.
#[derive(Debug, clap::Args)]
#[command(after_help = "Recording the same twice is the same as once. Something else under a version
that is recorded is refused with exit code 5. A manifest that names no
environment is recorded in each in which its service is known.

Examples:
  lastgood record release.json
  lastgood manifest --passed-smoke-test | lastgood record - --service myapp
  lastgood record release.json --service myapp --env staging")]
pub struct Args {
    /// The manifest, as JSON; `-`: stdin.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The service, where the manifest does not say it.
    #[arg(long, value_name = "SERVICE")]
    service: Option<Service>,
    /// The environment, where the manifest does not say one.
    #[arg(short, long, value_name = "ENV")]
    env: Option<Env>,
    #[command(flatten)]
    within: InCluster,
}

/// Runs it.
///
/// # Errors
/// When the manifest is invalid, or another one is recorded under its version.
pub async fn run(common: &Common, args: &Args) -> anyhow::Result<Exit> {
    let manifest = match manifest::parse(&read(&args.file)?, &args.file.display().to_string()) {
        Ok(manifest) => manifest,
        Err(errors) => {
            output::say(&errors.to_string());
            return Ok(Exit::Usage);
        }
    };
    let service = agreed("service", manifest.service.as_ref(), args.service.as_ref())?
        .ok_or_else(|| WrongUse("which service is it of? Name it with --service, or in the manifest".to_owned()))?;
    let env = agreed("env", manifest.env.as_ref(), args.env.as_ref())?;
    let desk = reach::desk_or_new_store(common, &args.within).await?;
    for target in targets(&*desk, &service, env.as_ref()).await? {
        let manifest = Box::new(manifest.clone());
        output::say(&desk.act(Command::Record { target, manifest }).await?);
    }
    Ok(Exit::Done)
}

fn read(file: &std::path::Path) -> anyhow::Result<String> {
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let read = if file.as_os_str() == "-" {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    read.map_err(|error| WrongUse(format!("cannot read {}: {error}", file.display())))?;
    let text = String::from_utf8(bytes).map_err(|_| WrongUse(format!("{} is no UTF-8 text", file.display())))?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// What the manifest and the option say; both must say the same.
fn agreed<T: Clone + PartialEq + std::fmt::Display>(
    what: &str,
    written: Option<&T>,
    option: Option<&T>,
) -> Result<Option<T>, WrongUse> {
    match (written, option) {
        (Some(written), Some(option)) if written != option => Err(WrongUse(format!(
            "the manifest says {what} `{written}`, --{what} says `{option}`: leave one of them out"
        ))),
        _ => Ok(written.or(option).cloned()),
    }
}

/// Where it is recorded: the environment that was named, else each in which the service is known.
async fn targets(desk: &dyn Desk, service: &Service, env: Option<&Env>) -> anyhow::Result<Vec<TargetKey>> {
    if let Some(env) = env {
        return Ok(vec![TargetKey {
            env: env.clone(),
            service: service.clone(),
        }]);
    }
    let guarded = desk.status().await?.into_iter().map(|status| status.target);
    let recorded = desk.releases(service).await?.into_iter().map(|release| release.target);
    let mut targets: Vec<TargetKey> = guarded.chain(recorded).filter(|target| target.service == *service).collect();
    targets.sort();
    targets.dedup();
    if targets.is_empty() {
        return Err(WrongUse(format!(
            "`{service}` is not known here yet: say for which environment with --env"
        ))
        .into());
    }
    Ok(targets)
}
