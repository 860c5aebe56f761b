//! Calls to the API server: each with its own deadline and never repeated here, and every way to fail with its name.

use std::{
    future::Future,
    sync::{Arc, OnceLock},
    time::Duration,
};

use kube::{
    Client, Error,
    api::{ListParams, Patch, PatchParams, PostParams},
    core::{Request, Status, request},
};
use serde_json::Value;
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};

use super::{object::Object, patch::FIELD_MANAGER, resource::Resource, term::Term};

/// No call takes longer (failures.md, K08).
const DEADLINE: Duration = Duration::from_secs(15);
/// So many calls at once: there is no other limit on what lastgood asks of the server.
const AT_ONCE: usize = 8;
/// Objects a page of a list.
const PAGE: u32 = 500;
/// The longest pause that a busy server is given.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CallError {
    /// The server says that there is no such object, in its own words.
    #[error("{0}")]
    Absent(String),
    /// Someone else changed the object first, or made one of its name: 409. Nothing was changed.
    #[error("{0}")]
    Conflict(String),
    /// A test of the patch failed, or what would come out is not valid or not admitted: 422. Nothing was changed.
    #[error("{0}")]
    Invalid(String),
    /// The server is too busy and did nothing: 429.
    #[error("the API server is too busy: {because}")]
    Busy {
        /// Its words.
        because: String,
        /// How long it asks to be left alone.
        pause: Duration,
    },
    /// The server refuses: 400. Nothing was changed.
    #[error("{0}")]
    Refused(String),
    /// It does not know the caller: 401.
    #[error("{0}")]
    Unauthorized(String),
    /// The caller may not; its words name who may not do what where: 403.
    #[error("{0}")]
    Forbidden(String),
    /// No answer, or none that tells whether it was done.
    #[error("{0}")]
    Unknown(String),
}

impl CallError {
    /// Whether a test of a JSON Patch failed: the server has no words of its own for that.
    pub fn is_failed_test(&self) -> bool {
        matches!(self, Self::Invalid(words) if words.contains("rejected our request due to an error in our request"))
    }

    /// How long the server asks to be left alone, where it does.
    pub const fn asked_pause(&self) -> Option<Duration> {
        match self {
            Self::Busy { pause, .. } => Some(*pause),
            _ => None,
        }
    }
}

/// A request, if it could be made.
type Built = Result<http::Request<Vec<u8>>, request::Error>;

/// The API server, asked one call at a time.
pub(super) struct Calls {
    client: Client,
    at_once: Semaphore,
    term: OnceLock<Arc<Term>>,
}

impl Calls {
    pub fn new(client: Client) -> Self {
        Self {
            client,
            at_once: Semaphore::new(AT_ONCE),
            term: OnceLock::new(),
        }
    }

    /// Writes from now on only while `term` lasts.
    pub fn under(&self, term: Arc<Term>) {
        let _ = self.term.set(term);
    }

    pub fn term(&self) -> Option<&Term> {
        self.term.get().map(Arc::as_ref)
    }

    /// Reads one object as the quorum has it now.
    pub async fn get(&self, resource: Resource, namespace: &str, name: &str) -> Result<Object, CallError> {
        let request = Request::new(resource.path(namespace)).get(name, &kube::api::GetParams::default());
        self.object(request).await
    }

    /// The same, and an object that seems to be gone is asked for twice (failures.md, K10).
    pub async fn get_surely(&self, resource: Resource, namespace: &str, name: &str) -> Result<Object, CallError> {
        match self.get(resource, namespace, name).await {
            Err(CallError::Absent(_)) => self.get(resource, namespace, name).await,
            answered => answered,
        }
    }

    /// Reads the objects that `labels` (`a=b,c=d`) select, as the quorum has them now.
    pub async fn list(&self, resource: Resource, namespace: &str, labels: &str) -> Result<Vec<Object>, CallError> {
        let mut found = Vec::new();
        let mut page = ListParams::default().labels(labels).limit(PAGE);
        loop {
            let request = Request::new(resource.path(namespace)).list(&page);
            let mut list = self.object(request).await?;
            if let Some(Value::Array(items)) = list.0.get_mut("items").map(Value::take) {
                found.extend(items.into_iter().map(Object));
            }
            match list.text("/metadata/continue") {
                Some(next) if !next.is_empty() => page = page.continue_token(next),
                _ => return Ok(found),
            }
        }
    }

