//! A systemd of its own namespaces with nginx in front, and clients that ask it for something all the time.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{
    namespace,
    rig::{Said, Scene, entry, gzip, sha256},
};

/// Between two requests of one client: a few hundred a second.
const PACE: Duration = Duration::from_millis(3);

/// The host: systemd, and where everything lies.
pub struct Host {
    pub scene: Scene,
    unshare: Child,
    init: u32,
    pub front: u16,
    pub plain: u16,
}

impl Drop for Host {
    fn drop(&mut self) {
        // `--kill-child`: all of the namespace ends with it.
        let _ = self.unshare.kill();
        let _ = self.unshare.wait();
    }
}

/// The nginx that `make test` found, else the distribution's.
fn nginx() -> String {
    std::env::var("LASTGOOD_TEST_NGINX").unwrap_or_else(|_| "/usr/sbin/nginx".to_owned())
}

/// What is missing here for these tests.
pub fn missing() -> Option<String> {
    for needed in [nginx().as_str(), "/usr/bin/dbus-daemon", "/lib/systemd/systemd"] {
        if !Path::new(needed).exists() {
            return Some(format!(
                "`{needed}` is not here; `make test` finds nginx, the packages systemd and dbus have the rest"
            ));
        }
    }
    let tried = Command::new("unshare").args(namespace::NAMESPACES).arg("true").output();
    (!tried.is_ok_and(|output| output.status.success())).then(|| "`unshare` does not work here".to_owned())
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}

fn nginx_unit(conf: &Path) -> String {
    format!(
        "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart={nginx} -c {conf} -e {conf}.log\nExecReload=/bin/kill -HUP $MAINPID\n",
        nginx = nginx(),
        conf = conf.display()
    )
}

/// An nginx that listens on `port` and does what `locations` says.
fn nginx_conf(scene: &Scene, name: &str, port: u16, locations: &str) -> PathBuf {
    let root = scene.root().display();
    let text = format!(
        "daemon off;\npid {root}/{name}.pid;\nworker_processes 1;\nevents {{ worker_connections 512; }}\nhttp {{\n  access_log off;\n  \
         client_body_temp_path {root}/{name}-body;\n  proxy_temp_path {root}/{name}-proxy;\n  fastcgi_temp_path {root}/{name}-fastcgi;\n  \
         uwsgi_temp_path {root}/{name}-uwsgi;\n  scgi_temp_path {root}/{name}-scgi;\n  \
         server {{\n    listen 127.0.0.1:{port};\n    {locations}\n  }}\n}}\n"
    );
    PathBuf::from(scene.write(&format!("{name}.conf"), text.as_bytes()))
}

impl Host {
    /// With the example units of `deploy/systemd` for `shop`, an nginx in front of it that also serves `pages`, and `plain`, an nginx alone.
    pub fn start() -> Self {
        let scene = Scene::below(Path::new(env!("CARGO_TARGET_TMPDIR")));
        let (front, plain, shop) = (free_port(), free_port(), free_port());
        let root = scene.root().to_str().expect("text").to_owned();
        let proxied =
            format!("location /shop {{ proxy_pass http://127.0.0.1:{shop}; }}\n    include {root}/pages/current/served.conf;");
        let front_conf = nginx_conf(&scene, "front", front, &proxied);
        let plain_conf = nginx_conf(
            &scene,
            "plain-nginx",
            plain,
            &format!("include {root}/plain/current/served.conf;"),
        );
        let example = |name: &str| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/systemd").join(name);
            let text = fs::read_to_string(path).expect("an example");
            text.replace("/opt/myapp/", &format!("{root}/shop/"))
                .replace("127.0.0.1:8080", &format!("127.0.0.1:{shop}"))
        };
        fs::create_dir(scene.path("units")).expect("a directory");
        for (unit, text) in namespace::UNITS {
            scene.write(&format!("units/{unit}"), text.as_bytes());
        }
        for (unit, text) in [
            ("front.service", nginx_unit(&front_conf)),
            ("plain.service", nginx_unit(&plain_conf)),
            ("myapp.socket", example("myapp.socket")),
            ("myapp.service", example("myapp.service")),
        ] {
            scene.write(&format!("units/{unit}"), text.as_bytes());
        }
        for unit in ["myapp.socket", "myapp.service"] {
            // This systemd has none of the targets that units come after by default.
            fs::create_dir(scene.path(&format!("units/{unit}.d"))).expect("a drop-in");
            scene.write(&format!("units/{unit}.d/alone.conf"), b"[Unit]\nDefaultDependencies=no\n");
        }
        scene.policy("shop", "{unit: myapp.service, by: restart}");
        scene.policy("pages", "{unit: front.service, by: reload}");
        scene.policy("plain", "{unit: plain.service, by: restart}");
        let unshare = namespace::start(&scene.path("units"), &scene.path("systemd.log"));
        let mut host = Self {
            scene,
            unshare,
            init: 0,
            front,
            plain,
        };
        host.wait_until_ready();
        host
    }

    /// Until its bus answers, at most half a minute.
    fn wait_until_ready(&mut self) {
        for _ in 0..300 {
            thread::sleep(Duration::from_millis(100));
            self.init = namespace::init(&self.unshare);
            if self.init != 0 && self.systemctl(&["show", "--property=Version"]) {
                return;
            }
        }
        let log = fs::read_to_string(self.scene.path("systemd.log")).unwrap_or_default();
        assert!(log.is_empty(), "systemd did not come up: {log}");
    }

    pub fn systemctl(&self, arguments: &[&str]) -> bool {
        let inside = ["-t", &self.init.to_string(), "-a", "systemctl"];
        let output = Command::new("nsenter")
            .args(inside)
            .args(arguments)
            .output()
            .expect("nsenter");
        output.status.success()
    }

    /// Runs lastgood against this systemd; it must succeed.
    fn lastgood(&self, arguments: &[&str]) -> String {
        let said = self.says(arguments);
        let log = fs::read_to_string(self.scene.path("systemd.log")).unwrap_or_default();
        assert_eq!(said.code, Some(0), "{arguments:?}: {said:?}\n{log}");
        said.err
    }

    /// What CI leaves: an archive, and its manifest.
    fn build(&self, service: &str, version: &str, archive: &[u8]) {
        let name = format!("{service}-{version}.tar.gz");
        let text = format!(
            "{{\"version\":\"{version}\",\"commit\":\"0123456789abcdef\",\"built_at\":\"2026-11-24T18:00:00Z\",\"passed_smoke_test\":true,\
             \"artifacts\":[{{\"name\":\"{name}\",\"url\":\"file://{}\",\"sha256\":\"{}\",\"size\":{}}}]}}",
            self.scene.write(&name, archive),
            sha256(archive),
            archive.len()
        );
        self.scene.write(&format!("{service}-{version}.json"), text.as_bytes());
    }

    /// Records what [`Self::build`] left.
    pub fn record(&self, service: &str, version: &str) {
        let manifest = format!("{service}-{version}.json");
        self.lastgood(&["record", &manifest, "--service", service, "--env", "prod"]);
    }

    /// A controller that speaks to this systemd, once it answers.
    pub fn controller(&self) -> lastgood::demo::Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lastgood"));
        command.arg("run").arg("--config").arg(self.scene.path("lastgood.toml"));
        command.env("DBUS_SYSTEM_BUS_ADDRESS", namespace::bus(self.init));
        command.stderr(fs::File::create(self.scene.path("run.log")).expect("a log"));
        let child = lastgood::demo::Child::start("lastgood", command).expect("lastgood");
        let answers = || std::os::unix::net::UnixStream::connect(self.scene.path("lastgood.sock")).is_ok();
        for _ in 0..300 {
            if answers() {
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
        let log = fs::read_to_string(self.scene.path("run.log")).unwrap_or_default();
        assert!(answers(), "{log}");
        child
    }

    /// Runs lastgood against this systemd, whatever comes of it.
    pub fn says(&self, arguments: &[&str]) -> Said {
        let bus = namespace::bus(self.init);
        self.scene.lastgood_where(arguments, &[("DBUS_SYSTEM_BUS_ADDRESS", &bus)])
    }

    pub fn deploy(&self, service: &str, version: &str) {
        let said = self.lastgood(&["deploy", "--service", service, "--to", version]);
        assert!(said.contains(&format!("{service}: {version} runs")), "{said}");
    }
}

