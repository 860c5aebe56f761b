//! How fast lastgood is on Kubernetes, measured on a real cluster and written to `docs/speed-kubernetes.md`: a real API server, pods that are
//! processes under load, and the lastgood binary that this was built with.

#![expect(clippy::expect_used, clippy::panic, reason = "a measurement that cannot go on has failed")]

mod back;
mod detection;
mod failover;
mod fleet;
mod log;

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
        let goal = self.goal.map_or_else(|| "-".to_owned(), |goal| format!("{goal} s"));
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

/// The figures of the parts that are wanted: `fleet`, `host`, `detection`, `failover`.
async fn measured(wanted: impl Fn(&str) -> bool) -> Vec<Figure> {
    let plane = plane::shared()
        .await
        .expect("a cluster: build it with tests/tools/cluster-build.sh");
    let mut figures = Vec::new();
    if wanted("fleet") {
        figures.extend(fleet::measured(&plane).await);
    }
    if wanted("host") {
        figures.push(back::on_a_host());
    }
    if wanted("detection") {
        figures.extend(detection::measured().await);
    }
    if wanted("failover") {
        figures.push(failover::measured(&plane).await);
    }
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
         | what | measured | median | 99 % | slowest | goal |\n| --- | --- | --- | --- | --- | --- |\n",
        machine::today(),
        machine::processor(),
    );
    for figure in figures {
        writeln!(page, "{}", figure.row()).expect("a line");
    }
    page.push_str(
        "\nTimes of the API server are those of its audit log, those of lastgood are of its records. A pod's readiness has whole seconds, cut \
         down, in Kubernetes, so the time from it is up to a second too long. Errors before the bad release: 0.5 %; judged by the share of errors, \
         beside the old pods, with `minReadySeconds: 15`.\n",
    );
    page
}
