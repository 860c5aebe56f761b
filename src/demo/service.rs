//! The supervisor of the service: it keeps the listening socket, and restarts the process behind it with what `current` points to.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{UnixListener, UnixStream},
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{Child, ChildError, Releases, held};

/// A new process must answer within this time.
const READY_WITHIN: Duration = Duration::from_secs(10);
/// Requests in flight may end within this time.
const DRAIN: Duration = Duration::from_secs(2);

/// The service behind `root/current`, running. Dropping it ends the process and closes the port.
#[derive(Debug)]
pub struct Service {
    supervisor: Arc<Supervisor>,
    listening: JoinHandle<()>,
}

#[derive(Debug)]
struct Supervisor {
    lastgood: PathBuf,
    releases: Releases,
    socket: TcpListener,
    address: SocketAddr,
    turn: tokio::sync::Mutex<()>,
    slot: Mutex<Slot>,
}

/// The process that serves; `Closed` once the service was dropped, so that a restart under way starts nothing more.
#[derive(Debug)]
enum Slot {
    Empty,
    Runs(Child),
    Closed,
}

/// Why the service does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A socket or file cannot be used.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What was met.
        source: io::Error,
    },
    /// Its process cannot be started.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// Its process ended before it answered.
    #[error("{version} ended before it answered a request ({status}); see service.out in the demo's directory")]
    Ended {
        /// The version.
        version: String,
        /// How it ended.
        status: String,
    },
    /// Its process does not answer.
    #[error("{version} did not answer /healthz within {} s", READY_WITHIN.as_secs())]
    Silent {
        /// The version.
        version: String,
    },
    /// The service was closed meanwhile.
    #[error("the service is being closed")]
    Closed,
    /// The supervisor says that the activation failed.
    #[error("{0}")]
    NotActivated(String),
}

fn met(what: impl Into<String>) -> impl FnOnce(io::Error) -> ServiceError {
    let what = what.into();
    move |source| ServiceError::Io { what, source }
}

/// The supervisor's socket below `root`.
fn doorbell(root: &Path) -> PathBuf {
    root.join("supervisor.sock")
}

impl Service {
    /// Starts what `current` points to on a free port of 127.0.0.1, and listens for [`activate`]. `lastgood` is the binary itself.
    ///
    /// # Errors
    /// When it cannot be started, or does not answer.
    pub async fn start(lastgood: &Path, releases: &Releases) -> Result<Self, ServiceError> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(met("cannot listen on 127.0.0.1"))?;
        let address = socket.local_addr().map_err(met("cannot tell the port"))?;
        let path = doorbell(releases.root());
        let bell = UnixListener::bind(&path).map_err(met(format!("cannot listen on {}", path.display())))?;
        let supervisor = Arc::new(Supervisor {
            lastgood: lastgood.to_owned(),
            releases: releases.clone(),
            socket,
            address,
            turn: tokio::sync::Mutex::new(()),
            slot: Mutex::new(Slot::Empty),
        });
        let service = Self {
            listening: tokio::spawn(answer(bell, Arc::clone(&supervisor))),
            supervisor,
        };
        service.activate().await?;
        Ok(service)
    }

    /// Where it answers.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.supervisor.address
    }

    /// The process that serves now; none while there is none.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        match &*self.supervisor.slot() {
            Slot::Runs(child) => Some(child.id()),
            Slot::Empty | Slot::Closed => None,
        }
    }

    /// Restarts it with what `current` points to; returns once the new process answers.
    ///
    /// # Errors
    /// When the new process does not start or does not answer.
    pub async fn activate(&self) -> Result<(), ServiceError> {
        self.supervisor.restart().await
    }

    /// The argv that activates from outside, for a policy's `activate.command`.
    #[must_use]
    pub fn activate_command(&self) -> Vec<String> {
        [
            self.supervisor.lastgood.display().to_string(),
            "demo".to_owned(),
            "activate".to_owned(),
            "--root".to_owned(),
            self.supervisor.releases.root().display().to_string(),
        ]
        .to_vec()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.listening.abort();
        let runs = std::mem::replace(&mut *self.supervisor.slot(), Slot::Closed);
        drop(runs);
        // A socket file that is gone already is as good.
        let _ = std::fs::remove_file(doorbell(self.supervisor.releases.root()));
    }
}

