//! The way to the desk: the running controller's socket, or the store itself.

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::Mutex;

use super::{
    Common,
    output::{self, WrongUse},
};
use crate::{
    app::{self, FleetState, clock::SystemClock, desk::StoreDesk},
    history,
    ports::{Clock, Desk, DeskError, SharedHistory},
    settings::{self, Settings},
    web::{actor, by_sudo, client::Client},
    words::{Env, Service, TargetKey},
};

/// Which service a command is about.
#[derive(Debug, Clone, clap::Args)]
pub struct WhichService {
    /// The service.
    #[arg(value_name = "SERVICE", required_unless_present = "service_flag")]
    service: Option<Service>,
    /// The service, as an option.
    #[arg(long = "service", value_name = "SERVICE", conflicts_with = "service")]
    service_flag: Option<Service>,
    /// The environment, where the service is guarded in several.
    #[arg(short, long, value_name = "ENV")]
    env: Option<Env>,
}

/// Which service a command is about, if any.
#[derive(Debug, Clone, clap::Args)]
pub struct MaybeService {
    /// Only this service.
    #[arg(value_name = "SERVICE")]
    service: Option<Service>,
    /// Only this service, as an option.
    #[arg(long = "service", value_name = "SERVICE", conflicts_with = "service")]
    service_flag: Option<Service>,
    /// Only this environment.
    #[arg(short, long, value_name = "ENV")]
    env: Option<Env>,
}

impl MaybeService {
    /// The service that was named.
    #[must_use]
    pub fn service(&self) -> Option<&Service> {
        self.service.as_ref().or(self.service_flag.as_ref())
    }

    /// The environment that was named.
    #[must_use]
    pub const fn env(&self) -> Option<&Env> {
        self.env.as_ref()
    }

    /// Whether `key` is meant.
    #[must_use]
    pub fn matches(&self, key: &TargetKey) -> bool {
        self.service().is_none_or(|service| *service == key.service) && self.env.as_ref().is_none_or(|env| *env == key.env)
    }

    /// The one target that is meant; none where no service was named.
    ///
    /// # Errors
    /// When it is unknown, or guarded in several environments.
    pub async fn target(&self, desk: &dyn Desk) -> anyhow::Result<Option<TargetKey>> {
        match self.service() {
            Some(service) => Ok(Some(one_target(desk, service, self.env.as_ref()).await?)),
            None => Ok(None),
        }
    }
}

impl WhichService {
    /// The one target that is meant.
    ///
    /// # Errors
    /// When it is unknown, or guarded in several environments.
    pub async fn target(&self, desk: &dyn Desk) -> anyhow::Result<TargetKey> {
        let service = self.service.as_ref().or(self.service_flag.as_ref());
        let service = service.ok_or_else(|| WrongUse("name a service".to_owned()))?;
        one_target(desk, service, self.env.as_ref()).await
    }
}

/// The one target of this service.
///
/// # Errors
/// When it is unknown, or guarded in several environments.
pub async fn one_target(desk: &dyn Desk, service: &Service, env: Option<&Env>) -> anyhow::Result<TargetKey> {
    let all: Vec<TargetKey> = desk.status().await?.into_iter().map(|status| status.target).collect();
    let meant = |key: &&TargetKey| key.service == *service && env.is_none_or(|env| key.env == *env);
    match all.iter().filter(meant).collect::<Vec<_>>().as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(unknown(service, env, &all).into()),
        several => {
            let envs: Vec<&str> = several.iter().map(|key| key.env.as_str()).collect();
            Err(WrongUse(format!(
                "`{service}` is guarded in several environments: add --env {}",
                envs.join(" or --env ")
            ))
            .into())
        }
    }
}

