//! `lastgood deploy`: fetches a release, unpacks it, switches to it, activates it; whoever guards the service judges it then.

mod asked;
mod bar;
mod trace;
mod workload;

use std::{sync::Arc, time::Duration};

use clap::builder::NonEmptyStringValueParser;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{
    Common, Exit,
    cluster::InCluster,
    noting,
    output::{self, WrongUse},
    reach::{self, WhichService},
    wait,
};
use crate::{
    app::{
        clock::SystemClock,
        deploy::{self, DeployError, Deployed},
    },
    explain::{Language, clean},
    fetch::Location,
    host::{Arrived, BeginError, Site},
    policy::{self, HostTarget, Policy, Target},
    ports::{Clock as _, Desk, DeskError},
    settings::{self, Settings, StoreSettings},
    web::{actor, client::Client},
    words::{Moment, Standing, TargetKey, VersionName},
};
use asked::{Asked, Recorded};
use trace::Trace;

/// Fetches a release, unpacks it beside the others, switches to it and activates it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "On a host: tar, tar.gz, tar.zst, zip or single files, from https, files, or http
with a digest, to releases/, then `current` is exchanged. In a cluster: the
image of one container is set. Works without a controller.

Exit codes: 0 it runs (with --wait: it was judged good), 1 failed, 3 and 4 as
`wait`, 5 refused: another deploy runs, its smoke test failed, quarantined.

Examples:
  lastgood deploy --service myapp --to v1.2.3 --dry-run
  lastgood deploy --service myapp --to v1.2.3 --from ./myapp-v1.2.3.tar.gz
  lastgood deploy myapp -n shop --to v1.2.3 --image registry/myapp:v1.2.3 --wait"
)]
pub struct Args {
    #[command(flatten)]
    which: WhichService,
    /// The version.
    #[arg(long, value_name = "VERSION")]
    to: VersionName,
    /// An artifact; may be given several times.
    #[arg(long, value_name = "URL|FILE")]
    from: Vec<Location>,
    /// The SHA-256 of each --from, in their order.
    #[arg(long, value_name = "HEX", value_parser = NonEmptyStringValueParser::new())]
    sha256: Vec<String>,
    /// In a cluster, its image; else the manifest's.
    #[arg(long, value_name = "IMAGE", value_parser = NonEmptyStringValueParser::new())]
    image: Option<String>,
    /// The release's manifest; else the recorded one.
    #[arg(long, value_name = "FILE")]
    manifest: Option<std::path::PathBuf>,
    /// Why, for the audit.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    reason: String,
    /// Deploy what failed its test or is quarantined.
    #[arg(long)]
    force: bool,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Wait for the verdict on it.
    #[arg(long)]
    wait: bool,
    /// With --wait, give up after so long.
    #[arg(long, value_name = "TIME", default_value = "2h", value_parser = policy::parse_duration, requires = "wait")]
    timeout: Duration,
    /// Most bytes of a release, else [deploy] in settings.
    #[arg(long, value_name = "SIZE", value_parser = settings::parse_bytes)]
    max_bytes: Option<u64>,
    /// Most files, directories and links.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    max_entries: Option<u64>,
    /// Most unpacked bytes for each packed one.
    #[arg(long, value_name = "RATIO", value_parser = clap::value_parser!(u64).range(1..))]
    max_ratio: Option<u64>,
    #[command(flatten)]
    within: InCluster,
}

/// Runs it.
///
/// # Errors
/// When it is refused, or did not come to the switch.
pub async fn run(common: &Common, args: &Args) -> anyhow::Result<Exit> {
    let settings = args.within.settings(common)?;
    let policy = policy_of(common, &settings, args).await?;
    match &policy.target {
        Target::Host(target) => on_host(common, args, (&settings, &policy), target).await,
        Target::Kubernetes(target) => workload::run(common, args, &settings, (&policy, target)).await,
    }
}

async fn on_host(
    common: &Common,
    args: &Args,
    (settings, policy): (&Settings, &Policy),
    target: &HostTarget,
) -> anyhow::Result<Exit> {
    if args.image.is_some() {
        return Err(wrong("--image is for clusters: on a host a release is made of files, --from"));
    }
    let site = Site::new(policy.service.clone(), target);
    let audit = Trace::new(common, args, policy, &site);
    let begun = SystemClock.now();
    let came_to = match attempt(common, args, (settings, policy, &site), &audit).await {
        Ok(came_to) => came_to,
        Err(error) => {
            audit.refused(&error).await;
            return Err(error);
        }
    };
    let CameTo::Arrival(deployed, guarded) = came_to else {
        return Ok(if args.dry_run { Exit::Done } else { Exit::Interrupted });
    };
    audit.arrived(&deployed.arrived).await;
    match tell(common, policy, &site, args, &deployed) {
        Exit::Done => {}
        exit => return Ok(exit),
    }
    // One that was judged before is not judged anew, so its older verdict counts.
    let since = (deployed.arrived != Arrived::RanAlready).then_some(begun);
    match guarded {
        Guarded::By(desk) => {
            let awaited = (policy.key(), args.to.clone());
            judged(common, args, (&*desk, settings.language), awaited, since).await
        }
        told => {
            output::say(&format!("{told}; start `lastgood run` to have it judged"));
            noting::brought((common, &args.within), policy.key(), Some(SystemClock.now())).await;
            Ok(Exit::Done)
        }
    }
}

