//! Someone who receives alerts, or whose endpoint is down: then connections are refused, and nobody else can take its port.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Json, Router, extract::State, routing::post};
use tokio::{net::TcpSocket, task::JoinHandle};

/// Alerts as they were received, every attempt.
type Inbox = Arc<Mutex<Vec<serde_json::Value>>>;

/// The other end of a webhook. Dropping it closes the port.
pub struct Hook {
    address: SocketAddr,
    inbox: Inbox,
    closed: Mutex<Option<TcpSocket>>,
    serving: Mutex<Option<JoinHandle<()>>>,
}

impl Hook {
    /// An endpoint that is down until [`Hook::open`].
    pub fn down() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
        Self {
            address: socket.local_addr().expect("an address"),
            inbox: Inbox::default(),
            closed: Mutex::new(Some(socket)),
            serving: Mutex::new(None),
        }
    }

    /// Takes alerts from now on.
    pub fn open(&self) {
        let socket = self
            .closed
            .lock()
            .expect("a socket")
            .take()
            .expect("an endpoint that is down");
        let listener = socket.listen(64).expect("listening");
        let router = Router::new().fallback(post(take)).with_state(self.inbox.clone());
        let serving = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        *self.serving.lock().expect("a place") = Some(serving);
    }

    /// Its URL; any path is taken.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// Every alert that was received, every attempt, oldest first.
    pub fn received(&self) -> Vec<serde_json::Value> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        if let Some(serving) = self.serving.lock().unwrap_or_else(PoisonError::into_inner).take() {
            serving.abort();
        }
    }
}

async fn take(State(inbox): State<Inbox>, Json(alert): Json<serde_json::Value>) {
    inbox.lock().unwrap_or_else(PoisonError::into_inner).push(alert);
}