/// That a service is not guarded here, and what is.
#[must_use]
pub fn unknown(service: &Service, env: Option<&Env>, all: &[TargetKey]) -> DeskError {
    let known: Vec<String> = all.iter().map(|key| format!("{} (env {})", key.service, key.env)).collect();
    let known = match known.as_slice() {
        [] => "nothing is guarded yet".to_owned(),
        [one] => format!("guarded is {one}"),
        several => format!("guarded are {}", several.join(", ")),
    };
    let env = env.map(|env| format!(" in env `{env}`")).unwrap_or_default();
    DeskError::Unknown(format!("no service `{service}`{env} is guarded here; {known}"))
}

/// The settings, by the command line and the environment.
///
/// # Errors
/// When they are invalid.
pub fn settings(common: &Common) -> anyhow::Result<Settings> {
    Ok(settings::load(common.config.as_deref(), &environment())?)
}

/// The environment's variables that are text.
#[must_use]
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The desk: the running controller's, else the store's own.
///
/// # Errors
/// When neither can be reached.
pub async fn desk(common: &Common) -> anyhow::Result<Arc<dyn Desk>> {
    let settings = settings(common)?;
    match Client::connect(&settings.server.socket)? {
        Some(client) => Ok(Arc::new(client.called_by(sudo_user()))),
        None => Ok(Arc::new(store_desk(common, &settings, From::WhatIsThere).await?)),
    }
}

/// The desk for an act that needs neither a controller nor a past: the store is made where there is none. `again`: the same command asked
/// for it before.
///
/// # Errors
/// When neither can be reached, or no store can be made.
pub async fn desk_to_act(common: &Common, again: bool) -> anyhow::Result<Arc<dyn Desk>> {
    let settings = settings(common)?;
    let from = if again { From::NothingAgain } else { From::Nothing };
    match Client::connect(&settings.server.socket)? {
        Some(client) => Ok(Arc::new(client.called_by(sudo_user()))),
        None => Ok(Arc::new(store_desk(common, &settings, from).await?)),
    }
}

/// Whether a command needs what a store holds already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    WhatIsThere,
    Nothing,
    /// The same, and it was said already that no controller runs.
    NothingAgain,
}

/// The running controller's desk alone.
///
/// # Errors
/// When no controller runs.
pub fn controller(common: &Common) -> anyhow::Result<Arc<dyn Desk>> {
    let settings = settings(common)?;
    let client = Client::connect(&settings.server.socket)?.ok_or_else(|| {
        DeskError::Failed(format!(
            "no controller answers at {}: start `lastgood run`, or name its settings with --config",
            settings.server.socket.display()
        ))
    })?;
    Ok(Arc::new(client.called_by(sudo_user())))
}

async fn store_desk(common: &Common, settings: &Settings, from: From) -> anyhow::Result<StoreDesk> {
    let path = &settings.store.path;
    if !path.exists() && from == From::WhatIsThere {
        anyhow::bail!(
            "no controller answers at {} and there is no store at {}: start `lastgood run`, or name its settings with --config",
            settings.server.socket.display(),
            path.display()
        );
    }
    let store: SharedHistory = Arc::new(history::Sqlite::open(path)?);
    let read = settings::policies::part(&settings.policies);
    for error in &read.rejected {
        output::note(common, &error.to_string());
    }
    if from != From::NothingAgain {
        output::note(
            common,
            &format!(
                "note: no controller answers at {}: nothing is guarded now, and this is from the store",
                settings.server.socket.display()
            ),
        );
    }
    let policies = read.accepted.into_iter().map(|file| file.policy).collect();
    let fleet = Mutex::new(FleetState::load(settings, store.clone()).await?);
    let uid = rustix::process::getuid().as_raw();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    Ok(StoreDesk {
        store,
        policies,
        fleet,
        sinks: app::sinks(settings, &clock).map_err(|error| format!("{error:#}")),
        clock,
        actor: match sudo_user() {
            Some(user) if uid == 0 => by_sudo(&user, uid),
            _ => actor(uid),
        },
    })
}

/// Who called sudo, as it says itself.
fn sudo_user() -> Option<String> {
    std::env::var("SUDO_USER")
        .ok()
        .filter(|user| !user.is_empty() && !user.contains(char::is_control))
}