/// What an attempt came to.
enum CameTo {
    /// `current` points to it; and whether somebody judges it.
    Arrival(Deployed, Guarded),
    /// Only the plan was wanted, or a person ended it: nothing was changed.
    Nothing,
}

async fn attempt(
    common: &Common,
    args: &Args,
    (settings, policy, site): (&Settings, &Policy, &Site),
    audit: &Trace<'_>,
) -> anyhow::Result<CameTo> {
    let holder = format!(
        "{}, process {},",
        actor(rustix::process::getuid().as_raw()).0,
        std::process::id()
    );
    let recorded = recorded(common, &args.within, settings, (&policy.key(), &args.to)).await;
    let limits = asked::limits(args, &settings.deploy);
    let asked = Asked::read(args, policy, site, recorded, (limits, holder))?;
    let guarded = Guarded::look(settings, policy).await;
    if args.dry_run {
        output::data(&plan(site, policy, &asked, &guarded)?)?;
        return Ok(CameTo::Nothing);
    }
    if let Some(because) = asked.forbidden().filter(|_| !args.force) {
        return Err(DeskError::Refused(format!("nothing was changed: {because}")).into());
    }
    if args.wait && !matches!(guarded, Guarded::By(_)) {
        return Err(DeskError::Failed(format!(
            "nothing was done: {guarded}, so there would be no verdict to wait for; start `lastgood run`, or deploy without --wait"
        ))
        .into());
    }
    audit.begun().await;
    match deploy_now(common, site, &asked).await {
        Ok(deployed) => Ok(CameTo::Arrival(deployed, guarded)),
        Err(error) if error.interrupted() => {
            output::say("interrupted: nothing was changed");
            audit.refused(&anyhow::anyhow!("interrupted")).await;
            Ok(CameTo::Nothing)
        }
        Err(DeployError::Begin(BeginError::Busy(by))) => Err(DeskError::Refused(format!("nothing was changed: {by}")).into()),
        // What was unpacked is a whole release then, and stays.
        Err(error @ DeployError::Host(_)) => Err(anyhow::Error::from(error).context("what runs was not changed")),
        Err(error) => Err(anyhow::Error::from(error).context("nothing was changed")),
    }
}

/// Says that it is judged, or waits for the verdict.
async fn judged(
    common: &Common,
    args: &Args,
    (desk, language): (&dyn Desk, Language),
    (target, version): (TargetKey, VersionName),
    since: Option<Moment>,
) -> anyhow::Result<Exit> {
    if !args.wait {
        let service = &target.service;
        output::note(
            common,
            &format!("it is judged now: `lastgood wait {service} --to {version}` waits for the verdict"),
        );
        return Ok(Exit::Done);
    }
    let awaited = wait::Awaited {
        target,
        version: Some(version),
        since,
    };
    wait::until_verdict(common, desk, &awaited, (args.timeout, language)).await
}

/// The policy of the service that is meant.
async fn policy_of(common: &Common, settings: &Settings, args: &Args) -> anyhow::Result<Policy> {
    let policies = if settings.store == StoreSettings::Kubernetes {
        reach::store_in_cluster(common, &args.within, settings).await?.policies
    } else {
        reach::policies(common, settings)
    };
    let (service, env) = args.which.named()?;
    let keys: Vec<_> = policies.iter().map(Policy::key).collect();
    let key = reach::only(&keys, service, env)?;
    let found = policies.into_iter().find(|policy| policy.key() == key);
    Ok(found.ok_or_else(|| reach::unknown(service, env, &keys))?)
}

/// What the history knows of the version; a history that cannot be read is told, and is never in the way.
async fn recorded(
    common: &Common,
    within: &InCluster,
    settings: &Settings,
    (target, version): (&TargetKey, &VersionName),
) -> Option<Recorded> {
    let controller = std::os::unix::net::UnixStream::connect(&settings.server.socket).is_ok();
    if !controller && matches!(&settings.store, StoreSettings::Sqlite(path) if !path.exists()) {
        return None;
    }
    // What a desk would note is said here anyhow.
    let quiet = Common {
        quiet: true,
        ..common.clone()
    };
    let of_desk = async { anyhow::Ok(reach::desk(&quiet, within).await?.releases(&target.service).await?) };
    match of_desk.await {
        Ok(releases) => {
            let mut all = releases.into_iter();
            let found = all.find(|release| release.target == *target && release.version == *version)?;
            Some(Recorded {
                manifest: found.release.map(|release| release.manifest),
                quarantined: found.standing == Some(Standing::Quarantined),
            })
        }
        Err(error) => {
            output::note(common, &format!("what is recorded of {version} cannot be read: {error:#}"));
            None
        }
    }
}

