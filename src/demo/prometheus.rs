//! A real Prometheus on a free port of 127.0.0.1, with its data in a directory of its own.

use std::{
    ffi::OsString,
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use rustix::process::Signal;
use tokio::time::{sleep, timeout};

use super::{Child, ChildError, held};

/// A Prometheus that is not ready within this time will not be.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Another program may take a free port before Prometheus does; then the next one is tried.
const PORTS_TRIED: usize = 5;

/// What to start.
#[derive(Debug, Clone, PartialEq)]
pub struct PrometheusOptions {
    /// The Prometheus server.
    pub program: PathBuf,
    /// The `lastgood` binary, through which it is started.
    pub lastgood: PathBuf,
    /// A directory of its own, for its configuration, data and output.
    pub directory: PathBuf,
    /// Between two scrapes.
    pub scrape_interval: Duration,
    /// What it scrapes.
    pub targets: Vec<ScrapeTarget>,
    /// Further arguments: `--web.config.file=…`.
    pub arguments: Vec<OsString>,
}

/// One thing to scrape, at `/metrics`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScrapeTarget {
    /// The label `job`.
    pub job: String,
    /// Where it answers.
    pub address: SocketAddr,
}

/// A Prometheus that runs, or was stopped and may run again. Dropping it ends it; the directory stays.
#[derive(Debug)]
pub struct Prometheus {
    options: PrometheusOptions,
    address: SocketAddr,
    child: Option<Child>,
}

/// Why Prometheus does not run.
#[derive(Debug, thiserror::Error)]
pub enum PrometheusError {
    /// There is none.
    #[error("no Prometheus found{0}: install it, or name it with --prometheus PATH or LASTGOOD_DEMO_PROMETHEUS")]
    Missing(String),
    /// A file or socket cannot be used.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What was met.
        source: io::Error,
    },
    /// It cannot be started.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// It ended at once.
    #[error("Prometheus ended before it was ready:\n{output}")]
    Ended {
        /// The end of its output.
        output: String,
    },
    /// It does not get ready.
    #[error("Prometheus was not ready within {} s:\n{output}", READY_WITHIN.as_secs())]
    NotReady {
        /// The end of its output.
        output: String,
    },
    /// No HTTP client can be made.
    #[error("cannot ask Prometheus: {0}")]
    Client(#[from] reqwest::Error),
}

fn met(what: &str) -> impl FnOnce(io::Error) -> PrometheusError {
    let what = what.to_owned();
    move |source| PrometheusError::Io { what, source }
}

impl Prometheus {
    /// The server to run: `named` where it is given, else the one on the PATH.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(named: Option<&Path>) -> Result<PathBuf, PrometheusError> {
        if let Some(path) = named {
            return if path.is_file() {
                Ok(path.to_owned())
            } else {
                Err(PrometheusError::Missing(format!(" at {}", path.display())))
            };
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path)
            .map(|directory| directory.join("prometheus"))
            .find(|program| program.is_file())
            .ok_or_else(|| PrometheusError::Missing(" on the PATH".to_owned()))
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Errors
    /// When it cannot be started or does not get ready; its own words are in the error.
    pub async fn start(options: PrometheusOptions) -> Result<Self, PrometheusError> {
        std::fs::create_dir_all(&options.directory).map_err(met("cannot make Prometheus's directory"))?;
        let mut prometheus = Self {
            options,
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            child: None,
        };
        prometheus.write_configuration()?;
        for _ in 1..PORTS_TRIED {
            prometheus.address = free_address()?;
            match prometheus.restart().await {
                Err(PrometheusError::Ended { output }) if output.contains("address already in use") => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok(prometheus),
            }
        }
        prometheus.address = free_address()?;
        prometheus.restart().await?;
        Ok(prometheus)
    }

    /// Where it answers; the same after a restart.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until it has just scraped its targets a few times, as a Prometheus that was there before has.
    ///
    /// # Errors
    /// When it has not within a minute.
    pub async fn scraped(&self) -> Result<(), PrometheusError> {
        let recent = self.options.scrape_interval.as_millis() * 4;
        let url = format!("{}/api/v1/query?query=min(count_over_time(up[{recent}ms]))>2", self.url());
        let client = asking()?;
        let scrapes = async {
            while !text(&client, &url).await.contains("\"value\"") {
                sleep(Duration::from_millis(100)).await;
            }
        };
        timeout(READY_WITHIN, scrapes).await.map_err(|_| PrometheusError::NotReady {
            output: self.last_words(),
        })
    }

    /// Kills it, as a machine's death would. Killing it twice is the same as once.
    pub fn kill(&mut self) {
        self.child = None;
    }

