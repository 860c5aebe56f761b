//! Fetching: cut and gone on with, wrong digests, TLS, and what is refused before anything is asked.

use std::{path::Path, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::{
    rig::{Scene, gzip, sha256, small_tar},
    server::{Plan, Server},
};

fn archive(version: &str) -> Vec<u8> {
    gzip(&small_tar(version))
}

#[test]
fn a_download_that_is_cut_goes_on_where_it_was_by_itself() {
    let scene = Scene::with_v1();
    let content = archive("v2");
    let digest = sha256(&content);
    let server = Server::start(Plan {
        content,
        cuts: vec![40, 50],
        tags: vec!["\"one\""],
        ..Plan::default()
    });
    let said = scene.deploy("v2", &["--from", &server.url("myapp.tar.gz"), "--sha256", &digest]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(scene.whole("v2"));
    let range = |from: usize| (Some(format!("bytes={from}-")), Some("\"one\"".to_owned()));
    assert_eq!(server.ranges(), [(None, None), range(40), range(90)]);
}

#[test]
fn a_cut_network_is_told_keeps_what_came_and_the_same_command_goes_on() {
    let scene = Scene::with_v1();
    let content = archive("v2");
    let digest = sha256(&content);
    let server = Server::start(Plan {
        content,
        cuts: vec![40, 0, 0, 0, 0],
        tags: vec!["\"one\""],
        ..Plan::default()
    });
    let url = server.url("myapp.tar.gz?signature=secret");
    let arguments = ["--from", &url, "--sha256", &digest];
    let said = scene.deploy("v2", &arguments);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err
            .contains("error: nothing was changed: cannot fetch `myapp.tar.gz` from"),
        "{said:?}"
    );
    assert!(
        said.err.contains("40 bytes of it are kept: the same command goes on there"),
        "{said:?}"
    );
    assert!(!said.err.contains("secret"), "{said:?}");
    assert_eq!(scene.current().as_deref(), Some("releases/v1"));
    assert_eq!(scene.releases(), [".incoming-v2", "v1"]);
    let said = scene.deploy("v2", &arguments);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(
        server.ranges().last(),
        Some(&(Some("bytes=40-".to_owned()), Some("\"one\"".to_owned())))
    );
    assert_eq!(scene.releases(), ["v1", "v2"]);
}

#[test]
fn what_changed_on_the_server_meanwhile_is_fetched_from_its_beginning() {
    let scene = Scene::with_v1();
    let content = archive("v2");
    let digest = sha256(&content);
    let server = Server::start(Plan {
        content,
        cuts: vec![40],
        tags: vec!["\"one\"", "\"two\""],
        ..Plan::default()
    });
    let said = scene.deploy("v2", &["--from", &server.url("myapp.tar.gz"), "--sha256", &digest]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(scene.whole("v2"));
}

#[test]
fn a_wrong_digest_changes_nothing_and_keeps_nothing() {
    let scene = Scene::with_v1();
    let server = Server::start(Plan {
        content: archive("v2"),
        ..Plan::default()
    });
    let said = scene.deploy("v2", &["--from", &server.url("myapp.tar.gz"), "--sha256", &sha256(b"else")]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err
            .contains("`myapp.tar.gz` is not what was built: its digest is sha256:"),
        "{said:?}"
    );
    scene.untouched();
}

#[test]
fn what_is_not_there_is_told_at_once() {
    let scene = Scene::with_v1();
    let said = scene.deploy("v2", &["--from", "./nothing.tar.gz"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err
            .contains("cannot fetch `nothing.tar.gz` from ./nothing.tar.gz: it does not exist"),
        "{said:?}"
    );
    scene.untouched();
}

#[test]
fn plain_http_without_a_digest_is_wrong_use() {
    let scene = Scene::with_v1();
    let said = scene.deploy("v2", &["--from", "http://127.0.0.1:9/myapp.tar.gz"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("use https, or say its digest"), "{said:?}");
    scene.untouched();
}

#[test]
fn a_download_beyond_the_limit_is_refused() {
    let scene = Scene::with_v1();
    let content = archive("v2");
    let digest = sha256(&content);
    let server = Server::start(Plan {
        content,
        ..Plan::default()
    });
    let url = server.url("myapp.tar.gz");
    let said = scene.deploy("v2", &["--from", &url, "--sha256", &digest, "--max-bytes", "100"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("has more than 100 bytes; raise --max-bytes"), "{said:?}");
    scene.untouched();
}

/// A TLS server's configuration, and the authority that vouches for it, written to `authority`.
fn vouched(authority: &Path) -> Arc<rustls::ServerConfig> {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    std::fs::write(authority, params.self_signed(&key).expect("an authority").pem()).expect("written");
    let issuer = Issuer::new(params, key);
    let own = KeyPair::generate().expect("a key");
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    let certificate = certificate.signed_by(&own, &issuer).expect("a certificate");
    let own = rustls::pki_types::PrivateKeyDer::try_from(own.serialize_der()).expect("a key");
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], own);
    Arc::new(config.expect("a configuration"))
}

#[test]
fn over_tls_a_trusted_server_needs_no_digest_and_another_one_gives_nothing() {
    let scene = Scene::with_v1();
    let authority = scene.path("authority.pem");
    let server = Server::start(Plan {
        content: archive("v2"),
        tls: Some(vouched(&authority)),
        ..Plan::default()
    });
    let url = server.url("myapp.tar.gz");
    let said = scene.deploy("v2", &["--from", &url]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("certificate"), "{said:?}");
    assert_eq!(scene.current().as_deref(), Some("releases/v1"));
    let trusted = [("SSL_CERT_FILE", authority.to_str().expect("text"))];
    let said = scene.deploy_where("v2", &["--from", &url], &trusted);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(scene.whole("v2"));
}
