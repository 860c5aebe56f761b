//! A real systemd, PID 1 of its own namespaces; none of the machine's units is touched.
//!
//! Needs root, namespaces, `/lib/systemd/systemd` and `dbus-daemon` (Debian: systemd, dbus); else its tests are skipped aloud.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Child,
    time::Duration,
};

use lastgood::{
    policy::{Activate, ActivateBy},
    record::Intent,
};
use tempfile::TempDir;

use crate::{
    namespace,
    rig::{Site, can, intent},
};

/// A systemd of its own; all of it ends when this is dropped.
pub struct Systemd {
    unshare: Child,
    pub init: u32,
    /// Below the target directory: the machine's own `/tmp` is not seen inside.
    pub directory: TempDir,
}

impl Systemd {
    /// Starts it with `app.service` whose `[Service]` section is `service`; none where it cannot run here, said aloud.
    pub async fn start(name: &str, service: &str) -> Option<Self> {
        if !can(name, &[&["unshare"], &namespace::NAMESPACES[..]].concat()) {
            return None;
        }
        for needed in ["/usr/bin/dbus-daemon", "/lib/systemd/systemd"] {
            if !Path::new(needed).exists() {
                eprintln!("skipped: {name}: `{needed}` is not here; install the packages systemd and dbus");
                return None;
            }
        }
        let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        let units = directory.path().join("units");
        fs::create_dir(&units).expect("a directory for units");
        let service = service.replace("APP", directory.path().join("app").to_str().expect("a path"));
        let app = format!("[Unit]\nDefaultDependencies=no\n[Service]\n{service}");
        for (unit, text) in namespace::UNITS.into_iter().chain([("app.service", app.as_str())]) {
            fs::write(units.join(unit), text).expect("a unit");
        }
        std::os::unix::fs::symlink("/dev/null", units.join("masked.service")).expect("a masked unit");
        let unshare = namespace::start(&units, &directory.path().join("log"));
        let mut systemd = Self {
            init: 0,
            unshare,
            directory,
        };
        systemd.wait_until_ready().await;
        Some(systemd)
    }

    /// Until its bus answers, at most half a minute.
    async fn wait_until_ready(&mut self) {
        for _ in 0..300 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            self.init = namespace::init(&self.unshare);
            if self.init != 0 && self.systemctl(&["show", "--property=Version"]).await.is_some() {
                return;
            }
        }
        panic!(
            "systemd did not come up: {}",
            fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
        );
    }

    /// What the `systemctl` of this systemd says; none where it fails.
    pub async fn systemctl(&self, arguments: &[&str]) -> Option<String> {
        // From inside: the machine itself need not run systemd.
        let output = tokio::process::Command::new("nsenter")
            .args(["-t", &self.init.to_string(), "-a", "systemctl"])
            .args(arguments)
            .output()
            .await
            .expect("nsenter");
        output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn paths(&self) -> (PathBuf, PathBuf) {
        (self.directory.path().join("app"), self.directory.path().join("store"))
    }

    /// A service under this systemd; v1 and v2 were seen, v2 runs since the unit was started.
    pub async fn bad_v2(&self, unit: &str, by: ActivateBy) -> (Site, Intent) {
        let (app, store) = self.paths();
        let activate = Activate::Unit {
            unit: unit.to_owned(),
            by,
        };
        let mut site = Site::at(&app, &store, activate);
        site.host = site.host.with_bus_address(namespace::bus(self.init));
        let to = site.run("v1").await;
        let from = site.run("v2").await;
        (site, intent(1, &from, &to))
    }

    pub async fn start_app(&self) {
        self.systemctl(&["start", "app.service"]).await.expect("the unit starts");
    }
}

impl Drop for Systemd {
    fn drop(&mut self) {
        // `--kill-child`: PID 1 of the namespace dies with it, and with that everything inside.
        let _ = self.unshare.kill();
        let _ = self.unshare.wait();
    }
}
