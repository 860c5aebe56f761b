//! Twenty services whose bad releases name an image that does not exist: how soon each rollout is seen, and its revert accepted; good ones, how
//! soon they are held; and a person's way back from those.

use std::{
    path::Path,
    process::{Command, Output},
    sync::Arc,
    time::Duration,
};

use lastgood::{
    app::clock::SystemClock,
    demo::Child,
    kubernetes::{Address, Cluster, Objects},
    ports::{Clock as _, History as _},
    record::{Hold, Record},
    words::{Moment, Outcome},
};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    Figure,
    log::{Log, done_at},
    plane::{Plane, until},
    scene::{behaves, workload},
};

const SERVICES: usize = 20;
/// Bad releases of each, and good ones.
const CONVICTED: usize = 5;
const HELD: usize = 3;
const HOME: &str = "fleet";
/// A shop without customers.
const PODS: u32 = 2;

/// Twenty Deployments of two pods, and a lastgood that guards them and keeps their histories in the cluster.
struct Fleet<'plane> {
    plane: &'plane Plane,
    histories: Objects,
    directory: tempfile::TempDir,
    _lastgood: Child,
}

pub async fn measured(plane: &Plane) -> Vec<Figure> {
    let fleet = Fleet::start(plane).await;
    let mut convicted = Vec::new();
    for round in 0..CONVICTED {
        let version = format!("bad-{round}");
        fleet.ship(&format!("missing.example/shop:{version}")).await;
        let reverted = |record: &Record| record.outcome == Some(Outcome::Reverted);
        convicted.extend(fleet.all(&version, SERVICES, reverted).await);
    }
    let (mut held, mut began) = (Vec::new(), Vec::new());
    for round in 0..HELD {
        let version = format!("good-{round}");
        plane.image(&format!("{HOME}/shop:{version}"), &behaves(0.0, 0.010));
        fleet.ship(&format!("{HOME}/shop:{version}")).await;
        held.extend(fleet.all(&version, SERVICES, stands_still).await);
        began.extend((0..SERVICES).map(|number| (number, fleet.goes_back(number))));
    }
    let alone = fleet.one_after_another().await;
    let log = Log::of(plane, HOME);
    let made = |record: &Record| {
        let made = log.writes("create", "replicasets").find(|event| is_of(event, record));
        done_at(made.expect("its ReplicaSet"))
    };
    let of = |records: &[Record], took: &dyn Fn(&Record) -> Duration| records.iter().map(took).collect::<Vec<_>>();
    let seen = |record: &Record| record.seen_at.since(made(record));
    let paused = |record: &Record| log.held_at(record.id).expect("a hold").since(made(record));
    let accepted = |record: &Record| {
        let reverted = log.reverted_at(record.id).expect("a revert");
        reverted.since(record.decided_at.expect("a verdict"))
    };
    // Its pods would make what is measured next slower.
    plane.kubectl(HOME, &["delete", "deployments", "--all"]).await;
    let back = began.into_iter().map(|(number, began)| back(&log, number, began)).collect();
    let figure = |what: &str, took, goal| Figure {
        what: what.to_owned(),
        took,
        goal,
    };
    vec![
        figure(
            "new ReplicaSet to the rollout seen",
            of(&[convicted.clone(), held.clone()].concat(), &seen),
            Some(1.0),
        ),
        figure("new ReplicaSet to the pause accepted", of(&held, &paused), Some(1.0)),
        figure(
            "the same, each service shipped when the one before was paused",
            of(&alone, &paused),
            Some(1.0),
        ),
        figure("verdict to the patch accepted", of(&convicted, &accepted), Some(1.0)),
        figure(
            "`lastgood rollback --yes`, from its start to the patch accepted",
            back,
            Some(1.0),
        ),
    ]
}

/// Whether its rolling update is held, and a pod of it serves.
fn stands_still(record: &Record) -> bool {
    record.activation.is_some() && record.hold.as_ref().is_some_and(Hold::is_held)
}

/// How long it took until a person's way back, which began then, was accepted.
fn back(log: &Log, number: usize, began: Moment) -> Duration {
    let service = name(number);
    let is = |event: &&Value| {
        event["objectRef"]["name"] == service.as_str()
            && event["requestObject"].to_string().contains("revert-id")
            && done_at(event) >= began
    };
    let mut patches = log.writes("patch", "deployments");
    done_at(patches.find(is).expect("a patch")).since(began)
}

fn name(number: usize) -> String {
    format!("service-{number}")
}

fn is_of(made: &Value, record: &Record) -> bool {
    let object = &made["requestObject"];
    let image = object["spec"]["template"]["spec"]["containers"][0]["image"].as_str();
    object["metadata"]["ownerReferences"][0]["name"] == record.service.as_str()
        && image.is_some_and(|image| image.ends_with(&format!(":{}", record.to.name)))
}

