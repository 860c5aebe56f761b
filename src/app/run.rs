//! Wiring: the controller from its settings to its last breath.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context as _;
use futures::future::BoxFuture;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::Mutex,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::{
    channels,
    clock::SystemClock,
    courier::deliver,
    desk::{Counter, Handles},
    fleet::{FleetState, own},
    guard::GuardError,
    roster::{Roster, Shared},
    store_watch::StoreWatch,
};
use crate::{
    engine::Event,
    history,
    ports::{Clock, HistoryError, SharedHistory},
    prometheus::{self, Prometheus},
    record::{Action, AlertKind, Deed},
    settings::{PrometheusSettings, Settings, policies},
    web::{Beat, Figures, Reception, serve_public, serve_socket},
    words::Moment,
};

/// How often the main loop turns.
const TURN: Duration = Duration::from_secs(1);

/// No policy can be used; with what is wrong with them.
#[derive(Debug, thiserror::Error)]
#[error("nothing to guard: {0}")]
pub struct NothingToGuard(String);

impl NothingToGuard {
    fn of(paths: &[PathBuf], bad: &[String]) -> Self {
        if !bad.is_empty() {
            return Self(format!("no policy can be used\n\n{}", bad.join("\n\n")));
        }
        let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        Self(format!(
            "no policy file (*.yaml, *.yml) is in {}: put one there, or name others under `policies` in the settings",
            paths.join(", ")
        ))
    }
}

/// The controller, wired and ready to turn.
struct Controller {
    roster: Roster,
    shared: Shared,
    beat: Arc<Beat>,
    policies: Vec<PathBuf>,
    /// The policies could not all be taken up.
    read_again: bool,
    delivery: Option<JoinHandle<Vec<Event>>>,
    store: StoreWatch,
}

/// Servers that have their addresses and wait to be run.
type Servers = Vec<BoxFuture<'static, ()>>;

/// Runs the controller until SIGTERM or SIGINT.
///
/// # Errors
/// When it cannot start, or the store refuses for good.
pub async fn run(settings: &Settings) -> anyhow::Result<()> {
    let shutdown = CancellationToken::new();
    let signals = Signals::listen()?;
    let shared = share(settings).await?;
    let beat = Arc::new(Beat::default());
    beat.turn(shared.clock.now());
    let mut controller = Controller {
        roster: Roster::new(shared.clone()),
        shared,
        beat,
        policies: settings.policies.clone(),
        read_again: false,
        delivery: None,
        store: StoreWatch::default(),
    };
    // What another program holds is found out before anything is guarded; who connects meanwhile waits.
    let (address, servers) = controller.listen(settings, &shutdown).await?;
    if let Err(error) = controller.read_policies(true).await {
        shutdown.cancel();
        for server in servers {
            server.await;
        }
        return Err(error);
    }
    let servers: Vec<JoinHandle<()>> = servers.into_iter().map(tokio::spawn).collect();
    tracing::info!(%address, socket = %settings.server.socket.display(), "lastgood runs");
    notify(&[sd_notify::NotifyState::Ready]);
    // A store that cannot be trusted ends it at once, acts included: whatever they come to could not be stored (failures.md, C06).
    controller.turn_until(signals).await?;
    notify(&[sd_notify::NotifyState::Stopping]);
    tracing::info!("ending: acts that have begun are finished first");
    alive_until(controller.roster.stop()).await;
    shutdown.cancel();
    for server in servers {
        let _ = tokio::time::timeout(Duration::from_secs(5), server).await;
    }
    Ok(())
}

/// Tells systemd's watchdog that all is well while an act is finished.
async fn alive_until(stopped: impl Future<Output = ()>) {
    let mut stopped = std::pin::pin!(stopped);
    let mut ticker = tokio::time::interval(TURN);
    loop {
        tokio::select! {
            () = &mut stopped => return,
            _ = ticker.tick() => notify(&[sd_notify::NotifyState::Watchdog]),
        }
    }
}

async fn share(settings: &Settings) -> anyhow::Result<Shared> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store: SharedHistory = Arc::new(history::Sqlite::open(&settings.store.path)?);
    let source = Arc::new(Prometheus::new(options(&settings.prometheus))?);
    let sinks = channels::sinks(settings, &clock)?;
    let fleet = FleetState::load(settings, store.clone()).await?;
    let figures = Figures::default();
    figures.store_up(true);
    Ok(Shared {
        lag: source.lag(),
        source,
        store,
        clock,
        sinks,
        fleet: Arc::new(Mutex::new(fleet)),
        figures,
        handles: Handles::default(),
    })
}

impl Controller {
    async fn listen(&self, settings: &Settings, shutdown: &CancellationToken) -> anyhow::Result<(SocketAddr, Servers)> {
        let shared = &self.shared;
        let (address, public) = serve_public(
            settings.server.listen,
            shared.figures.clone(),
            self.beat.clone(),
            shared.clock.clone(),
            shutdown.clone(),
        )
        .await?;
        let reception: Arc<dyn Reception> = Arc::new(Counter {
            handles: shared.handles.clone(),
            fleet: shared.fleet.clone(),
            store: shared.store.clone(),
            clock: shared.clock.clone(),
        });
        let socket = serve_socket(&settings.server.socket, reception, shutdown.clone())?;
        Ok((address, vec![public, socket]))
    }

