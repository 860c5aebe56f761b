//! A service on a host whose releases name images: what is stable follows the proofs, in the registry and beside `current`.

use std::{
    fs,
    os::unix::fs::symlink,
    path::PathBuf,
    process::{Command, Output, Stdio},
    time::Duration,
};

use lastgood::{demo::Child, manifest::ImageReference, web::client::Client};
use tokio::time::{sleep, timeout};

use crate::rig::{Registry, Shelf, USER};

const PATIENCE: Duration = Duration::from_secs(60);
const LASTGOOD: &str = env!("CARGO_BIN_EXE_lastgood");

/// What a command printed and how it ended.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

/// A host: a service's place, lastgood's settings and its policy, all in one directory.
struct Host {
    directory: tempfile::TempDir,
    controller: Option<Child>,
}

impl Host {
    /// The policy wants both marks; the settings name the registry.
    fn new(shelf: &Shelf, registry: &Registry) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let host = Self {
            directory,
            controller: None,
        };
        let (root, name) = (host.directory.path().display().to_string(), registry.name());
        let password = shelf.write("password", USER.1);
        let (user, password) = (USER.0, password.display());
        fs::create_dir_all(host.path("policies")).expect("a directory");
        fs::create_dir_all(host.path("app/releases")).expect("a directory");
        let settings = format!(
            "policies = [\"{root}/policies\"]\n[prometheus]\nurl = \"http://127.0.0.1:9\"\n[store]\nurl = \"sqlite:{root}/history.db\"\n\
             [registry.\"{name}\"]\nplain_http = true\nuser = \"{user}\"\npassword_file = \"{password}\"\n\
             [server]\nlisten = \"127.0.0.1:0\"\nsocket = \"{root}/lastgood.sock\"\n[channels.journal]\nlog = {{}}\n"
        );
        fs::write(host.path("lastgood.toml"), settings).expect("settings");
        let policy = format!(
            "apiVersion: lastgood.dev/v1\nkind: Policy\nmetadata: {{name: myapp}}\nspec:\n  target:\n    host: {{releases: {root}/app/releases, \
             current: {root}/app/current, activate: {{command: [/bin/true]}}}}\n  metrics:\n    - name: errors\n      \
             ratio: {{bad: 'requests_total{{code=\"500\"}}', total: 'requests_total'}}\n  onProven: {{tagImage: stable, link: stable}}\n  \
             notify: {{default: [journal], proven: [journal]}}\n"
        );
        fs::write(host.path("policies/myapp.yaml"), policy).expect("a policy");
        host
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Its directory, whose manifest names the image.
    fn release(&self, version: &str, image: &ImageReference) {
        let release = self.path("app/releases").join(version);
        fs::create_dir(&release).expect("a release");
        let manifest = format!(
            r#"{{"version":"{version}","commit":"abc1234","built_at":"2026-11-24T18:00:00Z","passed_smoke_test":true,"image":"{image}"}}"#
        );
        fs::write(release.join("release.json"), manifest).expect("a manifest");
        fs::write(release.join("app"), version).expect("a file");
    }

    /// Points `current` to it as a deploy script does.
    fn switch(&self, version: &str) {
        let aside = self.path("app/aside");
        symlink(format!("releases/{version}"), &aside).expect("a link");
        fs::rename(aside, self.path("app/current")).expect("switched");
    }

    fn link(&self) -> Option<String> {
        let text = fs::read_link(self.path("app/stable")).ok()?;
        text.to_str().map(str::to_owned)
    }

