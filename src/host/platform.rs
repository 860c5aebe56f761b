//! The host as the platform that the rest of lastgood sees.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use tokio::sync::Mutex;

use super::{
    digest::Digests,
    doorbell::Doorbell,
    identity::{Identity, blocking},
    link::{DirId, Place, Pointed},
    manifest::manifest_text,
    revert::{Exchanged, Move},
    systemd::Bus,
    trouble::sentence,
};
use crate::{
    engine::Look,
    policy::{Activate, HostTarget},
    ports::{Clock, Contents, Platform, PlatformError, crash},
    record::{ActResult, ImageOnly, Intent, MarkResult, Observation, Process, SeenObject, Unready},
    words::{Moment, TargetKey, Version, VersionName},
};

/// A service on this host.
pub struct Host {
    pub(super) identity: Identity,
    pub(super) activate: Activate,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) bus: Bus,
    doorbell: Mutex<Option<Doorbell>>,
}

impl Host {
    /// The service that `target` describes; listings of its versions are kept in `contents` under `key`.
    #[must_use]
    pub fn new(key: TargetKey, target: HostTarget, contents: Arc<dyn Contents>, clock: Arc<dyn Clock>) -> Self {
        Self {
            identity: Identity {
                key,
                place: Place::new(&target),
                contents,
                digests: Arc::new(Digests::default()),
            },
            activate: target.activate,
            clock,
            bus: Bus::default(),
            doorbell: Mutex::new(None),
        }
    }

    /// Speaks to systemd at another D-Bus address than the system bus: `unix:path=/run/dbus/system_bus_socket`.
    #[must_use]
    pub fn with_bus_address(mut self, address: String) -> Self {
        self.bus = Bus { address: Some(address) };
        self
    }

    async fn pointed(&self) -> Result<Option<Pointed>, PlatformError> {
        let place = self.identity.place.clone();
        blocking(move || place.pointed()).await
    }

    async fn observed(&self) -> Result<Observation, PlatformError> {
        let mut observation = Observation {
            at: self.clock.now(),
            version: None,
            moved_at: None,
            process: None,
            remarks: Vec::new(),
            pods: Vec::new(),
            wanted: 0,
            lacking: None,
            object: SeenObject::None,
            deadline: Duration::ZERO,
            rolling: None,
        };
        if let Some(pointed) = self.pointed().await? {
            let (version, remarks) = self.identity.of(&pointed).await?;
            observation.version = Some(version);
            observation.moved_at = Some(pointed.moved_at);
            observation.remarks = remarks;
        }
        match self.process().await {
            Some(Ok(process)) => observation.process = Some(process),
            // What runs is still told; that systemd is away is worth a remark and no more.
            Some(Err(remark)) => observation.remarks.push(remark),
            None => {}
        }
        Ok(observation)
    }

