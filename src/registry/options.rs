//! What is needed to reach a registry, and the client that is made of it.

use std::{path::PathBuf, time::Duration};

use reqwest::{Certificate, Client, Proxy, Url, redirect};

/// The deadline of one request, all of it.
const WITHIN: Duration = Duration::from_secs(10);
/// Images of Docker Hub name `docker.io`; this is where it listens.
const DOCKER_HUB: (&str, &str) = ("docker.io", "registry-1.docker.io");

/// How to reach a registry. Secrets are in files, read again at each use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Plain HTTP in place of HTTPS.
    pub plain_http: bool,
    /// The user's name, and a file that holds their password: for the registry itself, or for the token server that it names.
    pub login: Option<(String, PathBuf)>,
    /// A file that holds a bearer token, sent as it is.
    pub token_file: Option<PathBuf>,
    /// PEM certificates of the authorities that are trusted, in place of the machine's.
    pub ca_file: Option<PathBuf>,
    /// A proxy. None is taken from the environment.
    pub proxy: Option<String>,
}

/// Why no client can be made of the options.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SetupError(String);

/// A registry that can be asked.
#[derive(Debug)]
pub(super) struct Server {
    /// As the settings and images name it.
    pub name: String,
    pub base: Url,
    pub options: Options,
    pub client: Client,
}

impl Server {
    pub fn new(name: &str, options: Options) -> Result<Self, SetupError> {
        let of = |what: &str, wrong: &str| SetupError(format!("registry.\"{name}\".{what} {wrong}"));
        let scheme = if options.plain_http { "http" } else { "https" };
        let host = if name == DOCKER_HUB.0 { DOCKER_HUB.1 } else { name };
        let base = Url::parse(&format!("{scheme}://{host}/"))
            .map_err(|error| SetupError(format!("registry.\"{name}\" is no host ({error}): write host or host:port")))?;
        // A manifest must come as it is stored: an unasked compression would change its digest. Nothing is followed elsewhere.
        let mut builder = Client::builder()
            .user_agent(crate::words::USER_AGENT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .no_gzip()
            .timeout(WITHIN)
            .connect_timeout(WITHIN);
        if let Some(proxy) = &options.proxy {
            let proxy = Proxy::all(proxy).map_err(|_| of("proxy", "is no URL: write http://host:port"))?;
            builder = builder.proxy(proxy);
        }
        if let Some(path) = &options.ca_file {
            let shown = path.display();
            let pem = std::fs::read(path).map_err(|error| of("ca_file", &format!("{shown} cannot be read: {error}")))?;
            let certificates = Certificate::from_pem_bundle(&pem)
                .map_err(|_| of("ca_file", &format!("{shown} does not hold PEM certificates")))?;
            builder = builder.tls_certs_only(certificates);
        }
        let client = builder.build().map_err(|error| {
            let error = error.without_url();
            SetupError(format!(
                "no HTTP client for the registry {name}: {error}; check [registry.\"{name}\"]"
            ))
        })?;
        Ok(Self {
            name: name.to_owned(),
            base,
            options,
            client,
        })
    }
}
