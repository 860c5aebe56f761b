//! The desk at the other end of the controller's socket.

use std::{path::Path, time::Duration};

use futures::future::BoxFuture;
use serde::{Serialize, de::DeserializeOwned};

use super::socket::{SUDO_USER, Said, StatusList};
use crate::{
    explain::{ReleaseStatus, TargetStatus, Way},
    ports::{Command, Desk, DeskError, Trail},
    record::Record,
    words::{RolloutId, Service, TargetKey, VersionName},
};

/// A connection to a running controller.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    socket: String,
    sudo_user: Option<String>,
}

impl Client {
    /// A client of the controller at `socket`; none where no controller answers there.
    ///
    /// # Errors
    /// When a socket is there and this user may not open it.
    pub fn connect(socket: &Path) -> Result<Option<Self>, DeskError> {
        let shown = socket.display();
        match std::os::unix::net::UnixStream::connect(socket) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                return Err(DeskError::Failed(format!(
                    "no permission to open {shown}: act as a user of the socket's group, or with sudo"
                )));
            }
            Err(_) => return Ok(None),
        }
        let http = reqwest::Client::builder()
            .unix_socket(socket)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(10))
            .build()
            .map_err(|error| DeskError::Failed(error.to_string()))?;
        Ok(Some(Self {
            http,
            socket: shown.to_string(),
            sudo_user: None,
        }))
    }

    /// The same, for whoever called sudo; the controller believes it of root only.
    #[must_use]
    pub fn called_by(mut self, user: Option<String>) -> Self {
        self.sudo_user = user;
        self
    }

    async fn ask<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, DeskError> {
        let lost = |error: reqwest::Error| {
            DeskError::Failed(format!(
                "the controller at {} does not answer: {}",
                self.socket,
                error.without_url()
            ))
        };
        let response = request.send().await.map_err(lost)?;
        if response.status().is_success() {
            response.json().await.map_err(lost)
        } else {
            Err(response.json::<DeskError>().await.map_err(lost)?)
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, DeskError> {
        self.ask(self.http.get(format!("http://lastgood/v1/{path}"))).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, DeskError> {
        let mut request = self.http.post(format!("http://lastgood/v1/{path}")).json(body);
        if let Some(user) = &self.sudo_user {
            request = request.header(SUDO_USER, user);
        }
        self.ask(request).await
    }
}

impl Desk for Client {
    fn status(&self) -> BoxFuture<'_, Result<Vec<TargetStatus>, DeskError>> {
        Box::pin(async { Ok(self.get::<StatusList>("status").await?.items) })
    }

    fn record(&self, id: RolloutId) -> BoxFuture<'_, Result<Option<Record>, DeskError>> {
        Box::pin(async move {
            match self.get(&format!("records/{id}")).await {
                Ok(record) => Ok(Some(record)),
                Err(DeskError::Unknown(_)) => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    fn records<'a>(&'a self, target: &'a TargetKey, limit: usize) -> BoxFuture<'a, Result<Vec<Record>, DeskError>> {
        Box::pin(async move {
            self.get(&format!("targets/{}/{}/records?limit={limit}", target.env, target.service))
                .await
        })
    }

    fn way<'a>(&'a self, target: &'a TargetKey, to: Option<&'a VersionName>) -> BoxFuture<'a, Result<Way, DeskError>> {
        Box::pin(async move {
            let path = format!("http://lastgood/v1/targets/{}/{}/way", target.env, target.service);
            let to = to.map(|to| ("to", to.as_str()));
            self.ask(self.http.get(path).query(&to.as_slice())).await
        })
    }

    fn trail<'a>(&'a self, chain: Option<&'a str>) -> BoxFuture<'a, Result<Trail, DeskError>> {
        Box::pin(async move {
            let chain = chain.map(|chain| ("chain", chain));
            self.ask(self.http.get("http://lastgood/v1/audit").query(&chain.as_slice()))
                .await
        })
    }

    fn releases<'a>(&'a self, service: &'a Service) -> BoxFuture<'a, Result<Vec<ReleaseStatus>, DeskError>> {
        Box::pin(async move { self.get(&format!("services/{service}/releases")).await })
    }

    fn act(&self, command: Command) -> BoxFuture<'_, Result<String, DeskError>> {
        Box::pin(async move { Ok(self.post::<Said>("commands", &command).await?.said) })
    }
}
