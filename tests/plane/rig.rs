//! A whole Kubernetes for tests: `tests/cluster/plane`, started once for all tests of a program, and kubectl to speak with it.

use std::{
    fs::{self, File},
    io::{self, BufRead as _},
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, Command},
    sync::OnceCell,
    time::{sleep, timeout},
};

/// Nothing that a test waits for takes longer, also on a machine that is busy building.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// Where the parts of a cluster lie; a test that needs them says so where they were not built.
pub fn programs() -> Option<PathBuf> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/cluster/programs");
    built.join("plane").is_file().then_some(built)
}

/// Says aloud that a test did not run here.
pub fn skipped(test: &str) {
    println!("skipped: {test}: no cluster was built");
}

/// A plane that runs. It ends when this process does: its standard input ends then.
#[derive(Debug)]
pub struct Plane {
    programs: PathBuf,
    /// Its directory.
    pub state: PathBuf,
    /// Of the process that was started. What it holds is in another one, its child.
    pub process: Option<u32>,
    child: tokio::sync::Mutex<Child>,
}

/// The plane that all tests of this program share; each has a namespace of its own there.
pub async fn shared() -> Option<Arc<Plane>> {
    static SHARED: OnceCell<Arc<Plane>> = OnceCell::const_new();
    let programs = programs()?;
    let plane = SHARED
        .get_or_init(|| async { Arc::new(Plane::start(programs, "shared").await) })
        .await;
    Some(Arc::clone(plane))
}