/// Whether somebody will judge it. To find that out is never in the way of a deploy.
enum Guarded {
    /// The controller at the other end.
    By(Arc<dyn Desk>),
    /// Nobody; a sentence.
    Nobody(String),
    /// It cannot be told; a sentence.
    Unknown(String),
}

impl std::fmt::Display for Guarded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::By(_) => f.write_str("the controller that runs judges it"),
            Self::Nobody(because) => write!(f, "nobody guards it: {because}"),
            Self::Unknown(because) => write!(f, "whether anybody guards it cannot be told: {because}"),
        }
    }
}

impl Guarded {
    async fn look(settings: &Settings, policy: &Policy) -> Self {
        let socket = settings.server.socket.display();
        let client = match Client::connect(&settings.server.socket) {
            Ok(Some(client)) => client,
            Ok(None) => return Self::Nobody(format!("no controller answers at {socket}")),
            Err(error) => return Self::Unknown(error.to_string()),
        };
        match client.status().await {
            Ok(all) if all.iter().any(|status| status.target == policy.key()) => Self::By(Arc::new(client)),
            Ok(_) => Self::Nobody(format!("the controller at {socket} does not know {}", policy.service)),
            Err(error) => Self::Unknown(error.to_string()),
        }
    }
}

async fn deploy_now(common: &Common, site: &Site, asked: &Asked) -> Result<Deployed, DeployError> {
    let stop = CancellationToken::new();
    let interrupted = stop.clone();
    // Listened for from here on, before anything is begun.
    let listening = signal(SignalKind::interrupt()).map(|mut interrupts| {
        tokio::spawn(async move {
            if interrupts.recv().await.is_some() {
                interrupted.cancel();
            }
        })
    });
    let bar = bar::Bar::new(common);
    let deployed = deploy::deploy(site, &asked.order, &stop, &|progress| bar.told(&progress)).await;
    bar.end();
    if let Ok(listening) = listening {
        listening.abort();
    }
    deployed
}

/// What would be done, a step a line.
fn plan(site: &Site, policy: &Policy, asked: &Asked, guarded: &Guarded) -> anyhow::Result<String> {
    let version = &asked.order.version;
    let mut steps = vec![match site.runs()? {
        Some(runs) => format!("{} (env {}): {runs} runs, {version} will", policy.service, policy.env),
        None => format!("{} (env {}): nothing runs yet, {version} will", policy.service, policy.env),
    }];
    if site.has(version)? {
        steps.push(format!(
            "use      {}, which is there already",
            site.release(version).display()
        ));
    } else {
        for source in &asked.order.sources {
            let digest = source.digest.as_ref().map_or("no digest known", |digest| digest.short());
            steps.push(format!("fetch    {} ({digest})", source.location));
        }
        steps.push(format!("unpack   to {}", site.release(version).display()));
    }
    steps.push(format!("switch   {} to it", site.current().display()));
    steps.push(format!("activate {}", site.activation()));
    steps.push(format!("judge    {guarded}"));
    steps.extend(asked.forbidden().map(|because| format!("refused  {because}")));
    let lines: Vec<String> = steps.iter().map(|step| clean(step)).collect();
    Ok(lines.join("\n"))
}

/// Says what was done.
fn tell(common: &Common, policy: &Policy, site: &Site, args: &Args, deployed: &Deployed) -> Exit {
    if let Some(unpacked) = deployed.unpacked {
        output::note(
            common,
            &format!(
                "unpacked {} entries, {} bytes, to {}",
                unpacked.entries,
                unpacked.bytes,
                site.release(&args.to).display()
            ),
        );
    }
    if let Some(remark) = &deployed.remark {
        output::say(&format!("the next deploy will tidy up what this one could not: {remark}"));
    }
    let (service, to) = (&policy.service, &args.to);
    match &deployed.arrived {
        Arrived::RanAlready => output::say(&format!("{service}: {to} runs already; nothing was changed")),
        Arrived::Activated { from, done } => {
            let before = from.as_ref().map(|from| format!(", {from} ran before")).unwrap_or_default();
            output::say(&format!("{service}: {to} runs{before}; {done}"));
        }
        Arrived::NotActivated { because } => {
            output::say(&format!(
                "error: {service}: {} points to {to}, but what serves did not take it up: {because}; mend that and run the same command again, or deploy the version before",
                site.current().display()
            ));
            return Exit::Failed;
        }
    }
    Exit::Done
}

/// That something was asked for in a way that cannot be done.
fn wrong(text: impl Into<String>) -> anyhow::Error {
    WrongUse(text.into()).into()
}
