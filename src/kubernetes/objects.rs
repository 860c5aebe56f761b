//! The histories in the cluster: one object a target, beside it; nothing to mount, no database (kubernetes.md, State).

mod contents;
mod put;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use futures::{FutureExt as _, future::BoxFuture, stream::BoxStream};

use super::{
    audit,
    bell::Met,
    call::CallError,
    cluster::Cluster,
    document,
    object::Object,
    packing,
    place::{Asker, Place, unavailable},
    resource::Resource,
};
use crate::{
    policy::KubernetesTarget,
    ports::{History, HistoryError, Revision},
    record::{CONTROLLER_CHAIN, CONTROLLER_FORMAT, ControllerState, FORMAT, Record, StoredAudit, TargetHistory},
    words::{RolloutId, TargetKey},
};

/// The name of the controller's own object, and what it says it belongs to.
const CONTROLLER: &str = "lastgood-controller";

/// The histories of a cluster. The only commit is a put of a whole object at the `resourceVersion` at which it was met last.
pub struct Objects {
    cluster: Arc<Cluster>,
    asker: Asker,
    /// Where the controller keeps its state; none: a person does not know.
    home: Option<String>,
    /// Where histories are looked for beside those that are placed; one that is empty stands for all.
    namespaces: Vec<String>,
    places: Mutex<BTreeMap<TargetKey, Place>>,
    met: Met,
}

impl Objects {
    /// Histories of workloads lie beside them once [`Objects::place`] says where; others, and the controller's own state, in the
    /// namespace `home`.
    #[must_use]
    pub fn new(cluster: Arc<Cluster>, home: &str) -> Self {
        Self {
            cluster,
            asker: Asker::Controller,
            home: Some(home.to_owned()),
            namespaces: vec![home.to_owned()],
            places: Mutex::default(),
            met: Met::default(),
        }
    }

    /// The same for a person, who acts by their own rights and looks in `namespaces`, of which an empty one stands for all.
    #[must_use]
    pub fn of_person(cluster: Arc<Cluster>, namespaces: Vec<String>) -> Self {
        Self {
            cluster,
            asker: Asker::Person,
            home: None,
            namespaces,
            places: Mutex::default(),
            met: Met::default(),
        }
    }

    /// Where the controller keeps its own state, as a person found out.
    #[must_use]
    pub fn of_controller_in(mut self, home: Option<String>) -> Self {
        self.home = home;
        self
    }

    /// Looks for histories in `namespaces` too, whether or not a workload of theirs is known yet.
    #[must_use]
    pub fn across(mut self, namespaces: &[String]) -> Self {
        self.namespaces.extend_from_slice(namespaces);
        self
    }

    /// The namespace in which the controller keeps its own state; none: that is not known.
    #[must_use]
    pub fn home(&self) -> Option<&str> {
        self.home.as_deref()
    }

    /// Says which workload's history `key` is: it lies beside it.
    pub fn place(&self, key: TargetKey, target: &KubernetesTarget) {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        places.insert(key, Place::beside(target));
    }

    fn placed(&self, key: &TargetKey) -> Place {
        let placed = self.places.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        placed.unwrap_or_else(|| self.own(&format!("{}.{}", key.env, key.service)))
    }

    /// The same, looked for where nobody said yet which workload's history it is: a person names a service, no workload.
    async fn found(&self, key: &TargetKey) -> Result<Place, HistoryError> {
        let known = self.places.lock().unwrap_or_else(PoisonError::into_inner).contains_key(key);
        if !known {
            self.every().await?;
        }
        Ok(self.placed(key))
    }

    /// Where what belongs to no workload that is known lies.
    fn own(&self, name: &str) -> Place {
        let named = self
            .home
            .iter()
            .chain(&self.namespaces)
            .find(|namespace| !namespace.is_empty());
        Place {
            namespace: named.map_or_else(|| self.cluster.namespace().to_owned(), Clone::clone),
            name: name.to_owned(),
        }
    }

    fn unavailable(&self, doing: &str, place: &Place, error: &CallError) -> HistoryError {
        unavailable(self.asker, doing, place, error)
    }

    async fn read(&self, place: &Place, owner: &str) -> Result<Option<Object>, HistoryError> {
        let calls = &self.cluster.calls;
        match calls.get_surely(Resource::Histories, &place.namespace, &place.name).await {
            Ok(mut object) => {
                document::belongs(&object, owner)?;
                self.met.note(place, &object);
                packing::unpack(&mut object)?;
                Ok(Some(object))
            }
            Err(CallError::Absent(_)) => Ok(None),
            Err(error) => Err(self.unavailable("read", place, &error)),
        }
    }

