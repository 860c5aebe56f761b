//! systemd's D-Bus interface, as far as it is used, and its errors as sentences.

use std::time::Duration;

use zbus::{Connection, OwnedObjectPath, connection::Builder, fdo};

/// How long one call may take; a job may take longer, see `unit`.
const CALL: Duration = Duration::from_secs(10);

/// Why a unit could not be looked at or acted on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum UnitFault {
    /// No bus, or no systemd on it.
    #[error(
        "systemd does not answer on the system bus ({0}); is it running? Without systemd use `activate: {{command: [...]}}` in the policy"
    )]
    NoSystemd(String),
    /// No such unit.
    #[error("systemd knows no unit `{0}`; correct `unit` in the policy, or install the unit and run `systemctl daemon-reload`")]
    NotFound(String),
    /// Masked.
    #[error("the unit `{0}` is masked; run `systemctl unmask {0}`")]
    Masked(String),
    /// Its file does not load.
    #[error("the unit `{unit}` does not load ({state}); run `systemd-analyze verify {unit}`")]
    NotLoaded {
        /// Which.
        unit: String,
        /// systemd's LoadState.
        state: String,
    },
    /// No `ExecReload=`.
    #[error("the unit `{0}` cannot reload: it has no ExecReload=; add one, or use `by: restart` in the policy")]
    CannotReload(String),
    /// No right to.
    #[error(
        "lastgood may not manage the unit `{0}`; name the unit in /etc/polkit-1/rules.d/50-lastgood.rules (deploy/systemd has the file), or run lastgood as root"
    )]
    NotAllowed(String),
    /// The job ended otherwise than done.
    #[error("the {verb} of `{unit}` ended as `{result}` (the unit is {state}{why}); run `journalctl -u {unit}`")]
    Job {
        /// Which unit.
        unit: String,
        /// `reload`, `restart`.
        verb: &'static str,
        /// systemd's word: `failed`, `timeout`, `canceled`, `dependency`.
        result: String,
        /// The unit's state afterwards.
        state: String,
        /// The service's result, where it tells more: `, exit-code`.
        why: String,
    },
    /// The job was done, and the unit is not active.
    #[error("`{unit}` is {state} after its {verb}{why}; run `journalctl -u {unit}`")]
    NotActive {
        /// Which unit.
        unit: String,
        /// `reload`, `restart`.
        verb: &'static str,
        /// Its state.
        state: String,
        /// The service's result, where it tells more.
        why: String,
    },
    /// It was active, and then was not, or was started again.
    #[error("`{unit}` was active after its {verb} and did not stay so for 2 s (it is {state}{why}); run `journalctl -u {unit}`")]
    Died {
        /// Which unit.
        unit: String,
        /// `reload`, `restart`.
        verb: &'static str,
        /// Its state.
        state: String,
        /// The service's result, where it tells more.
        why: String,
    },
    /// The deadline passed.
    #[error("the {verb} of `{unit}` was not done within 90 s and may still be under way; run `systemctl status {unit}`")]
    Slow {
        /// Which unit.
        unit: String,
        /// `reload`, `restart`.
        verb: &'static str,
    },
    /// Anything else, in systemd's words.
    #[error("systemd refused for `{unit}`: {error}; run `systemctl status {unit}`")]
    Refused {
        /// Which unit.
        unit: String,
        /// What it said.
        error: String,
    },
}

impl UnitFault {
    /// The fault behind an error of a call about `unit`.
    pub fn of(unit: &str, error: &zbus::Error) -> Self {
        let unit = unit.to_owned();
        match error {
            zbus::Error::InputOutput(_) | zbus::Error::Handshake(_) | zbus::Error::Address(_) => {
                Self::NoSystemd(error.to_string())
            }
            zbus::Error::FDO(fdo) => match fdo.as_ref() {
                fdo::Error::AccessDenied(_) | fdo::Error::InteractiveAuthorizationRequired(_) | fdo::Error::AuthFailed(_) => {
                    Self::NotAllowed(unit)
                }
                fdo::Error::ServiceUnknown(text)
                | fdo::Error::NameHasNoOwner(text)
                | fdo::Error::Disconnected(text)
                | fdo::Error::NoReply(text)
                | fdo::Error::NoServer(text) => Self::NoSystemd(text.clone()),
                other => Self::Refused {
                    unit,
                    error: other.to_string(),
                },
            },
            zbus::Error::MethodError(name, text, _) => match name.as_str() {
                "org.freedesktop.systemd1.NoSuchUnit" => Self::NotFound(unit),
                "org.freedesktop.systemd1.UnitMasked" => Self::Masked(unit),
                "org.freedesktop.systemd1.JobTypeNotApplicable" => Self::CannotReload(unit),
                other => Self::Refused {
                    unit,
                    error: text.clone().unwrap_or_else(|| other.to_owned()),
                },
            },
            other => Self::Refused {
                unit,
                error: other.to_string(),
            },
        }
    }
}

/// Where systemd is spoken to.
#[derive(Debug, Clone, Default)]
pub(super) struct Bus {
    /// A D-Bus address; none: the system bus, as `DBUS_SYSTEM_BUS_ADDRESS` or the standard path names it.
    pub address: Option<String>,
}

impl Bus {
    /// A new connection: looks are rare, and a fresh one never outlives a restart of the bus.
    ///
    /// # Errors
    /// When there is no bus.
    pub async fn connect(&self) -> Result<Connection, UnitFault> {
        let builder = match &self.address {
            Some(address) => Builder::address(address.as_str()),
            None => Builder::system(),
        };
        match tokio::time::timeout(CALL, builder.method_timeout(CALL).build()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(UnitFault::NoSystemd(error.to_string())),
            Err(_) => Err(UnitFault::NoSystemd("the bus did not answer within 10 s".to_owned())),
        }
    }
}

/// systemd's manager.
#[zbus::proxy(
    interface = "org.freedesktop.systemd1.Manager",
    default_service = "org.freedesktop.systemd1",
    default_path = "/org/freedesktop/systemd1"
)]
pub(super) trait Units {
    /// Asks for signals.
    fn subscribe(&self) -> zbus::Result<()>;
    /// Loads a unit, also one that does not exist.
    fn load_unit(&self, name: &str) -> zbus::Result<OwnedObjectPath>;
    /// Queues a reload.
    fn reload_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;
    /// Queues a restart; starts what does not run.
    fn restart_unit(&self, name: &str, mode: &str) -> zbus::Result<OwnedObjectPath>;
    /// Keeps a unit loaded; needs the same permission as a restart, and changes nothing.
    fn ref_unit(&self, name: &str) -> zbus::Result<()>;
    /// Ends that.
    fn unref_unit(&self, name: &str) -> zbus::Result<()>;
    /// A job ended.
    #[zbus(signal)]
    fn job_removed(&self, id: u32, job: zbus::ObjectPath<'_>, unit: &str, result: &str) -> zbus::Result<()>;
}
