//! A workload of hundreds of pods, which are not even processes: KWOK says of each that it runs.

use std::{fs, process::Command, sync::Arc, time::Duration};

use lastgood::{
    app::clock::SystemClock,
    demo::Child,
    kubernetes::{Address, Cluster, MOST_BYTES, Objects},
    ports::{Clock as _, History as _},
    record::{Hold, Record},
    words::Moment,
};
use serde_json::{Value, json};

use crate::{
    herd::run,
    rig::{Plane, shared, skipped, until},
};

const PODS: u32 = 300;
/// The asked share is a fifth; the strategy makes 30 at a time.
const HELD: u32 = 60;
const STRIDE: u32 = 30;
const HOME: &str = "crowd";
/// What no kubelet takes, KWOK does.
const NODES: usize = 5;

/// KWOK on nodes of its own, that take no pod but those of the crowd.
async fn kwok(plane: &Plane) -> Child {
    let node = |number: usize| {
        json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": format!("kwok-{number}"), "labels": {"type": "kwok"}, "annotations": {"kwok.x-k8s.io/node": "fake"}},
            "spec": {"taints": [{"key": "kwok.x-k8s.io/node", "value": "fake", "effect": "NoSchedule"}]},
            "status": {
                "allocatable": {"cpu": "1000", "memory": "1000Gi", "pods": "500"},
                "capacity": {"cpu": "1000", "memory": "1000Gi", "pods": "500"},
            },
        })
    };
    let list = json!({"apiVersion": "v1", "kind": "List", "items": (0..NODES).map(node).collect::<Vec<_>>()});
    plane.apply(HOME, &[list]).await;
    let mut command = Command::new(plane.program("kwok"));
    command
        .arg("--kubeconfig")
        .arg(plane.file("credentials/admin.kubeconfig"))
        .arg("--config")
        .arg(plane.program("kwok-stages.yaml"))
        .args([
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
            "--server-address=",
            // Else its nodes are given up after forty seconds.
            "--node-lease-duration-seconds=40",
        ])
        .stderr(fs::File::create(plane.file("logs/kwok.log")).expect("a log"));
    Child::start("kwok", command).expect("kwok")
}

fn crowd() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop"},
        "spec": {
            "replicas": PODS,
            "selector": {"matchLabels": {"app": "shop"}},
            "strategy": {"rollingUpdate": {"maxSurge": STRIDE, "maxUnavailable": 0}},
            "minReadySeconds": 1,
            "template": {
                "metadata": {"labels": {"app": "shop"}},
                "spec": {
                    "containers": [{"name": "shop", "image": "shop:v1"}],
                    "nodeSelector": {"type": "kwok"},
                    "tolerations": [{"key": "kwok.x-k8s.io/node", "operator": "Exists"}],
                },
            },
        },
    })
}

/// A lastgood that guards it, and what it keeps.
struct Guarded {
    plane: Arc<Plane>,
    directory: tempfile::TempDir,
    lastgood: Child,
    histories: Objects,
}

impl Guarded {
    async fn start(plane: Arc<Plane>) -> Self {
        let definition = Command::new(env!("CARGO_BIN_EXE_lastgood")).arg("crd").output().expect("crd");
        let definition = String::from_utf8_lossy(&definition.stdout).into_owned();
        let applied = plane.try_kubectl("admin", "default", &["apply", "--filename", "-"], &definition);
        applied.await.expect("the definition of histories");
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path().display();
        fs::create_dir(directory.path().join("policies")).expect("a directory");
        let policy = format!(
            "apiVersion: lastgood.dev/v1\nkind: Policy\nmetadata: {{name: shop}}\nspec:\n  \
               target: {{kubernetes: {{namespace: {HOME}, deployment: shop}}}}\n  \
               watch: {{for: 30m, hold: 20%, holdMax: 10s}}\n  \
               metrics: [{{name: errors, ratio: {{bad: 'http_requests_total{{code=~\"5..\"}}', total: http_requests_total}}}}]\n"
        );
        fs::write(directory.path().join("policies/shop.yaml"), policy).expect("a policy");
        let kubeconfig = plane.file("credentials/admin.kubeconfig");
        let settings = format!(
            "policies = [\"{root}/policies\"]\n[prometheus]\nurl = \"{}\"\n[store]\nurl = \"kubernetes:\"\n\
             [server]\nlisten = \"127.0.0.1:0\"\nsocket = \"{root}/lastgood.sock\"\n[kubernetes]\nkubeconfig = \"{}\"\n",
            plane.prometheus(),
            kubeconfig.display(),
        );
        fs::write(directory.path().join("lastgood.toml"), settings).expect("settings");
        let address = Address {
            kubeconfig: Some(kubeconfig),
            context: None,
        };
        let cluster = Cluster::connect(&address).await.expect("a connection");
        Self {
            plane,
            lastgood: run(&directory),
            directory,
            histories: Objects::of_person(Arc::new(cluster), vec![HOME.to_owned()]),
        }
    }

    /// The open rollout to `version`, once it is as wanted.
    async fn open(&self, version: &str, what: &str, wanted: impl Fn(&Record) -> bool) -> Record {
        let mut found = None;
        until(what, async || {
            let histories = self.histories.all().await.unwrap_or_default();
            let open = histories.into_iter().find_map(|(history, _)| history.open);
            found = open.filter(|record| record.to.name.as_str() == version && wanted(record));
            found.is_some()
        })
        .await;
        found.expect("a record")
    }

    async fn object(&self) -> Value {
        let said = self
            .plane
            .kubectl(HOME, &["get", "deployment", "shop", "--output=json"])
            .await;
        serde_json::from_str(&said).expect("JSON")
    }

