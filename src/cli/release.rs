//! `lastgood release`: a person's word on a version.

use clap::Subcommand;

use super::{
    Common, Exit,
    cluster::InCluster,
    noting,
    output::{self, WrongUse},
    reach,
};
use crate::{
    engine::PersonWord,
    explain,
    ports::{Command, DeskError, NotedAction},
    words::{Env, NameError, Service, VersionName},
};

/// A person's word on a version: it is good, it is bad, it may be shipped again.
#[derive(Debug, clap::Args)]
#[command(after_help = "A version that was reverted is quarantined: it is not gone back to, and not
fought over when it comes back. `allow` takes that back.

Examples:
  lastgood release prove myapp v1.2.2 --reason 'soaked for a week'
  lastgood release quarantine myapp v1.2.3 --reason 'loses orders'
  lastgood release allow myapp v1.2.3 --reason 'the database was down'")]
pub struct Args {
    #[command(subcommand)]
    word: Word,
}

#[derive(Debug, Subcommand)]
enum Word {
    /// It is good: it may be gone back to, and is watched no longer.
    Prove(Prove),
    /// It is bad: it is never gone back to. Reverts nothing by itself.
    Quarantine(Which),
    /// It may be shipped again, and is then judged as a new release.
    Allow(Which),
}

#[derive(Debug, clap::Args)]
struct Prove {
    #[command(flatten)]
    which: Which,
    /// Even if it was built from files that no commit has (`-dirty`).
    #[arg(long)]
    allow_dirty: bool,
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The service.
    #[arg(value_name = "SERVICE")]
    first: String,
    /// The version.
    #[arg(value_name = "VERSION")]
    second: Option<String>,
    /// The service, as an option; then only the version is an argument.
    #[arg(long = "service", value_name = "SERVICE")]
    named: Option<Service>,
    /// The environment, where the service is guarded in several.
    #[arg(short, long, value_name = "ENV")]
    env: Option<Env>,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    #[command(flatten)]
    within: InCluster,
}

impl Which {
    fn service_and_version(&self) -> Result<(Service, VersionName), WrongUse> {
        let wrong = |error: NameError| WrongUse(error.to_string());
        match (&self.named, &self.second) {
            (Some(service), None) => Ok((service.clone(), self.first.parse().map_err(wrong)?)),
            (None, Some(version)) => Ok((self.first.parse().map_err(wrong)?, version.parse().map_err(wrong)?)),
            _ => Err(WrongUse("name one service and one version: SERVICE VERSION".to_owned())),
        }
    }
}

/// Runs it.
///
/// # Errors
/// When the version is unknown, or the word changes nothing.
pub async fn run(common: &Common, args: &Args) -> anyhow::Result<Exit> {
    let (word, which) = match &args.word {
        Word::Prove(prove) => (PersonWord::Prove, &prove.which),
        Word::Quarantine(which) => (PersonWord::Quarantine, which),
        Word::Allow(which) => (PersonWord::Allow, which),
    };
    let (service, version) = which.service_and_version()?;
    let desk = reach::desk(common, &which.within).await?;
    let target = reach::one_target(&*desk, &service, which.env.as_ref()).await?;
    if matches!(&args.word, Word::Prove(prove) if !prove.allow_dirty) && version.is_dirty() {
        drop(desk);
        let because = DeskError::Refused(format!(
            "{} was built from files that no commit has, so nobody could build it again: build it from a commit, or add --allow-dirty",
            explain::clean(version.as_str())
        ));
        let deed = (NotedAction::Release, format!("prove {version}"));
        noting::refused((common, &which.within), target, deed, &which.reason, &because).await;
        return Err(because.into());
    }
    let command = Command::Word {
        target,
        version,
        word,
        reason: which.reason.clone(),
    };
    output::say(&desk.act(command).await?);
    Ok(Exit::Done)
}