    async fn history(&self, target: &TargetKey) -> Result<Option<(TargetHistory, Revision)>, HistoryError> {
        let Some(object) = self.read(&self.found(target).await?, &target.to_string()).await? else {
            return Ok(None);
        };
        let history = document::read(&object, "history", FORMAT)?;
        Ok(history.map(|history| (history, Revision(document::revision(&object)))))
    }

    /// Every history object of the namespaces that are known. Where one was found, it is looked for from then on, until its workload is
    /// known: what a policy that is gone has left is still counted.
    async fn every(&self) -> Result<Vec<Object>, HistoryError> {
        let mut found = self.listed().await?;
        found.iter_mut().try_for_each(packing::unpack)?;
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        for object in &found {
            if let Some(target) = document::target(object) {
                places.entry(target).or_insert_with(|| place_of(object));
            }
        }
        drop(places);
        Ok(found)
    }

    async fn listed(&self) -> Result<Vec<Object>, HistoryError> {
        let everywhere = self.namespaces.iter().any(String::is_empty);
        let namespaces: BTreeSet<String> = if everywhere {
            [String::new()].into()
        } else {
            let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            let placed = places.values().map(|place| &place.namespace);
            placed.chain(&self.namespaces).cloned().collect()
        };
        let mut found = Vec::new();
        for namespace in namespaces {
            let listed = self.cluster.calls.list(Resource::Histories, &namespace, "").await;
            found.extend(listed.map_err(|error| self.unavailable("list", &Place::all_of(&namespace), &error))?);
        }
        Ok(found)
    }
}

fn place_of(object: &Object) -> Place {
    Place {
        namespace: object.namespace().to_owned(),
        name: object.name().to_owned(),
    }
}

impl History for Objects {
    fn targets(&self) -> BoxFuture<'_, Result<Vec<TargetKey>, HistoryError>> {
        async {
            let mut targets: Vec<TargetKey> = self.every().await?.iter().filter_map(document::target).collect();
            targets.sort();
            Ok(targets)
        }
        .boxed()
    }

    fn all(&self) -> BoxFuture<'_, Result<Vec<(TargetHistory, Revision)>, HistoryError>> {
        async {
            let mut all = Vec::new();
            for object in self.every().await?.iter().filter(|object| document::target(object).is_some()) {
                if let Some(history) = document::read::<TargetHistory>(object, "history", FORMAT)? {
                    all.push((history, Revision(document::revision(object))));
                }
            }
            all.sort_by(|(one, _), (other, _)| one.target.cmp(&other.target));
            Ok(all)
        }
        .boxed()
    }

    fn rings(&self, target: &TargetKey) -> BoxStream<'static, ()> {
        self.met.rings(&self.cluster.watches, self.placed(target))
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
            let (place, owner) = (self.found(&history.target).await?, history.target.to_string());
            let bounded = document::bounded(history);
            let what = (&bounded, &history.audit);
            self.committed(&place, &owner, ("history", FORMAT), what, expected).await
        }
        .boxed()
    }

    fn record(&self, id: RolloutId) -> BoxFuture<'_, Result<Option<Record>, HistoryError>> {
        async move {
            for object in self.every().await? {
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
            let found = match &self.home {
                Some(_) => self.read(&self.own(CONTROLLER), CONTROLLER).await?,
                None => None,
            };
            let Some(object) = found else {
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
            if self.home.is_none() {
                return Err(HistoryError::Unavailable(
                    "it is not known in which namespace lastgood itself runs, or you may not look there: nothing was changed"
                        .to_owned(),
                ));
            }
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
                None => {
                    let mut all = self.every().await?;
                    let listed = all.iter().any(|object| object.name() == CONTROLLER);
                    if self.home.is_some() && !listed {
                        all.extend(self.read(&self.own(CONTROLLER), CONTROLLER).await?);
                    }
                    all
                }
                Some(CONTROLLER_CHAIN) if self.home.is_none() => Vec::new(),
                Some(CONTROLLER_CHAIN) => self.read(&self.own(CONTROLLER), CONTROLLER).await?.into_iter().collect(),
                Some(owner) => match owner.parse::<TargetKey>() {
                    Ok(target) => self.read(&self.found(&target).await?, owner).await?.into_iter().collect(),
                    Err(_) => Vec::new(),
                },
            };
            audit::of(&objects)
        }
        .boxed()
    }
}
