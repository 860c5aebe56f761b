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
    clusters::Clusters,
    courier::deliver,
    desk::{Counter, Handles},
    fleet::{FleetState, own},
    guard::GuardError,
    images,
    leading::{Face, Leading},
    roster::{Roster, Shared},
    store_watch::StoreWatch,
    trail,
};
use crate::{
    engine::Event,
    history,
    ports::{HistoryError, SharedHistory},
    prometheus::{self, Prometheus},
    record::{Action, AlertKind, Deed},
    settings::{
        Loaded, PrometheusSettings, Settings, StoreSettings,
        policies::{self, PolicyFileError},
    },
    web::{Beat, Figures, Reception, serve_public, serve_socket},
    words::Moment,
};

/// How often the main loop turns.
pub(super) const TURN: Duration = Duration::from_secs(1);

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
    settings: Settings,
    /// The policies could not all be taken up.
    read_again: bool,
    delivery: Option<JoinHandle<Vec<Event>>>,
    store: StoreWatch,
}

/// Runs the controller until SIGTERM or SIGINT.
///
/// # Errors
/// When it cannot start, or the store refuses for good.
pub async fn run(loaded: &Loaded) -> anyhow::Result<()> {
    let settings = &loaded.settings;
    let shutdown = CancellationToken::new();
    let mut signals = Signals::listen()?;
    let face = Face {
        clock: Arc::new(SystemClock),
        beat: Arc::default(),
        figures: Figures::default(),
    };
    face.beat.turn(face.clock.now());
    face.beat.set_unready(vec!["it is only starting".to_owned()]);
    let store = own_store(settings)?;
    let clusters = Clusters::new(&settings.kubernetes);
    // What another program holds is found out before anything is guarded, and that there is nothing to guard before it stands by for it.
    let (figures, beat, clock) = (face.figures.clone(), face.beat.clone(), face.clock.clone());
    let (address, public) = serve_public(settings.server.listen, figures, beat, clock, shutdown.clone()).await?;
    let read = policies::of(settings);
    if read.accepted.is_empty() {
        let bad: Vec<String> = read.rejected.iter().map(ToString::to_string).collect();
        return Err(NothingToGuard::of(&settings.policies, &bad).into());
    }
    let public = tokio::spawn(public);
    let Some(mut leading) = Leading::begin(&clusters, &face, address, &mut signals).await? else {
        return Ok(());
    };
    let shared = share(loaded, store, clusters, face).await;
    // After an error it ends at once: guards may be in the middle of something that is not to be finished.
    lead((settings, address), shared, &shutdown, signals, &mut leading).await?;
    leading.end().await;
    shutdown.cancel();
    let _ = tokio::time::timeout(Duration::from_secs(5), public).await;
    Ok(())
}