    /// Asks it to end, as a person would, and waits until it has.
    pub async fn stop(&mut self) {
        if let Some(child) = self.child.take() {
            child.stop(Duration::from_secs(10)).await;
        }
    }

    /// Stops all its threads: connections are accepted by the kernel and never answered. [`Prometheus::thaw`] lets it go on.
    pub fn freeze(&mut self) {
        if let Some(child) = &mut self.child {
            child.signal(Signal::STOP);
        }
    }

    /// Lets it go on after [`Prometheus::freeze`].
    pub fn thaw(&mut self) {
        if let Some(child) = &mut self.child {
            child.signal(Signal::CONT);
        }
    }

    /// Scrapes `targets` from now on.
    ///
    /// # Errors
    /// When its configuration cannot be written.
    pub fn scrape(&mut self, targets: Vec<ScrapeTarget>) -> Result<(), PrometheusError> {
        self.options.targets = targets;
        self.write_configuration()?;
        if let Some(child) = &mut self.child {
            child.signal(Signal::HUP);
        }
        Ok(())
    }

    /// Starts it again, on the same port and the same data, after ending the one that runs, and waits until it is ready.
    ///
    /// # Errors
    /// As for [`Prometheus::start`].
    pub async fn restart(&mut self) -> Result<(), PrometheusError> {
        self.stop().await;
        let directory = &self.options.directory;
        let output = std::fs::File::create(directory.join("output")).map_err(met("cannot keep Prometheus's output"))?;
        let mut command = held(&self.options.lastgood, &self.options.program, self.arguments());
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone().map_err(met("cannot keep Prometheus's output"))?)
            .stderr(output);
        self.child = Some(Child::start("Prometheus", command)?);
        self.ready().await
    }

    fn arguments(&self) -> Vec<OsString> {
        let option = |name: &str, value: &Path| {
            let mut option = OsString::from(name);
            option.push(value);
            option
        };
        let directory = &self.options.directory;
        let mut arguments = vec![
            option("--config.file=", &directory.join("prometheus.yml")),
            option("--storage.tsdb.path=", &directory.join("data")),
            format!("--web.listen-address={}", self.address).into(),
            "--log.level=warn".into(),
        ];
        arguments.extend(self.options.arguments.iter().cloned());
        arguments
    }

    /// JSON is YAML.
    fn write_configuration(&self) -> Result<(), PrometheusError> {
        let interval = format!("{}ms", self.options.scrape_interval.as_millis());
        let scrapes: Vec<_> = self
            .options
            .targets
            .iter()
            .map(|target| {
                serde_json::json!({
                    "job_name": target.job,
                    "static_configs": [{"targets": [target.address.to_string()]}],
                })
            })
            .collect();
        let configuration = serde_json::json!({
            "global": {"scrape_interval": interval, "scrape_timeout": interval},
            "scrape_configs": scrapes,
        });
        std::fs::write(self.options.directory.join("prometheus.yml"), configuration.to_string())
            .map_err(met("cannot write Prometheus's configuration"))
    }

    async fn ready(&mut self) -> Result<(), PrometheusError> {
        let client = asking()?;
        let url = format!("{}/-/ready", self.url());
        let answers = async {
            loop {
                if self.child.as_mut().is_none_or(|child| child.ended().is_some()) {
                    return false;
                }
                // One that wants a password is up too.
                if let Ok(response) = client.get(&url).send().await
                    && matches!(response.status().as_u16(), 200 | 401)
                {
                    return true;
                }
                sleep(Duration::from_millis(25)).await;
            }
        };
        let ready = timeout(READY_WITHIN, answers).await;
        match ready {
            Ok(true) => Ok(()),
            Ok(false) => Err(PrometheusError::Ended {
                output: self.last_words(),
            }),
            Err(_) => Err(PrometheusError::NotReady {
                output: self.last_words(),
            }),
        }
    }

    /// The last lines of its output.
    fn last_words(&self) -> String {
        let output = std::fs::read_to_string(self.options.directory.join("output")).unwrap_or_default();
        let lines: Vec<&str> = output.lines().collect();
        lines[lines.len().saturating_sub(5)..].join("\n")
    }
}

fn asking() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build()
}

/// What is answered; nothing where nobody answers.
async fn text(client: &reqwest::Client, url: &str) -> String {
    match client.get(url).send().await {
        Ok(response) => response.text().await.unwrap_or_default(),
        Err(_) => String::new(),
    }
}

/// An address that was free a moment ago.
fn free_address() -> Result<SocketAddr, PrometheusError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map_err(met("no free port on 127.0.0.1"))
}