    /// Its history object as the API server has it.
    async fn history(&self) -> Value {
        let said = self.plane.kubectl(HOME, &["get", "histories", "--output=json"]).await;
        let list: Value = serde_json::from_str(&said).expect("JSON");
        list["items"][0].clone()
    }

    async fn rolled_out(&self) {
        let wait = ["rollout", "status", "deployment/shop", "--timeout=280s"];
        self.plane.kubectl(HOME, &wait).await;
    }

    /// Seconds of processor time that it has used, and the most memory that it had, in MiB.
    fn used(&self) -> (f64, f64) {
        let id = self.lastgood.id();
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).expect("it runs");
        let after = stat.rsplit(')').next().expect("its fields");
        let ticks: Vec<f64> = after
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse().ok())
            .collect();
        let status = fs::read_to_string(format!("/proc/{id}/status")).expect("it runs");
        let most = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        let most: f64 = most.and_then(|kib| kib.parse().ok()).expect("a size");
        (ticks.iter().sum::<f64>() / 100.0, most / 1024.0)
    }
}

fn replica_set_made(sets: &str, image: &str) -> Moment {
    let sets: Value = serde_json::from_str(sets).expect("JSON");
    let of = |set: &&Value| set["spec"]["template"]["spec"]["containers"][0]["image"] == image;
    let set = sets["items"]
        .as_array()
        .expect("a list")
        .iter()
        .find(of)
        .expect("a ReplicaSet");
    set["metadata"]["creationTimestamp"]
        .as_str()
        .expect("a time")
        .parse()
        .expect("a moment")
}

/// A release of v2 is seen and held in time.
async fn is_held_at_its_share(guarded: &Guarded) {
    let plane = &guarded.plane;
    plane
        .kubectl(HOME, &["set", "image", "deployment/shop", "shop=shop:v2"])
        .await;
    let held = |record: &Record| record.hold.as_ref().is_some_and(Hold::is_held);
    let record = guarded.open("v2", "it is held", held).await;
    let sets = plane.kubectl(HOME, &["get", "replicasets", "--output=json"]).await;
    // The creation is told in whole seconds.
    let noticed = record.seen_at.since(replica_set_made(&sets, "shop:v2"));
    assert!(noticed < Duration::from_secs(3), "{noticed:?}");
    let object = guarded.object().await;
    assert_eq!(object["spec"]["paused"], true);
    let updated = object["status"]["updatedReplicas"].as_u64().expect("a number");
    println!("held with {updated} pods of v2, seen {noticed:?} after the ReplicaSet");
    assert!(
        (u64::from(HELD)..=u64::from(HELD + 2 * STRIDE)).contains(&updated),
        "{updated}"
    );
}

/// Nothing is known of its errors: after its time it goes on, and six hundred pods have come or gone.
async fn goes_on_and_is_kept(guarded: &Guarded) {
    guarded.rolled_out().await;
    let object = guarded.object().await;
    assert_eq!(
        (&object["spec"]["paused"], &object["status"]["updatedReplicas"]),
        (&Value::Null, &json!(PODS))
    );
    let gone = |record: &Record| record.pods.iter().filter(|pod| pod.gone_at.is_some()).count();
    let all = |record: &Record| record.pods.len() >= 2 * PODS as usize && gone(record) >= PODS as usize;
    let record = guarded.open("v2", "all its pods are known", all).await;
    let stored = guarded.history().await;
    let bytes = stored.to_string().len();
    let pods = &stored["history"]["open"]["pods"];
    assert!(pods.is_string() && bytes <= MOST_BYTES, "{bytes}");
    println!(
        "{} pods in {} bytes, the object has {bytes}",
        record.pods.len(),
        pods.to_string().len()
    );
}

async fn goes_back_by_a_persons_command(guarded: &Guarded) {
    let began = SystemClock.now();
    let mut person = Command::new(env!("CARGO_BIN_EXE_lastgood"));
    person.args(["rollback", "shop", "--to", "v1", "--yes", "--config"]);
    person.arg(guarded.directory.path().join("lastgood.toml"));
    let said = person.output().expect("it can be run");
    let took = SystemClock.now().since(began);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    println!("{}took {took:?}", String::from_utf8_lossy(&said.stdout));
    guarded.rolled_out().await;
    let object = guarded.object().await;
    assert_eq!(object["spec"]["template"]["spec"]["containers"][0]["image"], "shop:v1");
    assert_eq!(object["status"]["updatedReplicas"], json!(PODS));
}

#[tokio::test]
async fn a_workload_of_300_pods_is_held_at_a_fifth_goes_on_and_goes_back_within_what_one_object_may_hold() {
    let Some(plane) = shared().await else {
        return skipped("crowd::a_workload_of_300_pods_is_held_at_a_fifth_goes_on_and_goes_back_within_what_one_object_may_hold");
    };
    plane.apply(HOME, &[]).await;
    let _kwok = kwok(&plane).await;
    plane.apply(HOME, &[crowd()]).await;
    let guarded = Guarded::start(Arc::clone(&plane)).await;
    guarded.rolled_out().await;
    guarded.open("v1", "v1 is seen", |record| record.activation.is_some()).await;
    is_held_at_its_share(&guarded).await;
    goes_on_and_is_kept(&guarded).await;
    goes_back_by_a_persons_command(&guarded).await;
    let (seconds, most) = guarded.used();
    println!("lastgood used {seconds:.1} s of processor time and {most:.0} MiB");
    assert!(most < 200.0, "{most} MiB");
}
