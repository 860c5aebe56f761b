//! What a bad release costs with and without lastgood: the same release is shipped at the same moment to a workload that it guards and to one
//! beside it that nobody guards, each under the same load, and clients count what they meet.

use std::{
    fmt::Write as _,
    fs,
    sync::Mutex,
    time::{Duration, Instant},
};

use lastgood::app::clock::monotonic;
use serde_json::Value;
use tokio::time::sleep;

use crate::{
    clients::{Clients, Met, SLOW},
    plane::{Plane, until},
    scene::{Scene, behaves, named, workload},
};

/// Rows of the table that are measured so far.
static ROWS: Mutex<Vec<Row>> = Mutex::new(Vec::new());
/// So many make a table.
const ALL: usize = 7;
/// So long is counted from the release on, longer where lastgood needs longer.
const WINDOW: Duration = Duration::from_secs(120);
const PAGE: &str = "docs/kubernetes-costs.md";

struct Row {
    release: &'static str,
    took: Duration,
    with: Met,
    without: Met,
    /// Ready pods of the one that nobody guards, afterwards, and before.
    left: usize,
    of: usize,
}

/// What a release costs where nobody guards.
pub enum Saved {
    /// Requests that fail.
    Failed,
    /// Slow ones.
    Slow,
    /// Pods that are ready: the guarded one has all of its own again.
    Pods,
}

/// The workload that nobody guards.
pub struct Unguarded {
    namespace: String,
    /// kubectl's name of it.
    object: String,
    /// How many it has.
    pods: usize,
    clients: Clients,
    began: Option<(Instant, Met, Met)>,
}

impl Unguarded {
    /// Runs the same v1 as the scene, and is asked as much.
    pub async fn beside(scene: &Scene) -> Self {
        let namespace = format!("{}-unguarded", scene.namespace);
        scene.plane.image(&format!("{namespace}/shop:v1"), &behaves(0.005, 0.010));
        let mut object = workload(scene.kind, &namespace);
        // As it was made ready for the story.
        object["spec"]["progressDeadlineSeconds"] = scene.object().await["spec"]["progressDeadlineSeconds"].clone();
        scene.plane.apply(&namespace, &[object]).await;
        let object = named(scene.kind);
        let status = ["rollout", "status", &object, "--timeout=280s"];
        scene.plane.kubectl(&namespace, &status).await;
        Self {
            pods: ready(&scene.plane, &namespace).await,
            object,
            clients: Clients::of(&scene.plane, &namespace, "shop").await,
            namespace,
            began: None,
        }
    }

    /// From now on both are counted. A release that is shipped to both by `patch` comes directly after.
    pub async fn ships(&mut self, scene: &Scene, version: &str, behavior: &Value, patch: impl Fn(&str) -> Value) {
        for namespace in [scene.namespace, &self.namespace] {
            scene.plane.image(&format!("{namespace}/shop:{version}"), behavior);
        }
        self.began = Some((monotonic(), scene.clients.met(), self.clients.met()));
        for namespace in [scene.namespace, &self.namespace] {
            let image = format!("{namespace}/shop:{version}");
            let patch = patch(&image).to_string();
            scene
                .plane
                .kubectl(namespace, &["patch", &self.object, "--patch", &patch])
                .await;
        }
    }

    /// Notes what it cost in the first [`WINDOW`], when lastgood is done with it.
    pub async fn note(self, release: &'static str, saved: Saved, scene: &Scene) {
        let (began, with, without) = self.began.expect("it was shipped");
        let took = began.elapsed();
        sleep(WINDOW.saturating_sub(took)).await;
        let (with, without) = (scene.clients.met().since(with), self.clients.met().since(without));
        let left = ready(&scene.plane, &self.namespace).await;
        until("the guarded one is whole again", async || {
            ready(&scene.plane, scene.namespace).await == self.pods
        })
        .await;
        let less = match saved {
            Saved::Failed => with.failed < without.failed,
            Saved::Slow => with.slow < without.slow,
            Saved::Pods => left < self.pods,
        };
        assert!(
            less,
            "{release} cost no less: {with:?}, {without:?} without, where {left} pods are left"
        );
        println!("{release}: after {took:?} {with:?} with, {without:?} without, where {left} pods are left");
        ROWS.lock().expect("rows").push(Row {
            release,
            took,
            with,
            without,
            left,
            of: self.pods,
        });
    }
}

/// Pods that are ready.
async fn ready(plane: &Plane, namespace: &str) -> usize {
    let pods = plane.pods(namespace, "shop").await;
    let is = |pod: &&Value| {
        let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
        pod["metadata"]["deletionTimestamp"].is_null()
            && conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
    };
    pods.iter().filter(is).count()
}

/// A release that changes the image alone.
pub fn image(image: &str) -> Value {
    serde_json::json!({"spec": {"template": {"spec": {"containers": [{"name": "shop", "image": image}]}}}})
}

/// Writes the table, once all rows are there and where the generated files are to be written.
pub fn write() {
    let mut rows = ROWS.lock().expect("rows");
    if rows.len() < ALL || std::env::var_os("UPDATE_GENERATED").is_none() {
        return;
    }
    let load = fs::read_to_string("/proc/loadavg").expect("the load");
    rows.sort_by_key(|row| row.release);
    let mut page = format!(
        "# What a bad release costs on Kubernetes\n\n\
         Written by `tests/rollouts` (`UPDATE_GENERATED=1 cargo test --all-features --test rollouts`). Each release is shipped at the same moment to two \
         Deployments of four pods (a StatefulSet has four too, a DaemonSet one on each of three nodes) on a real cluster: one that lastgood guards, and one beside it that nobody guards. Clients ask each 50 times a second \
         and count what they meet in the {} seconds after the release, longer where lastgood needed longer. `minReadySeconds` is 15, scrapes come every 5 s, and the old version that was put \
         back is verified for 20 s at most; that is the end in the second column. What nobody guards goes on as in its columns until a person comes. Pods are \
         processes of this one machine, whose one-minute load was {} at the end: a pod that is ended, and a machine that is busy, fail requests in both \
         columns.\n\n\
         | release | lastgood is done after | failed with lastgood | failed without | slower than {} ms with | without | ready pods left without |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
        WINDOW.as_secs(),
        load.split(' ').next().unwrap_or_default(),
        SLOW.as_millis()
    );
    for row in rows.iter() {
        let of = |part: u64, met: Met| format!("{part} of {}", met.all());
        writeln!(
            page,
            "| {} | {} s | {} | {} | {} | {} | {} of {} |",
            row.release,
            row.took.as_secs(),
            of(row.with.failed, row.with),
            of(row.without.failed, row.without),
            of(row.with.slow, row.with),
            of(row.without.slow, row.without),
            row.left,
            row.of,
        )
        .expect("a line");
    }
    fs::write(format!("{}/{PAGE}", env!("CARGO_MANIFEST_DIR")), page).expect("written");
}
