//! A real HTTP server that keeps what it receives and answers as it is told.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
};

/// What one request brought.
#[derive(Debug, Clone)]
pub struct Request {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Request {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }
}

/// How it answers.
#[derive(Debug, Clone)]
pub enum Answer {
    Status(u16, &'static str),
    /// A redirect to the path.
    Elsewhere(&'static str),
    /// Longer than any deadline.
    Never,
}

#[derive(Debug, Clone)]
struct Shared {
    received: Arc<Mutex<Vec<Request>>>,
    answer: Arc<Mutex<Answer>>,
}

/// The server, in a runtime of its own, so that ending it ends its open connections too.
pub struct Receiver {
    pub address: SocketAddr,
    shared: Shared,
    runtime: Option<Runtime>,
}

impl Receiver {
    /// Starts on a free port.
    pub fn start(answer: Answer) -> Self {
        Self::start_at("127.0.0.1:0".parse().expect("an address"), answer)
    }

    /// Starts on the port of one that was ended.
    pub fn start_at(address: SocketAddr, answer: Answer) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let shared = Shared {
            received: Arc::default(),
            answer: Arc::new(Mutex::new(answer)),
        };
        let router = Router::new().fallback(receive).with_state(shared.clone());
        let listener = std::net::TcpListener::bind(address).expect("a free port");
        listener.set_nonblocking(true).expect("made async");
        let address = listener.local_addr().expect("its address");
        runtime.spawn(async move { axum::serve(TcpListener::from_std(listener).expect("made async"), router).await });
        Self {
            address,
            shared,
            runtime: Some(runtime),
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn answers(&self, answer: Answer) {
        *self.shared.answer.lock().expect("unpoisoned") = answer;
    }

    pub fn received(&self) -> Vec<Request> {
        self.shared.received.lock().expect("unpoisoned").clone()
    }

    /// The only request so far.
    pub fn only(&self) -> Request {
        let received = self.received();
        assert_eq!(received.len(), 1, "{received:?}");
        received[0].clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn receive(State(shared): State<Shared>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let path = uri.path().to_owned();
    shared
        .received
        .lock()
        .expect("unpoisoned")
        .push(Request { path, headers, body });
    let answer = shared.answer.lock().expect("unpoisoned").clone();
    match answer {
        Answer::Status(status, body) => (StatusCode::from_u16(status).expect("a status"), body).into_response(),
        Answer::Elsewhere(path) => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, path)]).into_response(),
        Answer::Never => {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            StatusCode::OK.into_response()
        }
    }
}
