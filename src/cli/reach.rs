//! The way to the desk: the running controller's socket, or the store itself.

use std::{path::Path, sync::Arc};

use tokio::sync::Mutex;

use super::{
    Common,
    cluster::InCluster,
    output::{self, WrongUse},
};
use crate::{
    app::{self, Clusters, FleetState, Sinks, clock::SystemClock, desk::StoreDesk},
    history,
    policy::Policy,
    ports::{Clock, Desk, DeskError, SharedHistory},
    registry::Registries,
    settings::{self, Settings, StoreSettings},
    web::{actor, by_sudo, client::Client},
    words::{Actor, Env, Service, TargetKey},
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
        let (service, env) = self.named()?;
        one_target(desk, service, env).await
    }

    /// The service and the environment that were named.
    ///
    /// # Errors
    /// When no service was.
    pub fn named(&self) -> Result<(&Service, Option<&Env>), WrongUse> {
        let service = self.service.as_ref().or(self.service_flag.as_ref());
        let service = service.ok_or_else(|| WrongUse("name a service".to_owned()))?;
        Ok((service, self.env.as_ref()))
    }
}

/// The one target of this service.
///
/// # Errors
/// When it is unknown, or guarded in several environments.
pub async fn one_target(desk: &dyn Desk, service: &Service, env: Option<&Env>) -> anyhow::Result<TargetKey> {
    let all: Vec<TargetKey> = desk.status().await?.into_iter().map(|status| status.target).collect();
    only(&all, service, env)
}

