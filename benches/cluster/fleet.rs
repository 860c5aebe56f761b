//! Twenty services whose releases name an image that does not exist: how soon each rollout is seen, and its revert accepted; and a person's way
//! back.

use std::{path::Path, process::Command, time::Duration};

use lastgood::{
    app::clock::SystemClock,
    demo::Child,
    ports::{Clock as _, Desk as _},
    record::{Record, RolloutKind},
    web::client::Client,
    words::{Moment, TargetKey},
};
use serde_json::{Value, json};

use crate::{
    Figure, log,
    plane::{Plane, until},
    scene::{behaves, workload},
};

const SERVICES: usize = 20;
const ROUNDS: usize = 5;
const WAYS_BACK: usize = 9;
const HOME: &str = "fleet";

/// Twenty Deployments of one pod, and a lastgood that guards them.
struct Fleet<'plane> {
    plane: &'plane Plane,
    directory: tempfile::TempDir,
    _lastgood: Child,
}

fn name(number: usize) -> String {
    format!("service-{number}")
}

pub async fn measured(plane: &Plane) -> Vec<Figure> {
    let fleet = Fleet::start(plane).await;
    let (mut seen, mut accepted) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let version = format!("bad-{round}");
        for number in 0..SERVICES {
            fleet.ships(number, &format!("missing.example/shop:{version}")).await;
        }
        for number in 0..SERVICES {
            fleet.record(number, &version, |record| record.closed_at.is_some()).await;
        }
        let made = log::writes(plane, "create", "replicasets", HOME);
        for number in 0..SERVICES {
            let record = fleet.record(number, &version, |_| true).await;
            let made = made
                .iter()
                .find(|event| is_of(event, number, &version))
                .expect("its ReplicaSet");
            seen.push(after(log::done_at(made), record.seen_at));
            let reverted = log::reverted_at(plane, HOME, &record.id.to_string()).expect("a revert");
            accepted.push(after(record.decided_at.expect("a verdict"), reverted));
        }
    }
    let figure = |what: &str, took, goal| Figure {
        what: what.to_owned(),
        took,
        goal: Some(goal),
    };
    let back = fleet.goes_back().await;
    vec![
        figure("new ReplicaSet to the rollout seen, 20 services", seen, 1.0),
        figure("verdict to the patch accepted, 20 services", accepted, 1.0),
        figure("`lastgood rollback`, from its start to the patch accepted", back, 1.0),
    ]
}

fn after(from: Moment, to: Moment) -> Duration {
    to.since(from)
}

fn is_of(event: &Value, number: usize, version: &str) -> bool {
    let object = &event["requestObject"];
    let image = object["spec"]["template"]["spec"]["containers"][0]["image"].as_str();
    object["metadata"]["ownerReferences"][0]["name"] == name(number).as_str()
        && image.is_some_and(|image| image.ends_with(&format!(":{version}")))
}

impl<'plane> Fleet<'plane> {
    async fn start(plane: &'plane Plane) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(directory.path().join("policies")).expect("a directory");
        plane.image(&format!("{HOME}/shop:v1"), &behaves(0.0, 0.010));
        let mut objects = Vec::new();
        for number in 0..SERVICES {
            let mut object = workload("Deployment", HOME);
            object["metadata"]["name"] = name(number).into();
            object["spec"]["replicas"] = 1.into();
            object["spec"]["minReadySeconds"] = 0.into();
            object["spec"]["selector"]["matchLabels"]["app"] = name(number).into();
            object["spec"]["template"]["metadata"]["labels"]["app"] = name(number).into();
            objects.push(object);
            write_policy(directory.path(), &name(number));
        }
        plane
            .apply(HOME, &[json!({"apiVersion": "v1", "kind": "List", "items": objects})])
            .await;
        plane
            .kubectl(
                HOME,
                &["wait", "deployment", "--all", "--for=condition=Available", "--timeout=280s"],
            )
            .await;
        let lastgood = run(plane, directory.path());
        let fleet = Self {
            plane,
            directory,
            _lastgood: lastgood,
        };
        for number in 0..SERVICES {
            fleet
                .record(number, "v1", |record| {
                    record.kind == RolloutKind::FirstSight && record.activation.is_some()
                })
                .await;
        }
        fleet
    }

