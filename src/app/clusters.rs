//! The cluster of the settings: connected once, when a store, a lease or a target first needs it.

use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
};

use tokio::sync::OnceCell;

use super::clock::uptime;
use crate::{
    host::Host,
    kubernetes::{Address, Cluster, Contender, Objects, Workload},
    policy::{KubernetesTarget, Policy, Target},
    ports::{Clock, History as _, Platform, PlatformError, SharedHistory},
    record::TargetHistory,
    settings::{KubernetesSettings, LeaseSettings},
    words::{Moment, TargetKey},
};

/// The histories that a person may read.
pub struct Found {
    /// Them.
    pub objects: Arc<Objects>,
    /// What was read.
    pub histories: Vec<TargetHistory>,
    /// The namespace of the controller, where its own state could not be read.
    pub unread: Option<String>,
}

/// The cluster, shared by all that speak to it.
#[derive(Clone)]
pub struct Clusters(Arc<Inner>);

struct Inner {
    settings: KubernetesSettings,
    cluster: OnceCell<Arc<Cluster>>,
    objects: OnceLock<Arc<Objects>>,
}

impl Clusters {
    /// The cluster that the settings name; nothing is connected yet.
    #[must_use]
    pub fn new(settings: &KubernetesSettings) -> Self {
        Self(Arc::new(Inner {
            settings: settings.clone(),
            cluster: OnceCell::new(),
            objects: OnceLock::new(),
        }))
    }

    /// The connection; it is made where there is none yet.
    ///
    /// # Errors
    /// When there is no usable kubeconfig or service account, with what to do next. It is tried again at the next call.
    pub async fn get(&self) -> Result<Arc<Cluster>, PlatformError> {
        let connect = || async { Cluster::connect(&self.address()).await.map(Arc::new) };
        self.0.cluster.get_or_try_init(connect).await.cloned()
    }

    /// What the policy's target runs on: the cluster, or this host.
    ///
    /// # Errors
    /// Those of [`Clusters::get`].
    pub async fn platform(
        &self,
        policy: &Policy,
        store: &SharedHistory,
        clock: &Arc<dyn Clock>,
    ) -> Result<Arc<dyn Platform>, PlatformError> {
        let (key, contents, clock) = (policy.key(), store.clone(), clock.clone());
        Ok(match &policy.target {
            Target::Host(target) => Arc::new(Host::new(key, target.clone(), contents, clock)),
            Target::Kubernetes(target) => {
                let cluster = self.get().await?;
                self.place(&key, target);
                Arc::new(Workload::new(key, target.clone(), cluster, contents, clock, self.ignored()))
            }
        })
    }

    /// The histories in the cluster, for a store `kubernetes:`.
    ///
    /// # Errors
    /// Those of [`Clusters::get`].
    pub async fn objects(&self) -> Result<Arc<Objects>, PlatformError> {
        let cluster = self.get().await?;
        let objects = self.0.objects.get_or_init(|| {
            let home = cluster.namespace().to_owned();
            Arc::new(Objects::new(cluster, &home).across(&self.0.settings.namespaces))
        });
        Ok(objects.clone())
    }