/// The one of `all` that is meant.
///
/// # Errors
/// When there is none, or there are several.
pub fn only(all: &[TargetKey], service: &Service, env: Option<&Env>) -> anyhow::Result<TargetKey> {
    let meant = |key: &&TargetKey| key.service == *service && env.is_none_or(|env| key.env == *env);
    match all.iter().filter(meant).collect::<Vec<_>>().as_slice() {
        [one] => Ok((*one).clone()),
        [] => Err(unknown(service, env, all).into()),
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

/// The desk: the running controller's, else the store's own.
///
/// # Errors
/// When neither can be reached.
pub async fn desk(common: &Common, within: &InCluster) -> anyhow::Result<Arc<dyn Desk>> {
    controllers_or_stores(common, within, Missing::Refused).await
}

/// As [`desk`]; a store that is missing is made, so that something can be said before a controller ever ran.
///
/// # Errors
/// When neither can be reached.
pub async fn desk_or_new_store(common: &Common, within: &InCluster) -> anyhow::Result<Arc<dyn Desk>> {
    controllers_or_stores(common, within, Missing::Made).await
}

async fn controllers_or_stores(common: &Common, within: &InCluster, missing: Missing) -> anyhow::Result<Arc<dyn Desk>> {
    let settings = within.settings(common)?;
    let path = match &settings.store {
        StoreSettings::Sqlite(path) => path,
        StoreSettings::Kubernetes => return Ok(Arc::new(cluster_desk(common, within, &settings, missing).await?)),
    };
    match Client::connect(&settings.server.socket)? {
        Some(client) => Ok(Arc::new(client.called_by(sudo_user()))),
        None => Ok(Arc::new(file_desk(common, &settings, path, missing).await?)),
    }
}

/// The desk of the histories in a cluster, for whoever asks more of it than others do.
///
/// # Errors
/// When they cannot be read.
pub async fn store_in_cluster(common: &Common, within: &InCluster, settings: &Settings) -> anyhow::Result<StoreDesk> {
    cluster_desk(common, within, settings, Missing::MadeQuietly).await
}

/// As [`desk_or_new_store`]. `again`: the same command asked for it before, so that what was noted then is not noted twice.
///
/// # Errors
/// When neither can be reached.
pub async fn desk_to_act(common: &Common, within: &InCluster, again: bool) -> anyhow::Result<Arc<dyn Desk>> {
    let missing = if again { Missing::MadeQuietly } else { Missing::Made };
    controllers_or_stores(common, within, missing).await
}

/// What a store that is not there means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Refused,
    Made,
    /// The same, and it was said already that no controller runs.
    MadeQuietly,
}

/// The running controller's desk alone; of a store in the cluster that of the store, which people share with it.
///
/// # Errors
/// When no controller runs.
pub async fn controller(common: &Common, within: &InCluster) -> anyhow::Result<Arc<dyn Desk>> {
    let settings = within.settings(common)?;
    if settings.store == StoreSettings::Kubernetes {
        return Ok(Arc::new(cluster_desk(common, within, &settings, Missing::Refused).await?));
    }
    let client = Client::connect(&settings.server.socket)?.ok_or_else(|| {
        DeskError::Failed(format!(
            "no controller answers at {}: start `lastgood run`, or name its settings with --config",
            settings.server.socket.display()
        ))
    })?;
    Ok(Arc::new(client.called_by(sudo_user())))
}

async fn file_desk(common: &Common, settings: &Settings, path: &Path, missing: Missing) -> anyhow::Result<StoreDesk> {
    let socket = settings.server.socket.display();
    if !path.exists() && missing == Missing::Refused {
        anyhow::bail!(
            "no controller answers at {socket} and there is no store at {}: start `lastgood run`, or name its settings with --config",
            path.display()
        );
    }
    let store = app::trail::told(Arc::new(history::Sqlite::open(path)?), &settings.audit);
    let note = format!("note: no controller answers at {socket}: nothing is guarded now, and this is from the store");
    let policies = policies(common, settings);
    if missing != Missing::MadeQuietly {
        output::note(common, &note);
    }
    let uid = rustix::process::getuid().as_raw();
    let who = match sudo_user() {
        Some(user) if uid == 0 => by_sudo(&user, uid),
        _ => actor(uid),
    };
    let sinks = app::sinks(settings, &clock()).map_err(|error| format!("{error:#}"));
    let clusters = Clusters::new(&settings.kubernetes);
    let fleet = FleetState::load(settings, store.clone()).await?;
    store_desk(common, settings, (store, policies, fleet), (clusters, sinks), who)
}

/// The histories in the cluster, by the person's own kubeconfig and rights. Each says by which policy it is guarded; those of this machine
/// are for what is not guarded yet.
async fn cluster_desk(common: &Common, within: &InCluster, settings: &Settings, missing: Missing) -> anyhow::Result<StoreDesk> {
    let clusters = Clusters::new(&settings.kubernetes);
    let local = policies(common, settings);
    let scope = within.scope(settings, !local.is_empty());
    let cluster = clusters.get().await?;
    let namespaces = scope.namespaces(settings, cluster.namespace(), &local);
    let lease = settings.kubernetes.lease.as_ref();
    let home = lease.and_then(|lease| lease.namespace.as_deref());
    let found = clusters.objects_of_person(namespaces.clone(), home).await?;
    let actor = Actor(cluster.user().await?);
    if missing != Missing::MadeQuietly {
        let note = match &found.unread {
            Some(home) => Some(format!(
                "who leads, and whether all services are frozen, is not shown: the namespace {home}, where lastgood runs, cannot be read"
            )),
            None => clusters.leader().await,
        };
        if let Some(note) = note {
            output::note(common, &format!("note: {note}"));
        }
    }
    let in_force = found.histories.iter().filter_map(|history| history.in_force.as_ref());
    let mut policies: Vec<Policy> = in_force.map(|in_force| in_force.policy.clone()).collect();
    let known: Vec<TargetKey> = policies.iter().map(Policy::key).collect();
    policies.retain(|policy| {
        let twice = known.iter().filter(|key| **key == policy.key()).count() > 1;
        if twice {
            let note = format!(
                "note: {} is guarded in several namespaces and left out here: name one of them with -n",
                policy.key()
            );
            output::note(common, &note);
        }
        !twice
    });
    policies.extend(
        local
            .into_iter()
            .filter(|policy| !known.contains(&policy.key()) && scope.includes(policy, &namespaces)),
    );
    policies.sort_by_key(Policy::key);
    clusters.place_all(policies.iter());
    // Whoever leads has the channels, and sends what is stored: nothing is sent twice.
    let sinks = Err("it has the channels".to_owned());
    let store = app::trail::told(found.objects, &settings.audit);
    let fleet = FleetState::knowing(settings, store.clone(), found.histories.iter()).await?;
    store_desk(common, settings, (store, policies, fleet), (clusters, sinks), actor)
}

/// The policies of this machine; what is wrong with others is said.
pub fn policies(common: &Common, settings: &Settings) -> Vec<Policy> {
    let read = settings::policies::of(settings);
    for error in &read.rejected {
        output::note(common, &error.to_string());
    }
    read.accepted.into_iter().map(|file| file.policy).collect()
}

fn store_desk(
    common: &Common,
    settings: &Settings,
    (store, policies, fleet): (SharedHistory, Vec<Policy>, FleetState),
    (clusters, sinks): (Clusters, Result<Arc<Sinks>, String>),
    actor: Actor,
) -> anyhow::Result<StoreDesk> {
    // No registry stands in a person's way, nor what they may not read of its settings.
    let images = app::registries(&settings.registries).unwrap_or_else(|error| {
        output::note(common, &format!("note: no registry is asked for images: {error}"));
        Arc::new(Registries::default())
    });
    Ok(StoreDesk {
        fleet: Mutex::new(fleet),
        store,
        policies,
        clusters,
        images,
        sinks,
        clock: clock(),
        actor,
    })
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

/// Who called sudo, as it says itself.
fn sudo_user() -> Option<String> {
    std::env::var("SUDO_USER")
        .ok()
        .filter(|user| !user.is_empty() && !user.contains(char::is_control))
}