    async fn identified(&self, name: &VersionName) -> Result<Option<Version>, PlatformError> {
        match self.identity.place.open_release(name) {
            Ok(_) => self.identity.identified(name, None).await.map(|(version, _)| Some(version)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => {
                let path = self.identity.place.releases.join(name.as_str());
                Err(PlatformError(sentence("open", &path, &error)))
            }
        }
    }

    async fn process(&self) -> Option<Result<Process, String>> {
        let state = self.unit()?.state().await;
        Some(state.map(|state| state.process).map_err(|fault| fault.to_string()))
    }

    /// The version that runs, or nothing where that cannot be told any more.
    async fn runs(&self) -> Option<Version> {
        let pointed = self.pointed().await.ok().flatten()?;
        self.identity.of(&pointed).await.ok().map(|(version, _)| version)
    }

    async fn reverted(&self, intent: &Intent) -> ActResult {
        let remark = match self.moved(intent).await {
            Ok(remark) => remark,
            Err(result) => return result,
        };
        let mut result = self.activate_moved(intent).await;
        if let (ActResult::Applied { detail, .. }, Some(remark)) = (&mut result, remark) {
            *detail = format!("{detail}; {remark}");
        }
        result
    }

    /// Moves `current`, all conditions checked under the lock. Returns what is worth telling.
    async fn moved(&self, intent: &Intent) -> Result<Option<String>, ActResult> {
        let not_moved = |error: PlatformError| ActResult::NotMoved { error: error.0 };
        let lock = self.identity.place.lock().await.map_err(not_moved)?;
        self.settle(intent).await.map_err(not_moved)?;
        let Some(pointed) = self.pointed().await.map_err(not_moved)? else {
            return Err(ActResult::Superseded { runs: None });
        };
        let (runs, _) = self.identity.of(&pointed).await.map_err(not_moved)?;
        if runs != intent.from {
            return Err(ActResult::Superseded { runs: Some(runs) });
        }
        let restorable = self.identity.restorable(&intent.to).await;
        let (to, remark) = restorable.map_err(|found| ActResult::Refused { found: found.0 })?;
        let (place, intent) = (self.identity.place.clone(), intent.clone());
        let exchanged = blocking(move || move_link(&place, &intent, &pointed, &to))
            .await
            .map_err(not_moved)?;
        drop(lock);
        match exchanged {
            Exchanged::Moved => Ok(remark),
            Exchanged::PutBack => Err(ActResult::Superseded { runs: self.runs().await }),
        }
    }

    async fn settle(&self, intent: &Intent) -> Result<(), PlatformError> {
        let (place, intent) = (self.identity.place.clone(), intent.clone());
        blocking(move || place.settle(&intent)).await
    }

    async fn looked(&self, intent: &Intent) -> Result<Look, PlatformError> {
        let lock = self.identity.place.lock().await?;
        self.settle(intent).await?;
        drop(lock);
        let Some(pointed) = self.pointed().await? else {
            return Ok(Look::Other { runs: None });
        };
        let (runs, _) = self.identity.of(&pointed).await?;
        // A link that came here after the intent was stored is not the one that was judged, even where it points to the same version.
        if runs == intent.from && pointed.moved_at <= intent.at.plus(GRAIN) {
            return Ok(Look::NotBegun);
        }
        if runs != intent.to {
            return Ok(Look::Other { runs: Some(runs) });
        }
        let moved_at = pointed.moved_at;
        Ok(match self.process().await {
            Some(Ok(process)) => since(&process, moved_at.max(intent.at))
                .map_or(Look::Moved { moved_at }, |activated_at| Look::Done { moved_at, activated_at }),
            // Of a command nobody can tell whether it ran to its end.
            _ => Look::Moved { moved_at },
        })
    }
}

/// How far a link's own time may lie before the moment it was made: file systems stamp with a clock that ticks 100 to 1000 times a second.
const GRAIN: Duration = Duration::from_millis(10);

/// Since when the process runs, if that is certainly after `moved_at`. In doubt it is not: to activate once more does no harm.
pub(super) fn since(process: &Process, moved_at: Moment) -> Option<Moment> {
    process
        .started_at
        .filter(|started| process.active && *started > moved_at.plus(GRAIN))
}

/// The steps of a move: prepare, exchange and inspect, finish. Each may be the last one before a crash; see `settle`.
fn move_link(place: &Place, intent: &Intent, replaced: &Pointed, to: &DirId) -> Result<Exchanged, PlatformError> {
    let text = place.text_like(replaced, &intent.to.name);
    let prepared = Move::prepare(place, &intent.rollout.to_string(), &text, to)?;
    crash::point("host.link");
    let exchanged = prepared.exchange(&replaced.directory);
    crash::point("host.exchanged");
    let finished = prepared.finish();
    crash::point("host.synced");
    match (exchanged, finished) {
        // Moved is moved: a directory that is not durable yet shows after a crash, and is looked at then.
        (Ok(exchanged), _) => Ok(exchanged),
        (Err(error), _) => Err(error),
    }
}

impl Platform for Host {
    fn observe(&self) -> BoxFuture<'_, Result<Observation, PlatformError>> {
        self.observed().boxed()
    }

    fn identify<'a>(&'a self, name: &'a VersionName) -> BoxFuture<'a, Result<Option<Version>, PlatformError>> {
        self.identified(name).boxed()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        async {
            let mut doorbell = self.doorbell.lock().await;
            doorbell.get_or_insert_with(Doorbell::new).rung(&self.identity.place).await;
        }
        .boxed()
    }

    fn revert<'a>(&'a self, intent: &'a Intent) -> BoxFuture<'a, Result<ActResult, PlatformError>> {
        async { Ok(self.reverted(intent).await) }.boxed()
    }

    fn activate<'a>(&'a self, intent: &'a Intent) -> BoxFuture<'a, ActResult> {
        self.activate_moved(intent).boxed()
    }

    fn look<'a>(&'a self, intent: &'a Intent) -> BoxFuture<'a, Result<Look, PlatformError>> {
        self.looked(intent).boxed()
    }

    fn manifest<'a>(&'a self, version: &'a VersionName) -> BoxFuture<'a, Result<Option<String>, PlatformError>> {
        let (place, version) = (self.identity.place.clone(), version.clone());
        blocking(move || manifest_text(&place, &version)).boxed()
    }

    fn mark<'a>(
        &'a self,
        name: &'a str,
        to: &'a VersionName,
        only_from: Option<&'a VersionName>,
    ) -> BoxFuture<'a, Result<MarkResult, PlatformError>> {
        self.marked(name, to, only_from).boxed()
    }

    fn rehearse<'a>(&'a self, to: Option<&'a Version>, _image: Option<&'a ImageOnly>) -> BoxFuture<'a, Vec<Unready>> {
        self.rehearsed(to).boxed()
    }
}
