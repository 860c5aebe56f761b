//! Histories as objects of a real API server keep the same contract as SQLite.

use std::sync::Arc;

use lastgood::kubernetes::{Address, Cluster, Objects, crd};

use crate::{
    contract::{holds, survives},
    rig::{Plane, shared, skipped, until},
};

/// Defines histories, and waits until there are such objects.
pub async fn defined(plane: &Plane) {
    let applied = plane
        .try_kubectl("admin", "default", &["apply", "--filename", "-"], crd::histories())
        .await;
    applied.unwrap_or_else(|error| panic!("{error}"));
    let asks = ["get", "histories.lastgood.dev"];
    until("histories can be listed", async || {
        plane.try_kubectl("admin", "default", &asks, "").await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn objects_keep_the_contract_and_survive_a_restart_on_a_real_api_server() {
    let Some(plane) = shared().await else {
        return skipped("histories::objects_keep_the_contract_and_survive_a_restart_on_a_real_api_server");
    };
    defined(&plane).await;
    for home in ["histories", "restarts"] {
        plane.apply(home, &[]).await;
    }
    let address = Address {
        kubeconfig: Some(plane.file("credentials/admin.kubeconfig")),
        context: None,
    };
    let cluster = Arc::new(Cluster::connect(&address).await.expect("a connection"));
    holds(&Objects::new(cluster.clone(), "histories"), 10).await;
    survives(|| Box::new(Objects::new(cluster.clone(), "restarts"))).await;
}
