//! One workload in a namespace of its own, its clients, and a lastgood that guards it.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use lastgood::{
    demo::Child,
    history::Sqlite,
    ports::{Desk as _, History as _},
    record::{Phase, Record, RolloutKind},
    web::client::Client,
    words::{Standing, TargetKey},
};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{
    account::granted,
    clients::{Clients, RATE},
    plane::{Plane, shared, until},
    proxy::Proxy,
};

/// So many scenes at once are borne by two cores.
static STAGES: Semaphore = Semaphore::const_new(6);

/// How people apply.
pub const CLIENT_SIDE: &[&str] = &["apply", "--filename", "-"];
/// How others do.
pub const SERVER_SIDE: &[&str] = &["apply", "--server-side", "--filename", "-"];

/// One workload, its clients and its guard.
pub struct Scene {
    pub plane: Arc<Plane>,
    pub namespace: &'static str,
    pub kind: &'static str,
    pub clients: Clients,
    /// Before the API server, where the scene has one.
    pub proxy: Option<Proxy>,
    pub directory: tempfile::TempDir,
    pub lastgood: Mutex<Option<Child>>,
    _stage: SemaphorePermit<'static>,
}

/// How a scene differs from the others.
#[derive(Clone)]
pub struct Staging {
    /// lastgood speaks with the API server through a proxy.
    pub proxied: bool,
    /// What the policy says under `watch`.
    pub watch: &'static str,
    /// The metric that it judges by, as a policy has it.
    pub metric: &'static str,
    /// Requests a second to all pods together.
    pub rate: u32,
    /// More of lastgood's settings.
    pub settings: String,
    /// More of the policy's `spec`.
    pub policy: String,
    /// The share of them that v1 fails.
    pub errors: f64,
}

impl Default for Staging {
    fn default() -> Self {
        Self {
            proxied: false,
            watch: "for: 90s, proveAfter: 45s",
            metric: ERRORS,
            rate: RATE,
            settings: String::new(),
            policy: String::new(),
            errors: 0.005,
        }
    }
}

/// The share of errors.
const ERRORS: &str = "{name: errors, ratio: {bad: 'http_requests_total{code=~\"5..\"}', total: http_requests_total}}";
/// The same where only ten times as much is harm: what is ten times worse is found out soon, and what is not, too.
pub const TENFOLD: &str = "{name: errors, ratio: {bad: 'http_requests_total{code=~\"5..\"}', total: http_requests_total}, \
                           tolerate: {times: 2, floor: 2%}, harmful: {times: 10}}";
/// How long requests take.
pub const LATENCY: &str = "{name: latency, histogram: http_request_duration_seconds, warmup: 5s}";

/// How a version of the service behaves: its share of errors, its median latency in seconds.
pub fn behaves(errors: f64, median: f64) -> Value {
    json!({"errors": errors, "median": median, "spread": 0.3})
}

/// The workload `shop` of this kind with four pods, each of which must be ready for a while before the next is updated.
pub fn workload(kind: &str, namespace: &str) -> Value {
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "shop"},
        "spec": {
            "selector": {"matchLabels": {"app": "shop"}},
            "template": {
                "metadata": {
                    "labels": {"app": "shop"},
                    "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "8080", "prometheus.io/path": "/metrics"},
                },
                "spec": {
                    "terminationGracePeriodSeconds": 1,
                    "containers": [{
                        "name": "shop",
                        "image": format!("{namespace}/shop:v1"),
                        "ports": [{"containerPort": 8080, "name": "http"}],
                        "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 1},
                    }],
                },
            },
            "minReadySeconds": 15,
        },
    });
    if kind != "DaemonSet" {
        object["spec"]["replicas"] = 4.into();
    }
    if kind == "StatefulSet" {
        object["spec"]["serviceName"] = "shop".into();
    }
    object
}

impl Scene {
    /// v1 of a workload of this kind runs, is scraped, asked and guarded, and is known as what to go back to. None: no cluster was built.
    pub async fn set(kind: &'static str, namespace: &'static str) -> Option<Self> {
        Self::staged(kind, namespace, Staging::default()).await
    }

    /// The same with a v1 of one's own, applied in one's own way.
    pub async fn with(kind: &'static str, namespace: &'static str, v1: &Value, apply: &[&str]) -> Option<Self> {
        Self::made(kind, namespace, (v1, apply), Staging::default()).await
    }

