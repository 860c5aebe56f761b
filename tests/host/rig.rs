//! The rig: a service on this host under a directory of its own, with a real store; and a test that runs itself again elsewhere.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use lastgood::{
    history::Sqlite,
    host::Host,
    policy::{Activate, HostTarget},
    ports::{Clock, Platform},
    record::{ActResult, Intent},
    words::{Moment, RolloutId, TargetKey, Version},
};
use tempfile::TempDir;

/// The machine's clock.
struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Moment {
        now()
    }
}

/// The machine's time.
#[expect(clippy::disallowed_methods, reason = "real files and units carry the machine's time")]
pub fn now() -> Moment {
    Moment::from_millis(jiff::Timestamp::now().as_millisecond())
}

/// A service on this host.
pub struct Site {
    /// Holds `app` and the store, until dropped.
    _temporary: Option<TempDir>,
    /// `releases` and `current` lie here.
    pub app: PathBuf,
    pub target: HostTarget,
    pub contents: Arc<Sqlite>,
    pub host: Host,
}

/// A command that succeeds.
pub fn quiet() -> Activate {
    command(&["true"])
}

/// A command.
pub fn command(command: &[&str]) -> Activate {
    Activate::Command {
        command: command.iter().map(|&part| part.to_owned()).collect(),
        timeout: Duration::from_secs(20),
    }
}

/// A shell script.
pub fn shell(script: &str) -> Activate {
    command(&["sh", "-c", script])
}

pub fn key() -> TargetKey {
    "prod/myapp".parse().expect("a target")
}

impl Site {
    /// A service in a fresh directory, without releases.
    pub fn new(activate: Activate) -> Self {
        let temporary = TempDir::new().expect("a directory");
        let mut site = Self::at(&temporary.path().join("app"), &temporary.path().join("store"), activate);
        site._temporary = Some(temporary);
        site
    }

    /// A service whose paths lie in `app`, and whose store lies in `store`; both may be there already.
    pub fn at(app: &Path, store: &Path, activate: Activate) -> Self {
        fs::create_dir_all(store).expect("the store's directory");
        if !app.exists() {
            fs::create_dir_all(app.join("releases")).expect("the releases");
        }
        let target = HostTarget {
            releases: app.join("releases"),
            current: app.join("current"),
            activate,
        };
        let contents = Arc::new(Sqlite::open(&store.join("history.db")).expect("a store"));
        let host = Host::new(key(), target.clone(), contents.clone(), Arc::new(WallClock));
        Self {
            _temporary: None,
            app: app.to_path_buf(),
            target,
            contents,
            host,
        }
    }

    /// Another process's view of the same service: nothing remembered but what is stored.
    pub fn restarted(&self) -> Host {
        Host::new(key(), self.target.clone(), self.contents.clone(), Arc::new(WallClock))
    }

    /// Unpacks a release of two files whose content is its name.
    pub fn release(&self, name: &str) -> PathBuf {
        let directory = self.target.releases.join(name);
        fs::create_dir_all(directory.join("bin")).expect("a release");
        fs::write(directory.join("bin/app"), format!("#!/bin/sh\necho {name}\n")).expect("a program");
        fs::set_permissions(directory.join("bin/app"), fs::Permissions::from_mode(0o755)).expect("its mode");
        fs::write(directory.join("config"), format!("version = {name}\n")).expect("a file");
        directory
    }

    /// Points `current` to `to` as a careful script does: a new link renamed over it.
    pub fn switch(&self, to: impl AsRef<Path>) {
        let aside = self.app.join("current.new");
        symlink(to, &aside).expect("a link");
        fs::rename(&aside, &self.target.current).expect("a switch");
    }

    /// The text of `current`.
    pub fn text(&self) -> PathBuf {
        fs::read_link(&self.target.current).expect("a link")
    }

    /// Switches to the release and has it seen.
    pub async fn run(&self, name: &str) -> Version {
        self.release(name);
        self.switch(format!("releases/{name}"));
        self.seen().await
    }

    /// The version that runs.
    pub async fn seen(&self) -> Version {
        self.host.observe().await.expect("an observation").version.expect("a version")
    }

    /// v1 ran, v2 runs, and v1 shall be put back.
    pub async fn bad_v2(&self) -> Intent {
        let to = self.run("v1").await;
        let from = self.run("v2").await;
        intent(1, &from, &to)
    }

    /// The names beside `current`.
    pub fn beside(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.app).expect("the directory");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

/// An intent of the rollout with the number `id`.
pub fn intent(id: u128, from: &Version, to: &Version) -> Intent {
    Intent {
        rollout: RolloutId::new(uuid::Uuid::from_u128(id)),
        from: from.clone(),
        to: to.clone(),
        at: now(),
        approved_by: None,
        uid: None,
        ordered: None,
    }
}

/// The name that a revert gives its own link beside `current`.
pub fn temporary(intent: &Intent) -> String {
    format!(".current.lastgood-{}", intent.rollout)
}

/// The detail of a revert that succeeded.
pub fn applied(result: &ActResult) -> &str {
    match result {
        ActResult::Applied { detail, .. } => detail,
        other => panic!("not applied: {other:?}"),
    }
}

/// Where a test that runs itself again is the second time: the value that `again` was given.
pub fn inside() -> Option<PathBuf> {
    std::env::var_os("LASTGOOD_TEST_INSIDE").map(PathBuf::from)
}

/// Runs the test `name` again under `wrapper` (`unshare`, `setpriv`), where [`inside`] is `directory`; fails as it fails.
pub fn again(name: &str, wrapper: &[&str], directory: &Path) {
    let (program, arguments) = wrapper.split_first().expect("a wrapper");
    let output = Command::new(program)
        .args(arguments)
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env("LASTGOOD_TEST_INSIDE", directory)
        .output()
        .expect("the test again");
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success(), "{name} inside {wrapper:?}: {text}");
    assert!(text.contains("1 passed"), "{name} was not found inside: {text}");
}

/// Whether `name` can run here; says aloud why not.
pub fn can(name: &str, wrapper: &[&str]) -> bool {
    let (program, arguments) = wrapper.split_first().expect("a wrapper");
    let this = std::env::current_exe().expect("this program");
    let tried = Command::new(program).args(arguments).args(["test", "-x"]).arg(this).output();
    let reason = match tried {
        Ok(output) if output.status.success() => return true,
        Ok(output) if output.stderr.is_empty() => "this test may not be entered from there".to_owned(),
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    eprintln!("skipped: {name}: `{}` does not work here: {reason}", wrapper.join(" "));
    false
}
