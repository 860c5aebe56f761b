//! The other end of a webhook: alerts are really delivered, over HTTP, and kept once each.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Json, Router, extract::State, routing::post};
use serde::Deserialize;
use tokio::{net::TcpListener, task::JoinHandle};

/// An alert as the generic webhook carries it, as far as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Received {
    /// The same for every attempt.
    pub id: String,
    /// All its lines.
    pub text: String,
}

type Inbox = Arc<Mutex<Vec<Received>>>;

/// Receives alerts at `/alerts`. Dropping it closes the port.
#[derive(Debug)]
pub struct Hook {
    address: SocketAddr,
    inbox: Inbox,
    serving: JoinHandle<()>,
}

impl Hook {
    /// Listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When there is none.
    pub async fn listen() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let inbox = Inbox::default();
        let router = Router::new().route("/alerts", post(take)).with_state(Arc::clone(&inbox));
        let serving = tokio::spawn(async move {
            // It ends with the demo alone; an error of one connection ends only that one.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, inbox, serving })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every alert received so far, oldest first.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(State(inbox): State<Inbox>, Json(alert): Json<Received>) {
    let mut inbox = inbox.lock().unwrap_or_else(PoisonError::into_inner);
    if inbox.iter().all(|known| known.id != alert.id) {
        inbox.push(alert);
    }
}
