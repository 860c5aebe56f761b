//! A whole host in a temporary directory: releases, a service under load, a real Prometheus, a real lastgood, and someone who receives alerts.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Json, Router, extract::State, routing::post};
use lastgood::{
    app::clock::SystemClock,
    demo::{Behavior, Child, Load, LoadOptions, Prometheus, PrometheusOptions, Releases, ScrapeTarget, Service},
    explain::TargetStatus,
    ports::{Clock, Desk},
    record::Record,
    web::client::Client,
    words::{Moment, TargetKey},
};

/// The binary under test.
pub fn lastgood() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_lastgood"))
}

/// What differs between scenes.
#[derive(Clone)]
pub struct Plan {
    /// `spec.mode`.
    pub mode: &'static str,
    /// `spec.watch`.
    pub watch: &'static str,
    /// `spec.revert`.
    pub revert: &'static str,
    /// `spec.limits.revertsPerHour`.
    pub reverts_per_hour: u32,
    /// Requests a second.
    pub rate: f64,
    /// Base share of errors of a good version.
    pub errors: f64,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            mode: "enforce",
            watch: "{for: 60s, proveAfter: 10s}",
            revert: "{verifyFor: 10s}",
            reverts_per_hour: 100,
            rate: 60.0,
            errors: 0.01,
        }
    }
}

/// The whole host. Dropping it ends every process and removes every file.
pub struct Scene {
    /// Its releases.
    pub releases: Releases,
    /// The service behind `current`.
    pub service: Service,
    /// Its Prometheus.
    pub prometheus: Prometheus,
    /// Its clients.
    _load: Load,
    /// Alerts as the webhook received them.
    pub alerts: Arc<Mutex<Vec<serde_json::Value>>>,
    controller: Option<Child>,
    plan: Plan,
    directory: tempfile::TempDir,
}

