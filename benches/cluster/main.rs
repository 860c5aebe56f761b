//! How fast lastgood is on Kubernetes, measured on a real cluster and written to `docs/speed-kubernetes.md`: a real API server, pods that are
//! processes under load, and the lastgood binary that this was built with.

#![expect(clippy::expect_used, clippy::panic, reason = "a measurement that cannot go on has failed")]

mod back;
mod detection;
mod failover;
mod fleet;
mod log;

#[expect(dead_code, reason = "what only the tests of rollouts need")]
#[path = "../../tests/plane/account.rs"]
mod account;
#[expect(dead_code, reason = "what only the tests of rollouts need")]
#[path = "../../tests/rollouts/clients.rs"]
mod clients;
#[expect(dead_code, reason = "what only the tests of the plane need")]
#[path = "../../tests/plane/controllers.rs"]
mod controllers;
#[expect(dead_code, reason = "what only the tests of the commands need")]
#[path = "../../tests/cli/home.rs"]
mod home;
#[path = "../promise/machine.rs"]
mod machine;
#[expect(dead_code, reason = "what only the tests of the plane need")]
#[path = "../../tests/plane/proxy.rs"]
mod proxy;
#[expect(dead_code, reason = "what only the tests of the plane need")]
#[path = "../../tests/plane/rig.rs"]
mod rig;
#[expect(dead_code, reason = "what only the tests of rollouts need")]
#[path = "../../tests/rollouts/scene.rs"]
mod scene;

use std::{fmt::Write as _, fs, path::Path, time::Duration};

use rig as plane;

/// One row of the page.
pub struct Figure {
    /// What was measured.
    pub what: String,
    /// Each measurement.
    pub took: Vec<Duration>,
    /// In seconds, where there is one.
    pub goal: Option<f64>,
}

impl Figure {
    fn row(&self) -> String {
        let mut took: Vec<f64> = self.took.iter().map(Duration::as_secs_f64).collect();
        took.sort_by(f64::total_cmp);
        // Of few measurements the 99th percentile is the slowest one.
        let quantile = |share: f64| {
            let place = (share * took.len() as f64).ceil() as usize;
            took.get(place.clamp(1, took.len()) - 1)
                .copied()
                .expect("something was measured")
        };
        let within = |goal: f64| {
            let within = took.iter().filter(|took| **took <= goal).count();
            format!("{goal} s | {within} of {}", took.len())
        };
        let goal = self.goal.map_or_else(|| "- | -".to_owned(), within);
        format!(
            "| {} | {} | {:.2} s | {:.2} s | {:.2} s | {goal} |",
            self.what,
            took.len(),
            quantile(0.5),
            quantile(0.99),
            quantile(1.0)
        )
    }
}

fn main() {
    // Whoever builds or tests all targets measures nothing.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let load = fs::read_to_string("/proc/loadavg").expect("the load");
    let parts: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let figures = runtime.block_on(measured(|part| parts.is_empty() || parts.iter().any(|wanted| wanted == part)));
    let page = page(load.split(' ').next().expect("a load"), &figures);
    println!("{page}");
    // A part that is measured alone is for whoever works on it.
    if parts.is_empty() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/speed-kubernetes.md");
        fs::write(path, &page).expect("docs/speed-kubernetes.md can be written");
    }
}

/// The figures of the parts that are wanted: `detection`, `fleet`, `failover`, `host`.
async fn measured(wanted: impl Fn(&str) -> bool) -> Vec<Figure> {
    let plane = plane::shared()
        .await
        .expect("a cluster: build it with tests/tools/cluster-build.sh");
    // Before any service is under load: what else runs makes it slower.
    let fleet = if wanted("fleet") {
        fleet::measured(&plane).await
    } else {
        Vec::new()
    };
    let stage = if wanted("detection") {
        Some(detection::Stage::set().await)
    } else {
        None
    };
    // Little work, done while the noise of the services is learnt.
    let mut others = Vec::new();
    if wanted("failover") {
        others.push(failover::measured(&plane).await);
    }
    if wanted("host") {
        others.push(back::on_a_host());
    }
    let mut figures = Vec::new();
    if let Some(stage) = stage {
        figures.extend(stage.measured().await);
    }
    figures.extend(fleet);
    figures.extend(others);
    figures
}

fn page(load: &str, figures: &[Figure]) -> String {
    let cores = std::thread::available_parallelism().expect("cores");
    let build = if cfg!(debug_assertions) {
        "without optimization"
    } else {
        "optimized"
    };
    let mut page = format!(
        "# How fast it is on Kubernetes\n\n\
         Written by `benches/cluster` (`make bench`, or alone `make bench-cluster`) on {}: {}, {cores} cores that also run the whole cluster, its pods \
         and their clients; one-minute load {load} when it began (what else ran makes every time here longer); lastgood was built {build}.\n\n\
         | what | measured | median | 99 % | slowest | goal | within it |\n| --- | --- | --- | --- | --- | --- | --- |\n",
        machine::today(),
        machine::processor(),
    );
    for figure in figures {
        writeln!(page, "{}", figure.row()).expect("a line");
    }
    page.push_str(
        "\nTimes of the API server are those of its audit log, those of lastgood of its records; it is one clock. A pod's readiness has whole \
         seconds, cut down, in Kubernetes, so the time from it is up to a second too long.\n\n\
         **From the first bad pod**: each service is judged by its share of errors beside the old pods, with the defaults of a policy and \
         `minReadySeconds: 15`, so that two of five pods are bad meanwhile. It had served for six minutes before the first bad release: of less \
         than five nobody knows how its errors cluster, and lastgood assumes more than is true. In the time is all that Prometheus needs: to find \
         the new pod (it looks every 5 s) and to scrape it (every 5 s). How many errors convict is a matter of odds, 100 to 1 by default: of a \
         service that fails 1 in 200 requests, five times that takes twice as long to tell from bad luck as of one that fails 1 in 100.\n\n\
         **The other times in the cluster** are of twenty Deployments of two pods, without load, whose histories are kept in the cluster as \
         `deploy/kubernetes` has it (its etcd does not wait for a disk). A loop of kubectl ships each an image that does not exist, one after \
         another; the policy holds the update at one pod; the revert ends the hold. Then it ships a good release, and a person goes back, service by \
         service. The leader that is killed is one of two controllers as `deploy/kubernetes` has them.\n",
    );
    page
}