    /// Sends a JSON Patch once; with `dry_run` it is only tried.
    pub async fn patch(
        &self,
        resource: Resource,
        (namespace, name): (&str, &str),
        operations: json_patch::Patch,
        dry_run: bool,
    ) -> Result<Object, CallError> {
        let params = PatchParams {
            dry_run,
            field_manager: Some(FIELD_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        let request = Request::new(resource.path(namespace)).patch(name, &params, &Patch::Json::<()>(operations));
        self.write(request).await
    }

    /// Makes an object; [`CallError::Conflict`] where there is one of its name.
    pub async fn create(&self, resource: Resource, namespace: &str, object: &Object) -> Result<Object, CallError> {
        let request = Request::new(resource.path(namespace)).create(&posted(), body(object));
        self.write(request).await
    }

    /// Puts an object in the place of that with its `resourceVersion`; [`CallError::Conflict`] where it is another by now.
    pub async fn replace(&self, resource: Resource, namespace: &str, object: &Object) -> Result<Object, CallError> {
        let request = Request::new(resource.path(namespace)).replace(object.name(), &posted(), body(object));
        self.write(request).await
    }

    /// Asks whether the caller may `verb` the object.
    pub async fn may(&self, verb: &str, resource: Resource, (namespace, name): (&str, &str)) -> Result<bool, CallError> {
        let review = Object(serde_json::json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {
                "verb": verb, "group": resource.group(), "resource": resource.plural(), "namespace": namespace, "name": name,
            }},
        }));
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let answer = self
            .object(Request::new(path).create(&PostParams::default(), body(&review)))
            .await?;
        Ok(answer.0.pointer("/status/allowed") == Some(&Value::Bool(true)))
    }

    /// The name under which the server knows the caller.
    pub async fn user(&self) -> Result<String, CallError> {
        let review = Object(serde_json::json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}));
        let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
        let answer = self
            .object(Request::new(path).create(&PostParams::default(), body(&review)))
            .await?;
        let name = answer.text("/status/userInfo/username").map(str::to_owned);
        name.ok_or_else(|| CallError::Unknown("the API server did not say who asks".to_owned()))
    }

    async fn object(&self, request: Built) -> Result<Object, CallError> {
        let request = made(request)?;
        let ask = async {
            let _one = self.at_once.acquire().await;
            self.client.request::<Value>(request).await.map_err(|error| named(&error))
        };
        within(ask).await.map(Object)
    }

    /// A deposed leader finds out here, as late as can be: what it decided meanwhile is not written.
    async fn write(&self, request: Built) -> Result<Object, CallError> {
        let request = made(request)?;
        let ask = async {
            let _one = self.at_once.acquire().await;
            if self.term().is_some_and(|term| !term.lasts()) {
                return Err(CallError::Refused(
                    "the lease under which lastgood acts has run out, so nothing is written".to_owned(),
                ));
            }
            self.client.request::<Value>(request).await.map_err(|error| named(&error))
        };
        within(ask).await.map(Object)
    }
}

fn made(request: Built) -> Result<http::Request<Vec<u8>>, CallError> {
    request.map_err(|error| CallError::Refused(format!("the request cannot be made: {error}")))
}

async fn within<T>(ask: impl Future<Output = Result<T, CallError>>) -> Result<T, CallError> {
    match timeout(DEADLINE, ask).await {
        Ok(answer) => answer,
        Err(_) => Err(CallError::Unknown(format!(
            "the API server did not answer within {} s; look at the network between it and lastgood",
            DEADLINE.as_secs()
        ))),
    }
}

/// Waits for as long as a busy server asks, within reason.
pub(super) async fn pause(asked: Duration) {
    sleep(asked.clamp(Duration::from_millis(100), LONGEST_PAUSE)).await;
}

fn posted() -> PostParams {
    PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    }
}

fn body(object: &Object) -> Vec<u8> {
    object.0.to_string().into_bytes()
}

fn named(error: &Error) -> CallError {
    match error {
        Error::Api(status) => answered(status),
        other => CallError::Unknown(format!("no usable answer from the API server: {}", chain(other))),
    }
}

fn answered(status: &Status) -> CallError {
    let words = status.message.chars().take(500).collect::<String>();
    let own = status.reason != "Failed to parse error data";
    match status.code {
        404 if own => CallError::Absent(words),
        409 if own => CallError::Conflict(words),
        422 if own => CallError::Invalid(words),
        429 => CallError::Busy {
            because: words,
            pause: Duration::from_secs(
                status
                    .details
                    .as_ref()
                    .map_or(1, |details| details.retry_after_seconds)
                    .into(),
            ),
        },
        400 if own => CallError::Refused(words),
        401 if own => CallError::Unauthorized(words),
        403 if own => CallError::Forbidden(words),
        code => CallError::Unknown(format!("the API server answered {code}: {words}")),
    }
}

/// An error with its causes: what `kube` says alone is too short to act on.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = inner.source();
    }
    text
}