impl Scene {
    /// Everything runs, with `v1` behind `current`; lastgood does not run yet.
    pub async fn set(plan: Plan) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let releases = Releases::create(directory.path()).expect("releases");
        releases.publish("v1", &good(&plan)).expect("v1");
        releases.switch("v1").expect("current");
        let service = Service::start(&lastgood(), &releases).await.expect("the service");
        let load = Load::start(&LoadOptions {
            rate: plan.rate,
            uneven: false,
            ..LoadOptions::to(service.address())
        })
        .expect("the load");
        let prometheus = Prometheus::start(PrometheusOptions {
            program: prometheus_program(),
            lastgood: lastgood(),
            directory: directory.path().join("prometheus"),
            scrape_interval: Duration::from_secs(1),
            targets: vec![ScrapeTarget {
                job: "app".to_owned(),
                address: service.address(),
            }],
            arguments: Vec::new(),
        })
        .await
        .expect("Prometheus");
        let (alerts, hook) = receive_alerts().await;
        let scene = Self {
            releases,
            service,
            prometheus,
            _load: load,
            alerts,
            controller: None,
            plan,
            directory,
        };
        scene.write_settings(&hook);
        scene.write_policy();
        scene.until_scraped().await;
        scene
    }

    /// Waits until Prometheus has two scrapes of the service.
    async fn until_scraped(&self) {
        let url = format!(
            "{}/api/v1/query?query=count_over_time(http_requests_total[1m])",
            self.prometheus.url()
        );
        for _ in 0..600 {
            let scraped = match reqwest::get(&url).await {
                Ok(answer) => answer.text().await.unwrap_or_default(),
                Err(_) => String::new(),
            };
            let counted = scraped
                .rsplit(',')
                .next()
                .and_then(|last| last.split('"').nth(1))
                .and_then(|count| count.parse::<u32>().ok());
            if counted.is_some_and(|count| count >= 2) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("Prometheus has not scraped the service within a minute");
    }

    /// Its directory.
    pub fn root(&self) -> &Path {
        self.directory.path()
    }

    /// The settings file.
    pub fn settings(&self) -> PathBuf {
        self.root().join("lastgood.toml")
    }

    fn write_settings(&self, hook: &str) {
        let root = self.root().display();
        let text = format!(
            "policies = [\"{root}/policies\"]\n[prometheus]\nurl = \"{}\"\ntimeout = \"5s\"\n[store]\nurl = \"sqlite:{root}/history.db\"\n\
             [server]\nlisten = \"127.0.0.1:0\"\nsocket = \"{root}/lastgood.sock\"\n[limits]\nreverts_per_hour = 1000\nfreeze_at = 100\n\
             [channels.hook]\nwebhook = {{ url = \"{hook}\" }}\n",
            self.prometheus.url()
        );
        std::fs::write(self.settings(), text).expect("settings");
    }

    fn write_policy(&self) {
        let (plan, root) = (&self.plan, self.root().display());
        let command = serde_json::to_string(&self.service.activate_command()).expect("a command");
        let text = format!(
            r#"apiVersion: lastgood.dev/v1
kind: Policy
metadata: {{name: app}}
spec:
  mode: {mode}
  target:
    host:
      releases: {root}/releases
      current: {root}/current
      activate: {{command: {command}, timeout: 20s}}
  watch: {watch}
  metrics:
    - name: errors
      ratio: {{bad: 'http_requests_total{{job="app",code=~"5.."}}', total: 'http_requests_total{{job="app"}}'}}
  revert: {revert}
  limits: {{revertsPerHour: {budget}}}
  notify: {{default: [hook], proven: [hook]}}
"#,
            mode = plan.mode,
            watch = plan.watch,
            revert = plan.revert,
            budget = plan.reverts_per_hour,
        );
        let policies = self.root().join("policies");
        std::fs::create_dir_all(&policies).expect("a directory");
        std::fs::write(policies.join("app.yaml"), text).expect("a policy");
    }

    /// Starts lastgood, with these variables in its environment.
    pub fn start_lastgood(&mut self, variables: &[(&str, &str)]) {
        let output = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.root().join("lastgood.out"))
            .expect("a log");
        let mut command = Command::new(lastgood());
        command.args(["run", "--log-format", "text", "--config"]).arg(self.settings());
        command.envs(variables.iter().copied()).stderr(output);
        self.controller = Some(Child::start("lastgood", command).expect("lastgood"));
    }

    /// Whether lastgood runs.
    pub fn runs(&mut self) -> bool {
        self.controller.as_mut().is_some_and(|child| child.ended().is_none())
    }

    /// Ends lastgood as a power cut would.
    pub fn kill_lastgood(&mut self) {
        if let Some(mut child) = self.controller.take() {
            child.signal(rustix::process::Signal::KILL);
        }
    }

    /// Ends lastgood as systemd would.
    pub async fn stop_lastgood(&mut self) {
        if let Some(child) = self.controller.take() {
            child.stop(Duration::from_secs(20)).await;
        }
    }

    /// What a person's deploy script does: a new release, `current` moved, the service restarted.
    pub async fn deploy(&self, version: &str, behavior: &Behavior) {
        self.releases.publish(version, behavior).expect("published");
        self.releases.switch(version).expect("switched");
        self.service.activate().await.expect("activated");
    }

    /// The running controller's desk.
    pub fn desk(&self) -> Option<Client> {
        Client::connect(&self.root().join("lastgood.sock")).ok().flatten()
    }

    /// The target's key.
    pub fn key(&self) -> TargetKey {
        "prod/app".parse().expect("a key")
    }

    /// The status, once the controller answers.
    pub async fn status(&self) -> Option<TargetStatus> {
        self.desk()?.status().await.ok()?.into_iter().next()
    }

    /// The newest records, newest first.
    pub async fn records(&self) -> Vec<Record> {
        match self.desk() {
            Some(desk) => desk.records(&self.key(), 50).await.unwrap_or_default(),
            None => Vec::new(),
        }
    }

    /// The newest record of a rollout to `version`, once it is as wanted; the test fails after `within`, with what there was and the log.
    pub async fn record(&self, version: &str, within: Duration, wanted: impl Fn(&Record) -> bool) -> Record {
        let deadline = SystemClock.now().plus(within);
        loop {
            let records = self.records().await;
            if let Some(record) = records
                .iter()
                .find(|record| record.to.name.as_str() == version && wanted(record))
            {
                return record.clone();
            }
            assert!(
                SystemClock.now() < deadline,
                "nothing as wanted within {within:?}; records: {:#?}\nlog:\n{}",
                records
                    .iter()
                    .map(|record| (
                        &record.to.name,
                        &record.phase,
                        record.verdict,
                        record.outcome,
                        &record.timeline
                    ))
                    .collect::<Vec<_>>(),
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Waits until `wanted` holds; the test fails after `within`, with the log.
    pub async fn until(&mut self, what: &str, within: Duration, mut wanted: impl FnMut(&mut Self) -> bool) {
        let deadline: Moment = SystemClock.now().plus(within);
        while !wanted(self) {
            assert!(
                SystemClock.now() < deadline,
                "not within {within:?}: {what}\nlog:\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// lastgood's log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.root().join("lastgood.out")).unwrap_or_default()
    }

    /// Waits until an alert of this kind about this version was received.
    pub async fn told(&self, kind: &str, version: &str) {
        let wanted = (kind.to_owned(), version.to_owned());
        for _ in 0..300 {
            if self.alerted().contains(&wanted) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!(
            "nobody was told `{kind}` of {version} within 30 s: {:?}\nlog:\n{}",
            self.alerted(),
            self.log()
        );
    }

    /// The kinds of the alerts that were received, in order, with the versions that they are about.
    pub fn alerted(&self) -> Vec<(String, String)> {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let alerts = self.alerts.lock().expect("alerts");
        alerts
            .iter()
            .map(|alert| (text(&alert["alert"]["kind"]), text(&alert["rollout"]["to"]["name"])))
            .collect()
    }
}

/// A good version of this plan.
pub fn good(plan: &Plan) -> Behavior {
    Behavior {
        errors: plan.errors,
        median: 0.005,
        ..Behavior::default()
    }
}

/// A version that answers this share of requests with an error.
pub fn failing(errors: f64) -> Behavior {
    Behavior {
        errors,
        median: 0.005,
        ..Behavior::default()
    }
}

fn prometheus_program() -> PathBuf {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/prometheus.sh");
    let output = Command::new(script).output().expect("the set-up script");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}

async fn receive_alerts() -> (Arc<Mutex<Vec<serde_json::Value>>>, String) {
    type Received = Arc<Mutex<Vec<serde_json::Value>>>;
    async fn take(State(received): State<Received>, Json(alert): Json<serde_json::Value>) {
        received.lock().expect("alerts").push(alert);
    }
    let received = Received::default();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = Router::new().route("/alerts", post(take)).with_state(received.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (received, format!("http://{address}/alerts"))
}
