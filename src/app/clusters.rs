//! The cluster of the settings: connected once, when a store, a lease or a target first needs it.

use std::sync::{Arc, OnceLock};

use tokio::sync::OnceCell;

use crate::{
    kubernetes::{Address, Cluster, Objects},
    policy::KubernetesTarget,
    ports::PlatformError,
    settings::KubernetesSettings,
    words::TargetKey,
};

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

    /// Says where the workload of `key` is, so that its history lies beside it; of no matter where the store is no cluster's.
    pub fn place(&self, key: &TargetKey, target: &KubernetesTarget) {
        if let Some(objects) = self.0.objects.get() {
            objects.place(key.clone(), target);
        }
    }

    /// Annotations of pod templates that make no version.
    #[must_use]
    pub fn ignored(&self) -> Vec<String> {
        self.0.settings.ignore_annotations.clone()
    }

    fn address(&self) -> Address {
        Address {
            kubeconfig: self.0.settings.kubeconfig.clone(),
            context: self.0.settings.context.clone(),
        }
    }
}