    /// The same, with a difference.
    pub async fn staged(kind: &'static str, namespace: &'static str, staging: Staging) -> Option<Self> {
        Self::made(kind, namespace, (&workload(kind, namespace), CLIENT_SIDE), staging).await
    }

    /// The same with both.
    pub async fn made(
        kind: &'static str,
        namespace: &'static str,
        (v1, apply): (&Value, &[&str]),
        staging: Staging,
    ) -> Option<Self> {
        let plane = shared().await?;
        let stage = STAGES.acquire().await.expect("a stage");
        let image = &v1["spec"]["template"]["spec"]["containers"][0]["image"];
        plane.image(image.as_str().expect("an image"), &behaves(staging.errors, 0.010));
        plane.apply(namespace, &[]).await;
        let applied = plane.try_kubectl("admin", namespace, apply, &v1.to_string()).await;
        applied.unwrap_or_else(|error| panic!("{v1}: {error}"));
        plane
            .kubectl(namespace, &["rollout", "status", &named(kind), "--timeout=280s"])
            .await;
        let clients = Clients::at(staging.rate, &plane, namespace, "shop").await;
        let directory = tempfile::tempdir().expect("a directory");
        let own = granted(&plane, namespace, directory.path()).await;
        let proxy = if staging.proxied {
            Some(Proxy::before(&plane, &own).await)
        } else {
            None
        };
        let kubeconfig = proxy.as_ref().map_or(own, Proxy::kubeconfig);
        write_settings(&plane, &directory, &kubeconfig, &staging.settings);
        write_policy(&directory, kind, namespace, &staging);
        let lastgood = Mutex::new(Some(run(&directory, FIRST)));
        let scene = Self {
            plane,
            namespace,
            kind,
            clients,
            proxy,
            directory,
            lastgood,
            _stage: stage,
        };
        scene
            .record("v1", "v1 is judged", |record| {
                record.kind == RolloutKind::FirstSight && record.plan.is_some()
            })
            .await;
        Some(scene)
    }

    /// Ships `version` as a person does.
    pub async fn ships(&self, version: &str, behavior: &Value) {
        self.ships_image(&format!("{}/shop:{version}", self.namespace), behavior)
            .await;
    }

    /// The same with an image from elsewhere.
    pub async fn ships_image(&self, image: &str, behavior: &Value) {
        self.plane.image(image, behavior);
        self.sets_image(image).await;
    }

    /// Names another image in the template.
    pub async fn sets_image(&self, image: &str) {
        let set = format!("shop={image}");
        self.plane
            .kubectl(self.namespace, &["set", "image", &named(self.kind), &set])
            .await;
    }

    /// Patches the workload as `kubectl patch` does by default.
    pub async fn patches(&self, patch: &Value) {
        self.plane
            .kubectl(self.namespace, &["patch", &named(self.kind), "--patch", &patch.to_string()])
            .await;
    }

    /// The newest records, newest first.
    pub async fn records(&self) -> Vec<Record> {
        let desk = self.desk().expect("a desk");
        desk.records(&key(), 20).await.expect("records")
    }

    /// The workload as the API server has it.
    pub async fn object(&self) -> Value {
        let get = ["get", &named(self.kind), "--output", "json", "--show-managed-fields"];
        let said = self.plane.kubectl(self.namespace, &get).await;
        serde_json::from_str(&said).expect("JSON")
    }

    /// The image in the workload's template.
    pub async fn image(&self) -> String {
        let object = self.object().await;
        let image = &object["spec"]["template"]["spec"]["containers"][0]["image"];
        image
            .as_str()
            .expect("an image")
            .rsplit(':')
            .next()
            .expect("a tag")
            .to_owned()
    }

    fn desk(&self) -> Option<Client> {
        Client::connect(&self.directory.path().join("lastgood.sock")).ok().flatten()
    }

    /// The newest record of a rollout to `version`, once it is as wanted.
    pub async fn record(&self, version: &str, what: &str, wanted: impl Fn(&Record) -> bool) -> Record {
        let mut found = None;
        let mut newest = Vec::new();
        let waits = until(what, async || {
            let Some(desk) = self.desk() else { return false };
            newest = desk.records(&key(), 20).await.unwrap_or_default();
            found = newest
                .iter()
                .find(|record| record.to.name.as_str() == version && wanted(record))
                .cloned();
            found.is_some()
        });
        if tokio::time::timeout(Duration::from_secs(200), waits).await.is_err() {
            panic!("waited in vain: {what}: {newest:#?}\nlog:\n{}", self.log());
        }
        found.expect("found")
    }