    /// The same for a person, who looks in `namespaces` (an empty one stands for all) by their own rights; with every history
    /// that is there. Where the controller keeps its own state is found in them, else it is `home`, else not known.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn objects_of_person(&self, namespaces: Vec<String>, home: Option<&str>) -> anyhow::Result<Found> {
        let cluster = self.get().await?;
        let objects = Objects::of_person(cluster.clone(), namespaces);
        let histories: Vec<TargetHistory> = objects.all().await?.into_iter().map(|(history, _)| history).collect();
        let told = histories
            .iter()
            .filter_map(|history| history.in_force.as_ref()?.home.as_deref());
        let homes: BTreeSet<&str> = told.collect();
        let home = match homes.into_iter().collect::<Vec<_>>().as_slice() {
            [] => Some(home.map_or_else(|| cluster.namespace().to_owned(), str::to_owned)),
            [one] => Some((*one).to_owned()),
            // Two controllers: which of them is meant is not known.
            _ => None,
        };
        let mut objects = objects.of_controller_in(home.clone());
        let mut unread = None;
        if let Err(error) = objects.load_controller().await {
            tracing::info!(%error, "what concerns all services is not shown");
            (objects, unread) = (objects.of_controller_in(None), home);
        }
        let objects = self.0.objects.get_or_init(|| Arc::new(objects)).clone();
        Ok(Found {
            objects,
            histories,
            unread,
        })
    }

    /// Whether histories are kept in the cluster.
    #[must_use]
    pub fn keep_histories(&self) -> bool {
        self.0.objects.get().is_some()
    }

    /// Whether the controller's own state can be found; a person may not know where it is.
    #[must_use]
    pub fn know_controller(&self) -> bool {
        self.0.objects.get().is_none_or(|objects| objects.home().is_some())
    }

    /// The namespace in which the controller keeps its own state, where that is a cluster's and known.
    #[must_use]
    pub fn home(&self) -> Option<String> {
        self.0.objects.get()?.home().map(str::to_owned)
    }

    /// Says where the workload of `key` is, so that its history lies beside it; of no matter where the store is no cluster's.
    pub fn place(&self, key: &TargetKey, target: &KubernetesTarget) {
        if let Some(objects) = self.0.objects.get() {
            objects.place(key.clone(), target);
        }
    }

    /// The same of all targets of policies that are in a cluster.
    pub fn place_all<'p>(&self, policies: impl Iterator<Item = &'p Policy>) {
        for policy in policies {
            if let Target::Kubernetes(target) = &policy.target {
                self.place(&policy.key(), target);
            }
        }
    }

    /// Annotations of pod templates that make no version.
    #[must_use]
    pub fn ignored(&self) -> Vec<String> {
        self.0.settings.ignore_annotations.clone()
    }

    /// What this process is to do with the lease of the settings; none where there is none.
    ///
    /// # Errors
    /// Those of [`Clusters::get`].
    pub async fn contender(&self, clock: Arc<dyn Clock>) -> Result<Option<Contender>, PlatformError> {
        let Some(LeaseSettings { namespace, name }) = &self.0.settings.lease else {
            return Ok(None);
        };
        let cluster = Arc::new(Cluster::connect(&self.address()).await?);
        let place = (namespace.as_deref(), name.as_str());
        Ok(Some(Contender::new(cluster, place, own_name(), clock, uptime)))
    }

    /// Who acts now, and when they last said so; none where nobody holds the lease of the settings, or they have none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn led(&self) -> Result<Option<(String, Moment)>, PlatformError> {
        let Some(LeaseSettings { namespace, name }) = &self.0.settings.lease else {
            return Ok(None);
        };
        let home = self.home();
        let namespace = namespace.as_deref().or(home.as_deref());
        self.get().await?.leader(namespace, name).await
    }

    /// The same as a sentence for people; none where the settings have no lease.
    pub async fn leader(&self) -> Option<String> {
        let LeaseSettings { name, .. } = self.0.settings.lease.as_ref()?;
        Some(match self.led().await {
            Ok(Some((leader, renewed))) => format!("{leader} leads; it renewed the lease {name} at {renewed}"),
            Ok(None) => format!("no controller holds the lease {name}: nothing is guarded now"),
            Err(error) => format!("whether a controller leads cannot be told: {error}"),
        })
    }

    fn address(&self) -> Address {
        Address {
            kubeconfig: self.0.settings.kubeconfig.clone(),
            context: self.0.settings.context.clone(),
        }
    }
}

/// This machine's or pod's name, and a part that no other process has: a controller that is started again must not take the place of the
/// one that it was before.
fn own_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}_{}", host.trim(), uuid::Uuid::now_v7())
}
