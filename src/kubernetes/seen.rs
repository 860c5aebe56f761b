//! A workload with its revisions, as they were at one moment, and which version that is.

use serde_json::Value;
use tokio::sync::Mutex;

use super::{
    call::CallError,
    identity,
    object::Object,
    resource::Resource,
    revision::{Revision, current, same},
    template::{Catalog, Kept},
    watches::controller,
    workload::Workload,
    write,
};
use crate::{
    ports::PlatformError,
    words::{Version, VersionName},
};

/// A workload and its revisions.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub workload: Object,
    pub revisions: Vec<Revision>,
}

impl Workload {
    /// The workload as the quorum has it now, with its revisions read anew.
    pub(super) async fn fresh(&self) -> Result<Seen, CallError> {
        let workload = self.read().await?;
        let revisions = self.fresh_revisions(&workload).await?;
        Ok(Seen { workload, revisions })
    }

    /// A workload that was read, with its revisions as they were seen last; read anew where they do not know its template.
    pub(super) async fn lately(&self, workload: Object) -> Result<Seen, PlatformError> {
        let watch = self
            .cluster
            .watches
            .of(Resource::revisions(self.target.kind), &self.target.namespace);
        let uid = workload.uid().to_owned();
        let objects = watch.objects(|metadata| controller(metadata) == Some(&*uid)).await?;
        let mut revisions = self.revisions(&objects);
        if current(self.target.kind, &workload, &revisions).is_none() {
            let fresh = self.fresh_revisions(&workload).await;
            revisions = fresh.map_err(|error| self.cannot("look at the revisions of", &error))?;
        }
        Ok(Seen { workload, revisions })
    }

    /// The workload as the quorum has it now.
    pub(super) async fn read(&self) -> Result<Object, CallError> {
        let resource = Resource::of(self.target.kind);
        let calls = &self.cluster.calls;
        calls.get_surely(resource, &self.target.namespace, &self.target.name).await
    }

    async fn fresh_revisions(&self, workload: &Object) -> Result<Vec<Revision>, CallError> {
        let resource = Resource::revisions(self.target.kind);
        let calls = &self.cluster.calls;
        let mut objects = calls.list(resource, &self.target.namespace, &selector(workload)).await?;
        objects.retain(|object| object.belongs_to(workload.uid()));
        Ok(self.revisions(&objects))
    }

    fn revisions(&self, objects: &[Object]) -> Vec<Revision> {
        objects
            .iter()
            .filter_map(|object| Revision::read(self.target.kind, object))
            .collect()
    }

    /// The version that runs; one that was never seen is kept before this returns. None: its controller has not taken up the template yet.
    pub(super) async fn identified(&self, seen: &Seen) -> Result<Option<Version>, PlatformError> {
        let Some(revision) = current(self.target.kind, &seen.workload, &seen.revisions) else {
            return Ok(None);
        };
        let mut catalog = self.catalog().await?.lock().await;
        let known = catalog.version(revision, &seen.revisions, &self.ignored).cloned();
        let version = match known {
            Some(version) => version,
            None => self.first_seen(&mut catalog, seen, revision).await?,
        };
        catalog.learn(&revision.uid, &version);
        Ok(Some(version))
    }

    /// The newest of the kept versions that are called `name`. What runs is kept before this is told.
    pub(super) async fn named(&self, name: &VersionName) -> Result<Option<Version>, PlatformError> {
        let workload = self.read().await.map_err(|error| self.cannot("look at", &error))?;
        let seen = self.lately(workload).await?;
        self.identified(&seen).await?;
        Ok(self.catalog().await?.lock().await.named(name).cloned())
    }

    /// What is kept, read once: only this target's own guard adds to it.
    pub(super) async fn catalog(&self) -> Result<&Mutex<Catalog>, PlatformError> {
        self.catalog
            .get_or_try_init(|| async {
                let kept = self.contents.all_kept(&self.key).await;
                let kept = kept.map_err(|error| PlatformError(format!("cannot read the kept templates: {error}")))?;
                Ok(Mutex::new(Catalog::read(&kept).map_err(PlatformError)?))
            })
            .await
    }

    async fn first_seen(&self, catalog: &mut Catalog, seen: &Seen, revision: &Revision) -> Result<Version, PlatformError> {
        let others = seen.revisions.iter().filter(|other| other.uid != revision.uid);
        let before = others.max_by_key(|other| other.number).map(|other| &other.template);
        let own = seen.workload.template().filter(|own| same(own, &revision.template));
        let template = own.unwrap_or(&revision.template);
        let version = identity::version(template, before, self.target.container.as_deref(), &self.ignored);
        let kept = Kept::of(revision, template);
        let document = kept.document().map_err(PlatformError)?;
        let stored = self.contents.keep(&self.key, &version, &document).await;
        stored.map_err(|error| PlatformError(format!("cannot keep the template of {}: {error}", version.name)))?;
        catalog.add(version.clone(), kept);
        Ok(version)
    }

    /// What failed, with the workload's name and what to do next.
    pub(super) fn cannot(&self, doing: &str, error: &CallError) -> PlatformError {
        write::cannot(&self.target, doing, error)
    }
}

/// The labels by which a workload finds its own. Expressions are left out: what they would sort out belongs to someone else, which shows.
pub(super) fn selector(workload: &Object) -> String {
    let labels = workload.0.pointer("/spec/selector/matchLabels").and_then(Value::as_object);
    let pairs = labels
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)));
    pairs.collect::<Vec<_>>().join(",")
}
