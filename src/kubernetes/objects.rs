//! The histories in the cluster: one object a target, beside it; nothing to mount, no database (kubernetes.md, State).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{FutureExt as _, future::BoxFuture};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    audit,
    call::{CallError, pause},
    cluster::Cluster,
    document::{self, Content},
    object::Object,
    resource::Resource,
};
use crate::{
    policy::{KubernetesTarget, WorkloadKind},
    ports::{Contents, History, HistoryError, Revision},
    record::{CONTROLLER_CHAIN, CONTROLLER_FORMAT, Chain, ControllerState, FORMAT, Record, StoredAudit, TargetHistory},
    words::{RolloutId, TargetKey, Version, VersionName},
};

/// The name of the controller's own object, and what it says it belongs to.
const CONTROLLER: &str = "lastgood-controller";
/// How often a put is tried where someone else wrote first; contents and commits of one object meet only rarely.
const TRIES: u32 = 5;
/// How long is waited before that.
const AGAIN: Duration = Duration::from_millis(100);

/// Where an object is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    namespace: String,
    name: String,
}

/// The histories of a cluster. The only commit is a put of a whole object at the `resourceVersion` at which it was read.
pub struct Objects {
    cluster: Arc<Cluster>,
    home: String,
    namespaces: Vec<String>,
    places: Mutex<BTreeMap<TargetKey, Place>>,
}

impl Objects {
    /// Histories of workloads lie beside them once [`Objects::place`] says where; others, and the controller's own state, in the
    /// namespace `home`.
    #[must_use]
    pub fn new(cluster: Arc<Cluster>, home: &str) -> Self {
        Self {
            cluster,
            home: home.to_owned(),
            namespaces: Vec::new(),
            places: Mutex::new(BTreeMap::new()),
        }
    }

    /// Looks for histories in `namespaces` too, whether or not a workload of theirs is known yet.
    #[must_use]
    pub fn across(mut self, namespaces: &[String]) -> Self {
        self.namespaces = namespaces.to_vec();
        self
    }

    /// Says which workload's history `key` is: it is called `deployment-myapp` and lies in the workload's namespace.
    pub fn place(&self, key: TargetKey, target: &KubernetesTarget) {
        let kind = match target.kind {
            WorkloadKind::Deployment => "deployment",
            WorkloadKind::StatefulSet => "statefulset",
            WorkloadKind::DaemonSet => "daemonset",
        };
        let place = Place {
            namespace: target.namespace.clone(),
            name: format!("{kind}-{}", target.name),
        };
        self.places.lock().unwrap_or_else(PoisonError::into_inner).insert(key, place);
    }

    fn placed(&self, key: &TargetKey) -> Place {
        let placed = self.places.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        placed.unwrap_or_else(|| self.own(&format!("{}.{}", key.env, key.service)))
    }

    fn own(&self, name: &str) -> Place {
        Place {
            namespace: self.home.clone(),
            name: name.to_owned(),
        }
    }

    async fn read(&self, place: &Place, owner: &str) -> Result<Option<Object>, HistoryError> {
        let calls = &self.cluster.calls;
        match calls.get_surely(Resource::Histories, &place.namespace, &place.name).await {
            Ok(object) => {
                document::belongs(&object, owner)?;
                Ok(Some(object))
            }
            Err(CallError::Absent(_)) => Ok(None),
            Err(error) => Err(unavailable("read", place, &error)),
        }
    }

    /// Reads the object, changes it, and puts it where it was not changed meanwhile; else begins again. `change` says whether anything is
    /// to be put; it is told whether an earlier put of this call may have been done, though no answer came. Returns the object as it is then.
    async fn put(
        &self,
        place: &Place,
        owner: &str,
        change: impl Fn(&mut Object, bool) -> Result<bool, HistoryError>,
    ) -> Result<Object, HistoryError> {
        let mut met = CallError::Conflict("it changes all the time".to_owned());
        let mut doubt = false;
        for _ in 0..TRIES {
            let found = self.read(place, owner).await?;
            let new = found.is_none();
            let mut object = found.unwrap_or_else(|| document::empty(&place.namespace, &place.name, owner));
            if !change(&mut object, doubt)? {
                return Ok(object);
            }
            document::fit(&mut object)?;
            let calls = &self.cluster.calls;
            let put = if new {
                calls.create(Resource::Histories, &place.namespace, &object).await
            } else {
                calls.replace(Resource::Histories, &place.namespace, &object).await
            };
            match put {
                Ok(stored) => return Ok(stored),
                Err(error @ (CallError::Conflict(_) | CallError::Busy { .. } | CallError::Unknown(_))) => {
                    doubt |= matches!(error, CallError::Unknown(_));
                    met = error;
                }
                // The object that was read is gone: begin anew without it.
                Err(error @ CallError::Absent(_)) if !new => met = error,
                Err(error) => return Err(unavailable("write", place, &error)),
            }
            pause(AGAIN).await;
        }
        Err(unavailable("write", place, &met))
    }