    /// Waits until people are told so.
    pub async fn says(&self, what: &str) {
        let waits = until(what, async || self.log().contains(what));
        if tokio::time::timeout(Duration::from_secs(280), waits).await.is_err() {
            panic!("waited in vain for `{what}`:\n{}", self.log());
        }
    }

    /// A record of `version` that is closed.
    pub async fn closed(&self, version: &str) -> Record {
        self.record(version, "it is over", |record| record.phase == Phase::Closed)
            .await
    }

    /// The standing of a version, as it is stored.
    pub async fn standing(&self, version: &str) -> Option<Standing> {
        let store = Sqlite::open_read_only(&self.directory.path().join("history.db")).expect("a store");
        let (history, _) = store.load(&key()).await.expect("a history")?;
        let known = history.versions.iter().find(|known| known.version.name.as_str() == version);
        known.map(|known| known.standing)
    }

    /// What a command says.
    pub fn command(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lastgood"));
        let output = command
            .args(arguments)
            .arg("--config")
            .arg(self.settings())
            .output()
            .expect("lastgood");
        format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    }

    /// What a command says, and its exit code. Others go on meanwhile.
    pub async fn types(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_lastgood"));
        command
            .args(arguments)
            .arg("--config")
            .arg(self.settings())
            .kill_on_drop(true);
        let output = command.output().await.expect("lastgood");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    }

    fn settings(&self) -> PathBuf {
        self.directory.path().join("lastgood.toml")
    }

    /// lastgood's log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("lastgood.out")).unwrap_or_default()
    }
}

/// What kubectl calls the workload `shop` of this kind.
pub fn named(kind: &str) -> String {
    format!("{}/shop", kind.to_lowercase())
}

fn key() -> TargetKey {
    "prod/shop".parse().expect("a key")
}

fn write_settings(plane: &Plane, directory: &tempfile::TempDir, kubeconfig: &Path, more: &str) {
    let root = directory.path();
    let settings = format!(
        "policies = [\"{root}/policies\"]\n\
         [prometheus]\nurl = \"{prometheus}\"\n\
         [store]\nurl = \"sqlite:{root}/history.db\"\n\
         [server]\nlisten = \"127.0.0.1:0\"\nsocket = \"{root}/lastgood.sock\"\n\
         [kubernetes]\nkubeconfig = \"{kubeconfig}\"\n\
         [channels.ops]\nlog = {{}}\n{more}",
        root = root.display(),
        prometheus = plane.prometheus(),
        kubeconfig = kubeconfig.display(),
    );
    std::fs::write(root.join("lastgood.toml"), settings).expect("settings");
}

fn write_policy(directory: &tempfile::TempDir, kind: &str, namespace: &str, staging: &Staging) {
    let Staging {
        watch,
        metric,
        policy: more,
        ..
    } = staging;
    let key = match kind {
        "StatefulSet" => "statefulSet",
        "DaemonSet" => "daemonSet",
        _ => "deployment",
    };
    let policy = format!(
        "apiVersion: lastgood.dev/v1\nkind: Policy\nmetadata: {{name: shop}}\nspec:\n  \
           target: {{kubernetes: {{namespace: {namespace}, {key}: shop}}}}\n  \
           watch: {{{watch}}}\n  \
           metrics: [{metric}]\n  \
           revert: {{verifyFor: 20s}}\n  \
           limits: {{revertsPerHour: 100}}\n  \
           notify: {{default: [ops]}}\n{more}"
    );
    std::fs::create_dir(directory.path().join("policies")).expect("a directory");
    std::fs::write(directory.path().join("policies/shop.yaml"), policy).expect("a policy");
}

/// The lastgood that a scene begins with, and the one that takes over from it.
pub const FIRST: &str = "LASTGOOD_TEST_FIRST";
pub const NEXT: &str = "LASTGOOD_TEST_NEXT";

/// A lastgood with what is in the directory: the one that was built, or another one that the variable names (`make upgrade`).
pub fn run(directory: &tempfile::TempDir, variable: &str) -> Child {
    let output = std::fs::File::create(directory.path().join("lastgood.out")).expect("a log");
    let program = std::env::var_os(variable).unwrap_or_else(|| env!("CARGO_BIN_EXE_lastgood").into());
    let mut command = Command::new(program);
    command
        .args(["run", "--log-format", "text", "--config"])
        .arg(directory.path().join("lastgood.toml"));
    command.stderr(output);
    Child::start("lastgood", command).expect("lastgood")
}