    /// Reads all policies. A bad file is rejected whole; what it said before stays in force.
    async fn read_policies(&mut self, starting: bool) -> anyhow::Result<()> {
        let read = policies::part(&self.policies);
        let bad: Vec<String> = read.rejected.iter().map(ToString::to_string).collect();
        self.shared.figures.reload_ok(bad.is_empty());
        if starting && read.accepted.is_empty() {
            return Err(NothingToGuard::of(&self.policies, &bad).into());
        }
        let rejected: Vec<PathBuf> = read.rejected.into_iter().map(|error| error.path).collect();
        match self.roster.apply(read.accepted, &rejected).await {
            // A new target's history cannot be read now: once more when the store is back.
            Err(GuardError::Store(HistoryError::Unavailable(error))) if !starting => {
                tracing::error!(%error, "the policies are read again when the store is back");
                self.read_again = true;
            }
            applied => applied?,
        }
        if bad.is_empty() {
            return Ok(());
        }
        let errors = bad.join("\n\n");
        tracing::error!(%errors, "a policy file is rejected; what it said before stays in force");
        let now = self.shared.clock.now();
        let mut fleet = self.shared.fleet.lock().await;
        let deed = Deed {
            why: errors.clone(),
            refused: true,
            ..own(Action::Policy, "a policy file was rejected")
        };
        let kind = AlertKind::PolicyRejected { errors };
        match fleet.alert(kind.clone(), deed, now).await {
            Err(HistoryError::Unavailable(_) | HistoryError::Conflict(_)) => fleet.alert_unstored(kind, now),
            stored => stored?,
        }
        Ok(())
    }

    async fn turn_until(&mut self, mut signals: Signals) -> anyhow::Result<()> {
        let mut ticker = tokio::time::interval(TURN);
        ticker.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                asked = signals.next() => match asked {
                    Asked::End => return Ok(()),
                    Asked::Reload => self.reload().await?,
                },
                _ = ticker.tick() => self.turn().await?,
            }
        }
    }

    async fn reload(&mut self) -> anyhow::Result<()> {
        notify(&[sd_notify::NotifyState::Reloading]);
        self.read_policies(false).await.context("reloading the policies")?;
        notify(&[sd_notify::NotifyState::Ready]);
        Ok(())
    }

    /// One turn. Nothing in it waits for anything but the store: not for a channel, not for an act.
    async fn turn(&mut self) -> anyhow::Result<()> {
        let now = self.shared.clock.now();
        let down = self.store.look(&self.shared, now).await?;
        if down.is_none() && std::mem::take(&mut self.read_again) {
            self.read_policies(false).await?;
        }
        self.roster.revive(now).await?;
        self.deliver(now).await?;
        let mut unready = self.roster.unready();
        unready.extend(down);
        self.beat.set_unready(unready);
        self.beat.turn(now);
        notify(&[sd_notify::NotifyState::Watchdog]);
        Ok(())
    }

    /// Sends the controller's own alerts.
    async fn deliver(&mut self, now: Moment) -> anyhow::Result<()> {
        let shared = &self.shared;
        let mut fleet = shared.fleet.lock().await;
        shared.figures.frozen(fleet.frozen().is_some());
        if let Some(delivery) = self.delivery.take_if(|delivery| delivery.is_finished()) {
            match fleet.settle(&delivery.await.unwrap_or_default(), now).await {
                Ok(()) | Err(HistoryError::Unavailable(_) | HistoryError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if self.delivery.is_none() && shared.sinks.any_due(fleet.outbox(), now) {
            let (sinks, outbox) = (shared.sinks.clone(), fleet.outbox().to_vec());
            self.delivery = Some(tokio::spawn(deliver(sinks, outbox, now)));
        }
        Ok(())
    }
}

/// What the settings say of Prometheus, as its adapter takes it.
#[must_use]
pub fn options(settings: &PrometheusSettings) -> prometheus::Options {
    prometheus::Options {
        url: settings.url.clone().into(),
        timeout: settings.timeout,
        headers: settings.headers.clone(),
        bearer_token_file: settings.bearer_token_file.clone(),
        basic_auth: settings.basic_auth.as_ref().map(|auth| prometheus::BasicAuth {
            user: auth.user.clone(),
            password_file: auth.password_file.clone(),
        }),
        ca_file: settings.ca_file.clone(),
        cert_file: settings.cert_file.clone(),
        key_file: settings.key_file.clone(),
        proxy: settings.proxy.clone().map(Into::into),
        lag: settings.lag,
    }
}

/// What the system asks of the controller.
enum Asked {
    End,
    Reload,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    reload: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            reload: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::End,
            _ = self.interrupt.recv() => Asked::End,
            _ = self.reload.recv() => Asked::Reload,
        }
    }
}

/// Tells systemd, where it started us; elsewhere nothing happens.
fn notify(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager was not told");
    }
}