    /// Commits `value` under `key` at an expected revision. Where no answer came to the put, the same value at the next revision is ours.
    async fn committed<T: Serialize + DeserializeOwned + PartialEq>(
        &self,
        place: &Place,
        owner: &str,
        (key, newest): (&str, u32),
        (value, chain): (&T, &Chain),
        expected: Option<&Revision>,
    ) -> Result<Revision, HistoryError> {
        let stored = self
            .put(place, owner, |object, doubt| {
                let found = document::committed(object).then(|| document::revision(object));
                if found.as_ref() == expected.map(|revision| &revision.0) {
                    document::write(object, key, value)?;
                    audit::add(object, chain)?;
                    return Ok(true);
                }
                let ours = doubt && document::read::<T>(object, key, newest)?.as_ref() == Some(value);
                if ours {
                    Ok(false)
                } else {
                    Err(HistoryError::Conflict(owner.to_owned()))
                }
            })
            .await?;
        Ok(Revision(document::revision(&stored)))
    }

    async fn history(&self, target: &TargetKey) -> Result<Option<(TargetHistory, Revision)>, HistoryError> {
        let owner = target.to_string();
        let Some(object) = self.read(&self.placed(target), &owner).await? else {
            return Ok(None);
        };
        let history = document::read(&object, "history", FORMAT)?;
        Ok(history.map(|history| (history, Revision(document::revision(&object)))))
    }

    async fn contents(&self, target: &TargetKey) -> Result<Vec<Content>, HistoryError> {
        let found = self.read(&self.placed(target), &target.to_string()).await?;
        found.as_ref().map_or(Ok(Vec::new()), document::contents)
    }

    /// Every history object of the namespaces that are known. Where one was found, it is looked for from then on, until its workload is
    /// known: what a policy that is gone has left is still counted.
    async fn all(&self) -> Result<Vec<Object>, HistoryError> {
        let found = self.listed().await?;
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        for object in &found {
            if let Some(target) = document::target(object) {
                places.entry(target).or_insert_with(|| Place {
                    namespace: object.namespace().to_owned(),
                    name: object.name().to_owned(),
                });
            }
        }
        drop(places);
        Ok(found)
    }

    async fn listed(&self) -> Result<Vec<Object>, HistoryError> {
        let placed: BTreeSet<String> = {
            let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            let placed = places.values().map(|place| &place.namespace);
            placed.chain([&self.home]).chain(&self.namespaces).cloned().collect()
        };
        let mut found = Vec::new();
        for namespace in placed {
            let listed = self.cluster.calls.list(Resource::Histories, &namespace, "").await;
            let place = Place {
                namespace,
                name: "*".to_owned(),
            };
            found.extend(listed.map_err(|error| unavailable("list", &place, &error))?);
        }
        Ok(found)
    }
}

fn unavailable(doing: &str, place: &Place, error: &CallError) -> HistoryError {
    HistoryError::Unavailable(format!(
        "cannot {doing} the history object {}/{}: {error}; look at the API server, at lastgood's role in {}, and whether the CRD of histories was applied",
        place.namespace, place.name, place.namespace
    ))
}

