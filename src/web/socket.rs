//! The Unix socket of the controller: people's commands. Whoever may open it may act; the peer's user is the actor.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use axum::{
    Json, Router,
    extract::{ConnectInfo, DefaultBodyLimit, Path as UrlPath, Query, State, connect_info::Connected},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
    serve::IncomingStream,
};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;

use super::ServeError;
use crate::{
    explain::{TargetStatus, Way},
    ports::{Command, Desk, DeskError},
    record::Record,
    words::{Actor, RolloutId, Service, TargetKey, VersionName},
};

/// Gives each person the desk at which they act under their own name.
pub trait Reception: Send + Sync {
    /// The desk for `actor`.
    fn desk(&self, actor: Actor) -> Arc<dyn Desk>;
}

/// Who is at the other end of a connection.
#[derive(Debug, Clone)]
pub struct Peer {
    actor: Actor,
    root: bool,
}

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Self {
        match stream.io().peer_cred() {
            Ok(cred) => Self {
                actor: actor(cred.uid()),
                root: cred.uid() == 0,
            },
            Err(_) => Self {
                actor: Actor("an unknown user".to_owned()),
                root: false,
            },
        }
    }
}

/// A user as the audit names them: `alice (uid 1000)`.
#[must_use]
pub fn actor(uid: u32) -> Actor {
    match uzers::get_user_by_uid(uid) {
        Some(user) => Actor(format!("{} (uid {uid})", user.name().to_string_lossy())),
        None => Actor(format!("uid {uid}")),
    }
}

/// Who called sudo, as root may say of itself; nobody else is believed.
pub(super) const SUDO_USER: &str = "lastgood-sudo-user";

/// A user who acts as another one by sudo: `alice by sudo (uid 0)`.
#[must_use]
pub fn by_sudo(user: &str, uid: u32) -> Actor {
    let user: String = user.chars().filter(|c| !c.is_control()).take(64).collect();
    Actor(format!("{user} by sudo (uid {uid})"))
}

/// A list of statuses, as the socket and `status -o json` give it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusList {
    /// `lastgood.dev/v1`.
    pub api_version: String,
    /// `StatusList`.
    pub kind: String,
    /// The statuses.
    pub items: Vec<TargetStatus>,
}

impl StatusList {
    /// A list of `items`.
    #[must_use]
    pub fn new(items: Vec<TargetStatus>) -> Self {
        Self {
            api_version: "lastgood.dev/v1".to_owned(),
            kind: "StatusList".to_owned(),
            items,
        }
    }
}

/// What was done, as a sentence.
#[derive(Debug, Serialize, Deserialize)]
pub struct Said {
    /// The sentence.
    pub said: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limit {
    #[serde(default = "ten")]
    limit: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    chain: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct To {
    to: Option<VersionName>,
}

const fn ten() -> usize {
    10
}

/// A manifest of the largest size, with room for its escapes.
const LARGEST_COMMAND: usize = 512 * 1024;

type Shared = State<Arc<dyn Reception>>;

/// Serves the socket at `path` until `shutdown`; a socket that a dead controller left is replaced, a living one's is not.
///
/// # Errors
/// When the socket cannot be made.
pub fn serve(
    path: &Path,
    reception: Arc<dyn Reception>,
    shutdown: CancellationToken,
) -> Result<BoxFuture<'static, ()>, ServeError> {
    let shown = path.display().to_string();
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(ServeError::Taken(shown));
    }
    let listener = bind(path).map_err(|because| ServeError::Socket { path: shown, because })?;
    let router = Router::new()
        .route("/v1/status", get(status))
        .route("/v1/records/{id}", get(record))
        .route("/v1/targets/{env}/{service}/records", get(records))
        .route("/v1/targets/{env}/{service}/way", get(way))
        .route("/v1/audit", get(audit))
        .route("/v1/services/{service}/releases", get(releases))
        .route("/v1/commands", post(command))
        .layer(DefaultBodyLimit::max(LARGEST_COMMAND))
        .with_state(reception)
        .into_make_service_with_connect_info::<Peer>();
    let path = path.to_owned();
    Ok(Box::pin(async move {
        let ended = axum::serve(listener, router)
            .with_graceful_shutdown(shutdown.cancelled_owned())
            .await;
        if let Err(error) = ended {
            tracing::error!(%error, "the command socket ended");
        }
        let _ = fs::remove_file(&path);
    }))
}

fn bind(path: &Path) -> std::io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o660))?;
    Ok(listener)
}

async fn status(State(reception): Shared, ConnectInfo(Peer { actor, .. }): ConnectInfo<Peer>) -> Response {
    answer(reception.desk(actor).status().await.map(StatusList::new))
}

async fn record(
    State(reception): Shared,
    ConnectInfo(Peer { actor, .. }): ConnectInfo<Peer>,
    UrlPath(id): UrlPath<RolloutId>,
) -> Response {
    let found = reception.desk(actor).record(id).await;
    answer(found.and_then(|record| record.ok_or_else(|| DeskError::Unknown(format!("no rollout {id} is recorded here")))))
}

async fn records(
    State(reception): Shared,
    ConnectInfo(Peer { actor, .. }): ConnectInfo<Peer>,
    UrlPath((env, service)): UrlPath<(String, String)>,
    Query(Limit { limit }): Query<Limit>,
) -> Response {
    let target = match format!("{env}/{service}").parse::<TargetKey>() {
        Ok(target) => target,
        Err(error) => return answer::<Vec<Record>>(Err(DeskError::Unknown(error.to_string()))),
    };
    answer(reception.desk(actor).records(&target, limit).await)
}

async fn way(
    State(reception): Shared,
    ConnectInfo(Peer { actor, .. }): ConnectInfo<Peer>,
    UrlPath((env, service)): UrlPath<(String, String)>,
    Query(To { to }): Query<To>,
) -> Response {
    let target = match format!("{env}/{service}").parse::<TargetKey>() {
        Ok(target) => target,
        Err(error) => return answer::<Way>(Err(DeskError::Unknown(error.to_string()))),
    };
    answer(reception.desk(actor).way(&target, to.as_ref()).await)
}

async fn audit(
    State(reception): Shared,
    ConnectInfo(Peer { actor, .. }): ConnectInfo<Peer>,
    Query(Which { chain }): Query<Which>,
) -> Response {
    answer(reception.desk(actor).trail(chain.as_deref()).await)
}

async fn releases(
    State(reception): Shared,
    ConnectInfo(Peer { actor, .. }): ConnectInfo<Peer>,
    UrlPath(service): UrlPath<Service>,
) -> Response {
    answer(reception.desk(actor).releases(&service).await)
}

async fn command(
    State(reception): Shared,
    ConnectInfo(Peer { actor, root }): ConnectInfo<Peer>,
    headers: HeaderMap,
    Json(command): Json<Command>,
) -> Response {
    let user = headers.get(SUDO_USER).filter(|_| root).and_then(|user| user.to_str().ok());
    let actor = user.map_or(actor, |user| by_sudo(user, 0));
    answer(reception.desk(actor).act(command).await.map(|said| Said { said }))
}

fn answer<T: Serialize>(result: Result<T, DeskError>) -> Response {
    match result {
        Ok(value) => Json(value).into_response(),
        Err(error) => {
            let code = match error {
                DeskError::Refused(_) => StatusCode::CONFLICT,
                DeskError::Unknown(_) => StatusCode::NOT_FOUND,
                DeskError::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
            };
            (code, Json(error)).into_response()
        }
    }
}
