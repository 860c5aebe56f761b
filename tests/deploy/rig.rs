//! The rig: a service's place, settings and policy in a temporary directory, archives, and lastgood run there.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// Leaves a line for each activation beside `current`.
pub const NOTING: &str = "{command: [/bin/sh, -c, 'echo \"$LASTGOOD_FROM>$LASTGOOD_TO\" >> activated']}";

/// What a command printed and how it ended.
#[derive(Debug)]
pub struct Said {
    /// The exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// The signal.
    pub signal: Option<i32>,
    /// Data.
    pub out: String,
    /// All else.
    pub err: String,
}

/// A service's place.
pub struct Scene {
    directory: TempDir,
}

impl Scene {
    /// Without releases or link: nothing was ever deployed. `APP` in `activate` is where they will be.
    pub fn new(activate: &str) -> Self {
        let scene = Self::below(&std::env::temp_dir());
        fs::create_dir(scene.path("app")).expect("a directory");
        let activate = activate.replace("APP", scene.path("app").to_str().expect("text"));
        scene.policy_at("myapp", "app", &activate);
        scene
    }

    /// Settings without a policy, in a new directory below `directory`.
    pub fn below(directory: &Path) -> Self {
        let scene = Self {
            directory: TempDir::new_in(directory).expect("a directory"),
        };
        fs::create_dir(scene.path("policies")).expect("a directory");
        let root = scene.root().display();
        let settings = format!(
            "policies = [\"{root}/policies\"]\n[prometheus]\nurl = \"http://127.0.0.1:9\"\n[store]\nurl = \"sqlite:{root}/history.db\"\n\
             [server]\nlisten = \"127.0.0.1:0\"\nsocket = \"{root}/lastgood.sock\"\n"
        );
        fs::write(scene.path("lastgood.toml"), settings).expect("settings");
        scene
    }

    /// The policy of `service`, whose place is a new directory of that name.
    pub fn policy(&self, service: &str, activate: &str) {
        fs::create_dir(self.path(service)).expect("a directory");
        self.policy_at(service, service, activate);
    }

    fn policy_at(&self, service: &str, place: &str, activate: &str) {
        let root = self.path(place).display().to_string();
        let policy = format!(
            "apiVersion: lastgood.dev/v1\nkind: Policy\nmetadata: {{name: {service}}}\nspec:\n  target:\n    host: {{releases: {root}/releases, \
             current: {root}/current, activate: {activate}}}\n  metrics:\n    - name: errors\n      \
             ratio: {{bad: 'requests_total{{code=\"500\"}}', total: 'requests_total'}}\n"
        );
        fs::write(self.path(&format!("policies/{service}.yaml")), policy).expect("a policy");
    }

    /// With v1 deployed.
    pub fn with_v1() -> Self {
        let scene = Self::new(NOTING);
        let archive = scene.release("v1");
        let said = scene.deploy("v1", &["--from", &archive]);
        assert_eq!(said.code, Some(0), "{said:?}");
        scene
    }

    pub fn root(&self) -> &Path {
        self.directory.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Writes a file and returns its path as text.
    pub fn write(&self, name: &str, content: &[u8]) -> String {
        let path = self.path(name);
        fs::write(&path, content).expect("a file");
        path.to_str().expect("text").to_owned()
    }

    /// An archive of a small release called `version`.
    pub fn release(&self, version: &str) -> String {
        self.write(&format!("myapp-{version}.tar.gz"), &gzip(&small_tar(version)))
    }

    /// `lastgood deploy myapp --to VERSION` with these arguments.
    pub fn deploy(&self, version: &str, arguments: &[&str]) -> Said {
        self.deploy_where(version, arguments, &[])
    }

    /// The same with these variables.
    pub fn deploy_where(&self, version: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
        let mut command = self.command(version, arguments);
        self.said(&command.envs(variables.iter().copied()).output().expect("lastgood"))
    }

    /// `lastgood` with these arguments.
    pub fn lastgood(&self, arguments: &[&str]) -> Said {
        self.lastgood_where(arguments, &[])
    }

    /// The same with these variables.
    pub fn lastgood_where(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lastgood"));
        command.args(arguments).arg("--config").arg(self.path("lastgood.toml"));
        command.envs(variables.iter().copied()).current_dir(self.root());
        self.said(&command.output().expect("lastgood"))
    }

    /// The command, not yet begun.
    pub fn command(&self, version: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lastgood"));
        command
            .args(["deploy", "--service", "myapp", "--to", version])
            .args(arguments)
            .arg("--config")
            .arg(self.path("lastgood.toml"))
            .current_dir(self.root())
            .env_remove("LASTGOOD_CRASH_AT")
            .env_remove("LASTGOOD_LOG");
        command
    }

    /// What it said, without this place's own path.
    pub fn said(&self, output: &Output) -> Said {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&self.root().display().to_string(), "HOME");
        Said {
            code: output.status.code(),
            signal: output.status.signal(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// The text of `current`; none while there is no link.
    pub fn current(&self) -> Option<String> {
        let text = fs::read_link(self.path("app/current")).ok()?;
        Some(text.to_string_lossy().into_owned())
    }

    /// What is in `releases`, hidden things too.
    pub fn releases(&self) -> Vec<String> {
        names(&self.path("app/releases"))
    }

    /// What is beside `current`.
    pub fn beside(&self) -> Vec<String> {
        names(&self.path("app"))
    }

    /// `FROM>TO` of each activation so far.
    pub fn activations(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("app/activated")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Whether the release `version` is whole.
    pub fn whole(&self, version: &str) -> bool {
        let file = |name: &str| fs::read_to_string(self.path(&format!("app/releases/{version}/{name}"))).unwrap_or_default();
        file("bin/app") == format!("#!/bin/sh\necho {version}\n") && file("config") == format!("version = {version}\n")
    }

    /// Nothing changed since v1 was deployed, and nothing is left.
    pub fn untouched(&self) {
        assert_eq!(self.current().as_deref(), Some("releases/v1"));
        assert_eq!(self.releases(), ["v1"]);
        assert_eq!(self.beside(), ["activated", "current", "releases"]);
        assert_eq!(self.activations(), [">v1"]);
    }
}

/// The names in a directory, in order; none where it is not there.
fn names(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// A tar of a program and a file of configuration.
pub fn small_tar(version: &str) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    entry(
        &mut archive,
        "bin/app",
        0o755,
        format!("#!/bin/sh\necho {version}\n").as_bytes(),
    );
    entry(&mut archive, "config", 0o600, format!("version = {version}\n").as_bytes());
    archive.into_inner().expect("an archive")
}

/// Adds a file.
pub fn entry(archive: &mut tar::Builder<Vec<u8>>, path: &str, mode: u32, content: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(mode);
    archive.append_data(&mut header, path, content).expect("an entry");
}

/// Compressed.
pub fn gzip(content: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).expect("compressed");
    encoder.finish().expect("compressed")
}

/// SHA-256 in hexadecimal digits.
pub fn sha256(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}
