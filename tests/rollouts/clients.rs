//! Clients of a workload: they ask its ready pods in turn, as a Service would have them, and count what they meet.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client, Config, ResourceExt as _,
    config::{KubeConfigOptions, Kubeconfig},
    runtime::{
        WatchStreamExt as _,
        watcher::{self, Event, watcher},
    },
};
use lastgood::app::clock::monotonic;
use tokio::task::JoinHandle;

use crate::plane::Plane;

/// Requests a second where nothing else is said.
pub const RATE: u32 = 50;
/// An answer that takes longer is slow.
pub const SLOW: Duration = Duration::from_millis(250);

/// What the clients have met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Met {
    /// Answers without an error.
    pub answered: u64,
    /// Answers of 500 and above, and requests without an answer.
    pub failed: u64,
    /// Of those that were answered without an error, the ones that took longer than [`SLOW`].
    pub slow: u64,
}

impl Met {
    /// What came since.
    pub fn since(self, before: Self) -> Self {
        Self {
            answered: self.answered - before.answered,
            failed: self.failed - before.failed,
            slow: self.slow - before.slow,
        }
    }

    /// All requests.
    pub fn all(self) -> u64 {
        self.answered + self.failed
    }
}

#[derive(Default)]
struct Counters {
    answered: AtomicU64,
    failed: AtomicU64,
    slow: AtomicU64,
}

/// Clients at work. Dropping it sends them home.
pub struct Clients {
    counters: Arc<Counters>,
    tasks: Vec<JoinHandle<()>>,
}

impl Clients {
    /// [`RATE`] requests a second to the ready pods of the app.
    pub async fn of(plane: &Plane, namespace: &str, app: &str) -> Self {
        Self::at(RATE, plane, namespace, app).await
    }

    /// So many requests a second to all ready pods of the app together.
    pub async fn at(rate: u32, plane: &Plane, namespace: &str, app: &str) -> Self {
        let pods: Api<Pod> = Api::namespaced(admin(plane).await, namespace);
        let chosen = watcher::Config::default().labels(&format!("app={app}"));
        let ready: Arc<Mutex<Vec<String>>> = Arc::default();
        let counters = Arc::new(Counters::default());
        let looks = tokio::spawn(follow(pods, chosen, Arc::clone(&ready)));
        let asks = tokio::spawn({
            let counters = Arc::clone(&counters);
            async move { ask(&ready, &counters, Duration::from_secs(1) / rate).await }
        });
        Self {
            counters,
            tasks: vec![looks, asks],
        }
    }

    /// What they have met so far.
    pub fn met(&self) -> Met {
        Met {
            answered: self.counters.answered.load(Ordering::Relaxed),
            failed: self.counters.failed.load(Ordering::Relaxed),
            slow: self.counters.slow.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// The API server, as admin.
pub async fn admin(plane: &Plane) -> Client {
    let kubeconfig = Kubeconfig::read_from(plane.file("credentials/admin.kubeconfig")).expect("a kubeconfig");
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.expect("a config");
    Client::try_from(config).expect("a client")
}

/// Where a pod serves, if it is ready and not about to end.
fn address(pod: &Pod) -> Option<String> {
    let status = pod.status.as_ref()?;
    let ready = |condition: &k8s_openapi::api::core::v1::PodCondition| condition.type_ == "Ready" && condition.status == "True";
    let serves = status.conditions.iter().flatten().any(ready) && pod.metadata.deletion_timestamp.is_none();
    serves.then(|| status.pod_ip.clone()).flatten()
}

/// Keeps the addresses of the pods that serve.
async fn follow(pods: Api<Pod>, chosen: watcher::Config, ready: Arc<Mutex<Vec<String>>>) {
    let mut events = pin!(watcher(pods, chosen).default_backoff());
    let mut serving = BTreeMap::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Apply(pod) | Event::InitApply(pod)) => {
                serving.insert(pod.name_any(), address(&pod));
            }
            Ok(Event::Delete(pod)) => {
                serving.remove(&pod.name_any());
            }
            Ok(Event::Init) => serving.clear(),
            Ok(Event::InitDone) | Err(_) => {}
        }
        *ready.lock().expect("addresses") = serving.values().flatten().cloned().collect();
    }
}

async fn ask(ready: &Mutex<Vec<String>>, counters: &Arc<Counters>, pause: Duration) {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(5))
        .build()
        .expect("a client");
    let mut ticker = tokio::time::interval(pause);
    for turn in 0_usize.. {
        ticker.tick().await;
        let address = {
            let ready = ready.lock().expect("addresses");
            if ready.is_empty() {
                continue;
            }
            ready[turn % ready.len()].clone()
        };
        let (client, counters) = (client.clone(), Arc::clone(counters));
        tokio::spawn(async move {
            let began = monotonic();
            let answer = client.get(format!("http://{address}:8080/")).send().await;
            let failed = answer.map_or(true, |answer| answer.status().is_server_error());
            let counter = if failed { &counters.failed } else { &counters.answered };
            counter.fetch_add(1, Ordering::Relaxed);
            if !failed && began.elapsed() > SLOW {
                counters.slow.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
}