impl<'plane> Fleet<'plane> {
    async fn start(plane: &'plane Plane) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(directory.path().join("policies")).expect("a directory");
        let definition = said(Command::new(env!("CARGO_BIN_EXE_lastgood")).arg("crd"));
        let applied = plane.try_kubectl("admin", "default", &["apply", "--filename", "-"], &definition);
        applied.await.expect("the definition of histories");
        plane.image(&format!("{HOME}/shop:v1"), &behaves(0.0, 0.010));
        let mut services = Vec::new();
        for number in 0..SERVICES {
            services.push(service(&name(number)));
            write_policy(directory.path(), &name(number));
        }
        let list = json!({"apiVersion": "v1", "kind": "List", "items": services});
        plane.apply(HOME, &[list]).await;
        let available = ["wait", "deployment", "--all", "--for=condition=Available", "--timeout=280s"];
        plane.kubectl(HOME, &available).await;
        let fleet = Self {
            plane,
            histories: Objects::of_person(connected(plane).await, vec![HOME.to_owned()]),
            _lastgood: run(plane, directory.path()),
            directory,
        };
        fleet.all("v1", SERVICES, |record| record.activation.is_some()).await;
        fleet
    }

    /// Ships an image to each service, one after another, as a person's loop would.
    async fn ship(&self, image: &str) {
        for number in 0..SERVICES {
            self.ship_one(number, image).await;
        }
    }

    async fn ship_one(&self, number: usize, image: &str) {
        let (object, set) = (format!("deployment/{}", name(number)), format!("shop={image}"));
        self.plane.kubectl(HOME, &["set", "image", &object, &set]).await;
    }

    /// Ships a good release to each service, once the one before is held.
    async fn one_after_another(&self) -> Vec<Record> {
        const VERSION: &str = "good-alone";
        let image = format!("{HOME}/shop:{VERSION}");
        self.plane.image(&image, &behaves(0.0, 0.010));
        let mut held = Vec::new();
        for number in 0..SERVICES {
            self.ship_one(number, &image).await;
            held = self.all(VERSION, number + 1, stands_still).await;
        }
        held
    }

    /// The newest record of so many services, once those are of this version and as is wanted.
    async fn all(&self, version: &str, services: usize, wanted: impl Fn(&Record) -> bool) -> Vec<Record> {
        let mut found = Vec::new();
        until("all records are as wanted", async || {
            // To read them all is work too, which would make what is measured slower.
            sleep(Duration::from_millis(500)).await;
            let histories = self.histories.all().await.unwrap_or_default();
            let newest = histories
                .into_iter()
                .filter_map(|(mut history, _)| history.open.or(history.closed.pop()));
            found = newest
                .filter(|record| record.to.name.as_str() == version && wanted(record))
                .collect();
            found.len() == services
        })
        .await;
        found
    }

    /// A person goes back; when that began.
    fn goes_back(&self, number: usize) -> Moment {
        let (began, service) = (SystemClock.now(), name(number));
        let mut person = Command::new(env!("CARGO_BIN_EXE_lastgood"));
        person.args(["rollback", &service, "--to", "v1", "--yes", "-q", "--config"]);
        said(person.arg(self.directory.path().join("lastgood.toml")));
        began
    }
}

async fn connected(plane: &Plane) -> Arc<Cluster> {
    let address = Address {
        kubeconfig: Some(plane.file("credentials/admin.kubeconfig")),
        context: None,
    };
    Arc::new(Cluster::connect(&address).await.expect("a connection"))
}

/// What a command says, which must not fail.
fn said(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().expect("it can be run");
    assert!(status.success(), "{command:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8_lossy(&stdout).into_owned()
}

fn service(name: &str) -> Value {
    let mut object = workload("Deployment", HOME);
    object["metadata"]["name"] = name.into();
    object["spec"]["replicas"] = PODS.into();
    object["spec"]["selector"]["matchLabels"]["app"] = name.into();
    object["spec"]["template"]["metadata"]["labels"]["app"] = name.into();
    object
}

fn write_policy(directory: &Path, service: &str) {
    let policy = format!(
        "apiVersion: lastgood.dev/v1\nkind: Policy\nmetadata: {{name: {service}}}\nspec:\n  \
           target: {{kubernetes: {{namespace: {HOME}, deployment: {service}}}}}\n  \
           watch: {{for: 10m, hold: 50%}}\n  \
           metrics: [{{name: errors, ratio: {{bad: 'http_requests_total{{code=~\"5..\"}}', total: http_requests_total}}}}]\n  \
           revert: {{verifyFor: 5s}}\n  \
           limits: {{revertsPerHour: 1000}}\n"
    );
    std::fs::write(directory.join(format!("policies/{service}.yaml")), policy).expect("a policy");
}

fn run(plane: &Plane, root: &Path) -> Child {
    let settings = format!(
        "policies = [\"{root}/policies\"]\n[limits]\nreverts_per_hour = 1000\nfreeze_at = 1000\n[prometheus]\nurl = \"{prometheus}\"\n\
         [store]\nurl = \"kubernetes:\"\n[server]\nlisten = \"127.0.0.1:0\"\nsocket = \"{root}/lastgood.sock\"\n\
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
    command.stderr(std::fs::File::create(plane.file("fleet.log")).expect("a log"));
    Child::start("lastgood", command).expect("lastgood")
}
