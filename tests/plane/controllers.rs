//! lastgood installed as deploy/kubernetes has it: two controllers under a lease, with the rights that it grants and no others.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    account::kubeconfig,
    rig::{PATIENCE, Plane, send, until},
};
use lastgood::demo::Child;
use rustix::process::Signal;

/// A directory of the manifests.
pub fn manifests(name: &str) -> String {
    format!("{}/deploy/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// The command lines that docs/kubernetes.md shows under this heading, in order.
pub fn shown_under(heading: &str) -> Vec<String> {
    let page = fs::read_to_string(format!("{}/docs/kubernetes.md", env!("CARGO_MANIFEST_DIR"))).expect("the page");
    let from = format!("## {heading}\n");
    let section = page
        .split(&from)
        .nth(1)
        .expect("the section")
        .split("\n## ")
        .next()
        .expect("its text");
    let lines = section.lines().filter_map(|line| line.strip_prefix("$ kubectl "));
    lines.map(|line| format!("kubectl {line}")).collect()
}

async fn runs_what_is_shown(plane: &Plane, heading: &str) {
    let commands = shown_under(heading);
    assert!(commands.len() >= 2, "{commands:?}");
    for command in commands {
        let words: Vec<&str> = command.split(' ').skip(1).collect();
        let said = plane.typed(&words).await;
        said.unwrap_or_else(|error| panic!("{command}: {error}"));
    }
}

/// Installs it by the commands that are shown. Its own pods have no image here: they are seen admitted, then taken away.
pub async fn install(plane: &Plane) {
    plane.apply("shop", &[]).await;
    runs_what_is_shown(plane, "Install").await;
    until("both pods are admitted", async || {
        let said = plane
            .kubectl(
                "lastgood",
                &["get", "deployment", "lastgood", "-o", "jsonpath={.status.replicas}"],
            )
            .await;
        said == "2"
    })
    .await;
    plane
        .kubectl("lastgood", &["scale", "deployment", "lastgood", "--replicas=0"])
        .await;
}

/// Takes it away by the commands that are shown, and looks that nothing of it is left, of the service that it guarded least of all.
pub async fn uninstall(plane: &Plane) {
    runs_what_is_shown(plane, "Uninstall").await;
    for kind in [
        "namespaces",
        "clusterroles",
        "customresourcedefinitions",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
    ] {
        let left = plane.kubectl("default", &["get", kind, "-o", "name"]).await;
        assert!(!left.contains("lastgood"), "{left}");
    }
    for left in [
        &["get", "roles,rolebindings", "-o", "name"][..],
        &["get", "deployment", "myapp", "-o", "json", "--show-managed-fields"],
    ] {
        let left = plane.kubectl("shop", left).await;
        assert!(!left.contains("lastgood"), "{left}");
    }
}

/// A controller: the real process, with the settings and the policy that are shipped.
pub struct Controller {
    process: Child,
    directory: tempfile::TempDir,
    kubeconfig: PathBuf,
}

/// lastgood with the settings that are shipped, but for what is elsewhere here.
fn lastgood(plane: &Plane, directory: &tempfile::TempDir, kubeconfig: &PathBuf, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lastgood"));
    command
        .args(arguments)
        .args(["--config", &manifests("kubernetes/lastgood.toml")])
        .env("LASTGOOD__POLICIES", directory.path().join("policies"))
        .env("LASTGOOD__PROMETHEUS__URL", plane.prometheus())
        .env("LASTGOOD__KUBERNETES__KUBECONFIG", kubeconfig)
        .env("LASTGOOD__SERVER__LISTEN", "127.0.0.1:0");
    command
}

impl Controller {
    /// Starts one, once it says that it runs or stands by.
    pub async fn start(plane: &Plane) -> Self {
        Self::start_with(plane, &[]).await
    }

    /// The same, with more in its environment.
    pub async fn start_with(plane: &Plane, environment: &[(&str, &str)]) -> Self {
        Self::start_watching(plane, "for: 90s, proveAfter: 45s", environment).await
    }

    /// The same, with this under `watch` of its policy.
    pub async fn start_watching(plane: &Plane, watch: &str, environment: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let policy = fs::read_to_string(manifests("kubernetes/policies/myapp.yaml")).expect("the policy");
        let short = format!("watch: {{{watch}}}\n  revert: {{verifyFor: 20s}}\n  notify:");
        let policy = policy.replace("mode: observe", "mode: enforce").replace("notify:", &short);
        fs::create_dir(directory.path().join("policies")).expect("a directory");
        fs::write(directory.path().join("policies/myapp.yaml"), policy).expect("written");
        let kubeconfig = kubeconfig(plane, "lastgood", directory.path()).await;
        let mut command = lastgood(plane, &directory, &kubeconfig, &["run", "--log-format", "text"]);
        command.envs(environment.iter().copied());
        Self::run(command, directory, kubeconfig).await
    }

    /// One that lies in this namespace, as its account `lastgood`, and guards what is in it by this policy.
    pub async fn start_in(plane: &Plane, namespace: &str, policy: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let kubeconfig = kubeconfig(plane, namespace, directory.path()).await;
        let settings = format!(
            "policies = [\"{root}/policy.yaml\"]\n[prometheus]\nurl = \"{prometheus}\"\n[store]\nurl = \"kubernetes:\"\n\
             [server]\nlisten = \"127.0.0.1:0\"\nsocket = \"{root}/lastgood.sock\"\n\
             [kubernetes]\nkubeconfig = \"{root}/kubeconfig\"\nnamespaces = [\"{namespace}\"]\n",
            root = directory.path().display(),
            prometheus = plane.prometheus(),
        );
        fs::write(directory.path().join("policy.yaml"), policy).expect("a policy");
        fs::write(directory.path().join("lastgood.toml"), settings).expect("settings");
        let mut command = Command::new(env!("CARGO_BIN_EXE_lastgood"));
        command
            .args(["run", "--log-format", "text", "--config"])
            .arg(directory.path().join("lastgood.toml"));
        Self::run(command, directory, kubeconfig).await
    }

    async fn run(mut command: Command, directory: tempfile::TempDir, kubeconfig: PathBuf) -> Self {
        command.stderr(fs::File::create(directory.path().join("log")).expect("a log"));
        let process = Child::start("lastgood", command).expect("lastgood");
        let controller = Self {
            process,
            directory,
            kubeconfig,
        };
        until("it runs or stands by", async || controller.address().is_some()).await;
        controller
    }

    /// The path of its only policy.
    pub fn policy(&self) -> String {
        self.directory.path().join("policies/myapp.yaml").display().to_string()
    }

    /// Its only policy is gone, and it is told to read them again.
    pub fn loses_its_policy(&self) {
        fs::remove_file(self.policy()).expect("removed");
        send(Signal::HUP, self.id());
    }

    /// What a command says beside it, on stdout and stderr.
    pub fn command(&self, plane: &Plane, arguments: &[&str]) -> (String, String) {
        let mut command = lastgood(plane, &self.directory, &self.kubeconfig, arguments);
        let output = command.output().expect("lastgood");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(&output.stdout), text(&output.stderr))
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    fn address(&self) -> Option<String> {
        let log = self.log();
        let (_, rest) = log.split_once(" address=")?;
        rest.split_whitespace().next().map(str::to_owned)
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What `/readyz` says; none where it does not answer.
    pub async fn readiness(&self) -> Option<(u16, String)> {
        self.get("readyz").await
    }

    /// Whether its own metrics have this line.
    pub async fn measures(&self, line: &str) -> bool {
        let metrics = self.get("metrics").await;
        metrics.is_some_and(|(_, text)| text.lines().any(|found| found == line))
    }

    async fn get(&self, page: &str) -> Option<(u16, String)> {
        let url = format!("http://{}/{page}", self.address()?);
        let answer = tokio::time::timeout(Duration::from_secs(2), reqwest::get(url))
            .await
            .ok()?
            .ok()?;
        Some((answer.status().as_u16(), answer.text().await.ok()?))
    }

    /// Whether it acts.
    pub async fn leads(&self) -> bool {
        self.log().contains("lastgood runs") && self.readiness().await.is_some_and(|(_, said)| !said.contains("standing by"))
    }

    /// Waits until it acts; how long that took.
    pub async fn until_it_leads(&self) -> Duration {
        let began = now();
        let wait = async {
            while !self.leads().await {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            panic!("it does not lead:\n{}", self.log());
        }
        began.elapsed()
    }

    /// Waits until it has ended.
    pub async fn ended(&self) {
        until("it ends", async || !runs(self.id())).await;
    }
}

/// Whether a process runs; one that has ended and was not waited for does not.
fn runs(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit(") ")
        .next()
        .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

#[expect(clippy::disallowed_methods, reason = "a test measures")]
fn now() -> Instant {
    Instant::now()
}
