//! A person's deploy: another image for one container, by the same careful patch as a revert's (kubernetes.md, The write). Nothing else of
//! the template is changed, and nothing is judged here: whoever guards the workload sees a rollout as any other.

use std::sync::Arc;

use serde_json::Value;

use super::{
    brake::unfit,
    call::{CallError, pause},
    cluster::Cluster,
    exchange::Exchange,
    identity::shown,
    object::Object,
    ownership::owner,
    patch,
    resource::Resource,
    revert::{AGAIN, TRIES},
    write,
};
use crate::{policy::KubernetesTarget, ports::PlatformError, words::VersionName};

/// What is to be known where Helm has a record of the workload.
const HELMS: &str = "Helm's record still names the image before: its next upgrade decides anew";

/// A workload to which an image is shipped.
pub struct Dock {
    cluster: Arc<Cluster>,
    target: KubernetesTarget,
}

/// What a deploy would change, of the workload as it was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Shipment {
    /// The container.
    pub container: String,
    /// Its image now.
    pub from: String,
    /// Its image then.
    pub to: String,
    /// What people call the image that it has now.
    pub runs: VersionName,
    /// What people call the other one: a version is called by the tag of its image.
    pub version: VersionName,
    /// What else is to be done by hand, or known.
    pub remark: Option<String>,
    seen: Object,
    wanted: Value,
}

/// Why nothing was shipped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShipError {
    /// The state of things refuses; nothing was changed.
    #[error("{0}")]
    Refused(String),
    /// It is not known which container is meant.
    #[error("{0}")]
    Container(String),
    /// It could not be done.
    #[error(transparent)]
    Failed(#[from] PlatformError),
}

impl Shipment {
    /// Whether the image is there already.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.from == self.to
    }
}

impl Dock {
    /// The workload that `target` names.
    #[must_use]
    pub const fn new(cluster: Arc<Cluster>, target: KubernetesTarget) -> Self {
        Self { cluster, target }
    }

    /// What a deploy of `image` would change now.
    ///
    /// # Errors
    /// When the workload cannot be read, or it is not known which container is meant.
    pub async fn look(&self, image: &str) -> Result<Shipment, ShipError> {
        let seen = self.read().await.map_err(|error| self.cannot("look at", &error))?;
        let Exchange {
            container,
            from,
            template,
        } = Exchange::of(&seen, self.target.container.as_deref(), image)
            .map_err(|ambiguous| ShipError::Container(ambiguous.sentence(&self.target)))?;
        Ok(Shipment {
            container,
            runs: shown(&from),
            from,
            to: image.to_owned(),
            version: shown(image),
            remark: owner(&seen).filter(|owner| !owner.writes_back).map(|_| HELMS.to_owned()),
            seen,
            wanted: template,
        })
    }

    /// Why `shipment` would not be done now, if it would not: what people or other controllers made of the workload, missing rights, what
    /// the server refuses. Nothing is changed.
    ///
    /// # Errors
    /// When that cannot be told.
    pub async fn hindered(&self, shipment: &Shipment) -> Result<Option<String>, ShipError> {
        if let Some(found) = unfit(self.target.kind, &shipment.seen) {
            return Ok(Some(found));
        }
        match self.send(shipment, true).await {
            Ok(_) => Ok(None),
            Err(error @ (CallError::Invalid(_) | CallError::Refused(_) | CallError::Forbidden(_))) => {
                Ok(Some(self.cannot("write to", &error).0))
            }
            Err(error) => Err(self.cannot("write to", &error).into()),
        }
    }

    /// Ships it, where the workload still is the one that was seen. What is to be told of it.
    ///
    /// # Errors
    /// When nothing was changed, with why; or nobody can tell.
    pub async fn ship(&self, shipment: &Shipment) -> Result<Vec<String>, ShipError> {
        if let Some(found) = unfit(self.target.kind, &shipment.seen) {
            return Err(ShipError::Refused(found));
        }
        let mut last = None;
        for number in 1..=TRIES {
            match self.send(shipment, false).await {
                Ok(after) => return Ok(self.shipped(shipment, &after).await),
                Err(
                    error @ (CallError::Conflict(_) | CallError::Busy { .. } | CallError::Unknown(_) | CallError::Invalid(_)),
                ) => {
                    let asked = error.asked_pause().unwrap_or(AGAIN * number);
                    let certain = matches!(error, CallError::Invalid(_)) && !error.is_failed_test();
                    let failed = self.cannot("write to", &error);
                    if certain {
                        return Err(failed.into());
                    }
                    last = Some(failed);
                    pause(asked).await;
                }
                Err(error) => return Err(self.cannot("write to", &error).into()),
            }
            // Whatever came of it is looked at before anything is sent again.
            let now = match self.read().await {
                Ok(now) => now,
                Err(CallError::Busy { .. } | CallError::Unknown(_)) => continue,
                Err(error) => return Err(self.cannot("look at", &error).into()),
            };
            let same = now.uid() == shipment.seen.uid();
            if same && now.template() == Some(&shipment.wanted) {
                return Ok(self.shipped(shipment, &now).await);
            }
            if !same || now.template() != shipment.seen.template() {
                return Err(ShipError::Refused(
                    "someone else changed it meanwhile: look again before you deploy over that".to_owned(),
                ));
            }
            if let Some(found) = unfit(self.target.kind, &now) {
                return Err(ShipError::Refused(found));
            }
        }
        Err(last
            .unwrap_or_else(|| PlatformError("nothing was tried; report this".to_owned()))
            .into())
    }

    async fn shipped(&self, shipment: &Shipment, after: &Object) -> Vec<String> {
        let disowned = write::disowned(&self.cluster, &self.target, after).await;
        disowned.err().into_iter().chain(shipment.remark.clone()).collect()
    }

    async fn send(&self, shipment: &Shipment, dry_run: bool) -> Result<Object, CallError> {
        let operations = patch::ship(self.target.kind, &shipment.seen, &shipment.wanted);
        write::send(&self.cluster, &self.target, operations, dry_run).await
    }

    async fn read(&self) -> Result<Object, CallError> {
        let resource = Resource::of(self.target.kind);
        let calls = &self.cluster.calls;
        calls.get_surely(resource, &self.target.namespace, &self.target.name).await
    }

    fn cannot(&self, doing: &str, error: &CallError) -> PlatformError {
        write::cannot(&self.target, doing, error)
    }
}
