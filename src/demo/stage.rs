//! Everything real, wired in one temporary directory: service, clients, Prometheus, the receiver of alerts, and the controller.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use tokio::time::{sleep, timeout};

use super::{
    Behavior, Child, ChildError, Load, LoadOptions, Prometheus, PrometheusError, PrometheusOptions, Releases, ScrapeTarget,
    Service, ServiceError, files, held,
    hook::{Hook, Received},
    story::Pace,
};
use crate::{explain::TargetStatus, ports::Desk as _, record::Record, web::client::Client, words::RolloutId};

/// The controller must answer within this time.
const ANSWERS_WITHIN: Duration = Duration::from_secs(30);

/// Why the demo cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The service does not run.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// Prometheus does not run.
    #[error(transparent)]
    Prometheus(#[from] PrometheusError),
    /// The controller cannot be started.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// The clients cannot be started.
    #[error("cannot make an HTTP client: {0}")]
    Clients(#[from] reqwest::Error),
    /// A file, a socket or the terminal cannot be used.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// What was met.
        source: io::Error,
    },
    /// The controller does not answer, or has ended.
    #[error("the controller {found}; the end of its log:\n{log}")]
    Controller {
        /// What was found.
        found: String,
        /// The last lines of its log.
        log: String,
    },
}

pub(super) fn met(what: &'static str) -> impl FnOnce(io::Error) -> StageError {
    move |source| StageError::Io { what, source }
}

/// The stage. Its parts end in the order of its fields, the directory last.
#[derive(Debug)]
pub(super) struct Stage {
    controller: Child,
    desk: Option<Client>,
    hook: Hook,
    load: Load,
    prometheus: Prometheus,
    service: Service,
    releases: Releases,
    directory: tempfile::TempDir,
}

impl Stage {
    /// Sets it up with `v1` running, and the controller watching.
    pub async fn set(program: PathBuf, pace: &Pace) -> Result<Self, StageError> {
        let lastgood = std::env::current_exe().map_err(met("cannot tell where lastgood itself lies"))?;
        let directory = tempfile::Builder::new()
            .prefix("lastgood-demo-")
            .tempdir()
            .map_err(met("cannot make a temporary directory"))?;
        let releases = Releases::create(directory.path()).map_err(met("cannot make the releases"))?;
        releases
            .publish("v1", &Behavior::default())
            .and_then(|()| releases.switch("v1"))
            .map_err(met("cannot publish v1"))?;
        let service = Service::start(&lastgood, &releases).await?;
        let load = Load::start(&LoadOptions::to(service.address()))?;
        let prometheus = Prometheus::start(scraping(program, &lastgood, directory.path(), &service)).await?;
        prometheus.scraped().await?;
        let hook = Hook::listen().await.map_err(met("cannot listen for alerts"))?;
        write_files(directory.path(), &releases, &service, &prometheus, &hook, pace)?;
        let controller = Child::start("lastgood", controller(&lastgood, directory.path())?)?;
        let mut stage = Self {
            controller,
            desk: None,
            hook,
            load,
            prometheus,
            service,
            releases,
            directory,
        };
        stage.answers().await?;
        Ok(stage)
    }

    /// Where everything lies.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// What clients have met, and what serves.
    pub const fn parts(&self) -> (&Load, &Releases, &Service, &Prometheus) {
        (&self.load, &self.releases, &self.service, &self.prometheus)
    }

    /// Kills Prometheus.
    pub fn lose_prometheus(&mut self) {
        self.prometheus.kill();
    }

    /// Builds `version`, points `current` to it and activates it, as a deploy script would.
    pub async fn deploy(&self, version: &str, behavior: &Behavior) -> Result<(), StageError> {
        self.releases
            .publish(version, behavior)
            .and_then(|()| self.releases.switch(version))
            .map_err(met("cannot publish a version"))?;
        Ok(self.service.activate().await?)
    }

    /// Alerts received so far.
    pub fn alerts(&self) -> Vec<Received> {
        self.hook.received()
    }

    /// What the controller says of the service; none before it has looked.
    pub async fn status(&mut self) -> Result<Option<TargetStatus>, StageError> {
        self.alive()?;
        let asked = match &self.desk {
            Some(desk) => desk.status().await.map_err(|error| error.to_string()),
            None => Ok(Vec::new()),
        };
        asked.map(|items| items.into_iter().next()).map_err(|error| self.fell(error))
    }

    /// The record of a rollout.
    pub async fn record(&self, id: RolloutId) -> Result<Option<Record>, StageError> {
        match &self.desk {
            Some(desk) => desk.record(id).await.map_err(|error| self.fell(error.to_string())),
            None => Ok(None),
        }
    }

    async fn answers(&mut self) -> Result<(), StageError> {
        let socket = self.directory.path().join("lastgood.sock");
        let connecting = async {
            loop {
                self.alive()?;
                if let Ok(Some(client)) = Client::connect(&socket) {
                    return Ok::<_, StageError>(client);
                }
                sleep(Duration::from_millis(50)).await;
            }
        };
        match timeout(ANSWERS_WITHIN, connecting).await {
            Ok(client) => self.desk = Some(client?),
            Err(_) => return Err(self.fell(format!("did not answer within {} s", ANSWERS_WITHIN.as_secs()))),
        }
        Ok(())
    }

    fn alive(&mut self) -> Result<(), StageError> {
        match self.controller.ended() {
            Some(status) => Err(self.fell(format!("ended ({status})"))),
            None => Ok(()),
        }
    }

    fn fell(&self, found: String) -> StageError {
        StageError::Controller { found, log: self.log() }
    }

    /// The last lines of the controller's log.
    pub fn log(&self) -> String {
        let log = fs::read_to_string(self.directory.path().join("lastgood.log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n")
    }
}

fn scraping(program: PathBuf, lastgood: &Path, directory: &Path, service: &Service) -> PrometheusOptions {
    PrometheusOptions {
        program,
        lastgood: lastgood.to_owned(),
        directory: directory.join("prometheus"),
        scrape_interval: Duration::from_secs(1),
        targets: vec![ScrapeTarget {
            job: files::SERVICE.to_owned(),
            address: service.address(),
        }],
        arguments: Vec::new(),
    }
}

fn write_files(
    directory: &Path,
    releases: &Releases,
    service: &Service,
    prometheus: &Prometheus,
    hook: &Hook,
    pace: &Pace,
) -> Result<(), StageError> {
    let policy = files::policy(releases, &service.activate_command(), pace);
    let settings = files::settings(directory, &prometheus.url(), hook.address());
    fs::create_dir(directory.join("policies"))
        .and_then(|()| fs::write(directory.join("policies/myapp.yaml"), policy))
        .and_then(|()| fs::write(directory.join("lastgood.toml"), settings))
        .map_err(met("cannot write policy and settings"))
}

/// `lastgood run`, with nothing from this process's environment that would change its settings.
fn controller(lastgood: &Path, directory: &Path) -> Result<Command, StageError> {
    let log = fs::File::create(directory.join("lastgood.log")).map_err(met("cannot write the controller's log"))?;
    let mut command = held(lastgood, lastgood, ["run", "--config"]);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LASTGOOD_") {
            command.env_remove(name);
        }
    }
    command
        .arg(directory.join("lastgood.toml"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    Ok(command)
}
