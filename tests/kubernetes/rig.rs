//! A guarded Deployment on the small API server: v1, then v2.

use std::sync::Arc;

use lastgood::{
    kubernetes::{Objects, Workload},
    policy::{KubernetesTarget, WorkloadKind},
    ports::{Clock, Platform as _},
    record::Intent,
    words::{Moment, Version},
};
use serde_json::{Value, json};

use crate::{
    api::Api,
    controllers::shop,
    sample,
    shown::{at, rollout, template, workload},
};

/// Whether this is a long trial, as in `make soak`.
pub fn soaks() -> bool {
    std::env::var_os("LASTGOOD_TEST_SOAK").is_some()
}

/// A clock that stands still.
pub struct Still;

impl Clock for Still {
    fn now(&self) -> Moment {
        at(1000)
    }
}

/// A cluster with one guarded Deployment, `shop/myapp`.
pub struct Site {
    pub api: Api,
    pub workload: Workload,
    pub v1: Version,
    pub v2: Version,
}

impl Site {
    /// v1 was seen, then v2 was rolled out and seen.
    pub async fn rolled_out() -> Self {
        let api = Api::start().await;
        api.does(|objects| objects.put(&shop("deployments"), deployment(&template("app:v1"))));
        let cluster = api.cluster().await;
        let contents = Arc::new(Objects::new(cluster.clone(), "lastgood"));
        let key = sample::target("myapp");
        let target = KubernetesTarget {
            namespace: "shop".to_owned(),
            kind: WorkloadKind::Deployment,
            name: "myapp".to_owned(),
            container: None,
        };
        let workload = Workload::new(key, target, cluster, contents, Arc::new(Still), Vec::new());
        let mut site = Self {
            api,
            workload,
            v1: sample::version("v1"),
            v2: sample::version("v2"),
        };
        site.v1 = site.runs().await.expect("v1 runs");
        site.ships("app:v2");
        site.v2 = site.runs().await.expect("v2 runs");
        site
    }

    /// What is seen to run.
    pub async fn runs(&self) -> Option<Version> {
        self.workload.observe().await.expect("observed").version
    }

    /// A person ships `image`.
    pub fn ships(&self, image: &str) {
        let new = template(image);
        self.changes(move |object| object["spec"]["template"] = new);
    }

    /// Anybody changes the Deployment.
    pub fn changes(&self, change: impl FnOnce(&mut Value)) {
        self.api.does(|objects| objects.change(&shop("deployments"), "myapp", change));
    }

    /// The Deployment as it is stored.
    pub fn stored(&self) -> Value {
        let stored = self.api.does(|objects| objects.get(&shop("deployments"), "myapp").cloned());
        stored.expect("stored")
    }

    /// The revert of v2 to v1.
    pub fn intent(&self) -> Intent {
        Intent {
            rollout: rollout(),
            from: self.v2.clone(),
            to: self.v1.clone(),
            at: at(999),
            approved_by: None,
            uid: None,
            ordered: None,
        }
    }

    /// Patches of the Deployment that were accepted and changed its template.
    pub fn template_writes(&self) -> usize {
        let writes = self.api.writes();
        let changing = writes.iter().filter(|(method, path, body)| {
            method == "PATCH" && path.contains("deployments") && body.to_string().contains("/spec/template")
        });
        changing.count()
    }
}

fn deployment(template: &Value) -> Value {
    let mut object = workload(template, 4).0;
    object["spec"]["selector"] = json!({"matchLabels": {"app": "myapp"}});
    object
}
