//! Health and own metrics, on loopback, without secrets and without acts.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use super::{Figures, ServeError};
use crate::{ports::Clock, words::Moment};

/// Whether the controller's main loop still turns, and whether it could act: what `/healthz` and `/readyz` tell.
#[derive(Debug, Default)]
pub struct Beat {
    last: AtomicI64,
    unready: std::sync::Mutex<Vec<String>>,
    standby: std::sync::Mutex<Option<String>>,
}

impl Beat {
    /// The loop turned at `now`.
    pub fn turn(&self, now: Moment) {
        self.last.store(now.millis(), Ordering::Relaxed);
    }

    /// Whether the loop turned within the last thirty seconds.
    #[must_use]
    pub fn alive(&self, now: Moment) -> bool {
        now.since(Moment::from_millis(self.last.load(Ordering::Relaxed))) < Duration::from_secs(30)
    }

    /// Sets why the controller is not ready; empty: it is.
    pub fn set_unready(&self, because: Vec<String>) {
        if let Ok(mut unready) = self.unready.lock() {
            *unready = because;
        }
    }

    /// Sets that another controller acts, and which: this one is ready to take over. None: this one acts.
    pub fn stand_by(&self, leader: Option<String>) {
        if let Ok(mut standby) = self.standby.lock() {
            *standby = leader;
        }
    }

    fn standby(&self) -> Option<String> {
        self.standby.lock().ok()?.clone()
    }

    fn unready(&self) -> Vec<String> {
        self.unready.lock().map(|unready| unready.clone()).unwrap_or_default()
    }
}

#[derive(Clone)]
struct Shared {
    figures: Figures,
    beat: Arc<Beat>,
    clock: Arc<dyn Clock>,
}

/// Serves `/healthz`, `/readyz` and `/metrics` on `address` until `shutdown`.
///
/// # Errors
/// When the address is taken.
pub async fn serve(
    address: SocketAddr,
    figures: Figures,
    beat: Arc<Beat>,
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
) -> Result<(SocketAddr, BoxFuture<'static, ()>), ServeError> {
    let failed = |because| ServeError::Listen {
        address: address.to_string(),
        because,
    };
    let listener = tokio::net::TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let router = Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(Shared { figures, beat, clock });
    let serving = async move {
        if let Err(error) = axum::serve(listener, router)
            .with_graceful_shutdown(shutdown.cancelled_owned())
            .await
        {
            tracing::error!(%error, "the health server ended");
        }
    };
    Ok((bound, Box::pin(serving)))
}

async fn health(State(shared): State<Shared>) -> Response {
    if shared.beat.alive(shared.clock.now()) {
        (StatusCode::OK, "ok\n").into_response()
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "the main loop has not turned for thirty seconds\n",
        )
            .into_response()
    }
}

async fn ready(State(shared): State<Shared>) -> Response {
    let unready = shared.beat.unready();
    match shared.beat.standby() {
        _ if !unready.is_empty() => (StatusCode::SERVICE_UNAVAILABLE, unready.join("\n") + "\n").into_response(),
        Some(leader) => (StatusCode::OK, format!("ready, standing by: {leader} leads\n")).into_response(),
        None => (StatusCode::OK, "ready\n").into_response(),
    }
}

async fn metrics(State(shared): State<Shared>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], shared.figures.text()).into_response()
}
