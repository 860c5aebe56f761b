//! Servers that are no good registry: nothing they say is taken for a missing image, and nobody is given a password.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{Response, StatusCode, header},
};
use lastgood::{
    manifest::ImageReference,
    ports::{ImageFault, Images as _},
    registry::{Options, Registries},
};

use crate::rig::Shelf;

/// A server that answers everything in one way, and keeps what it was sent as credentials.
struct Odd {
    image: ImageReference,
    door: Registries,
    credentials: Arc<Mutex<Vec<String>>>,
    _shelf: Shelf,
}

impl Odd {
    async fn answering(answer: impl Fn(&Request) -> Response<Body> + Clone + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let name = listener.local_addr().expect("an address").to_string();
        let credentials: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = credentials.clone();
        let router = Router::new().fallback(async move |request: Request| {
            if let Some(sent) = request.headers().get(header::AUTHORIZATION) {
                kept.lock().expect("kept").push(sent.to_str().expect("text").to_owned());
            }
            answer(&request)
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        let shelf = Shelf::new();
        let options = Options {
            plain_http: true,
            login: Some(("ann".to_owned(), shelf.write("password", "open sesame"))),
            ..Options::default()
        };
        let digest = format!("sha256:{}", "1".repeat(64));
        Self {
            image: ImageReference::of(&format!("{name}/myapp"), &digest).expect("an image"),
            door: Registries::new([(name, options)].into()).expect("clients"),
            credentials,
            _shelf: shelf,
        }
    }

    async fn says(&self) -> ImageFault {
        let looked = self.door.look(&self.image).await.expect_err("unusable");
        assert!(self.credentials.lock().expect("kept").is_empty(), "a password was sent");
        looked
    }
}

fn answer(status: StatusCode, headers: &[(&str, &str)], body: &str) -> Response<Body> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(Body::from(body.to_owned())).expect("a response")
}

#[tokio::test]
async fn k19_a_404_that_is_not_a_registry_s_own_word_is_no_missing_image() {
    let odd = Odd::answering(|_| answer(StatusCode::NOT_FOUND, &[], "<html>no such page</html>")).await;
    let ImageFault::Refused(because) = odd.says().await else {
        panic!("refused")
    };
    assert!(
        because.contains("answers 404 Not Found: that is no registry's word for a missing image"),
        "{because}"
    );
}

#[tokio::test]
async fn a_registry_that_is_busy_or_broken_is_away() {
    for status in [
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::BAD_GATEWAY,
        StatusCode::SERVICE_UNAVAILABLE,
    ] {
        let odd = Odd::answering(move |_| answer(status, &[], "")).await;
        assert!(matches!(odd.says().await, ImageFault::Away(_)), "{status}");
    }
}

#[tokio::test]
async fn s16_nobody_that_a_registry_leads_to_is_given_a_password() {
    let lead = Odd::answering(|request| match request.uri().path() {
        "/elsewhere" => answer(StatusCode::OK, &[], ""),
        _ => answer(StatusCode::TEMPORARY_REDIRECT, &[("location", "/elsewhere")], ""),
    })
    .await;
    let ImageFault::Refused(because) = lead.says().await else {
        panic!("refused")
    };
    assert!(because.contains("credentials are not sent elsewhere"), "{because}");
    for realm in ["ftp://127.0.0.1/token", "no URL"] {
        let challenge = format!("Bearer realm=\"{realm}\",service=\"a\"");
        let odd = Odd::answering(move |_| answer(StatusCode::UNAUTHORIZED, &[("www-authenticate", &challenge)], "")).await;
        let ImageFault::Refused(because) = odd.says().await else {
            panic!("refused")
        };
        assert!(because.contains("names a token server without https"), "{because}");
    }
    let odd = Odd::answering(|_| answer(StatusCode::UNAUTHORIZED, &[("www-authenticate", "Negotiate")], "")).await;
    let ImageFault::Refused(because) = odd.says().await else {
        panic!("refused")
    };
    assert!(because.contains("does not say which"), "{because}");
}

#[tokio::test]
async fn p16_an_answer_without_end_is_cut_off_and_a_wrong_manifest_is_not_moved() {
    let endless = Odd::answering(|request| match request.method().as_str() {
        "HEAD" => answer(StatusCode::OK, &[], ""),
        _ => answer(StatusCode::OK, &[], &"x".repeat(5 << 20)),
    })
    .await;
    let ImageFault::Refused(because) = endless.says().await else {
        panic!("refused")
    };
    assert!(because.contains("more than 4 MiB"), "{because}");
    let wrong = Odd::answering(|request| match request.method().as_str() {
        "HEAD" => answer(StatusCode::OK, &[("docker-content-digest", "sha256:00")], ""),
        "GET" => answer(StatusCode::OK, &[], "{}"),
        method => panic!("{method}"),
    })
    .await;
    let met = wrong.door.tag(&wrong.image, "stable", None).await;
    let Err(ImageFault::Refused(because)) = met else {
        panic!("{met:?}")
    };
    assert!(
        because.contains("it is damaged, or something stands in front of it; nothing was moved"),
        "{because}"
    );
}
