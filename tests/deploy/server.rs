//! A small HTTP server that serves one file, knows ranges, and cuts answers where it is told to.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// What is served, and how badly.
#[derive(Default)]
pub struct Plan {
    /// The file.
    pub content: Vec<u8>,
    /// The first answers end after so many bytes of their body, one each.
    pub cuts: Vec<usize>,
    /// The file's tag in each answer; the last one from then on. Empty: none.
    pub tags: Vec<&'static str>,
    /// An answer waits after its first bytes until this says something.
    pub gate: Option<mpsc::Receiver<()>>,
    /// Served over TLS with this certificate and key, PEM.
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

/// The server; ends when dropped.
pub struct Server {
    port: u16,
    scheme: &'static str,
    ended: Arc<AtomicBool>,
    /// The head of each request.
    seen: Arc<Mutex<Vec<String>>>,
    thread: Option<JoinHandle<()>>,
}

trait Wire: Read + Write {}
impl<T: Read + Write> Wire for T {}

impl Server {
    pub fn start(mut plan: Plan) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let scheme = if plan.tls.is_some() { "https" } else { "http" };
        let (ended, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (over, heads) = (Arc::clone(&ended), Arc::clone(&seen));
        let thread = thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let stream = stream.expect("a connection");
                // Whoever leaves in mid-answer is the test's business, not the server's.
                let _ = answer(stream, number, &mut plan, &heads);
            }
        });
        Self {
            port,
            scheme,
            ended,
            seen,
            thread: Some(thread),
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}://localhost:{}/{path}", self.scheme, self.port)
    }

    /// The `Range` and `If-Range` of each request so far.
    pub fn ranges(&self) -> Vec<(Option<String>, Option<String>)> {
        let seen = self.seen.lock().expect("requests");
        seen.iter()
            .map(|head| (header(head, "range"), header(head, "if-range")))
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn header(head: &str, name: &str) -> Option<String> {
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.find_map(|(field, value)| field.eq_ignore_ascii_case(name).then(|| value.to_owned()))
}

fn answer(stream: TcpStream, number: usize, plan: &mut Plan, heads: &Mutex<Vec<String>>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut wire: Box<dyn Wire> = match &plan.tls {
        Some(config) => {
            let connection = rustls::ServerConnection::new(Arc::clone(config)).map_err(std::io::Error::other)?;
            Box::new(rustls::StreamOwned::new(connection, stream))
        }
        None => Box::new(stream),
    };
    let mut head = String::new();
    let mut reader = BufReader::new(&mut wire);
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    drop(reader);
    heads.lock().unwrap_or_else(PoisonError::into_inner).push(head.clone());
    let tag = plan.tags.get(number).or(plan.tags.last()).copied().unwrap_or_default();
    let same = header(&head, "if-range").is_none_or(|asked| asked == tag);
    let from = header(&head, "range").filter(|_| same);
    let from = from.and_then(|range| range.strip_prefix("bytes=")?.trim_end_matches('-').parse::<usize>().ok());
    let tag = if tag.is_empty() {
        String::new()
    } else {
        format!("ETag: {tag}\r\n")
    };
    let all = plan.content.len();
    let (status, range) = match from {
        Some(from) if from < all => (
            "206 Partial Content",
            format!("Content-Range: bytes {from}-{}/{all}\r\n", all - 1),
        ),
        Some(_) => ("416 Range Not Satisfiable", String::new()),
        None => ("200 OK", String::new()),
    };
    let body = plan.content.get(from.unwrap_or(0)..).unwrap_or_default();
    write!(
        wire,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{range}{tag}Connection: close\r\n\r\n",
        body.len()
    )?;
    let end = plan.cuts.get(number).copied().unwrap_or(usize::MAX).min(body.len());
    if let Some(gate) = &plan.gate {
        let first = end.min(10);
        wire.write_all(&body[..first])?;
        wire.flush()?;
        let _ = gate.recv();
        wire.write_all(&body[first..end])?;
    } else {
        wire.write_all(&body[..end])?;
    }
    wire.flush()
}
