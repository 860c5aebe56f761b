//! The account that lastgood runs as: the one of deploy/kubernetes, with the role and the admission policy that are shipped.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::plane::{Plane, until};

/// The account under which it runs.
pub const ACCOUNT: &str = "system:serviceaccount:lastgood:lastgood";

/// A kubeconfig with a token of its own of the account `lastgood` in this namespace, as a pod has.
pub async fn kubeconfig(plane: &Plane, namespace: &str, directory: &Path) -> PathBuf {
    let token = plane.kubectl(namespace, &["create", "token", "lastgood"]).await;
    let said = plane
        .kubectl(namespace, &["config", "view", "--raw", "--output", "json"])
        .await;
    let mut config: Value = serde_json::from_str(&said).expect("JSON");
    config["users"][0]["user"] = json!({"token": token.trim()});
    config["contexts"][0]["context"]["namespace"] = json!(namespace);
    let path = directory.join("kubeconfig");
    fs::write(&path, config.to_string()).expect("written");
    path
}

/// Makes the account of deploy/kubernetes on the plane that tests share, and grants it what it needs to guard services in this namespace. Its
/// kubeconfig.
pub async fn granted(plane: &Plane, namespace: &str, directory: &Path) -> PathBuf {
    static MADE: OnceCell<()> = OnceCell::const_new();
    let file = |name: &str| format!("deploy/kubernetes/{name}.yaml");
    let make = async || {
        for name in ["namespace", "account", "admission"] {
            plane.kubectl("lastgood", &["apply", "-f", &file(name)]).await;
        }
    };
    MADE.get_or_init(make).await;
    plane.kubectl(namespace, &["apply", "-k", "deploy/kubernetes/guarded"]).await;
    let may = ["auth", "can-i", "patch", "deployments.apps", "--as", ACCOUNT];
    until("the binding counts", async || {
        plane.try_kubectl("admin", namespace, &may, "").await.is_ok()
    })
    .await;
    kubeconfig(plane, "lastgood", directory).await
}

/// Every request of the account, as the API server noted it.
fn requests(plane: &Plane) -> Vec<Value> {
    let events = plane.audited(|line| line.contains(ACCOUNT));
    events.filter(|event| event["user"]["username"] == ACCOUNT).collect()
}

/// Those that were forbidden, or denied by the policy that is shipped.
pub fn forbidden(plane: &Plane) -> Vec<Value> {
    let events = requests(plane);
    assert!(events.len() > 20, "it asked for something: {}", events.len());
    for event in &events {
        let agent = event["userAgent"].as_str().unwrap_or_default();
        assert!(agent.starts_with("lastgood/"), "it says who asks: {event}");
    }
    events
        .into_iter()
        .filter(|event| {
            let status = &event["responseStatus"];
            status["code"] == 403 || status.to_string().contains("lastgood-writes-templates")
        })
        .collect()
}
