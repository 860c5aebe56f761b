//! The service itself: real requests, and its metrics as any other service has them.

use std::{
    io::{self, Write as _},
    os::fd::AsFd as _,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
    serve::Listener,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{Behavior, BehaviorError, draw::Draw};

/// The bounds that most client libraries have by default, in seconds.
const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// A connection that was accepted just before SIGTERM may send its request within this time: a shutdown drops those that have not spoken.
const SPEAK_WITHIN: Duration = Duration::from_millis(200);

/// Why the service cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The release's `service.json` cannot be used.
    #[error(transparent)]
    Behavior(#[from] BehaviorError),
    /// A file or the listening socket cannot be used.
    #[error("cannot serve: {0}")]
    Io(#[from] io::Error),
    /// The release is one that does not start.
    #[error("this version does not start")]
    Broken,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Code {
    code: u16,
}

/// The running version.
struct Running {
    behavior: Behavior,
    draw: Draw,
    version: String,
    requests: Family<Code, Counter>,
    durations: Histogram,
    registry: Registry,
}

/// Serves what `root/current` points to, on the listening socket that is its standard input, until SIGTERM. Standard input, so that the
/// socket outlives each version: a restart refuses no connection.
///
/// # Errors
/// When the release or the socket cannot be used.
pub async fn serve(root: &Path) -> Result<(), ServeError> {
    let directory = std::fs::canonicalize(root.join("current"))?;
    let running = Arc::new(Running::of(&directory)?);
    let listener = std::net::TcpListener::from(io::stdin().as_fd().try_clone_to_owned()?);
    listener.set_nonblocking(true)?;
    let mut terminate = signal(SignalKind::terminate())?;
    let closed = CancellationToken::new();
    let listener = Closing {
        listener: tokio::net::TcpListener::from_std(listener)?,
        closed: closed.clone(),
    };
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .fallback(work)
        .with_state(running);
    axum::serve(listener, router)
        .with_graceful_shutdown(async move {
            terminate.recv().await;
            closed.cancel();
            tokio::time::sleep(SPEAK_WITHIN).await;
        })
        .await?;
    Ok(())
}

/// A listener that can be closed to new connections, which then wait for the next process, while those accepted are still served.
struct Closing {
    listener: tokio::net::TcpListener,
    closed: CancellationToken,
}

impl Listener for Closing {
    type Io = tokio::net::TcpStream;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        tokio::select! {
            biased;
            () = self.closed.cancelled() => std::future::pending().await,
            accepted = Listener::accept(&mut self.listener) => accepted,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

impl Running {
    fn of(directory: &Path) -> Result<Self, ServeError> {
        let behavior = Behavior::read(directory)?;
        if !behavior.starts {
            return Err(ServeError::Broken);
        }
        if behavior.writes {
            write_into(directory)?;
        }
        let requests = Family::default();
        let durations = Histogram::new(BOUNDS);
        let started = Gauge::<f64, AtomicU64>::default();
        started.set(process_start()?);
        let mut registry = Registry::default();
        registry.register("http_requests", "Requests answered, by status code", Family::clone(&requests));
        registry.register("http_request_duration_seconds", "Time that requests took", durations.clone());
        registry.register("process_start_time_seconds", "Start of this process since the epoch", started);
        Ok(Self {
            draw: Draw::new(behavior.seed),
            version: directory.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            behavior,
            requests,
            durations,
            registry,
        })
    }
}

/// Writes a cache and a line of a log into the release, as many services do.
fn write_into(directory: &Path) -> io::Result<()> {
    let cache: PathBuf = directory.join("cache");
    std::fs::create_dir_all(&cache)?;
    std::fs::write(cache.join("warm"), std::process::id().to_string())?;
    let mut log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(directory.join("service.log"))?;
    writeln!(log, "process {} started", std::process::id())
}

/// When this process started, in seconds since the epoch, from the kernel, as the client libraries tell it: to the second.
fn process_start() -> io::Result<f64> {
    let unknown = || io::Error::other("/proc does not say when this process started");
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The second field may hold spaces and parentheses; what follows the last one may not. Field 22 is the 20th after it.
    let ticks: f64 = stat
        .rsplit_once(')')
        .and_then(|(_, rest)| rest.split_whitespace().nth(19))
        .and_then(|field| field.parse().ok())
        .ok_or_else(unknown)?;
    let boot: f64 = std::fs::read_to_string("/proc/stat")?
        .lines()
        .find_map(|line| line.strip_prefix("btime "))
        .and_then(|seconds| seconds.trim().parse().ok())
        .ok_or_else(unknown)?;
    Ok(boot + ticks / 100.0)
}

async fn work(State(running): State<Arc<Running>>) -> impl IntoResponse {
    // What is observed is the time that the work takes, without the noise of a busy machine: a demo must not convict the machine.
    let latency = running.behavior.latency(&running.draw);
    let failed = running.behavior.fails(&running.draw);
    tokio::time::sleep(latency).await;
    let status = if failed {
        StatusCode::INTERNAL_SERVER_ERROR
    } else {
        StatusCode::OK
    };
    running.durations.observe(latency.as_secs_f64());
    running.requests.get_or_create(&Code { code: status.as_u16() }).inc();
    (status, format!("{}\n", running.version))
}

async fn healthz(State(running): State<Arc<Running>>) -> String {
    format!("{}\n", running.version)
}

async fn metrics(State(running): State<Arc<Running>>) -> impl IntoResponse {
    let mut text = String::new();
    match encode(&mut text, &running.registry) {
        Ok(()) => (
            StatusCode::OK,
            [(
                header::CONTENT_TYPE,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
            )],
            text,
        ),
        Err(error) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
            error.to_string(),
        ),
    }
}
