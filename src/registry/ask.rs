//! One request, with the credentials that the registry wants.

use std::path::Path;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::{
    Method, RequestBuilder, Response, StatusCode, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde::Deserialize;

use super::{
    challenge::{Challenge, challenge},
    fault::{credentials, no_answer, unwanted},
    options::Server,
};
use crate::ports::ImageFault;

/// The largest manifest that registries must take; answers beyond it are refused.
const MOST_BYTES: usize = 4 << 20;
/// What a manifest may be: of an image, or of an image for several platforms.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// A repository, and what is asked of it: the rights last for one errand.
pub(super) struct Door<'a> {
    server: &'a Server,
    repository: &'a str,
    /// `pull`, or `pull,push`.
    rights: &'static str,
    authorization: Option<HeaderValue>,
}

/// An answer, read whole.
pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// What a token server answers.
#[derive(Deserialize)]
struct Token {
    #[serde(alias = "access_token")]
    token: String,
}

impl<'a> Door<'a> {
    /// The door to `repository`, with the token of the settings where there is one.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn new(server: &'a Server, repository: &'a str, rights: &'static str) -> Result<Self, ImageFault> {
        let mut door = Self {
            server,
            repository,
            rights,
            authorization: None,
        };
        if let Some(file) = &server.options.token_file {
            door.authorization = Some(door.bearer(&door.secret("token_file", file)?)?);
        }
        Ok(door)
    }

    /// The name of the registry.
    pub fn registry(&self) -> &str {
        &self.server.name
    }

    /// Asks for, or puts, the manifest that `reference`, a tag or a digest, names.
    ///
    /// # Errors
    /// When no answer comes, or the registry refuses the credentials.
    pub async fn manifest(
        &mut self,
        method: Method,
        reference: &str,
        put: Option<(&HeaderValue, &[u8])>,
    ) -> Result<Answer, ImageFault> {
        let path = format!("v2/{}/manifests/{reference}", self.repository);
        let url = self.server.base.join(&path).map_err(|error| {
            ImageFault::Refused(format!(
                "`{path}` cannot be asked of {}: {error}; correct the image's name",
                self.server.name
            ))
        })?;
        let request = || {
            let request = self
                .server
                .client
                .request(method.clone(), url.clone())
                .header(ACCEPT, MANIFESTS);
            match put {
                Some((kind, bytes)) => request.header(CONTENT_TYPE, kind).body(bytes.to_vec()),
                None => request,
            }
        };
        let first = self.send(request()).await?;
        if first.status != StatusCode::UNAUTHORIZED {
            return Ok(first);
        }
        let again = request();
        // Credentials that were sent already are not the ones that it wants: a token may have ended meanwhile, and is asked for anew.
        if self.server.options.token_file.is_some() {
            return Err(unwanted(&self.server.name, first.status, &first.body));
        }
        self.authorization = Some(self.authorized(&first.headers).await?);
        let second = self.send(again).await?;
        match second.status {
            StatusCode::UNAUTHORIZED => Err(unwanted(&self.server.name, second.status, &second.body)),
            _ => Ok(second),
        }
    }

    async fn send(&self, mut request: RequestBuilder) -> Result<Answer, ImageFault> {
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        self.answer(request).await
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Answer, ImageFault> {
        let met = |error| no_answer(&self.server.name, error);
        let mut response: Response = request.send().await.map_err(met)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(met)? {
            body.extend_from_slice(&piece);
            if body.len() > MOST_BYTES {
                return Err(ImageFault::Refused(format!(
                    "the registry {} answers with more than 4 MiB, and no manifest may be larger: look at what it is",
                    self.server.name
                )));
            }
        }
        Ok(Answer { status, headers, body })
    }

    /// The credentials that answer the challenge.
    async fn authorized(&self, headers: &HeaderMap) -> Result<HeaderValue, ImageFault> {
        let basic = self.basic()?;
        match (challenge(headers), basic) {
            (Some(Challenge::Basic), Some(basic)) => Ok(basic),
            (Some(Challenge::Basic), None) => Err(self.refused(&format!("wants a user; {}", credentials(&self.server.name)))),
            (Some(Challenge::Bearer { realm, service }), basic) => self.token(&realm, service.as_deref(), basic).await,
            (None, _) => Err(self.refused("wants credentials and does not say which: lastgood knows `Basic` and `Bearer`")),
        }
    }

    /// A token of the server at `realm`, asked for by name where the settings have one.
    async fn token(&self, realm: &str, service: Option<&str>, basic: Option<HeaderValue>) -> Result<HeaderValue, ImageFault> {
        let url = Url::parse(realm).ok().filter(|url| {
            // What is a secret on the way to the registry is one on the way there.
            url.scheme() == "https" || (url.scheme() == "http" && self.server.options.plain_http)
        });
        let url = url.ok_or_else(|| {
            self.refused("names a token server without https, and passwords are not sent there: look at its configuration")
        })?;
        let scope = format!("repository:{}:{}", self.repository, self.rights);
        let mut pairs = vec![("scope", scope.as_str())];
        pairs.extend(service.map(|service| ("service", service)));
        let mut request = self.server.client.get(with_query(url, &pairs));
        if let Some(basic) = basic {
            request = request.header(AUTHORIZATION, basic);
        }
        let answer = self.answer(request).await?;
        if answer.status != StatusCode::OK {
            return Err(unwanted(
                &format!("{}'s token server", self.server.name),
                answer.status,
                &answer.body,
            ));
        }
        let token: Token = serde_json::from_slice(&answer.body)
            .map_err(|_| self.refused("has a token server whose answer holds no token: look at its log"))?;
        self.bearer(&token.token)
    }

    fn basic(&self) -> Result<Option<HeaderValue>, ImageFault> {
        let Some((user, file)) = &self.server.options.login else {
            return Ok(None);
        };
        let password = self.secret("password_file", file)?;
        let pair = BASE64_STANDARD.encode(format!("{user}:{password}"));
        self.sensitive(&format!("Basic {pair}")).map(Some)
    }

    fn bearer(&self, token: &str) -> Result<HeaderValue, ImageFault> {
        self.sensitive(&format!("Bearer {token}"))
    }

    fn sensitive(&self, text: &str) -> Result<HeaderValue, ImageFault> {
        let mut value = HeaderValue::from_str(text)
            .map_err(|_| self.refused("cannot be sent these credentials: they hold characters that no header may"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// The contents of a secret's file, without the line's end.
    fn secret(&self, key: &str, file: &Path) -> Result<String, ImageFault> {
        let read = std::fs::read_to_string(file);
        read.map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
            .map_err(|error| {
                ImageFault::Refused(format!(
                    "registry.\"{}\".{key} {} cannot be read: {error}; correct the path, or who may read it",
                    self.server.name,
                    file.display()
                ))
            })
    }

    fn refused(&self, what: &str) -> ImageFault {
        ImageFault::Refused(format!("the registry {} {what}", self.server.name))
    }
}

fn with_query(mut url: Url, pairs: &[(&str, &str)]) -> Url {
    url.query_pairs_mut().extend_pairs(pairs);
    url
}