/// Guards, as long as this controller is the one that acts.
async fn lead(
    (settings, address): (&Settings, SocketAddr),
    shared: anyhow::Result<(Shared, Arc<Beat>)>,
    shutdown: &CancellationToken,
    signals: Signals,
    leading: &mut Leading,
) -> anyhow::Result<()> {
    let (shared, beat) = shared?;
    let mut controller = Controller {
        roster: Roster::new(shared.clone()),
        shared,
        beat,
        settings: settings.clone(),
        read_again: false,
        delivery: None,
        store: StoreWatch::default(),
    };
    // Who connects meanwhile waits.
    let socket = controller.listen(settings, shutdown)?;
    if let Err(error) = controller.read_policies(true).await {
        shutdown.cancel();
        if let Some(socket) = socket {
            socket.await;
        }
        return Err(error);
    }
    let socket = socket.map(tokio::spawn);
    controller.beat.set_unready(Vec::new());
    let commands = if socket.is_some() {
        settings.server.socket.display().to_string()
    } else {
        "none".to_owned()
    };
    tracing::info!(%address, socket = %commands, "lastgood runs");
    notify(&[sd_notify::NotifyState::Ready]);
    // A store that cannot be trusted ends it at once, acts included: whatever they come to could not be stored (failures.md, C06). So
    // does a lease that is lost: another controller acts.
    tokio::select! {
        turned = controller.turn_until(signals) => turned?,
        because = leading.lost() => anyhow::bail!("{because}"),
    }
    notify(&[sd_notify::NotifyState::Stopping]);
    tracing::info!("ending: acts that have begun are finished first");
    alive_until(controller.roster.stop()).await;
    shutdown.cancel();
    if let Some(socket) = socket {
        let _ = tokio::time::timeout(Duration::from_secs(5), socket).await;
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

async fn share(
    loaded: &Loaded,
    store: Option<SharedHistory>,
    clusters: Clusters,
    face: Face,
) -> anyhow::Result<(Shared, Arc<Beat>)> {
    let settings = &loaded.settings;
    let Face { clock, beat, figures } = face;
    let store = match store {
        Some(store) => store,
        None => clusters.objects().await?,
    };
    let store = trail::told(store, &settings.audit);
    // What all services have done counts for the budgets, wherever their histories lie.
    clusters.place_all(policies::of(settings).accepted.iter().map(|file| &file.policy));
    let source = Arc::new(Prometheus::new(options(&settings.prometheus))?);
    let sinks = channels::sinks(settings, &clock)?;
    let images = images::registries(&settings.registries)?;
    let mut fleet = FleetState::load(settings, store.clone()).await?;
    if let Err(error) = fleet.settings_are(loaded, clock.now()).await {
        tracing::error!(%error, "the settings could not be noted in the audit; the next start does");
    }
    figures.store_up(true);
    let shared = Shared {
        lag: source.lag(),
        source,
        store,
        clusters,
        clock,
        sinks,
        images,
        fleet: Arc::new(Mutex::new(fleet)),
        figures,
        handles: Handles::default(),
    };
    Ok((shared, beat))
}

/// The store, where it is this machine's own: another lastgood that has it is named before one that has the address.
fn own_store(settings: &Settings) -> anyhow::Result<Option<SharedHistory>> {
    Ok(match &settings.store {
        StoreSettings::Sqlite(path) => Some(Arc::new(history::Sqlite::open(path)?)),
        StoreSettings::Kubernetes => None,
    })
}

impl Controller {
    /// People's commands, to be served; none with a store in the cluster: whoever may enter the pod would act without a name, so people
    /// act on the histories, by their own rights.
    fn listen(&self, settings: &Settings, shutdown: &CancellationToken) -> anyhow::Result<Option<BoxFuture<'static, ()>>> {
        if settings.store == StoreSettings::Kubernetes {
            return Ok(None);
        }
        let shared = &self.shared;
        let reception: Arc<dyn Reception> = Arc::new(Counter {
            handles: shared.handles.clone(),
            fleet: shared.fleet.clone(),
            store: shared.store.clone(),
            images: shared.images.clone(),
            clock: shared.clock.clone(),
        });
        let socket = serve_socket(&settings.server.socket, reception, shutdown.clone())?;
        Ok(Some(socket))
    }

    /// Reads all policies. A bad file is rejected whole; what it said before stays in force, but for two that guard the same.
    async fn read_policies(&mut self, starting: bool) -> anyhow::Result<()> {
        let read = policies::of(&self.settings);
        let bad: Vec<String> = read.rejected.iter().map(ToString::to_string).collect();
        self.shared.figures.reload_ok(bad.is_empty());
        if starting && read.accepted.is_empty() {
            return Err(NothingToGuard::of(&self.settings.policies, &bad).into());
        }
        let kept = read.rejected.into_iter().filter(PolicyFileError::keeps_what_was);
        let kept: Vec<PathBuf> = kept.map(|error| error.path).collect();
        match self.roster.apply(read.accepted, &kept).await {
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
        tracing::error!(%errors, "policy files are rejected");
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
        alive(&self.beat, now);
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

/// The main loop turned.
pub(super) fn alive(beat: &Beat, now: Moment) {
    beat.turn(now);
    notify(&[sd_notify::NotifyState::Watchdog]);
}

/// What the system asks of the controller.
pub(super) enum Asked {
    End,
    Reload,
}

pub(super) struct Signals {
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

    pub async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::End,
            _ = self.interrupt.recv() => Asked::End,
            _ = self.reload.recv() => Asked::Reload,
        }
    }
}

/// Tells systemd, where it started us; elsewhere nothing happens.
pub(super) fn notify(states: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager was not told");
    }
}