impl Plane {
    /// Starts one whose state is in a directory called `name`, and waits until it is ready. What fails is tried again after a second first,
    /// and then after longer.
    pub async fn start(programs: PathBuf, name: &str) -> Self {
        let state = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plane").join(name);
        let mut child = Command::new(programs.join("plane"))
            .arg("--programs")
            .arg(&programs)
            .arg("--state")
            .arg(&state)
            .arg("--images")
            .arg(state.join("images"))
            .args(["--service", env!("CARGO_BIN_EXE_lastgood")])
            .args(["--backoff=1s", "--until-input-ends", "--user=person"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the plane can be run");
        let output = child.stdout.take().expect("its output");
        let ready = timeout(PATIENCE, BufReader::new(output).lines().next_line()).await;
        let ready = ready.expect("the plane is ready in time").expect("its output can be read");
        assert_eq!(
            ready.as_deref(),
            Some("ready"),
            "the plane ended; see {}",
            state.join("logs").display()
        );
        fs::create_dir(state.join("images")).expect("a directory for images");
        Self {
            programs,
            state,
            process: child.id(),
            child: tokio::sync::Mutex::new(child),
        }
    }

    /// A file of its state.
    pub fn file(&self, name: &str) -> PathBuf {
        self.state.join(name)
    }

    /// A program of it: `kubectl`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// Says how the demo service of image `name` behaves.
    pub fn image(&self, name: &str, behavior: &Value) {
        let file = format!("images/{}.json", name.replace(['/', ':'], "_"));
        fs::write(self.file(&file), behavior.to_string()).expect("written");
    }

    /// The events of the API server's audit log whose line is as wanted, oldest first. The last line may be half written.
    pub fn audited(&self, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = Value> {
        let files = self.audit_logs().into_iter();
        let lines = files.flat_map(|file| io::BufReader::new(File::open(file).expect("an audit log")).lines());
        let wanted = lines.map_while(Result::ok).filter(move |line| wanted(line));
        wanted.filter_map(|line| serde_json::from_str(&line).ok())
    }

    /// The files that the log was rotated to have a time in their name, and sort before the one that is written to.
    fn audit_logs(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(&self.state).expect("its state");
        let files = files.map(|entry| entry.expect("an entry").path());
        let is_log = |name: &str| name.starts_with("audit") && name.ends_with(".log");
        let mut files: Vec<_> = files
            .filter(|path| path.file_name().is_some_and(|name| is_log(&name.to_string_lossy())))
            .collect();
        files.sort();
        files
    }

    /// What kubectl says as `user`, in `namespace`; an error is what it complains of.
    pub async fn try_kubectl(&self, user: &str, namespace: &str, arguments: &[&str], input: &str) -> Result<String, String> {
        let arguments = [&["--namespace", namespace], arguments].concat();
        self.typed_as(user, &arguments, input).await
    }

    /// The same as admin, typed in the root of the checkout as it stands.
    pub async fn typed(&self, arguments: &[&str]) -> Result<String, String> {
        self.typed_as("admin", arguments, "").await
    }

    async fn typed_as(&self, user: &str, arguments: &[&str], input: &str) -> Result<String, String> {
        let mut child = Command::new(self.programs.join("kubectl"))
            .env("KUBECONFIG", self.file("credentials").join(format!("{user}.kubeconfig")))
            // Its cache of what the server can do.
            .env("HOME", &self.state)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("kubectl can be run");
        let mut stdin = child.stdin.take().expect("its input");
        stdin.write_all(input.as_bytes()).await.expect("it reads");
        drop(stdin);
        let output = timeout(PATIENCE, child.wait_with_output())
            .await
            .expect("kubectl ends")
            .expect("its output");
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// What kubectl says as admin.
    pub async fn kubectl(&self, namespace: &str, arguments: &[&str]) -> String {
        let said = self.try_kubectl("admin", namespace, arguments, "").await;
        said.unwrap_or_else(|error| panic!("kubectl {arguments:?}: {error}"))
    }

    /// Makes a namespace and applies `objects` there.
    pub async fn apply(&self, namespace: &str, objects: &[Value]) {
        // It may be there already.
        let _ = self
            .try_kubectl("admin", namespace, &["create", "namespace", namespace], "")
            .await;
        for object in objects {
            let said = self
                .try_kubectl("admin", namespace, &["apply", "-f", "-"], &object.to_string())
                .await;
            said.unwrap_or_else(|error| panic!("{object}: {error}"));
        }
    }

    /// The pods of an app in a namespace.
    pub async fn pods(&self, namespace: &str, app: &str) -> Vec<Value> {
        let selector = format!("app={app}");
        let said = self
            .kubectl(namespace, &["get", "pods", "--selector", &selector, "--output", "json"])
            .await;
        let list: Value = serde_json::from_str(&said).expect("JSON");
        list["items"].as_array().expect("a list").clone()
    }

    /// Where its Prometheus is.
    pub fn prometheus(&self) -> String {
        let env = fs::read_to_string(self.file("env")).expect("its env");
        let url = env
            .lines()
            .find_map(|line| line.strip_prefix("export PROMETHEUS_URL='")?.strip_suffix('\''));
        url.expect("a URL").to_owned()
    }

    /// The values of an instant query to the plane's Prometheus, with their labels.
    pub async fn query(&self, query: &str) -> Vec<Value> {
        let base = self.prometheus();
        let request = reqwest::Client::new()
            .post(format!("{base}/api/v1/query"))
            .body(format!("query={query}"));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let Ok(answer) = request.send().await else { return Vec::new() };
        let answer: Value = serde_json::from_str(&answer.text().await.expect("a text")).expect("JSON");
        answer["data"]["result"].as_array().cloned().unwrap_or_default()
    }

    /// Waits until the process that was started has ended.
    pub async fn ended(&self) {
        let mut child = self.child.lock().await;
        timeout(PATIENCE, child.wait())
            .await
            .expect("it ends")
            .expect("its end is told");
    }
}

/// Waits until `happens` says that it did, and fails where it takes too long.
pub async fn until(what: &str, mut happens: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !happens().await {
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(PATIENCE, wait)
        .await
        .unwrap_or_else(|_| panic!("waited in vain until {what}"));
}

/// Tells a process something.
pub fn send(signal: Signal, process: u32) {
    let process = Pid::from_raw(i32::try_from(process).expect("a pid")).expect("a pid");
    kill_process(process, signal).expect("sent");
}

/// The processes whose arguments or environment name a path.
pub fn processes(path: &Path) -> Vec<u32> {
    let name = path.to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // One that has ended meanwhile is none.
        let said = ["cmdline", "environ"].map(|file| fs::read(entry.path().join(file)).unwrap_or_default());
        if said.iter().any(|said| String::from_utf8_lossy(said).contains(&name)) {
            found.push(pid);
        }
    }
    found
}