    /// Starts it, and waits until it answers: until then a command would open the store itself.
    async fn start(&mut self) {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path("log"))
            .expect("a log");
        let mut command = Command::new(LASTGOOD);
        command
            .args(["run", "--config"])
            .arg(self.path("lastgood.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        self.controller = Some(Child::start("lastgood", command).expect("lastgood starts"));
        let socket = self.path("lastgood.sock");
        self.until("it answers", async || matches!(Client::connect(&socket), Ok(Some(_))))
            .await;
    }

    /// As a power cut would.
    fn kill(&mut self) {
        self.controller = None;
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    fn lastgood(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(LASTGOOD);
        command.args(arguments).arg("--config").arg(self.path("lastgood.toml"));
        let Output { status, stdout, stderr } = command.output().expect("lastgood");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Said {
            code: status.code(),
            out: text(stdout),
            err: text(stderr),
        }
    }

    #[track_caller]
    fn says(&self, word: &str, version: &str) {
        let said = self.lastgood(&["release", word, "myapp", version, "--reason", "a test"]);
        assert_eq!(said.code, Some(0), "{said:?}");
    }

    /// Waits until `there` is so.
    async fn until<F: Future<Output = bool>>(&self, what: &str, there: impl Fn() -> F) {
        let so = async {
            while !there().await {
                sleep(Duration::from_millis(50)).await;
            }
        };
        let waited = timeout(PATIENCE, so).await;
        waited.unwrap_or_else(|_| panic!("{what}: not within a minute\n{}", self.log()));
    }

    async fn until_running(&self, version: &str) {
        self.until(version, async || {
            self.lastgood(&["status", "myapp", "-o", "json"])
                .out
                .contains(&format!("\"{version}\""))
        })
        .await;
    }

    async fn until_stable(&self, registry: &Registry, version: &str, image: &ImageReference) {
        self.until(version, async || {
            registry.tagged("shop/myapp", "stable").await.as_deref() == Some(image.digest())
                && self.link() == Some(format!("releases/{version}"))
        })
        .await;
    }
}

/// A registry with the images of v1 and v2, and a host that has both and runs v1.
async fn running_v1(shelf: &Shelf) -> (Registry, [ImageReference; 2], Host) {
    let registry = shelf.open_to_users().await;
    let v1 = registry.push("shop/myapp", Some("v1"), "one").await;
    let v2 = registry.push("shop/myapp", Some("v2"), "two").await;
    let mut host = Host::new(shelf, &registry);
    host.release("v1", &v1);
    host.release("v2", &v2);
    host.switch("v1");
    host.start().await;
    host.until_running("v1").await;
    (registry, [v1, v2], host)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stable_follows_the_proofs_on_a_host_and_in_its_registry() {
    let shelf = Shelf::new();
    let (registry, [v1, v2], mut host) = running_v1(&shelf).await;
    assert_eq!(
        (registry.tagged("shop/myapp", "stable").await, host.link()),
        (None, None),
        "v1 is only assumed"
    );
    host.says("prove", "v1");
    host.until_stable(&registry, "v1", &v1).await;
    host.switch("v2");
    host.until_running("v2").await;
    host.says("prove", "v2");
    host.until_stable(&registry, "v2", &v2).await;
    assert_eq!(
        registry.manifest("shop/myapp", "stable").await,
        registry.manifest("shop/myapp", "v2").await
    );
    let shown = |command: &str, text: &str| {
        let said = host.lastgood(&[command, "myapp"]);
        assert!(said.out.contains(text), "{text}: {said:?}");
    };
    shown("status", "tag stable at v2, link stable at v2");
    shown("releases", "tag stable, link stable");
    // The proof is withdrawn while lastgood is not there to see what came of it.
    host.says("quarantine", "v2");
    host.kill();
    host.start().await;
    host.until_stable(&registry, "v1", &v1).await;
    // Someone else's tag, and someone else's link, stay where they are.
    host.says("prove", "v2");
    host.until_stable(&registry, "v2", &v2).await;
    let theirs = registry.push("shop/myapp", Some("stable"), "theirs").await;
    host.release("v0", &theirs);
    fs::remove_file(host.path("app/stable")).expect("removed");
    symlink("releases/v0", host.path("app/stable")).expect("a link");
    host.says("quarantine", "v2");
    host.until("said", async || host.log().matches("was moved by someone else").count() >= 2)
        .await;
    assert_eq!(
        registry.tagged("shop/myapp", "stable").await.as_deref(),
        Some(theirs.digest())
    );
    assert_eq!(host.link().as_deref(), Some("releases/v0"));
    let said = host.lastgood(&["status", "myapp"]);
    assert!(said.out.contains("tag stable at nothing of ours"), "{said:?}");
    // All of it is in the audit.
    let audit = host.lastgood(&["audit", "--service", "myapp"]);
    for deed in [
        "tag stable shall be at v1",
        "tag stable is at v2",
        "link stable is at v1",
        "tag stable is not moved to v1",
    ] {
        assert!(audit.out.contains(deed), "{deed}: {audit:?}");
    }
    let verified = host.lastgood(&["audit", "verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    assert!(!host.log().contains(USER.1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_is_down_is_said_once_and_its_tag_is_moved_when_it_is_back() {
    let shelf = Shelf::new();
    let (address, v1) = {
        let registry = shelf.open_to_users().await;
        (registry.address, registry.push("shop/myapp", Some("v1"), "one").await)
    };
    let mut host = Host::new(&shelf, &Registry::at(address));
    host.release("v1", &v1);
    host.switch("v1");
    host.start().await;
    host.until_running("v1").await;
    host.says("prove", "v1");
    let said = || host.log().matches("is not at v1 yet").count();
    host.until("said", async || said() > 0).await;
    // The link waits for no registry.
    host.until("linked", async || host.link().is_some()).await;
    let registry = shelf.open_to_users_at(address).await;
    host.until_stable(&registry, "v1", &v1).await;
    assert_eq!(said(), 1, "{}", host.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn k19_a_person_does_not_go_back_to_an_image_that_is_gone_and_is_not_stopped_by_a_registry_that_is_down() {
    let shelf = Shelf::new();
    let (registry, [v1, _], mut host) = running_v1(&shelf).await;
    host.says("prove", "v1");
    host.switch("v2");
    host.until_running("v2").await;
    host.until_stable(&registry, "v1", &v1).await;
    registry.remove("shop/myapp", &v1).await;
    for controller in [true, false] {
        if !controller {
            host.kill();
        }
        let refused = host.lastgood(&["rollback", "myapp", "--to", "v1", "--yes", "--reason", "a test"]);
        assert_eq!(refused.code, Some(5), "{refused:?}");
        assert!(
            refused.err.contains("the registry says that there is no image"),
            "{refused:?}"
        );
        assert_eq!(
            fs::read_link(host.path("app/current")).expect("a link"),
            PathBuf::from("releases/v2")
        );
    }
    // Readiness says so before anybody needs it, and once.
    host.start().await;
    let status = async || host.lastgood(&["status", "myapp"]).out;
    host.until("image_gone", async || status().await.contains("image_gone")).await;
    // Down: nobody can tell, so nobody is stopped.
    drop(registry);
    let back = host.lastgood(&["rollback", "myapp", "--to", "v1", "--yes", "--reason", "a test"]);
    assert_eq!(back.code, Some(0), "{back:?}");
    assert!(
        back.err.contains("note: whether its image is still there is not known"),
        "{back:?}"
    );
    assert_eq!(
        fs::read_link(host.path("app/current")).expect("a link"),
        PathBuf::from("releases/v1")
    );
}
