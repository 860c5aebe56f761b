//! `lastgood wait`: blocks until the verdict, for pipelines.

use std::time::Duration;

use super::{
    Common, Exit,
    cluster::InCluster,
    output,
    reach::{self, WhichService},
};
use crate::{
    explain::{self, Language},
    policy,
    ports::Desk,
    record::{Phase, Record, RolloutKind},
    words::{Moment, Standing, TargetKey, Verdict, VersionName},
};

/// Blocks until there is a verdict on the newest rollout: exit 0 judged good, 3 judged bad, 4 no verdict.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Waits for the newest rollout. With --to an older rollout's verdict is not taken
for that of the version which was just shipped.

Exit codes: 0 judged good, 3 judged bad, 4 no verdict or timed out.

Examples:
  lastgood wait myapp --timeout 30m
  lastgood wait myapp -n shop --to v1.2.3
  ./deploy.sh v1.2.3 && lastgood wait myapp --to v1.2.3"
)]
pub struct Args {
    #[command(flatten)]
    which: WhichService,
    #[command(flatten)]
    within: InCluster,
    /// The rollout to this version, even if it has not begun yet.
    #[arg(long, value_name = "VERSION")]
    to: Option<VersionName>,
    /// Give up after so long: 90s, 30m, 1h30m.
    #[arg(long, value_name = "TIME", default_value = "2h", value_parser = policy::parse_duration)]
    timeout: Duration,
}

/// Runs it.
///
/// # Errors
/// When no controller runs or it ends meanwhile.
pub async fn run(common: &Common, args: &Args) -> anyhow::Result<Exit> {
    let desk = reach::controller(common, &args.within).await?;
    let awaited = Awaited {
        target: args.which.target(&*desk).await?,
        version: args.to.clone(),
        since: None,
    };
    until_verdict(
        common,
        &*desk,
        &awaited,
        (args.timeout, args.within.settings(common)?.language),
    )
    .await
}

/// Which rollout is waited for.
pub struct Awaited {
    /// Whose.
    pub target: TargetKey,
    /// To which version, even if it has not begun yet; none: the newest.
    pub version: Option<VersionName>,
    /// Not one that was seen before.
    pub since: Option<Moment>,
}

/// Blocks until the verdict and prints it.
///
/// # Errors
/// When the controller ends meanwhile.
pub async fn until_verdict(
    common: &Common,
    desk: &dyn Desk,
    awaited: &Awaited,
    (timeout, language): (Duration, Language),
) -> anyhow::Result<Exit> {
    let verdict = async {
        let mut ticker = tokio::time::interval(Duration::from_secs(1));
        let mut told = String::new();
        loop {
            ticker.tick().await;
            if let Some((record, exit)) = judged(desk, awaited).await? {
                return anyhow::Ok((record, exit));
            }
            let sentence = so_far(desk, &awaited.target, awaited.version.as_ref()).await?;
            if sentence != told {
                output::note(common, &sentence);
                told = sentence;
            }
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => Ok(Exit::Interrupted),
        ended = tokio::time::timeout(timeout, verdict) => match ended {
            Ok(ended) => {
                let (record, exit) = ended?;
                output::data(&explain::text(&record, language))?;
                Ok(exit)
            }
            Err(_) => {
                output::say(&format!(
                    "no verdict within {}; the watch goes on: see `lastgood status {}`",
                    policy::duration_text(timeout),
                    awaited.target.service
                ));
                Ok(Exit::NoVerdict)
            }
        },
    }
}

/// What is being waited for.
async fn so_far(desk: &dyn Desk, target: &TargetKey, version: Option<&VersionName>) -> anyhow::Result<String> {
    let all = desk.status().await?;
    let rollout = all
        .into_iter()
        .find(|item| item.target == *target)
        .and_then(|item| item.rollout);
    Ok(match (rollout, version) {
        (Some(rollout), None) => rollout.sentence,
        (Some(rollout), Some(version)) if rollout.to.name == *version => rollout.sentence,
        (_, Some(version)) => format!("{}: waiting for a rollout to {version}", target.service),
        (None, None) => format!("{}: no rollout is open", target.service),
    })
}

async fn judged(desk: &dyn Desk, awaited: &Awaited) -> anyhow::Result<Option<(Record, Exit)>> {
    let records = desk.records(&awaited.target, 10).await?;
    let meant = |record: &&Record| {
        record.kind != RolloutKind::Return
            && awaited.version.as_ref().is_none_or(|version| record.to.name == *version)
            && awaited.since.is_none_or(|since| record.seen_at >= since)
    };
    Ok(records
        .iter()
        .find(meant)
        .and_then(|record| Some((record.clone(), exit(record)?))))
}

/// How a pipeline shall go on; none while nothing is decided.
fn exit(record: &Record) -> Option<Exit> {
    let closed = record.phase == Phase::Closed;
    match record.verdict {
        Some(Verdict::Regression) => Some(Exit::Bad),
        Some(Verdict::Healthy) => Some(Exit::Done),
        Some(Verdict::Inconclusive | Verdict::Blind) => Some(Exit::NoVerdict),
        None if closed && proven(record) => Some(Exit::Done),
        None if closed => Some(Exit::NoVerdict),
        None => None,
    }
}

fn proven(record: &Record) -> bool {
    use crate::record::Happened;
    record
        .timeline
        .iter()
        .any(|entry| matches!(&entry.what, Happened::Stood { version, standing: Standing::Proven } if *version == record.to))
}
