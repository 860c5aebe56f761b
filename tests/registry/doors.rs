//! Registries that not everyone may enter: a password, a token of a server of its own, a certificate.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    routing::get,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use lastgood::{
    ports::{ImageFault, Images as _, Kept},
    record::MarkResult,
    registry::{Options, Registries},
};
use serde_json::{Value, json};

use crate::{
    authority::{Authority, Signer},
    rig::{Shelf, USER, free_address},
};

fn login(shelf: &Shelf, password: &str) -> Options {
    let file = shelf.write("password", &format!("{password}\n"));
    Options {
        login: Some((USER.0.to_owned(), file)),
        ..Options::default()
    }
}

fn refused<T: std::fmt::Debug>(met: Result<T, ImageFault>) -> String {
    match met {
        Err(ImageFault::Refused(because)) => because,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn s16_a_password_opens_a_registry_and_is_shown_nowhere() {
    let shelf = Shelf::new();
    let registry = shelf.open_to_users().await;
    let v1 = registry.push("myapp", Some("v1"), "one").await;
    let door = registry.door(login(&shelf, USER.1));
    assert_eq!(door.tag(&v1, "stable", None).await, Ok(MarkResult::Moved { from: None }));
    assert_eq!(door.look(&v1).await, Ok(Kept::Whole));
    assert!(!format!("{door:?}").contains(USER.1));
    // Without a name, and with a wrong password, nothing is told of the image.
    let name = registry.name();
    let because = refused(registry.door(Options::default()).look(&v1).await);
    assert_eq!(
        because,
        format!(
            "the registry {name} wants a user; give [registry.\"{name}\"] in lastgood's settings a `user` and a `password_file`, or a \
             `token_file`, that may"
        )
    );
    let because = refused(registry.door(login(&shelf, "swordfish")).tag(&v1, "other", None).await);
    assert!(
        because.starts_with(&format!("the registry {name} answers 401 Unauthorized")),
        "{because}"
    );
    assert!(!because.contains("swordfish"), "{because}");
    // The file is read at each use: a password that was changed needs no restart.
    let door = registry.door(login(&shelf, "swordfish"));
    refused(door.look(&v1).await);
    shelf.write("password", USER.1);
    assert_eq!(door.look(&v1).await, Ok(Kept::Whole));
}

/// A token server: those who know the password may push, all others only pull.
struct Tokens {
    address: SocketAddr,
    asked: Arc<AtomicU32>,
}

const SERVICE: &str = "shelf";

impl Tokens {
    async fn start(signer: Signer) -> Self {
        let asked = Arc::new(AtomicU32::new(0));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new()
            .route("/token", get(token))
            .with_state((Arc::new(signer), asked.clone()));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, asked }
    }
}

#[derive(serde::Deserialize)]
struct Wanted {
    service: String,
    scope: String,
}

async fn token(
    State((signer, asked)): State<(Arc<Signer>, Arc<AtomicU32>)>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> (StatusCode, Json<Value>) {
    asked.fetch_add(1, Ordering::SeqCst);
    let pair = format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", USER.0, USER.1)));
    let named = headers
        .get("authorization")
        .map(|value| value.to_str().expect("text").to_owned());
    if named.as_ref().is_some_and(|named| *named != pair) {
        return (
            StatusCode::UNAUTHORIZED,
            Json(json!({"errors": [{"code": "DENIED", "message": "who is that?"}]})),
        );
    }
    let [kind, repository, rights] = wanted.scope.splitn(3, ':').collect::<Vec<_>>()[..] else {
        panic!("{}", wanted.scope)
    };
    assert_eq!((kind, wanted.service.as_str()), ("repository", SERVICE));
    let allowed = |right: &&str| *right == "pull" || named.is_some();
    let actions: Vec<&str> = rights.split(',').filter(allowed).collect();
    let token = signer.token("a token server", SERVICE, repository, &actions);
    (StatusCode::OK, Json(json!({"token": token, "expires_in": 300})))
}

#[tokio::test]
async fn a_token_server_is_asked_for_the_rights_that_are_needed_and_told_the_password_in_the_registry_s_place() {
    let shelf = Shelf::new();
    let v1 = {
        let everyone = shelf.open().await;
        everyone.push("shop/myapp", Some("v1"), "one").await
    };
    let authority = Authority::new();
    let tokens = Tokens::start(authority.signer()).await;
    let bundle = authority.write(&shelf, "tokens.crt");
    let registry = shelf
        .serve(
            v1.registry().parse().expect("an address"),
            json!({"auth": {"token": {
                "realm": format!("http://{}/token", tokens.address), "service": SERVICE, "issuer": "a token server", "rootcertbundle": bundle,
            }}}),
        )
        .await;
    let door = registry.door(login(&shelf, USER.1));
    assert_eq!(door.tag(&v1, "stable", None).await, Ok(MarkResult::Moved { from: None }));
    assert_eq!(tokens.asked.load(Ordering::SeqCst), 1, "one token does for the errand");
    assert_eq!(door.tag(&v1, "stable", None).await, Ok(MarkResult::Already));
    // Who has no name may look, and not move anything.
    let nobody = registry.door(Options::default());
    assert_eq!(nobody.look(&v1).await, Ok(Kept::Whole));
    let because = refused(nobody.tag(&v1, "other", None).await);
    assert!(
        because.contains("answers 401 Unauthorized") && because.contains("`user` and a `password_file`"),
        "{because}"
    );
    let because = refused(registry.door(login(&shelf, "swordfish")).look(&v1).await);
    assert!(
        because.contains("token server answers 401 Unauthorized (DENIED who is that?)"),
        "{because}"
    );
    // A token that somebody else fetched is sent as it is.
    let token = authority
        .signer()
        .token("a token server", SERVICE, "shop/myapp", &["pull", "push"]);
    let own = Options {
        token_file: Some(shelf.write("token", &token)),
        ..Options::default()
    };
    let before = tokens.asked.load(Ordering::SeqCst);
    assert_eq!(
        registry.door(own.clone()).tag(&v1, "by-token", None).await,
        Ok(MarkResult::Moved { from: None })
    );
    shelf.write("token", "eyJhbGciOiJub25lIn0.e30.");
    refused(registry.door(own).look(&v1).await);
    assert_eq!(tokens.asked.load(Ordering::SeqCst), before);
}

#[tokio::test]
async fn s19_a_registry_that_the_authority_does_not_vouch_for_is_never_asked() {
    let shelf = Shelf::new();
    let v1 = {
        let everyone = shelf.open().await;
        everyone.push("myapp", Some("v1"), "one").await
    };
    let authority = Authority::new();
    let (certificate, key) = authority.vouch(&shelf);
    let registry = shelf
        .serve(
            v1.registry().parse().expect("an address"),
            json!({"tls": {"certificate": certificate, "key": key}}),
        )
        .await;
    let door = |ca: &Authority| {
        let options = Options {
            ca_file: Some(ca.write(&shelf, "ca.crt")),
            ..Options::default()
        };
        Registries::new([(registry.name(), options)].into()).expect("clients")
    };
    assert_eq!(door(&authority).look(&v1).await, Ok(Kept::Whole));
    assert_eq!(
        door(&authority).tag(&v1, "stable", None).await,
        Ok(MarkResult::Moved { from: None })
    );
    let met = door(&Authority::new()).look(&v1).await;
    let Err(ImageFault::Away(because)) = met else {
        panic!("{met:?}")
    };
    assert!(because.contains("certificate"), "{because}");
    // Plain HTTP is not fallen back to.
    let address = free_address();
    let plain = shelf.serve(address, json!({})).await;
    let https = Registries::new([(plain.name(), Options::default())].into()).expect("clients");
    let name = format!("{}/myapp", plain.name());
    let image = lastgood::manifest::ImageReference::of(&name, v1.digest()).expect("an image");
    assert!(matches!(https.look(&image).await, Err(ImageFault::Away(_))));
}
