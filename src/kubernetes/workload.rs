//! A workload as the platform that the rest of lastgood sees.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt as _, TryFutureExt as _, future::BoxFuture};
use serde_json::Value;
use tokio::sync::{Mutex, OnceCell};

use super::{
    brake,
    call::CallError,
    cluster::Cluster,
    doorbell::{Concerns, Doorbell},
    hold::replicas,
    identity::{floats, images},
    object::Object,
    ownership::owner,
    pods,
    resource::Resource,
    revision::{current, moved_at},
    seen::Seen,
    template::Catalog,
    trouble,
    watches::controller,
};
use crate::{
    engine::{Look, News},
    manifest::ImageReference,
    policy::{HoldPolicy, KubernetesTarget, WorkloadKind},
    ports::{Clock, Contents, Platform, PlatformError},
    record::{ActResult, Hold, HoldResult, ImageOnly, Intent, Observation, SeenObject, SeenPod, Unready},
    words::{Moment, TargetKey, Version, VersionName},
};

/// A Deployment, StatefulSet or DaemonSet as it is: nothing in it needs to be changed for lastgood.
pub struct Workload {
    pub(super) key: TargetKey,
    pub(super) target: KubernetesTarget,
    pub(super) cluster: Arc<Cluster>,
    pub(super) contents: Arc<dyn Contents>,
    pub(super) clock: Arc<dyn Clock>,
    /// Annotations of templates that make no version, as the settings list them.
    pub(super) ignored: Vec<String>,
    pub(super) catalog: OnceCell<Mutex<Catalog>>,
    doorbell: Mutex<Doorbell>,
    concerns: Concerns,
}

impl Workload {
    /// The workload that `target` names; templates of its versions are kept in `contents` under `key`. `ignored` are template annotations
    /// that make no version. Needs the async runtime.
    #[must_use]
    pub fn new(
        key: TargetKey,
        target: KubernetesTarget,
        cluster: Arc<Cluster>,
        contents: Arc<dyn Contents>,
        clock: Arc<dyn Clock>,
        ignored: Vec<String>,
    ) -> Self {
        let concerns = Concerns::default();
        let doorbell = Mutex::new(Doorbell::new(cluster.watches.listen(), concerns.clone()));
        // Begun now, so that whatever changes before the first look rings.
        for resource in [Resource::of(target.kind), Resource::revisions(target.kind), Resource::Pods] {
            cluster.watches.of(resource, &target.namespace);
        }
        Self {
            key,
            target,
            cluster,
            contents,
            clock,
            ignored,
            catalog: OnceCell::new(),
            doorbell,
            concerns,
        }
    }

    async fn observed(&self) -> Result<Observation, PlatformError> {
        let at = self.clock.now();
        let seen = match self.read().await {
            Ok(workload) => self.lately(workload).await?,
            Err(error @ CallError::Absent(_)) => return Ok(self.absent(at, &error)),
            Err(error) => return Err(self.cannot("look at", &error)),
        };
        let version = self.identified(&seen).await?;
        let runs = current(self.target.kind, &seen.workload, &seen.revisions);
        let uids = seen.revisions.iter().map(|revision| revision.uid.clone());
        let uids = uids.chain([seen.workload.uid().to_owned()]);
        self.concerns.set(uids);
        Ok(Observation {
            at,
            version,
            moved_at: runs.and_then(|revision| moved_at(revision, &seen.revisions)),
            process: None,
            remarks: self.remarks(&seen.workload),
            object: SeenObject::Found {
                uid: seen.workload.uid().to_owned(),
            },
            pods: self.pods(&seen).await?,
            wanted: wanted(self.target.kind, &seen.workload),
            lacking: trouble::lacking(&seen.workload),
            deadline: deadline(&seen.workload),
            rolling: self.rolling(&seen, runs),
        })
    }

    /// There is no such workload.
    fn absent(&self, at: Moment, error: &CallError) -> Observation {
        let because = self.cannot("look at", error).0;
        Observation {
            at,
            version: None,
            moved_at: None,
            process: None,
            remarks: Vec::new(),
            object: SeenObject::Gone { because },
            pods: Vec::new(),
            wanted: 0,
            lacking: None,
            deadline: Duration::ZERO,
            rolling: None,
        }
    }

