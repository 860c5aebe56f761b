//! Each part alone: what others build their tests upon.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use lastgood::demo::{Behavior, Load, LoadOptions, Prometheus, PrometheusOptions, Releases, ScrapeTarget, Service};
use tokio::time::{sleep, timeout};

fn lastgood() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_lastgood"))
}

/// The Prometheus to test with; a test that needs one says so where there is none.
pub fn prometheus() -> Option<PathBuf> {
    let named = std::env::var_os("LASTGOOD_DEMO_PROMETHEUS").map(PathBuf::from);
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/prometheus/usr/bin/prometheus");
    named
        .or_else(|| Prometheus::find(None).ok())
        .or_else(|| unpacked.is_file().then_some(unpacked))
}

fn options(program: PathBuf, directory: &Path, service: &Service) -> PrometheusOptions {
    PrometheusOptions {
        program,
        lastgood: lastgood().to_owned(),
        directory: directory.join("prometheus"),
        scrape_interval: Duration::from_millis(200),
        targets: vec![ScrapeTarget {
            job: "myapp".to_owned(),
            address: service.address(),
        }],
        arguments: Vec::new(),
    }
}

async fn text(url: &str) -> String {
    let response = reqwest::get(url).await.expect("an answer");
    response.text().await.expect("a text")
}

async fn started(directory: &Path, versions: &[(&str, Behavior)]) -> (Releases, Service) {
    let releases = Releases::create(directory).expect("releases");
    for (version, behavior) in versions {
        releases.publish(version, behavior).expect("published");
    }
    releases.switch(versions[0].0).expect("switched");
    let service = Service::start(lastgood(), &releases).await.expect("a service");
    (releases, service)
}

/// Waits until `true` is said, at most 20 s.
async fn until(what: &str, mut happens: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !happens().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(20), wait)
        .await
        .unwrap_or_else(|_| panic!("{what} within 20 s"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_activation_brings_the_new_version_and_refuses_no_request() {
    let directory = tempfile::tempdir().expect("a directory");
    let healthy = Behavior {
        errors: 0.0,
        ..Behavior::default()
    };
    let (releases, service) = started(directory.path(), &[("v1", healthy.clone()), ("v2", healthy)]).await;
    let load = Load::start(&LoadOptions::to(service.address())).expect("a load");
    until("requests are answered", async || load.counts().answered > 50).await;
    let before = service.process();

    releases.switch("v2").expect("switched");
    let argv = service.activate_command();
    let status = tokio::process::Command::new(&argv[0]).args(&argv[1..]).status().await;

    assert!(status.expect("the command runs").success());
    assert_ne!(service.process(), before);
    assert_eq!(text(&format!("http://{}/healthz", service.address())).await, "v2\n");
    let answered = load.counts().answered;
    until("requests are answered by v2", async || load.counts().answered > answered + 50).await;
    let counts = load.counts();
    assert_eq!((counts.failed, counts.unanswered), (0, 0), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_activation_of_a_version_that_does_not_start_fails_and_says_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let broken = Behavior {
        starts: false,
        ..Behavior::default()
    };
    let (releases, service) = started(directory.path(), &[("v1", Behavior::default()), ("v2", broken)]).await;
    releases.switch("v2").expect("switched");
    let argv = service.activate_command();
    let output = tokio::process::Command::new(&argv[0]).args(&argv[1..]).output().await;
    let output = output.expect("the command runs");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("v2 ended before it answered"), "{said}");
    releases.switch("v1").expect("switched");
    service.activate().await.expect("v1 is back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_meet_the_errors_that_the_metrics_count() {
    let directory = tempfile::tempdir().expect("a directory");
    let bad = Behavior {
        errors: 0.2,
        ..Behavior::default()
    };
    let (_releases, service) = started(directory.path(), &[("v1", bad)]).await;
    let load = Load::start(&LoadOptions::to(service.address())).expect("a load");
    until("errors are met", async || load.counts().failed > 20).await;
    let counts = load.counts();
    drop(load);
    let share = counts.failed as f64 / (counts.failed + counts.answered) as f64;
    assert!((0.1..0.35).contains(&share), "{counts:?}");
    let metrics = text(&format!("http://{}/metrics", service.address())).await;
    for line in [
        "http_requests_total{code=\"200\"} ",
        "http_requests_total{code=\"500\"} ",
        "http_request_duration_seconds_bucket{le=\"+Inf\"} ",
        "process_start_time_seconds ",
    ] {
        assert!(metrics.contains(line), "{line} in\n{metrics}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prometheus_keeps_its_data_over_a_kill() {
    let Some(program) = prometheus() else {
        println!("skipped: prometheus_keeps_its_data_over_a_kill: no Prometheus; run make test");
        return;
    };
    let directory = tempfile::tempdir().expect("a directory");
    let (_releases, service) = started(directory.path(), &[("v1", Behavior::default())]).await;
    let mut prometheus = Prometheus::start(options(program, directory.path(), &service))
        .await
        .expect("Prometheus");
    let starts = format!(
        "{}/api/v1/query?query=count_over_time(process_start_time_seconds[1h])",
        prometheus.url()
    );
    until("a scrape", async || text(&starts).await.contains("myapp")).await;

    prometheus.kill();
    assert!(reqwest::get(&starts).await.is_err());
    drop(service);
    prometheus.restart().await.expect("again");

    assert!(text(&starts).await.contains("myapp"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_service_leaves_no_process_and_no_socket() {
    let directory = tempfile::tempdir().expect("a directory");
    let (_releases, service) = started(directory.path(), &[("dropped", Behavior::default())]).await;
    let (process, address) = (service.process().expect("a process"), service.address());
    drop(service);
    assert!(!Path::new(&format!("/proc/{process}")).exists());
    // Another test may have been given the port by now; whoever answers there is not this service.
    let answer = reqwest::get(format!("http://{address}/healthz")).await;
    let told = match answer {
        Ok(answer) => answer.text().await.unwrap_or_default(),
        Err(_) => String::new(),
    };
    assert_ne!(told, "dropped\n");
    assert!(!directory.path().join("supervisor.sock").exists());
}

#[test]
fn a_held_program_ends_when_its_parent_is_killed() {
    let directory = tempfile::tempdir().expect("a directory");
    let told = directory.path().join("pid");
    // The shell is the parent: it starts the held program and is then killed, too soon to clean up.
    let script = format!(
        "{lastgood} demo hold $$ -- sh -c 'echo $$ > {told}.new; mv {told}.new {told}; exec sleep 1000' & wait",
        lastgood = lastgood().display(),
        told = told.display()
    );
    let mut parent = Command::new("sh").args(["-c", &script]).spawn().expect("a shell");
    let poll = |mut done: Box<dyn FnMut() -> bool>| {
        (0..1000).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            done()
        })
    };
    let file = told.clone();
    let started = poll(Box::new(move || file.exists()));
    parent.kill().expect("killed");
    parent.wait().expect("waited");
    assert!(started, "the held program never started");
    let process = std::fs::read_to_string(told).expect("a pid");
    let status = PathBuf::from(format!("/proc/{}/stat", process.trim()));
    assert!(poll(Box::new(move || ended(&status))), "process {process} lives on");
}

/// Gone, or a zombie that nobody has waited for yet.
fn ended(stat: &Path) -> bool {
    std::fs::read_to_string(stat).map_or(true, |stat| stat.contains(") Z "))
}
