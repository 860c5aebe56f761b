//! A systemd unit: what it does, its reload and its restart, each watched to the end of its job and two seconds beyond.
//!
//! Times: `StateChangeTimestamp` moves when a unit becomes active and when a reload ends (active, reloading, active), which
//! `ActiveEnterTimestamp` does not; so, of an active unit, it is the moment since which it runs what it runs.

use std::{collections::HashMap, time::Duration};

use futures::StreamExt;
use zbus::{Connection, OwnedVariant, fdo::PropertiesProxy, names::InterfaceName};

use super::systemd::{Bus, JobRemovedStream, UnitFault, UnitsProxy};
use crate::{policy::ActivateBy, record::Process, words::Moment};

/// How long an activation may take.
const DEADLINE: Duration = Duration::from_secs(90);
/// How long a unit must stay active.
const STAYS: Duration = Duration::from_secs(2);
/// How often a unit that is between two states is looked at.
const PAUSE: Duration = Duration::from_millis(100);

/// A unit, and the bus on which it is spoken of.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    /// Where systemd is.
    pub bus: Bus,
    /// `myapp.service`.
    pub name: String,
}

/// What systemd says of a unit at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    /// For the record.
    pub process: Process,
    /// `ActiveState`.
    pub active: String,
    /// `CanReload`.
    pub can_reload: bool,
    /// `, RESULT` of the service where it is not success.
    why: String,
}

impl Unit {
    /// What systemd says of it now.
    ///
    /// # Errors
    /// When there is no systemd, or the unit is not there, masked or broken.
    pub async fn state(&self) -> Result<State, UnitFault> {
        let connection = self.bus.connect().await?;
        self.look(&connection).await
    }

    async fn look(&self, connection: &Connection) -> Result<State, UnitFault> {
        let fault = |error: zbus::Error| UnitFault::of(&self.name, &error);
        let manager = UnitsProxy::new(connection).await.map_err(fault)?;
        let path = manager.load_unit(&self.name).await.map_err(fault)?;
        let properties = PropertiesProxy::new(connection, "org.freedesktop.systemd1", path)
            .await
            .map_err(fault)?;
        // All of an interface at once: read one by one they could belong to two moments.
        let unit = InterfaceName::from_static_str_unchecked("org.freedesktop.systemd1.Unit");
        let unit = properties.get_all(unit).await.map_err(|error| fault(error.into()))?;
        match text(&unit, "LoadState").as_str() {
            "loaded" => {}
            "not-found" => return Err(UnitFault::NotFound(self.name.clone())),
            "masked" => return Err(UnitFault::Masked(self.name.clone())),
            state => {
                return Err(UnitFault::NotLoaded {
                    unit: self.name.clone(),
                    state: state.to_owned(),
                });
            }
        }
        // Only services have these; a target or socket is looked at without.
        let service = InterfaceName::from_static_str_unchecked("org.freedesktop.systemd1.Service");
        let service = properties.get_all(service).await.unwrap_or_default();
        Ok(State::of(&unit, &service))
    }

    /// Reloads or restarts it, and stays until it has been active for two seconds. One that does not run is started, whatever `by` says.
    /// Returns since when it is active, and what was done.
    ///
    /// # Errors
    /// Whatever kept it from becoming or staying active.
    pub async fn activate(&self, by: ActivateBy) -> Result<(Option<Moment>, String), UnitFault> {
        let verb = match by {
            ActivateBy::Reload => "reload",
            ActivateBy::Restart => "restart",
        };
        match tokio::time::timeout(DEADLINE, self.run(by)).await {
            Ok(done) => done,
            Err(_) => Err(UnitFault::Slow {
                unit: self.name.clone(),
                verb,
            }),
        }
    }