    async fn pods(&self, seen: &Seen) -> Result<Vec<SeenPod>, PlatformError> {
        let watch = self.cluster.watches.of(Resource::Pods, &self.target.namespace);
        let owners = || {
            seen.revisions
                .iter()
                .map(|revision| revision.uid.as_str())
                .chain([seen.workload.uid()])
        };
        let objects = watch
            .objects(|metadata| controller(metadata).is_some_and(|uid| owners().any(|owner| owner == uid)))
            .await?;
        let catalog = self.catalog().await?.lock().await;
        let version = |revision: &_| catalog.version(revision, &seen.revisions, &self.ignored).cloned();
        let container = self.target.container.as_deref();
        Ok(pods::seen(
            &seen.workload,
            container,
            objects.iter(),
            &seen.revisions,
            version,
        ))
    }

    fn remarks(&self, workload: &Object) -> Vec<String> {
        let template = workload.template().unwrap_or(&Value::Null);
        let moving = images(template)
            .into_iter()
            .filter(|(_, image)| floats(image))
            .map(|(container, image)| {
                format!("the tag of `{image}` (container {container}) may come to mean another image; use one that does not move")
            });
        let owned = owner(workload).map(|owner| owner.sentence);
        let paused = brake::paused(self.target.kind, workload);
        moving.chain(owned).chain(paused).collect()
    }
}

/// How long its pods may take to become ready: what the workload says itself, else what a Deployment has by default.
fn deadline(workload: &Object) -> Duration {
    Duration::from_secs(workload.number("/spec/progressDeadlineSeconds").unwrap_or(600))
}

/// How many pods are wanted.
fn wanted(kind: WorkloadKind, workload: &Object) -> u32 {
    match kind {
        WorkloadKind::DaemonSet => {
            let scheduled = workload.number("/status/desiredNumberScheduled").unwrap_or(0);
            u32::try_from(scheduled).unwrap_or(u32::MAX)
        }
        WorkloadKind::Deployment | WorkloadKind::StatefulSet => replicas(workload),
    }
}

impl Platform for Workload {
    fn observe(&self) -> BoxFuture<'_, Result<Observation, PlatformError>> {
        self.observed().boxed()
    }

    fn identify<'a>(&'a self, name: &'a VersionName) -> BoxFuture<'a, Result<Option<Version>, PlatformError>> {
        self.named(name).boxed()
    }

    fn with_image<'a>(
        &'a self,
        name: &'a VersionName,
        image: &'a ImageReference,
    ) -> BoxFuture<'a, Result<Option<(Version, ImageOnly)>, PlatformError>> {
        self.by_image(name, image).map_ok(Some).boxed()
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        async { self.doorbell.lock().await.rings().await }.boxed()
    }

    fn revert<'a>(&'a self, intent: &'a Intent) -> BoxFuture<'a, Result<ActResult, PlatformError>> {
        self.reverted(intent).boxed()
    }

    fn activate<'a>(&'a self, intent: &'a Intent) -> BoxFuture<'a, ActResult> {
        self.activated(intent).boxed()
    }

    fn look<'a>(&'a self, intent: &'a Intent) -> BoxFuture<'a, Result<Look, PlatformError>> {
        self.looked(intent).boxed()
    }

    fn announce<'a>(&'a self, news: &'a News) -> BoxFuture<'a, Result<(), PlatformError>> {
        self.announced(news).boxed()
    }

    fn hold<'a>(&'a self, hold: &'a Hold, share: HoldPolicy) -> BoxFuture<'a, HoldResult> {
        self.held(hold, Some(share)).boxed()
    }

    fn let_go<'a>(&'a self, hold: &'a Hold) -> BoxFuture<'a, HoldResult> {
        self.held(hold, None).boxed()
    }

    fn holdable(&self, share: HoldPolicy) -> BoxFuture<'_, Result<(u32, u32), Unready>> {
        self.cluster.holdable(&self.target, share).boxed()
    }

    fn forget(&self) -> BoxFuture<'_, ()> {
        async {
            if let Some(catalog) = self.catalog.get() {
                *catalog.lock().await = Catalog::default();
            }
        }
        .boxed()
    }

    fn rehearse<'a>(&'a self, to: Option<&'a Version>, image: Option<&'a ImageOnly>) -> BoxFuture<'a, Vec<Unready>> {
        self.rehearsed(to, image).boxed()
    }
}