impl History for Objects {
    fn targets(&self) -> BoxFuture<'_, Result<Vec<TargetKey>, HistoryError>> {
        async {
            let mut targets: Vec<TargetKey> = self.all().await?.iter().filter_map(document::target).collect();
            targets.sort();
            Ok(targets)
        }
        .boxed()
    }

    fn load<'a>(&'a self, target: &'a TargetKey) -> BoxFuture<'a, Result<Option<(TargetHistory, Revision)>, HistoryError>> {
        self.history(target).boxed()
    }

    fn commit<'a>(
        &'a self,
        history: &'a TargetHistory,
        expected: Option<&'a Revision>,
    ) -> BoxFuture<'a, Result<Revision, HistoryError>> {
        async move {
            let (place, owner) = (self.placed(&history.target), history.target.to_string());
            let bounded = document::bounded(history);
            let what = (&bounded, &history.audit);
            self.committed(&place, &owner, ("history", FORMAT), what, expected).await
        }
        .boxed()
    }

    fn record(&self, id: RolloutId) -> BoxFuture<'_, Result<Option<Record>, HistoryError>> {
        async move {
            for object in self.all().await? {
                let history: Option<TargetHistory> = document::read(&object, "history", FORMAT)?;
                let records = history
                    .into_iter()
                    .flat_map(|history| history.closed.into_iter().chain(history.open));
                if let Some(found) = records.into_iter().find(|record| record.id == id) {
                    return Ok(Some(found));
                }
            }
            Ok(None)
        }
        .boxed()
    }

    fn records<'a>(&'a self, target: &'a TargetKey, limit: usize) -> BoxFuture<'a, Result<Vec<Record>, HistoryError>> {
        async move {
            let Some((history, _)) = self.history(target).await? else {
                return Ok(Vec::new());
            };
            let newest_first = history.open.into_iter().chain(history.closed.into_iter().rev());
            Ok(newest_first.take(limit).collect())
        }
        .boxed()
    }

    fn load_controller(&self) -> BoxFuture<'_, Result<(ControllerState, Option<Revision>), HistoryError>> {
        async {
            let Some(object) = self.read(&self.own(CONTROLLER), CONTROLLER).await? else {
                return Ok((ControllerState::default(), None));
            };
            let state = document::read(&object, "controller", CONTROLLER_FORMAT)?;
            let revision = Revision(document::revision(&object));
            Ok(state.map_or((ControllerState::default(), None), |state| (state, Some(revision))))
        }
        .boxed()
    }

    fn commit_controller<'a>(
        &'a self,
        state: &'a ControllerState,
        expected: Option<&'a Revision>,
    ) -> BoxFuture<'a, Result<Revision, HistoryError>> {
        async move {
            let place = self.own(CONTROLLER);
            let what = (state, &state.audit);
            self.committed(&place, CONTROLLER, ("controller", CONTROLLER_FORMAT), what, expected)
                .await
        }
        .boxed()
    }

    fn audit<'a>(&'a self, chain: Option<&'a str>) -> BoxFuture<'a, Result<StoredAudit, HistoryError>> {
        async move {
            let objects = match chain {
                None => self.all().await?,
                Some(CONTROLLER_CHAIN) => self.read(&self.own(CONTROLLER), CONTROLLER).await?.into_iter().collect(),
                Some(owner) => match owner.parse::<TargetKey>() {
                    Ok(target) => self.read(&self.placed(&target), owner).await?.into_iter().collect(),
                    Err(_) => Vec::new(),
                },
            };
            audit::of(&objects)
        }
        .boxed()
    }
}

impl Contents for Objects {
    fn keep<'a>(
        &'a self,
        target: &'a TargetKey,
        version: &'a Version,
        document: &'a str,
    ) -> BoxFuture<'a, Result<(), HistoryError>> {
        async move {
            let (place, owner) = (self.placed(target), target.to_string());
            let content = Content::new(version, document);
            let put = self.put(&place, &owner, |object, _| document::add_content(object, content.clone()));
            put.await.map(drop)
        }
        .boxed()
    }

    fn kept<'a>(
        &'a self,
        target: &'a TargetKey,
        name: &'a VersionName,
    ) -> BoxFuture<'a, Result<Vec<(Version, String)>, HistoryError>> {
        async move {
            let mut kept = self.all_kept(target).await?;
            kept.retain(|(version, _)| version.name == *name);
            Ok(kept)
        }
        .boxed()
    }

    fn all_kept<'a>(&'a self, target: &'a TargetKey) -> BoxFuture<'a, Result<Vec<(Version, String)>, HistoryError>> {
        async move {
            let kept = self.contents(target).await?;
            Ok(kept
                .into_iter()
                .map(|content| (content.version(), content.document))
                .collect())
        }
        .boxed()
    }
}