    async fn ships(&self, number: usize, image: &str) {
        let (object, set) = (format!("deployment/{}", name(number)), format!("shop={image}"));
        self.plane.kubectl(HOME, &["set", "image", &object, &set]).await;
    }

    /// The newest record of a version, once it is as wanted.
    async fn record(&self, number: usize, version: &str, wanted: impl Fn(&Record) -> bool) -> Record {
        let key: TargetKey = format!("prod/{}", name(number)).parse().expect("a key");
        let mut found = None;
        until("its record is as wanted", async || {
            let Ok(Some(desk)) = Client::connect(&self.directory.path().join("lastgood.sock")) else {
                return false;
            };
            let records = desk.records(&key, 50).await.unwrap_or_default();
            found = records
                .into_iter()
                .find(|record| record.to.name.as_str() == version && wanted(record));
            found.is_some()
        })
        .await;
        found.expect("found")
    }

    /// A person goes to and fro between two good versions.
    async fn goes_back(&self) -> Vec<Duration> {
        self.plane.image(&format!("{HOME}/shop:v2"), &behaves(0.0, 0.010));
        self.ships(0, &format!("{HOME}/shop:v2")).await;
        self.record(0, "v2", |record| record.activation.is_some()).await;
        let mut took = Vec::new();
        for turn in 0..WAYS_BACK {
            let to = ["v1", "v2"][turn % 2];
            let service = name(0);
            let began = SystemClock.now();
            let output = Command::new(env!("CARGO_BIN_EXE_lastgood"))
                .args(["rollback", "--service", &service, "--to", to, "--yes", "-q", "--config"])
                .arg(self.directory.path().join("lastgood.toml"))
                .output()
                .expect("lastgood");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let patches = log::writes(self.plane, "patch", "deployments", HOME);
            let ours = |event: &&Value| event["requestObject"].to_string().contains("revert-id");
            let accepted = patches.iter().rev().find(ours).map(log::done_at).expect("a patch");
            took.push(after(began, accepted));
            self.record(0, to, |record| {
                record.kind == RolloutKind::Return && record.closed_at.is_some()
            })
            .await;
        }
        took
    }
}

fn write_policy(directory: &Path, service: &str) {
    let policy = format!(
        "apiVersion: lastgood.dev/v1\nkind: Policy\nmetadata: {{name: {service}}}\nspec:\n  \
           target: {{kubernetes: {{namespace: {HOME}, deployment: {service}}}}}\n  \
           watch: {{for: 60s, proveAfter: 30s}}\n  \
           metrics: [{{name: errors, ratio: {{bad: 'http_requests_total{{code=~\"5..\"}}', total: http_requests_total}}}}]\n  \
           revert: {{verifyFor: 5s}}\n  \
           limits: {{revertsPerHour: 1000}}\n"
    );
    std::fs::write(directory.join(format!("policies/{service}.yaml")), policy).expect("a policy");
}

fn run(plane: &Plane, root: &Path) -> Child {
    let settings = format!(
        "policies = [\"{root}/policies\"]\n[limits]\nreverts_per_hour = 1000\nfreeze_at = 1000\n[prometheus]\nurl = \"{prometheus}\"\n\
         [store]\nurl = \"sqlite:{root}/history.db\"\n[server]\nlisten = \"127.0.0.1:0\"\nsocket = \"{root}/lastgood.sock\"\n\
         [kubernetes]\nkubeconfig = \"{kubeconfig}\"\n",
        root = root.display(),
        prometheus = plane.prometheus(),
        kubeconfig = plane.file("credentials/admin.kubeconfig").display(),
    );
    std::fs::write(root.join("lastgood.toml"), settings).expect("settings");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lastgood"));
    command
        .args(["run", "--log-format", "text", "--config"])
        .arg(root.join("lastgood.toml"));
    command.stderr(std::fs::File::create(root.join("log")).expect("a log"));
    Child::start("lastgood", command).expect("lastgood")
}
