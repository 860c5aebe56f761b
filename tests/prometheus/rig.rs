//! A real Prometheus, and exporters whose truth is known.

use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::protobuf::{self, Histogram};
use lastgood::{
    prometheus::{Options, Prometheus},
    words::Moment,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
    time::sleep,
};

/// Between two scrapes, and the step.
pub const SCRAPE: Duration = Duration::from_secs(1);
/// Nothing that a test waits for takes longer.
pub const PATIENCE: Duration = Duration::from_secs(60);

#[expect(clippy::disallowed_methods, reason = "samples are stamped by the machine's clock")]
pub fn now() -> Moment {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Moment::from_millis(i64::try_from(since.expect("after 1970").as_millis()).expect("fits"))
}

/// Waits until `done`, and fails with `what` when it takes too long.
pub async fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let end = now().plus(PATIENCE);
    while !done() {
        assert!(now() < end, "waited in vain for {what}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// A Prometheus server with its data in a directory of its own. Dropping it kills it.
pub struct Server {
    child: Option<Child>,
    program: PathBuf,
    directory: tempfile::TempDir,
    address: SocketAddr,
}

impl Server {
    /// Scrapes each exporter under its job, all of one as the pod `JOB-0` of the namespace `shop`, and by other labels as `JOB-1` of
    /// `theirs`.
    pub async fn start(targets: &[(&str, &Exporter)]) -> Self {
        Self::of(program(), targets).await
    }

    /// The server that `program` is.
    pub async fn of(program: PathBuf, targets: &[(&str, &Exporter)]) -> Self {
        Self::configured(program, SCRAPE, targets).started().await
    }

    /// One that scrapes so often, for a page that takes long on a busy machine.
    pub async fn every(interval: Duration, targets: &[(&str, &Exporter)]) -> Self {
        Self::configured(program(), interval, targets).started().await
    }

    /// One that has scraped before: what `past` says in the text format of OpenMetrics.
    pub async fn remembering(past: &str, targets: &[(&str, &Exporter)]) -> Self {
        let server = Self::configured(program(), SCRAPE, targets);
        let path = server.directory.path();
        std::fs::write(path.join("past"), past).expect("written");
        let output = Command::new(server.program.with_file_name("promtool"))
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .args([path.join("past"), path.join("data")])
            .output()
            .expect("promtool");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        server.started().await
    }

    async fn started(mut self) -> Self {
        self.restart().await;
        self
    }

    fn configured(program: PathBuf, interval: Duration, targets: &[(&str, &Exporter)]) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("an address");
        drop(free);
        let jobs: Vec<_> = targets
            .iter()
            .map(|(job, exporter)| {
                let labels = serde_json::json!({
                    "namespace": "shop", "pod": format!("{job}-0"), "exported_namespace": "theirs", "exported_pod": format!("{job}-1"),
                });
                serde_json::json!({
                    "job_name": job,
                    "static_configs": [{"targets": [exporter.address.to_string()], "labels": labels}],
                })
            })
            .collect();
        // Several targets of one job are written as several jobs that are renamed to it.
        let configs: Vec<_> = jobs
            .into_iter()
            .enumerate()
            .map(|(index, mut job)| {
                let name = job["job_name"].clone();
                job["relabel_configs"] = serde_json::json!([{"target_label": "job", "replacement": name}]);
                job["job_name"] = format!("{index}").into();
                job
            })
            .collect();
        let every = format!("{}ms", interval.as_millis());
        let mut global = serde_json::json!({"scrape_interval": every, "scrape_timeout": every});
        if is_modern(&program) {
            global["scrape_native_histograms"] = true.into();
        }
        let config = serde_json::json!({"global": global, "scrape_configs": configs});
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("prometheus.yml"), config.to_string()).expect("written");
        Self {
            child: None,
            program,
            directory,
            address,
        }
    }

    pub async fn restart(&mut self) {
        self.kill();
        let path = self.directory.path();
        let output = std::fs::File::create(path.join("output")).expect("a file");
        let child = Command::new(&self.program)
            .arg(format!("--config.file={}", path.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", path.join("data").display()))
            .arg(format!("--web.listen-address={}", self.address))
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a file"))
            .stderr(output)
            .spawn()
            .expect("Prometheus starts");
        self.child = Some(child);
        let end = now().plus(PATIENCE);
        while !self.is_ready().await {
            let output = std::fs::read_to_string(path.join("output")).unwrap_or_default();
            assert!(now() < end, "Prometheus is not ready:\n{output}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("killed");
            child.wait().expect("gone");
        }
    }

    /// A client that waits for as long as a test does: how fast a busy machine answers is no matter here.
    pub fn source(&self) -> Prometheus {
        let options = Options {
            timeout: PATIENCE,
            ..Options::at(&format!("http://{}", self.address))
        };
        Prometheus::new(options).expect("a client")
    }

    async fn is_ready(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(self.address).await else {
            return false;
        };
        let mut answer = String::new();
        let asked = stream.write_all(b"GET /-/ready HTTP/1.0\r\n\r\n").await;
        asked.is_ok() && stream.read_to_string(&mut answer).await.is_ok() && answer.contains(" 200 ")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub fn program() -> PathBuf {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/prometheus.sh");
    let output = Command::new("bash").arg(script).output().expect("bash");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8(output.stdout).expect("a path").trim())
}

/// A Prometheus of version 3, whose functions keep native histograms: the one that tests/cluster builds; none where that is not there.
pub fn modern() -> Option<PathBuf> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/");
    let script = format!("{root}tests/tools/cluster-build.sh");
    if std::path::Path::new(&script).exists() {
        let output = Command::new("bash").args([&script, "prometheus"]).output().expect("bash");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let programs = String::from_utf8(output.stdout).expect("a path");
        return Some(PathBuf::from(programs.trim()).join("prometheus"));
    }
    Some(program()).filter(|program| is_modern(program))
}

fn is_modern(program: &std::path::Path) -> bool {
    let output = Command::new(program).arg("--version").output().expect("Prometheus");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    !said.contains("version 2.") && !said.contains("version 1.")
}

/// What an exporter says, and what truly happened. Requests happen at each scrape, just before it is answered.
#[derive(Debug, Clone)]
pub struct Page {
    /// The family's name.
    pub name: &'static str,
    /// Requests at each scrape: good and bad ones.
    pub traffic: [u64; 2],
    /// What the process has counted.
    pub counted: [u64; 2],
    /// All that ever happened, at the time of each scrape.
    pub truth: Vec<(Moment, [u64; 2])>,
    /// Whether the process says when it started; and when.
    pub started: Option<Moment>,
    /// Whether the series of bad requests exists before the first one.
    pub lazy: bool,
    /// Whether it stamps its samples itself.
    pub stamps: bool,
    /// Its samples stand still since then.
    pub frozen: Option<Moment>,
    /// Takes connections and never answers.
    pub mute: bool,
    /// Lines of more series, each of a request path that nobody asked for yet.
    pub unasked: String,
    /// A native histogram, `seconds` as well, in place of the classic one; then everything is said in protobuf.
    pub native: Option<Histogram>,
}

impl Page {
    pub fn new() -> Self {
        Self {
            name: "requests_total",
            traffic: [10, 0],
            counted: [0, 0],
            truth: Vec::new(),
            started: Some(now()),
            lazy: false,
            stamps: false,
            frozen: None,
            mute: false,
            unasked: String::new(),
            native: None,
        }
    }

    /// From now on it has so many series more.
    pub fn explode(&mut self, paths: usize) {
        let line = |path| format!("{}{{code=\"200\",path=\"/user/{path}\"}} 0\n", self.name);
        self.unasked = (0..paths).map(line).collect();
    }

    /// Ends the process and starts another.
    pub fn restart(&mut self) {
        self.counted = [0, 0];
        self.started = self.started.map(|_| now());
        if let Some(native) = &mut self.native {
            native.restart();
        }
    }

    fn scrape(&mut self) -> (&'static str, Vec<u8>) {
        let before = self.truth.last().map_or([0, 0], |(_, all)| *all);
        let add = |a: [u64; 2], b: [u64; 2]| [a[0] + b[0], a[1] + b[1]];
        self.counted = add(self.counted, self.traffic);
        self.truth.push((now(), add(before, self.traffic)));
        if let Some(native) = &mut self.native {
            return (protobuf::CONTENT_TYPE, native.scrape(self.started));
        }
        let stamp = if self.stamps {
            format!(" {}", self.frozen.unwrap_or_else(now).millis())
        } else {
            String::new()
        };
        let [good, bad] = self.counted;
        let name = self.name;
        // Good requests are two series: a sum over them is asked for.
        let mut text = format!(
            "{name}{{code=\"200\",path=\"/a\"}} {}{stamp}\n{name}{{code=\"200\",path=\"/b\"}} {}{stamp}\n",
            good / 2,
            good - good / 2
        );
        text.push_str(&self.unasked);
        if bad > 0 || !self.lazy {
            text.push_str(&format!("{name}{{code=\"500\",path=\"/a\"}} {bad}{stamp}\n"));
        }
        text.push_str(&format!(
            "seconds_bucket{{le=\"0.1\"}} {good}{stamp}\nseconds_bucket{{le=\"+Inf\"}} {}{stamp}\n",
            good + bad
        ));
        text.push_str(&format!("resident_bytes {}{stamp}\n", 1000 + good));
        if let Some(started) = self.started {
            text.push_str(&format!("process_start_time_seconds {}\n", started.seconds()));
        }
        ("text/plain; version=0.0.4", text.into_bytes())
    }
}

/// Serves a page at `/metrics`. Dropping it ends it.
pub struct Exporter {
    pub address: SocketAddr,
    page: Arc<Mutex<Page>>,
    task: JoinHandle<()>,
}

impl Exporter {
    pub async fn serve(page: Page) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let page = Arc::new(Mutex::new(page));
        let shared = Arc::clone(&page);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&shared)));
            }
        });
        Self { address, page, task }
    }

    pub fn page(&self) -> MutexGuard<'_, Page> {
        self.page.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it was scraped so many times more.
    pub async fn scraped(&self, times: usize) {
        let until = self.page().truth.len() + times;
        wait_for("scrapes", || self.page().truth.len() >= until).await;
    }

    /// How its pod is called in `job`.
    pub fn pod(&self, job: &str) -> String {
        format!("{job}/{}", self.address)
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(mut stream: TcpStream, page: Arc<Mutex<Page>>) {
    let mut request = [0; 4096];
    if !matches!(stream.read(&mut request).await, Ok(read) if read > 0) {
        return;
    }
    if page.lock().unwrap_or_else(PoisonError::into_inner).mute {
        // Until the scraper gives up.
        let _ = stream.read(&mut request).await;
        return;
    }
    let (kind, body) = page.lock().unwrap_or_else(PoisonError::into_inner).scrape();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
}
