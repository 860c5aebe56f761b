//! A proxy before the API server that does what networks and busy servers do: answers are lost, refused, held, aged or never given, and watches
//! freeze. It speaks plain HTTP to lastgood and TLS to the API server, one request a connection, so that each can be broken by itself.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use reqwest::{Certificate, Client, Method, Response, Url};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{oneshot, watch},
    task::AbortHandle,
};

use crate::plane::Plane;

/// What becomes of a request that a rule names.
#[derive(Debug)]
pub enum Fault {
    /// It is done, and the connection ends without a byte of the answer.
    ReplyDropped,
    /// It is done, and no byte of the answer ever comes; the connection stays.
    ReplyHeld,
    /// It is not passed on, and never answered.
    Swallowed,
    /// It is not passed on, but answered so: status, body, and `Retry-After` where it is over zero.
    Answered(u16, String, u64),
    /// It is passed on only when the test says so.
    Held(Hold),
}

/// The proxy's half of a [`Held`].
#[derive(Debug)]
pub struct Hold {
    arrived: oneshot::Sender<()>,
    released: oneshot::Receiver<()>,
}

/// A request that is held on its way.
#[derive(Debug)]
pub struct Held {
    arrived: oneshot::Receiver<()>,
    released: oneshot::Sender<()>,
}

impl Held {
    /// Waits until it is there, does what happens meanwhile, and lets it go on.
    pub async fn meanwhile(self, happens: impl Future<Output = ()>) {
        self.arrived.await.expect("it arrives");
        happens.await;
        let _ = self.released.send(());
    }
}

/// How watches end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Running,
    /// No byte comes any more, and the connection stays.
    Frozen,
    /// The server says that it has forgotten where the watch was: 410.
    Expired,
}

struct Rule {
    method: Method,
    path: String,
    fault: Fault,
}

struct Shared {
    server: Url,
    client: Client,
    rules: Mutex<Vec<Rule>>,
    /// The newest answer to each read, by its URI.
    newest: Mutex<BTreeMap<String, (u16, Vec<u8>)>>,
    aged: AtomicBool,
    swallows: watch::Sender<bool>,
    watches: watch::Sender<End>,
}

/// The proxy; it ends with this.
pub struct Proxy {
    shared: Arc<Shared>,
    kubeconfig: PathBuf,
    task: AbortHandle,
    _directory: tempfile::TempDir,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An answer of the API server with a status of its own.
pub fn status(code: u16, reason: &str, message: &str, retry_after: u64) -> Fault {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message,
        "details": {"retryAfterSeconds": retry_after},
    });
    Fault::Answered(code, body.to_string(), retry_after)
}

impl Proxy {
    /// One before the API server of `plane`, for who has this kubeconfig: credentials are passed on as they come.
    pub async fn before(plane: &Plane, kubeconfig: &Path) -> Self {
        let theirs = fs::read_to_string(kubeconfig).expect("a kubeconfig");
        let admin = fs::read_to_string(plane.file("credentials/admin.kubeconfig")).expect("a kubeconfig");
        let server = admin.lines().find_map(|line| line.trim().strip_prefix("server: "));
        let authority = fs::read(plane.file("credentials/authority.crt")).expect("an authority");
        let authority = Certificate::from_pem(&authority).expect("a certificate");
        let shared = Arc::new(Shared {
            server: server.expect("a server").parse().expect("a URL"),
            client: Client::builder()
                .no_proxy()
                .tls_certs_only([authority])
                .build()
                .expect("a client"),
            rules: Mutex::default(),
            newest: Mutex::default(),
            aged: AtomicBool::new(false),
            swallows: watch::Sender::new(false),
            watches: watch::Sender::new(End::Running),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let directory = tempfile::tempdir().expect("a directory");
        let kubeconfig = directory.path().join("kubeconfig");
        fs::write(
            &kubeconfig,
            theirs.replace(shared.server.as_str().trim_end_matches('/'), &address),
        )
        .expect("written");
        let serving = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&serving);
                // A client that goes away is none of the proxy's business.
                tokio::spawn(async move { drop(shared.serve(stream).await) });
            }
        });
        Self {
            shared,
            kubeconfig,
            task: task.abort_handle(),
            _directory: directory,
        }
    }

    /// The same kubeconfig that leads through the proxy.
    pub fn kubeconfig(&self) -> PathBuf {
        self.kubeconfig.clone()
    }

    /// The next request of this method whose path and query contain `path` meets `fault`; a dry run never does. Rules are used up in their
    /// order.
    pub fn fails(&self, method: Method, path: &str, fault: Fault) {
        let path = path.to_owned();
        lock(&self.shared.rules).push(Rule { method, path, fault });
    }

    /// The next request of this method and path is held until the test lets it go on.
    pub fn holds(&self, method: Method, path: &str) -> Held {
        let (arrives, arrived) = oneshot::channel();
        let (release, released) = oneshot::channel();
        let hold = Hold {
            arrived: arrives,
            released,
        };
        self.fails(method, path, Fault::Held(hold));
        Held {
            arrived,
            released: release,
        }
    }

    /// How many faults are still to come.
    pub fn to_come(&self) -> usize {
        lock(&self.shared.rules).len()
    }

    /// From now on every read that was answered before is answered as it was then; or, from now on, none.
    pub fn ages(&self, aged: bool) {
        self.shared.aged.store(aged, Ordering::Relaxed);
    }

    /// From now on nothing is passed on and nothing answered, watches included; or, from now on, everything is.
    pub fn swallows(&self, all: bool) {
        self.shared.swallows.send_replace(all);
        if all {
            self.freezes_watches();
        }
    }

    /// The watches that run now say nothing any more, and their connections stay. Later ones are whole.
    pub fn freezes_watches(&self) {
        self.shared.watches.send_replace(End::Frozen);
    }

    /// The watches that run now end, as the server has forgotten where they were.
    pub fn expires_watches(&self) {
        self.shared.watches.send_replace(End::Expired);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("not poisoned")
}

