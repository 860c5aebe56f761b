//! A whole host in a temporary directory: releases, a service under load, a real Prometheus, a real lastgood, and someone who receives alerts.

mod files;
mod hook;

use std::{
    collections::BTreeSet,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Output},
    sync::Mutex,
    time::Duration,
};

use futures::future::BoxFuture;
use lastgood::{
    app::clock::SystemClock,
    demo::{Behavior, Child, Load, LoadOptions, Prometheus, PrometheusOptions, Releases, ScrapeTarget, Service},
    explain::TargetStatus,
    history::Sqlite,
    ports::{Clock, Desk, History},
    record::{Record, TargetHistory},
    web::client::Client,
    words::{Moment, TargetKey},
};
use rustix::process::Signal;

pub use files::{Plan, failing, good, policy, settings};
pub use hook::Hook;

/// What never takes so long; a test that waits for it in vain fails.
pub const LONG: Duration = Duration::from_secs(90);
/// Between two looks of a test.
const PAUSE: Duration = Duration::from_millis(50);

/// The binary under test.
pub fn lastgood() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_lastgood"))
}

/// The whole host. Dropping it ends every process and removes every file, and first checks that no good version was accused.
pub struct Scene {
    /// Its releases.
    pub releases: Releases,
    /// The service behind `current`.
    pub service: Service,
    /// Its Prometheus.
    pub prometheus: Prometheus,
    /// Who receives alerts.
    pub hook: Hook,
    _load: Load,
    controller: Option<Child>,
    plan: Plan,
    good: Mutex<BTreeSet<String>>,
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
        let hook = Hook::down();
        if !plan.hook_down {
            hook.open();
        }
        let scene = Self {
            releases,
            service,
            prometheus,
            hook,
            _load: load,
            controller: None,
            good: Mutex::new(BTreeSet::from(["v1".to_owned()])),
            plan,
            directory,
        };
        scene.write_settings(
            &format!("url = \"{}\"", scene.prometheus.url()),
            &format!("url = \"{}\"", scene.hook.url("alerts")),
        );
        scene.write_policy(&policy(scene.root(), &scene.plan, &scene.service.activate_command()));
        scene.prometheus.scraped().await.expect("scrapes");
        scene
    }

    /// Its directory.
    pub fn root(&self) -> &Path {
        self.directory.path()
    }

    /// What is particular to it.
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The settings file.
    pub fn settings(&self) -> PathBuf {
        self.root().join("lastgood.toml")
    }

    /// Writes the settings, with these lines in the tables of Prometheus and of the webhook.
    pub fn write_settings(&self, prometheus: &str, webhook: &str) {
        std::fs::write(self.settings(), settings(self.root(), prometheus, webhook)).expect("settings");
    }

    /// Writes the policy file.
    pub fn write_policy(&self, text: &str) {
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

    /// Signals lastgood.
    pub fn signal(&mut self, signal: Signal) {
        self.controller.as_mut().expect("a lastgood that runs").signal(signal);
    }

    /// Ends lastgood as a power cut would.
    pub fn kill_lastgood(&mut self) {
        self.signal(Signal::KILL);
        self.controller = None;
    }

    /// Ends lastgood as systemd would; how it ended, and how long that took.
    pub async fn stop_lastgood(&mut self) -> (ExitStatus, Duration) {
        let asked = SystemClock.now();
        self.signal(Signal::TERM);
        let status = self.ended("asked to end", Duration::from_secs(20)).await;
        (status, SystemClock.now().since(asked))
    }

    /// Waits until lastgood has ended, and says how.
    pub async fn ended(&mut self, why: &str, within: Duration) -> ExitStatus {
        let deadline = SystemClock.now().plus(within);
        loop {
            if let Some(status) = self.controller.as_mut().expect("a lastgood").ended() {
                return status;
            }
            assert!(
                SystemClock.now() < deadline,
                "not ended within {within:?}: {why}\nlog:\n{}",
                self.log()
            );
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Waits until lastgood killed itself, as it was told to.
    pub async fn killed(&mut self, point: &str) {
        let status = self.ended(&format!("killed at {point}"), LONG).await;
        assert_eq!(status.signal(), Some(9), "{point}: {status}\nlog:\n{}", self.log());
    }

    /// What a person's deploy script does: a new release, `current` moved, the service restarted.
    pub async fn deploy(&self, version: &str, behavior: &Behavior) {
        if behavior.errors <= self.plan.errors {
            self.good.lock().expect("versions").insert(version.to_owned());
        }
        self.releases.publish(version, behavior).expect("published");
        self.releases.switch(version).expect("switched");
        self.service.activate().await.expect("activated");
    }

    /// The version that `current` points to.
    pub fn points_to(&self) -> String {
        self.releases.points_to().expect("a link")
    }

    /// The running controller's desk.
    pub fn desk(&self) -> Option<Client> {
        Client::connect(&self.root().join("lastgood.sock")).ok().flatten()
    }

    /// Runs a command of lastgood with this scene's settings.
    pub async fn command(&self, arguments: &[&str]) -> Output {
        let mut command = tokio::process::Command::new(lastgood());
        command.args(arguments).arg("--config").arg(self.settings());
        command.output().await.expect("lastgood")
    }

    /// The target's key.
    pub fn key(&self) -> TargetKey {
        "prod/app".parse().expect("a key")
    }

    /// What is stored of the target.
    pub async fn stored(&self) -> TargetHistory {
        let store = Sqlite::open_read_only(&self.root().join("history.db")).expect("a store");
        let stored = store.load(&self.key()).await.expect("a history");
        stored.map_or_else(|| TargetHistory::new(self.key()), |(history, _)| history)
    }

    /// Waits until what is stored is as wanted, and gives it.
    pub async fn stored_as(&self, what: &str, wanted: impl Fn(&TargetHistory) -> bool) -> TargetHistory {
        let deadline = SystemClock.now().plus(LONG);
        loop {
            let stored = self.stored().await;
            if wanted(&stored) {
                return stored;
            }
            assert!(SystemClock.now() < deadline, "{what}: {stored:#?}\nlog:\n{}", self.log());
            tokio::time::sleep(PAUSE).await;
        }
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
            let found = records
                .iter()
                .find(|record| record.to.name.as_str() == version && wanted(record));
            if let Some(record) = found {
                return record.clone();
            }
            if SystemClock.now() >= deadline {
                let found: Vec<_> = records
                    .iter()
                    .map(|record| {
                        (
                            &record.to.name,
                            &record.phase,
                            record.verdict,
                            record.outcome,
                            &record.timeline,
                        )
                    })
                    .collect();
                panic!(
                    "{version} is not as wanted within {within:?}; records: {found:#?}\nlog:\n{}",
                    self.log()
                );
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Waits until `wanted` gives something; the test fails after `within`, with the log.
    pub async fn until<T>(&mut self, what: &str, within: Duration, mut wanted: impl FnMut(&mut Self) -> Option<T>) -> T {
        let deadline: Moment = SystemClock.now().plus(within);
        loop {
            if let Some(found) = wanted(self) {
                return found;
            }
            assert!(
                SystemClock.now() < deadline,
                "not within {within:?}: {what}\ntold: {:?}\nlog:\n{}",
                self.alerted(),
                self.log()
            );
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// lastgood's log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.root().join("lastgood.out")).unwrap_or_default()
    }

    /// Waits until an alert of this kind about this version was received.
    pub async fn told(&mut self, kind: &str, version: &str) {
        let wanted = (kind.to_owned(), version.to_owned());
        self.until(&format!("told `{kind}` of {version}"), LONG, |scene| {
            scene.alerted().contains(&wanted).then_some(())
        })
        .await;
    }

    /// The kinds of the alerts that were received, in order, with the versions that they are about; every attempt.
    pub fn alerted(&self) -> Vec<(String, String)> {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let alerts = self.hook.received();
        alerts
            .iter()
            .map(|alert| (text(&alert["alert"]["kind"]), text(&alert["rollout"]["to"]["name"])))
            .collect()
    }

    /// The ids under which an alert of this kind about this version was received, with how often.
    pub fn ids(&self, kind: &str, version: &str) -> Vec<String> {
        let alerts = self.hook.received();
        let about = |alert: &&serde_json::Value| alert["alert"]["kind"] == kind && alert["rollout"]["to"]["name"] == version;
        let ids = alerts.iter().filter(about).map(|alert| &alert["id"]);
        ids.map(|id| id.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Our own links that lie beside `current`.
    pub fn leftovers(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.root()).expect("a directory");
        let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with(".current")).collect()
    }

    /// Waits until no link of ours lies beside `current`: a lastgood that runs rehearses a switch now and then.
    pub async fn nothing_is_left(&mut self) {
        self.until("nothing of ours lies beside `current`", LONG, |scene| {
            scene.leftovers().is_empty().then_some(())
        })
        .await;
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let good = self.good.lock().expect("versions").clone();
        let accused = ["reverted", "proposed", "refused", "regression"];
        let wrong: Vec<_> = self
            .alerted()
            .into_iter()
            .filter(|(kind, version)| accused.contains(&kind.as_str()) && good.contains(version))
            .collect();
        assert!(
            wrong.is_empty(),
            "good versions were accused: {wrong:?}\nlog:\n{}",
            self.log()
        );
    }
}

/// Tells stories side by side, as most of each is waiting; the test fails with all that fail, by their names.
pub async fn together<const N: usize>(stories: [(&'static str, BoxFuture<'static, ()>); N]) {
    let told = stories.map(|(name, story)| (name, tokio::spawn(story)));
    let mut failed = Vec::new();
    for (name, story) in told {
        if story.await.is_err() {
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "failed: {failed:?}; see above");
}

/// The Prometheus server that the set-up script names.
pub fn prometheus_program() -> PathBuf {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/prometheus.sh");
    let output = Command::new(script).output().expect("the set-up script");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}
