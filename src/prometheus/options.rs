//! What is needed to reach a Prometheus, and the client that is made of it.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use reqwest::{
    Certificate, Identity, Proxy, Url,
    header::{HeaderMap, HeaderName, HeaderValue},
    redirect,
};
use secrecy::{ExposeSecret, SecretString};

/// How to reach a Prometheus. Secrets are in files, read again at each query, or redacted by their type.
#[derive(Debug, Clone)]
pub struct Options {
    /// `http://host:9090`, with or without a path; a name and password in it are used, and never shown.
    pub url: SecretString,
    /// The deadline of one query, all of it: connecting, asking, reading.
    pub timeout: Duration,
    /// Further headers: `X-Scope-OrgID`.
    pub headers: BTreeMap<String, SecretString>,
    /// A file that holds a bearer token.
    pub bearer_token_file: Option<PathBuf>,
    /// A name, and a file that holds its password.
    pub basic_auth: Option<BasicAuth>,
    /// PEM certificates of the authorities that are trusted, in place of the machine's.
    pub ca_file: Option<PathBuf>,
    /// Our own PEM certificate chain; with `key_file`.
    pub cert_file: Option<PathBuf>,
    /// The PEM key of `cert_file`.
    pub key_file: Option<PathBuf>,
    /// A proxy. None is taken from the environment.
    pub proxy: Option<SecretString>,
    /// How much later than scraped a sample may be stored (remote storage).
    pub lag: Duration,
}

/// A name, and a file that holds its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasicAuth {
    /// The name.
    pub user: String,
    /// The password's file.
    pub password_file: PathBuf,
}

/// Why no client can be made of the options.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SetupError(String);

impl Options {
    /// Nothing but a URL: no secrets, 10 s a query.
    #[must_use]
    pub fn at(url: &str) -> Self {
        Self {
            url: url.to_owned().into(),
            timeout: Duration::from_secs(10),
            headers: BTreeMap::new(),
            bearer_token_file: None,
            basic_auth: None,
            ca_file: None,
            cert_file: None,
            key_file: None,
            proxy: None,
            lag: Duration::ZERO,
        }
    }

    /// The URL as people may see it: without name, password and query.
    #[must_use]
    pub fn shown_url(&self) -> String {
        let Ok(mut url) = Url::parse(self.url.expose_secret()) else {
            return "an invalid URL".to_owned();
        };
        url.set_query(None);
        url.set_fragment(None);
        // These two fail only for URLs that have no host, and so no secrets before it.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.as_str().trim_end_matches('/').to_owned()
    }

    pub(super) fn client(&self) -> Result<prometheus_http_query::Client, SetupError> {
        let url = self.checked_url()?;
        let mut builder = reqwest::Client::builder()
            .user_agent(crate::words::USER_AGENT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(self.timeout)
            .connect_timeout(self.timeout)
            .default_headers(self.checked_headers()?);
        if let Some(proxy) = &self.proxy {
            let proxy = Proxy::all(proxy.expose_secret())
                .map_err(|_| SetupError("prometheus.proxy is no URL: write http://host:port".to_owned()))?;
            builder = builder.proxy(proxy);
        }
        if let Some(path) = &self.ca_file {
            let certificates = Certificate::from_pem_bundle(&read(path, "prometheus.ca_file")?)
                .map_err(|_| unusable("prometheus.ca_file", path, "PEM certificates"))?;
            builder = builder.tls_certs_only(certificates);
        }
        if let Some(identity) = self.identity()? {
            builder = builder.identity(identity);
        }
        let client = builder.build().map_err(|error| {
            let error = error.without_url();
            SetupError(format!(
                "no HTTP client for Prometheus: {error}; check the TLS files in [prometheus]"
            ))
        })?;
        prometheus_http_query::Client::from(client, url.as_str().trim_end_matches('/'))
            .map_err(|_| SetupError("prometheus.url cannot be used: write http://host:9090".to_owned()))
    }

    /// Whether a server that asks for a certificate of ours would be shown none: it may then just hang up, without a word.
    pub(super) fn wants_a_certificate(&self) -> bool {
        self.cert_file.is_none() && self.url.expose_secret().starts_with("https:")
    }

    fn checked_url(&self) -> Result<Url, SetupError> {
        let url = Url::parse(self.url.expose_secret())
            .map_err(|error| SetupError(format!("prometheus.url is no URL ({error}): write http://host:9090")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(SetupError(format!(
                "prometheus.url begins with `{}:`: write http://host:9090 or https://host",
                url.scheme()
            )));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(SetupError(
                "prometheus.url has a query or a fragment: write only host, port and path".to_owned(),
            ));
        }
        Ok(url)
    }

    fn checked_headers(&self) -> Result<HeaderMap, SetupError> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let key: HeaderName = name
                .parse()
                .map_err(|_| SetupError(format!("prometheus.headers: {name:?} is no header name")))?;
            let mut value = HeaderValue::from_str(value.expose_secret()).map_err(|_| {
                SetupError(format!(
                    "prometheus.headers: the value of {name} holds characters that no header may"
                ))
            })?;
            value.set_sensitive(true);
            headers.insert(key, value);
        }
        Ok(headers)
    }

    fn identity(&self) -> Result<Option<Identity>, SetupError> {
        match (&self.cert_file, &self.key_file) {
            (Some(cert), Some(key)) => {
                let mut pem = read(cert, "prometheus.cert_file")?;
                pem.push(b'\n');
                pem.extend(read(key, "prometheus.key_file")?);
                Identity::from_pem(&pem)
                    .map(Some)
                    .map_err(|_| unusable("prometheus.cert_file and key_file", cert, "a PEM certificate and its PEM key"))
            }
            (None, None) => Ok(None),
            _ => Err(SetupError(
                "prometheus.cert_file and prometheus.key_file belong together: set both".to_owned(),
            )),
        }
    }
}

fn read(path: &std::path::Path, what: &str) -> Result<Vec<u8>, SetupError> {
    std::fs::read(path).map_err(|error| SetupError(format!("{what} {} cannot be read: {error}", path.display())))
}

fn unusable(what: &str, path: &std::path::Path, expected: &str) -> SetupError {
    SetupError(format!("{what} {} does not hold {expected}", path.display()))
}