    async fn run(&self, by: ActivateBy) -> Result<(Option<Moment>, String), UnitFault> {
        let fault = |error: zbus::Error| UnitFault::of(&self.name, &error);
        let connection = self.bus.connect().await?;
        let manager = UnitsProxy::new(&connection).await.map_err(fault)?;
        manager.subscribe().await.map_err(fault)?;
        // Before the job is queued: a short one is over before its path is known.
        let mut removed = manager.receive_job_removed().await.map_err(fault)?;
        let before = self.look(&connection).await?;
        if by == ActivateBy::Reload && !before.can_reload {
            return Err(UnitFault::CannotReload(self.name.clone()));
        }
        let reload = by == ActivateBy::Reload && matches!(before.active.as_str(), "active" | "reloading");
        let (verb, job) = if reload {
            ("reload", manager.reload_unit(&self.name, "replace").await)
        } else {
            ("restart", manager.restart_unit(&self.name, "replace").await)
        };
        let result = self.wait_for(&mut removed, job.map_err(fault)?.as_str()).await?;
        if result != "done" {
            let state = self.look(&connection).await?;
            return Err(UnitFault::Job {
                unit: self.name.clone(),
                verb,
                result,
                state: state.active,
                why: state.why,
            });
        }
        let after = self.settled(&connection, verb).await?;
        if !reload && after.process.invocation == before.process.invocation {
            return Err(self.not_active(verb, after));
        }
        tokio::time::sleep(STAYS).await;
        let later = self.look(&connection).await?;
        let stayed = later.active == "active"
            && later.process.invocation == after.process.invocation
            && later.process.restarts == after.process.restarts;
        if !stayed {
            return Err(UnitFault::Died {
                unit: self.name.clone(),
                verb,
                state: later.active,
                why: later.why,
            });
        }
        let detail = format!(
            "{verb} of {} done; active, main process {}",
            self.name, later.process.main_pid
        );
        Ok((after.process.started_at, detail))
    }

    /// The result of the job at `path`.
    async fn wait_for(&self, removed: &mut JobRemovedStream, path: &str) -> Result<String, UnitFault> {
        while let Some(signal) = removed.next().await {
            let job = signal.args().map_err(|error| UnitFault::of(&self.name, &error))?;
            if job.job.as_str() == path {
                return Ok(job.result.to_owned());
            }
        }
        Err(UnitFault::NoSystemd("the bus closed before the job was done".to_owned()))
    }

    /// Its state once it is between no two states any more: active.
    async fn settled(&self, connection: &Connection, verb: &'static str) -> Result<State, UnitFault> {
        loop {
            let state = self.look(connection).await?;
            match state.active.as_str() {
                "active" => return Ok(state),
                "activating" | "reloading" => tokio::time::sleep(PAUSE).await,
                _ => return Err(self.not_active(verb, state)),
            }
        }
    }

    fn not_active(&self, verb: &'static str, state: State) -> UnitFault {
        UnitFault::NotActive {
            unit: self.name.clone(),
            verb,
            state: state.active,
            why: state.why,
        }
    }

    /// Whether it could be activated: it is there, can do what is asked, and lastgood may ask for it.
    ///
    /// # Errors
    /// Why not.
    pub async fn rehearse(&self, by: ActivateBy) -> Result<(), UnitFault> {
        let connection = self.bus.connect().await?;
        let state = self.look(&connection).await?;
        if by == ActivateBy::Reload && !state.can_reload {
            return Err(UnitFault::CannotReload(self.name.clone()));
        }
        let fault = |error: zbus::Error| UnitFault::of(&self.name, &error);
        let manager = UnitsProxy::new(&connection).await.map_err(fault)?;
        manager.ref_unit(&self.name).await.map_err(fault)?;
        manager.unref_unit(&self.name).await.map_err(fault)
    }
}

type Properties = HashMap<String, OwnedVariant>;

impl State {
    fn of(unit: &Properties, service: &Properties) -> Self {
        let active = text(unit, "ActiveState");
        let micros = unit
            .get("StateChangeTimestamp")
            .and_then(|value| value.downcast_ref::<u64>().ok())
            .unwrap_or(0);
        let since = i64::try_from(micros / 1000)
            .ok()
            .filter(|millis| *millis > 0)
            .map(Moment::from_millis);
        let result = text(service, "Result");
        Self {
            process: Process {
                invocation: bytes(unit, "InvocationID").iter().map(|byte| format!("{byte:02x}")).collect(),
                main_pid: number(service, "MainPID"),
                started_at: since.filter(|_| active == "active"),
                active: active == "active",
                restarts: number(service, "NRestarts"),
            },
            active,
            can_reload: unit
                .get("CanReload")
                .and_then(|value| value.downcast_ref::<bool>().ok())
                .unwrap_or(false),
            why: if matches!(result.as_str(), "" | "success") {
                String::new()
            } else {
                format!(", {result}")
            },
        }
    }
}

fn text(of: &Properties, key: &str) -> String {
    of.get(key)
        .and_then(|value| value.downcast_ref::<&str>().ok())
        .unwrap_or_default()
        .to_owned()
}

fn number(of: &Properties, key: &str) -> u32 {
    of.get(key).and_then(|value| value.downcast_ref::<u32>().ok()).unwrap_or(0)
}

fn bytes(of: &Properties, key: &str) -> Vec<u8> {
    of.get(key)
        .and_then(|value| value.try_clone().ok())
        .and_then(|value| Vec::try_from(value).ok())
        .unwrap_or_default()
}
