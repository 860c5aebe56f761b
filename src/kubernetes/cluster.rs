//! The connection: from the pod's own service account, or from a kubeconfig as kubectl reads it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use http::{HeaderValue, header};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
};

use super::{
    call::{CallError, Calls, chain},
    lease,
    resource::Resource,
    term::Term,
    watches::Watches,
};
use crate::{
    ports::PlatformError,
    words::{Moment, USER_AGENT},
};

/// A watch that says nothing for so long is dead: the server sends bookmarks, and ends each watch earlier.
const SILENCE: Duration = Duration::from_secs(58);
/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);

/// Where the API server is, as the settings say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// A kubeconfig; none: the pod's own service account, else what kubectl would read.
    pub kubeconfig: Option<PathBuf>,
    /// A context of the kubeconfig; none: its current one.
    pub context: Option<String>,
}

/// A cluster, shared by all its workloads.
pub struct Cluster {
    pub(super) calls: Calls,
    pub(super) watches: Watches,
    namespace: String,
}

impl Cluster {
    /// Connects; nothing is asked of the server yet.
    ///
    /// # Errors
    /// When there is no usable kubeconfig or service account, with what to do next.
    pub async fn connect(address: &Address) -> Result<Self, PlatformError> {
        refuse_overrides()?;
        let mut config = config(address).await?;
        config.connect_timeout = Some(CONNECT);
        // A write whose answer was lost may have been done: it is looked at, never sent again unseen.
        config.default_retry = false;
        // By which the server's audit log tells our requests from others' of the same account.
        config
            .headers
            .push((header::USER_AGENT, HeaderValue::from_static(USER_AGENT)));
        let mut watching = config.clone();
        watching.read_timeout = Some(SILENCE);
        let client = |config: Config| {
            Client::try_from(config).map_err(|error| PlatformError(format!("cannot speak to the API server: {}", chain(&error))))
        };
        let namespace = config.default_namespace.clone();
        // Two clients: a frozen watch must not hold up a call that shares its connection.
        Ok(Self::over(client(config)?, client(watching)?, &namespace))
    }

    /// A cluster behind clients that exist: one for calls, one for watches. Neither may repeat a request by itself.
    #[must_use]
    pub fn over(calls: Client, watches: Client, namespace: &str) -> Self {
        Self {
            calls: Calls::new(calls),
            watches: Watches::new(watches),
            namespace: namespace.to_owned(),
        }
    }

    /// Writes from now on only while `term` lasts. A process has one term in its life: a second one changes nothing.
    pub fn under(&self, term: Arc<Term>) {
        self.calls.under(term);
    }

    /// How often the lease had changed hands under which is written; none without a lease.
    pub(super) fn fence(&self) -> Option<u64> {
        self.calls.term().map(Term::transitions)
    }

    /// Who holds a lease, if anybody, and when it was renewed by the holder's clock. Without `namespace` it is in the connection's.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn leader(&self, namespace: Option<&str>, name: &str) -> Result<Option<(String, Moment)>, PlatformError> {
        let namespace = namespace.unwrap_or(&self.namespace);
        match self.calls.get(Resource::Leases, namespace, name).await {
            Ok(lease) => Ok(lease::holder(&lease).map(str::to_owned).zip(lease.moment("/spec/renewTime"))),
            Err(CallError::Absent(_)) => Ok(None),
            Err(error) => Err(PlatformError(format!("cannot read the lease {namespace}/{name}: {error}"))),
        }
    }

    /// The name under which the API server knows us.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn user(&self) -> Result<String, PlatformError> {
        self.calls.user().await.map_err(|error| PlatformError(error.to_string()))
    }

    /// The namespace of the kubeconfig's context, or of the pod.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }
}

async fn config(address: &Address) -> Result<Config, PlatformError> {
    let in_pod = std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
    if address.kubeconfig.is_none() && address.context.is_none() && in_pod {
        return Config::incluster().map_err(|error| {
            let said = chain(&error);
            PlatformError(format!(
                "the pod's service account cannot be used ({said}); mount it, or set kubernetes.kubeconfig"
            ))
        });
    }
    let unusable = |error: &dyn std::error::Error| {
        let file = address
            .kubeconfig
            .as_ref()
            .map_or("kubectl's kubeconfig".to_owned(), |path| path.display().to_string());
        let said = chain(error);
        PlatformError(format!(
            "{file} cannot be used ({said}); try `kubectl config view`, or set kubernetes.kubeconfig"
        ))
    };
    let options = KubeConfigOptions {
        context: address.context.clone(),
        ..KubeConfigOptions::default()
    };
    let kubeconfig = match &address.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => kubectls(),
    };
    let kubeconfig = kubeconfig.map_err(|error| unusable(&error))?;
    Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| unusable(&error))
}

/// What kubectl reads: of the files that `KUBECONFIG` lists those that are there, else its own.
fn kubectls() -> Result<Kubeconfig, KubeconfigError> {
    let listed = std::env::var_os("KUBECONFIG").unwrap_or_default();
    let mut there = std::env::split_paths(&listed).filter(|path| path.is_file()).peekable();
    if there.peek().is_none() {
        return Kubeconfig::read();
    }
    there.try_fold(Kubeconfig::default(), |merged, path| {
        merged.merge(Kubeconfig::read_from(path)?)
    })
}

/// `kube`'s own debugging variables could make lastgood act elsewhere, or as someone else.
fn refuse_overrides() -> Result<(), PlatformError> {
    let set = std::env::vars_os()
        .map(|(name, _)| name)
        .find(|name| name.to_string_lossy().starts_with("KUBE_RS_DEBUG_"));
    match set {
        Some(name) => Err(PlatformError(format!(
            "{} is set and could make lastgood act elsewhere; unset it",
            name.to_string_lossy()
        ))),
        None => Ok(()),
    }
}
