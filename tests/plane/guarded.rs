//! One Deployment on the real API server, seen and reverted through a proxy that breaks what it is told to break.

use std::sync::Arc;

use lastgood::{
    app::clock::SystemClock,
    history::Sqlite,
    kubernetes::{Address, Cluster, Workload},
    policy::{KubernetesTarget, WorkloadKind},
    ports::{Clock as _, Platform as _},
    record::{ActResult, Intent},
    words::{RolloutId, Version},
};
use serde_json::{Value, json};

use crate::{
    proxy::Proxy,
    rig::{Plane, shared, until},
    sample,
    workloads::workload,
    written,
};

/// The Deployment `idle` in a namespace of its own: v1 was seen, then v2. Its pods do nothing but run.
pub struct Guarded {
    pub plane: Arc<Plane>,
    pub proxy: Proxy,
    pub workload: Workload,
    pub cluster: Arc<Cluster>,
    pub namespace: &'static str,
    pub v1: Version,
    pub v2: Version,
    rollout: RolloutId,
    uid: String,
    /// What is kept of the templates.
    pub contents: Arc<Sqlite>,
    _directory: tempfile::TempDir,
}

/// The Deployment with one pod of this version.
pub fn idle(version: &str) -> Value {
    let container = json!({"image": format!("idle:{version}"), "command": ["sleep", "600"]});
    let mut object = workload("Deployment", "idle", &container);
    object["spec"]["replicas"] = 1.into();
    object["spec"]["template"]["metadata"]["annotations"] = json!({"team": "shop"});
    object
}

/// The adapter for the Deployment `idle` in `namespace`, through a connection of its own.
pub fn adapter(cluster: Arc<Cluster>, namespace: &str, contents: Arc<Sqlite>) -> Workload {
    let target = KubernetesTarget {
        namespace: namespace.to_owned(),
        kind: WorkloadKind::Deployment,
        name: "idle".to_owned(),
        container: None,
    };
    Workload::new(
        sample::target(namespace),
        target,
        cluster,
        contents,
        Arc::new(SystemClock),
        Vec::new(),
    )
}

/// A connection by a kubeconfig.
pub async fn connected(kubeconfig: std::path::PathBuf) -> Arc<Cluster> {
    let address = Address {
        kubeconfig: Some(kubeconfig),
        context: None,
    };
    Arc::new(Cluster::connect(&address).await.expect("a connection"))
}

impl Guarded {
    /// None: no cluster was built.
    pub async fn rolled_out(namespace: &'static str) -> Option<Self> {
        let plane = shared().await?;
        plane.apply(namespace, &[idle("v1")]).await;
        let path = "jsonpath={.metadata.uid}";
        let uid = plane
            .kubectl(namespace, &["get", "deployment", "idle", "--output", path])
            .await;
        let proxy = Proxy::before(&plane, &plane.file("credentials/admin.kubeconfig")).await;
        let directory = tempfile::tempdir().expect("a directory");
        let contents = Arc::new(Sqlite::open(&directory.path().join("history.db")).expect("a store"));
        let cluster = connected(proxy.kubeconfig()).await;
        let workload = adapter(cluster.clone(), namespace, contents.clone());
        let number = namespace.bytes().fold(7_u128, |sum, byte| sum * 31 + u128::from(byte)) % (1 << 48);
        let mut guarded = Self {
            v1: sample::version("v1"),
            v2: sample::version("v2"),
            rollout: sample::rollout(number),
            uid,
            plane,
            proxy,
            workload,
            cluster,
            namespace,
            contents,
            _directory: directory,
        };
        guarded.v1 = guarded.sees("v1").await;
        guarded.ships("v2").await;
        guarded.v2 = guarded.sees("v2").await;
        Some(guarded)
    }

    /// A person ships a version, past the proxy.
    pub async fn ships(&self, version: &str) {
        let image = format!("idle=idle:{version}");
        self.kubectl(&["set", "image", "deployment/idle", &image]).await;
    }

    /// What a person types.
    pub async fn kubectl(&self, arguments: &[&str]) -> String {
        self.plane.kubectl(self.namespace, arguments).await
    }

    /// Waits until this version is seen to run.
    pub async fn sees(&self, version: &str) -> Version {
        let mut seen = None;
        until("the version is seen", async || {
            let observed = self.workload.observe().await.ok().and_then(|observation| observation.version);
            seen = observed.filter(|found| found.name.as_str() == version);
            seen.is_some()
        })
        .await;
        seen.expect("seen")
    }

    /// The revert of v2 to v1.
    pub fn intent(&self) -> Intent {
        Intent {
            rollout: self.rollout,
            from: self.v2.clone(),
            to: self.v1.clone(),
            at: SystemClock.now(),
            approved_by: None,
            ordered: None,
            uid: Some(self.uid.clone()),
        }
    }

    /// Reverts v2, and says what came of it.
    pub async fn reverted(&self) -> ActResult {
        let told = self.workload.revert(&self.intent()).await;
        told.unwrap_or_else(|error| panic!("{}: {error}", self.namespace))
    }

    /// The image in the template, as the API server has it.
    pub async fn image(&self) -> String {
        let path = "jsonpath={.spec.template.spec.containers[0].image}";
        self.kubectl(&["get", "deployment", "idle", "--output", path]).await
    }

    /// How often lastgood changed the template, by the audit log; it changed nothing else.
    pub fn template_changes(&self) -> usize {
        written::template_changes_in(&self.plane, self.namespace)
    }
}