/// One request as it came.
struct Request {
    method: Method,
    uri: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    async fn read(stream: &mut TcpStream) -> io::Result<Self> {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end;
            }
            if stream.read_buf(&mut bytes).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.lines();
        let mut first = lines.next().unwrap_or_default().split(' ');
        let method = first.next().and_then(|method| method.parse().ok()).expect("a method");
        let uri = first.next().expect("a URI").to_owned();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
        let mut body = bytes.split_off(end + 4);
        while body.len() < length {
            if stream.read_buf(&mut body).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(Self {
            method,
            uri,
            headers,
            body,
        })
    }

    fn watches(&self) -> bool {
        self.uri.contains("watch=true") || self.uri.contains("watch=1")
    }
}

impl Shared {
    async fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        let request = Request::read(&mut stream).await?;
        let mut swallows = self.swallows.subscribe();
        tokio::select! {
            biased;
            () = async { drop(swallows.wait_for(|all| *all).await) } => silent(&mut stream).await,
            done = self.answer(&request) => self.reply(&mut stream, &request, done).await,
        }
    }

    /// The answer, unless a fault keeps it; passed on before that where the fault says so.
    async fn answer(&self, request: &Request) -> Answer {
        match self.fault(request) {
            None => {}
            Some(Fault::Held(hold)) => {
                let _ = hold.arrived.send(());
                let _ = hold.released.await;
            }
            Some(Fault::ReplyDropped) => return self.passed(request).await.map_or(Answer::None, |_| Answer::None),
            Some(Fault::ReplyHeld) => return self.passed(request).await.map_or(Answer::None, |_| Answer::Silence),
            Some(Fault::Swallowed) => return Answer::Silence,
            Some(Fault::Answered(code, body, retry_after)) => return Answer::Own(code, body, retry_after),
        }
        let old = lock(&self.newest).get(&request.uri).cloned();
        match old {
            Some((code, body)) if request.method == Method::GET && self.aged.load(Ordering::Relaxed) => Answer::Whole(code, body),
            _ => self.passed(request).await.map_or(Answer::None, Answer::Passed),
        }
    }

    fn fault(&self, request: &Request) -> Option<Fault> {
        let mut rules = lock(&self.rules);
        let meets =
            |rule: &Rule| rule.method == request.method && request.uri.contains(&rule.path) && !request.uri.contains("dryRun");
        let place = rules.iter().position(meets)?;
        Some(rules.remove(place).fault)
    }

    async fn passed(&self, request: &Request) -> Option<Response> {
        let url = self.server.join(&request.uri).expect("a path");
        let mut asked = self.client.request(request.method.clone(), url).body(request.body.clone());
        for (name, value) in &request.headers {
            if !["host", "content-length", "connection"].contains(&name.as_str()) {
                asked = asked.header(name, value);
            }
        }
        asked.send().await.ok()
    }

    async fn reply(&self, stream: &mut TcpStream, request: &Request, answer: Answer) -> io::Result<()> {
        match answer {
            Answer::None => Ok(()),
            Answer::Silence => silent(stream).await,
            Answer::Own(code, body, retry_after) => whole(stream, code, body.as_bytes(), retry_after).await,
            Answer::Whole(code, body) => whole(stream, code, &body, 0).await,
            Answer::Passed(response) if request.watches() && response.status().is_success() => {
                self.stream(stream, response).await
            }
            Answer::Passed(response) => {
                let code = response.status().as_u16();
                let Ok(body) = response.bytes().await else { return Ok(()) };
                if request.method == Method::GET && !self.aged.load(Ordering::Relaxed) {
                    lock(&self.newest).insert(request.uri.clone(), (code, body.to_vec()));
                }
                whole(stream, code, &body, 0).await
            }
        }
    }

    /// A watch, line by line as the server says it.
    async fn stream(&self, stream: &mut TcpStream, mut response: Response) -> io::Result<()> {
        let mut watches = self.watches.subscribe();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n")
            .await?;
        loop {
            tokio::select! {
                biased;
                Ok(()) = watches.changed() => {
                    if *watches.borrow() == End::Frozen {
                        return silent(stream).await;
                    }
                    let words = "too old resource version";
                    let gone = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410, "reason": "Expired", "message": words});
                    let event: Value = json!({"type": "ERROR", "object": gone});
                    return stream.write_all(format!("{event}\n").as_bytes()).await;
                }
                chunk = response.chunk() => match chunk {
                    Ok(Some(chunk)) => stream.write_all(&chunk).await?,
                    _ => return Ok(()),
                },
            }
        }
    }
}

/// What the client gets.
enum Answer {
    /// The connection ends.
    None,
    /// The connection stays.
    Silence,
    Own(u16, String, u64),
    Whole(u16, Vec<u8>),
    Passed(Response),
}

/// Says nothing until the client goes.
async fn silent(stream: &mut TcpStream) -> io::Result<()> {
    while stream.read(&mut [0; 64]).await? > 0 {}
    Ok(())
}

async fn whole(stream: &mut TcpStream, code: u16, body: &[u8], retry_after: u64) -> io::Result<()> {
    let retry = if retry_after > 0 {
        format!("retry-after: {retry_after}\r\n")
    } else {
        String::new()
    };
    let head = format!(
        "HTTP/1.1 {code} Said\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{retry}connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await
}