impl Supervisor {
    fn slot(&self) -> std::sync::MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn restart(&self) -> Result<(), ServiceError> {
        let _turn = self.turn.lock().await;
        let before = {
            let mut slot = self.slot();
            match std::mem::replace(&mut *slot, Slot::Empty) {
                Slot::Runs(child) => Some(child),
                Slot::Empty => None,
                Slot::Closed => {
                    *slot = Slot::Closed;
                    return Err(ServiceError::Closed);
                }
            }
        };
        if let Some(child) = before {
            child.stop(DRAIN).await;
        }
        let version = self.releases.points_to().map_err(met("cannot read `current`"))?;
        self.launch()?;
        self.ready(&version).await
    }

    fn launch(&self) -> Result<(), ServiceError> {
        let mut slot = self.slot();
        if matches!(*slot, Slot::Closed) {
            return Err(ServiceError::Closed);
        }
        let root = self.releases.root();
        let output = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(root.join("service.out"))
            .map_err(met("cannot write service.out"))?;
        let socket: OwnedFd = self.socket.try_clone().map_err(met("cannot pass the socket on"))?.into();
        let mut command = held(&self.lastgood, &self.lastgood, ["demo", "serve", "--root"]);
        command.arg(root).stdin(socket).stdout(Stdio::null()).stderr(output);
        *slot = Slot::Runs(Child::start("service", command)?);
        Ok(())
    }

    /// Waits until the process answers as `version`.
    async fn ready(&self, version: &str) -> Result<(), ServiceError> {
        let answers = async {
            loop {
                if let Slot::Runs(child) = &mut *self.slot()
                    && let Some(status) = child.ended()
                {
                    return Err(ServiceError::Ended {
                        version: version.to_owned(),
                        status: status.to_string(),
                    });
                }
                match timeout(Duration::from_millis(500), asked(self.address)).await {
                    Ok(Ok(())) => return Ok(()),
                    Ok(Err(_)) | Err(_) => sleep(Duration::from_millis(10)).await,
                }
            }
        };
        timeout(READY_WITHIN, answers).await.unwrap_or_else(|_| {
            Err(ServiceError::Silent {
                version: version.to_owned(),
            })
        })
    }
}

/// One request to /healthz; an error where it is not answered with 200.
async fn asked(address: SocketAddr) -> io::Result<()> {
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    if answer.starts_with("HTTP/1.1 200") {
        Ok(())
    } else {
        Err(io::Error::other("not answered with 200"))
    }
}

/// Answers each ring of the bell with an activation: `ok`, or what was met.
async fn answer(bell: UnixListener, supervisor: Arc<Supervisor>) {
    while let Ok((mut stream, _)) = bell.accept().await {
        let said = match supervisor.restart().await {
            Ok(()) => "ok".to_owned(),
            Err(error) => error.to_string(),
        };
        // Whoever rang may have gone away.
        let _ = stream.write_all(said.as_bytes()).await;
    }
}

/// Tells the supervisor of the service below `root` to activate what `current` points to, and waits until it serves.
///
/// # Errors
/// When nobody supervises it, or the activation failed.
pub async fn activate(root: &Path) -> Result<(), ServiceError> {
    let path = doorbell(root);
    let mut stream = UnixStream::connect(&path).await.map_err(met(format!(
        "no demo runs in {}: cannot reach its supervisor",
        root.display()
    )))?;
    let mut said = String::new();
    stream
        .read_to_string(&mut said)
        .await
        .map_err(met("the supervisor went away"))?;
    match said.as_str() {
        "ok" => Ok(()),
        "" => Err(ServiceError::Closed),
        _ => Err(ServiceError::NotActivated(said)),
    }
}
