//! A person's deploy on a host, in the order in which each step may be the last: fetch, unpack, publish, switch, activate.

use tokio_util::sync::CancellationToken;

use crate::{
    fetch::{self, FetchError, Source, Told},
    host::{Arrived, Artifact, BeginError, Incoming, Keep, Limits, Site, UnpackError, Unpacked},
    ports::{PlatformError, crash},
    words::VersionName,
};

/// What is to be deployed.
#[derive(Debug, Clone)]
pub struct Order {
    /// Which version.
    pub version: VersionName,
    /// What it is made of; not fetched where the release is there already.
    pub sources: Vec<Source>,
    /// What becomes its `release.json`, where the artifacts bring none.
    pub manifest: Option<String>,
    /// How much it may be.
    pub limits: Limits,
    /// Who deploys, for whoever tries the same meanwhile.
    pub holder: String,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    /// What was unpacked; none where the release was there already.
    pub unpacked: Option<Unpacked>,
    /// What became of the service.
    pub arrived: Arrived,
    /// What could not be tidied up, if anything; the next deploy does.
    pub remark: Option<String>,
}

/// Why a deploy did not reach its end.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// Another one runs, or the host forbids it.
    #[error(transparent)]
    Begin(#[from] BeginError),
    /// An artifact is not there.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// An artifact is not what a release may be.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// The host.
    #[error(transparent)]
    Host(#[from] PlatformError),
}

impl DeployError {
    /// Whether a person ended it.
    #[must_use]
    pub const fn interrupted(&self) -> bool {
        matches!(
            self,
            Self::Fetch(FetchError::Interrupted) | Self::Unpack(UnpackError::Interrupted)
        )
    }

    fn keep(&self) -> Keep {
        match self {
            Self::Fetch(error) if error.may_go_on() => Keep::Downloads,
            _ => Keep::Nothing,
        }
    }
}

/// Deploys. Whatever happens, `current` points to the version before or to the new one, whole; nothing else stays but, after a cut
/// network, what was downloaded. Cancel `stop` to end it before the switch.
///
/// # Errors
/// When it did not come to the switch.
pub async fn deploy(site: &Site, order: &Order, stop: &CancellationToken, told: Told<'_>) -> Result<Deployed, DeployError> {
    let incoming = site.begin(&order.version, &order.holder).await?;
    match arrive(site, order, &incoming, stop, told).await {
        Ok((unpacked, arrived)) => {
            let ended = site.end(incoming, Keep::Nothing).await;
            Ok(Deployed {
                unpacked,
                arrived,
                remark: ended.err().map(|error| error.0),
            })
        }
        Err(error) => {
            // What cannot be removed now is removed by the next one; the error that matters is the first.
            let _ = site.end(incoming, error.keep()).await;
            Err(error)
        }
    }
}

async fn arrive(
    site: &Site,
    order: &Order,
    incoming: &Incoming,
    stop: &CancellationToken,
    told: Told<'_>,
) -> Result<(Option<Unpacked>, Arrived), DeployError> {
    let unpacked = if site.has(&order.version)? {
        None
    } else {
        let artifacts = fetch_all(order, incoming, stop, told).await?;
        let (manifest, limits) = (order.manifest.clone(), order.limits);
        let unpacked = site.unpack(incoming, artifacts, manifest, limits, stop.clone()).await?;
        site.publish(incoming).await?;
        Some(unpacked)
    };
    Ok((unpacked, site.switch(&order.version).await?))
}

async fn fetch_all(
    order: &Order,
    incoming: &Incoming,
    stop: &CancellationToken,
    told: Told<'_>,
) -> Result<Vec<Artifact>, FetchError> {
    let mut artifacts = Vec::new();
    for (number, source) in order.sources.iter().enumerate() {
        let file = incoming.artifact(number);
        fetch::fetch(source, &file, order.limits.bytes, stop, told).await?;
        artifacts.push(Artifact {
            name: source.name.clone(),
            file,
        });
    }
    crash::point("deploy.fetched");
    Ok(artifacts)
}
