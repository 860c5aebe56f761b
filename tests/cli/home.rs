//! A plain user's paths in a temporary directory: policies, settings, releases; and lastgood run in them.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use lastgood::demo::Child;

/// What a command printed and how it ended.
pub struct Said {
    /// The exit code.
    pub code: i32,
    /// Data.
    pub out: String,
    /// All else.
    pub err: String,
}

/// A home for lastgood.
pub struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    /// With settings that name a Prometheus at `prometheus`, and no policy yet.
    pub fn new(prometheus: &str) -> Self {
        let home = Self {
            directory: tempfile::tempdir().expect("a directory"),
        };
        std::fs::create_dir(home.path("policies")).expect("a directory");
        let root = home.root().display();
        home.write(
            "lastgood.toml",
            &format!(
                "policies = [\"{root}/policies\"]\n[prometheus]\nurl = \"{prometheus}\"\ntimeout = \"5s\"\n[store]\nurl = \"sqlite:{root}/history.db\"\n\
                 [server]\nlisten = \"127.0.0.1:0\"\nsocket = \"{root}/lastgood.sock\"\n[channels.log]\nlog = {{}}\n"
            ),
        );
        home
    }

    pub fn root(&self) -> &Path {
        self.directory.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// A service with the release `version` behind its `current`, and its policy. `activate` as the policy writes it.
    pub fn service(&self, name: &str, version: &str, activate: &str) {
        self.write(&format!("{name}/releases/{version}/program"), version);
        let current = self.path(&format!("{name}/current"));
        std::os::unix::fs::symlink(format!("releases/{version}"), current).expect("a link");
        self.write(
            &format!("policies/{name}.yaml"),
            &self.policy(name, activate, "requests_total"),
        );
    }

    /// Another release of the service.
    pub fn release(&self, name: &str, version: &str) {
        self.write(&format!("{name}/releases/{version}/program"), version);
    }

    /// The version that `current` points to.
    pub fn points_to(&self, name: &str) -> String {
        let link = std::fs::read_link(self.path(&format!("{name}/current"))).expect("a link");
        link.file_name().expect("a name").to_string_lossy().into_owned()
    }

    /// Our own links that lie beside `current`.
    pub fn leftovers(&self, name: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(name)).expect("a directory");
        let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with(".current")).collect()
    }

    /// A policy's text.
    pub fn policy(&self, name: &str, activate: &str, metric: &str) -> String {
        let root = self.path(name).display().to_string();
        format!(
            "apiVersion: lastgood.dev/v1\nkind: Policy\nmetadata: {{name: {name}}}\nspec:\n  target:\n    host: {{releases: {root}/releases, \
             current: {root}/current, activate: {activate}}}\n  metrics:\n    - name: errors\n      \
             ratio: {{bad: '{metric}{{code=\"500\"}}', total: '{metric}'}}\n  notify: {{default: [log]}}\n"
        )
    }

    /// Runs lastgood with these arguments and this home's settings.
    pub fn lastgood(&self, arguments: &[&str]) -> Said {
        self.with(
            arguments,
            &[("LASTGOOD_CONFIG", self.path("lastgood.toml").to_str().expect("text"))],
        )
    }

    /// Runs lastgood with these arguments and variables alone.
    pub fn with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
        let output = command()
            .args(arguments)
            .envs(variables.iter().copied())
            .current_dir(self.root())
            .output();
        self.said(&output.expect("lastgood"))
    }

    /// The texts without this home's own path.
    fn said(&self, output: &Output) -> Said {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&self.root().display().to_string(), "HOME");
        Said {
            code: output.status.code().expect("an exit code"),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// A controller in this home, once it answers. Dropping it ends it.
    pub fn controller(&self) -> Child {
        self.controller_with(&[])
    }

    /// The same, with these variables in its environment.
    pub fn controller_with(&self, variables: &[(&str, &str)]) -> Child {
        let mut command = command();
        command.envs(variables.iter().copied());
        command.arg("run").arg("--config").arg(self.path("lastgood.toml"));
        command.stderr(std::fs::File::create(self.path("run.log")).expect("a log"));
        let child = Child::start("lastgood", command).expect("lastgood");
        for _ in 0..600 {
            if std::os::unix::net::UnixStream::connect(self.path("lastgood.sock")).is_ok() {
                return child;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("no controller within 30 s: {}", self.log());
    }

    /// What the controller has logged so far; what comes of an answer is logged after it.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("run.log")).unwrap_or_default()
    }

    /// What a command says, once `wanted` holds; fails with the last answer after 30 s.
    pub fn until(&self, arguments: &[&str], wanted: impl Fn(&Said) -> bool) -> Said {
        for _ in 0..300 {
            let said = self.lastgood(arguments);
            if wanted(&said) {
                return said;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let said = self.lastgood(arguments);
        panic!("never as wanted: {arguments:?}: {}\n{}", said.out, said.err);
    }
}

/// A command that ends with `code`, and says so.
#[track_caller]
pub fn ends(home: &Home, arguments: &[&str], code: i32, says: &str) -> Said {
    let said = home.lastgood(arguments);
    assert_eq!(said.code, code, "{arguments:?}: {}\n{}", said.out, said.err);
    assert!(
        said.out.contains(says) || said.err.contains(says),
        "{arguments:?}: {}\n{}",
        said.out,
        said.err
    );
    said
}

/// lastgood without any setting of this machine.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lastgood"));
    for name in ["LASTGOOD_CONFIG", "LASTGOOD_LOG", "RUST_LOG", "COLUMNS", "NO_COLOR"] {
        command.env_remove(name);
    }
    command
}