/// A release of the demo's service, which accepts on its standard input.
pub fn shop(host: &Host, version: &str) {
    let mut archive = tar::Builder::new(Vec::new());
    let lastgood = env!("CARGO_BIN_EXE_lastgood");
    let program = format!(
        "#!/bin/sh\nexec {lastgood} demo serve --root {}/shop\n",
        host.scene.root().display()
    );
    entry(&mut archive, "bin/myapp", 0o755, program.as_bytes());
    entry(&mut archive, "service.json", 0o644, b"{\"errors\":0,\"median\":0.005}");
    host.build("shop", version, &gzip(&archive.into_inner().expect("an archive")));
}

/// A release that nginx reads when it is started and reloaded.
pub fn served(host: &Host, service: &str, version: &str) {
    let mut archive = tar::Builder::new(Vec::new());
    let location = format!("location /{service} {{ return 200 \"{version}\\n\"; }}\n");
    entry(&mut archive, "served.conf", 0o644, location.as_bytes());
    host.build(service, version, &gzip(&archive.into_inner().expect("an archive")));
}

/// One request on a connection of its own: the body, or how it was lost.
fn ask(port: u16, path: &str) -> Result<String, String> {
    let lost = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).map_err(lost)?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).map_err(lost)?;
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").map_err(lost)?;
    let mut text = String::new();
    stream.read_to_string(&mut text).map_err(lost)?;
    match text.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1.1 200 ") => Ok(body.to_owned()),
        _ => Err(text.lines().next().unwrap_or("an empty answer").to_owned()),
    }
}

/// Asks until the answer is `version`, at most ten seconds.
pub fn serves(port: u16, path: &str, version: &str) {
    for _ in 0..200 {
        if ask(port, path).is_ok_and(|body| body.contains(version)) {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(ask(port, path), Ok(format!("{version}\n")));
}

/// What a load came to.
#[derive(Debug, Default)]
pub struct Counted {
    pub answered: usize,
    pub lost: Vec<String>,
}

/// Two clients that ask for `path`, until it is ended.
pub struct Load {
    ended: Arc<AtomicBool>,
    counted: Arc<Mutex<Counted>>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    pub fn start(port: u16, path: &'static str) -> Self {
        let (ended, counted) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Counted::default())));
        let client = || {
            let (ended, counted) = (Arc::clone(&ended), Arc::clone(&counted));
            thread::spawn(move || {
                while !ended.load(Ordering::Relaxed) {
                    let answer = ask(port, path);
                    let mut counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
                    match answer {
                        Ok(_) => counted.answered += 1,
                        Err(lost) => counted.lost.push(lost),
                    }
                    drop(counted);
                    thread::sleep(PACE);
                }
            })
        };
        let clients = vec![client(), client()];
        Self { ended, counted, clients }
    }

    pub fn end(self) -> Counted {
        self.ended.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().expect("a client");
        }
        std::mem::take(&mut *self.counted.lock().expect("counts"))
    }
}
