//! A real Prometheus behind TLS: the authority is checked, always, and our own certificate is shown where one is asked for.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use lastgood::{
    ports::{MetricFault, MetricSource},
    prometheus::{Options, Prometheus},
    question,
    words::GapReason,
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::time::sleep;

use crate::{
    rig::{PATIENCE, now, program},
    rollout::policy,
};

/// An authority, and whom it vouches for.
struct Authority(Issuer<'static, KeyPair>, String);

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("an authority").pem();
        Self(Issuer::new(params, key), certificate)
    }

    /// Writes `NAME.crt`, vouched for by this authority, and `NAME.key`.
    fn vouch(&self, directory: &Path, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("parameters");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate").pem();
        let paths = (directory.join(format!("{name}.crt")), directory.join(format!("{name}.key")));
        fs::write(&paths.0, certificate).expect("written");
        fs::write(&paths.1, key.serialize_pem()).expect("written");
        paths
    }

    fn write(&self, directory: &Path, name: &str) -> PathBuf {
        let path = directory.join(name);
        fs::write(&path, &self.1).expect("written");
        path
    }
}

/// A Prometheus that answers over TLS alone, and only to those whom `authority` vouches for.
struct Guarded {
    child: Child,
    url: String,
}

impl Guarded {
    fn start(directory: &Path, authority: &Authority) -> Self {
        let (cert, key) = authority.vouch(directory, "server");
        let ca = authority.write(directory, "ca.crt");
        let web = serde_json::json!({"tls_server_config": {
            "cert_file": cert, "key_file": key, "client_auth_type": "RequireAndVerifyClientCert", "client_ca_file": ca,
        }});
        fs::write(directory.join("web.yml"), web.to_string()).expect("written");
        fs::write(directory.join("prometheus.yml"), "{}").expect("written");
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("an address");
        drop(free);
        let child = Command::new(program())
            .arg(format!("--config.file={}", directory.join("prometheus.yml").display()))
            .arg(format!("--web.config.file={}", directory.join("web.yml").display()))
            .arg(format!("--storage.tsdb.path={}", directory.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Prometheus starts");
        Self {
            child,
            url: format!("https://localhost:{}", address.port()),
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn ask(options: Options) -> Result<(), MetricFault> {
    let source = Prometheus::new(options).expect("a client");
    source.instant(&question::question(&policy("app")), now()).await.map(|_| ())
}

#[tokio::test(flavor = "multi_thread")]
async fn s19_a_server_that_the_authority_does_not_vouch_for_is_never_asked() {
    let directory = tempfile::tempdir().expect("a directory");
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server = Guarded::start(directory.path(), &authority);
    let (cert, key) = authority.vouch(directory.path(), "client");
    let trusted = Options {
        ca_file: Some(directory.path().join("ca.crt")),
        cert_file: Some(cert),
        key_file: Some(key),
        ..Options::at(&server.url)
    };
    let end = now().plus(PATIENCE);
    while let Err(fault) = ask(trusted.clone()).await {
        assert!(now() < end, "with both certificates it answers: {fault}");
        sleep(Duration::from_millis(50)).await;
    }
    let other = stranger.write(directory.path(), "stranger.crt");
    for (what, options) in [
        (
            "the machine's authorities",
            Options {
                ca_file: None,
                ..trusted.clone()
            },
        ),
        (
            "another authority",
            Options {
                ca_file: Some(other),
                ..trusted.clone()
            },
        ),
    ] {
        let fault = ask(options).await.expect_err(what);
        assert_eq!(fault.reason, GapReason::QueryFailed, "{what}");
        assert!(
            fault.because.contains("certificate") && fault.because.contains("ca_file"),
            "{what}: {fault}"
        );
    }
    let nameless = Options {
        cert_file: None,
        key_file: None,
        ..trusted
    };
    let fault = ask(nameless).await.expect_err("without a certificate of our own");
    assert_eq!(fault.reason, GapReason::QueryFailed);
    assert!(fault.because.contains("cert_file"), "{fault}");
}
