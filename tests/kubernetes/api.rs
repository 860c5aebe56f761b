//! A small API server that computes: objects, patches by the rules of JSON Patch, watches, a deployment controller, and faults on order.

use std::{
    collections::{BTreeMap, VecDeque},
    convert::Infallible,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{Method, StatusCode},
    response::{IntoResponse as _, Response},
};
use futures::stream::unfold;
use lastgood::kubernetes::{Address, Cluster};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::broadcast, task::JoinHandle};

use crate::{controllers::reconcile, rules};

/// What goes wrong with the next write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is done, and the answer is lost on the way.
    ReplyLost,
    /// It is not done, and the answer does not say so.
    Unavailable,
    /// The server is too busy.
    Busy,
    /// Someone else was faster.
    Conflict,
}

/// Something that happens directly before a request is looked at.
type Before = Box<dyn FnOnce(&mut Objects) + Send>;

/// The objects, by the path of their collection and their name.
#[derive(Default)]
pub struct Objects {
    pub stored: BTreeMap<(String, String), Value>,
    version: u64,
}

impl Objects {
    /// Stores an object as the server does: with a uid, a new resource version, and its name in `metadata`.
    pub fn put(&mut self, collection: &str, mut object: Value) -> Value {
        self.version += 1;
        let metadata = &mut object["metadata"];
        metadata["resourceVersion"] = json!(self.version.to_string());
        if metadata["uid"].is_null() {
            metadata["uid"] = json!(format!("uid-{}", self.version));
        }
        let name = metadata["name"].as_str().expect("a name").to_owned();
        self.stored.insert((collection.to_owned(), name), object.clone());
        object
    }

    pub fn get(&self, collection: &str, name: &str) -> Option<&Value> {
        self.stored.get(&(collection.to_owned(), name.to_owned()))
    }

    /// Deletes an object, as anybody may.
    pub fn delete(&mut self, collection: &str, name: &str) {
        self.stored.remove(&(collection.to_owned(), name.to_owned()));
    }

    /// The resource version of the newest change.
    pub fn version(&self) -> String {
        self.version.to_string()
    }

    /// The objects of a collection that were changed after a resource version, as lines of a watch.
    fn after(&self, collection: &str, version: &str) -> VecDeque<String> {
        let number = |text: &str| text.parse::<u64>().unwrap_or(0);
        let changed = |object: &Value| number(object["metadata"]["resourceVersion"].as_str().unwrap_or_default());
        self.stored
            .iter()
            .filter(|((stored_in, _), object)| stored_in == collection && changed(object) > number(version))
            .map(|(_, object)| format!("{}\n", json!({"type": "MODIFIED", "object": object})))
            .collect()
    }

    /// Changes an object in place, as anybody may.
    pub fn change(&mut self, collection: &str, name: &str, change: impl FnOnce(&mut Value)) {
        let mut object = self.get(collection, name).expect("there is one").clone();
        change(&mut object);
        self.put(collection, object);
    }
}

#[derive(Default)]
struct Inner {
    objects: Objects,
    faults: VecDeque<Fault>,
    before: VecDeque<Before>,
    /// What happens before the request that so many others come before.
    later: Option<(usize, Before)>,
    /// Every write that was accepted and no dry run: its method, path and query, and body.
    writes: Vec<(String, String, Value)>,
    forbidden: bool,
}

impl Inner {
    /// What happens before a request.
    fn due(&mut self, method: &Method) -> Vec<Before> {
        let before = (*method == Method::PATCH).then(|| self.before.pop_front()).flatten();
        let now = self.later.take_if(|(requests, _)| *requests == 0).map(|(_, act)| act);
        if let Some((requests, _)) = &mut self.later {
            *requests -= 1;
        }
        before.into_iter().chain(now).collect()
    }
}

/// The server; it ends with this.
pub struct Api {
    inner: Arc<Shared>,
    address: String,
    task: JoinHandle<()>,
    directory: TempDir,
}

struct Shared {
    inner: Mutex<Inner>,
    events: broadcast::Sender<(String, String)>,
}

impl Drop for Api {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Api {
    pub async fn start() -> Self {
        let inner = Arc::new(Shared {
            inner: Mutex::default(),
            events: broadcast::channel(256).0,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(answer).with_state(inner.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.expect("serves") });
        let directory = tempfile::tempdir().expect("a directory");
        Self {
            inner,
            address,
            task,
            directory,
        }
    }

    /// A kubeconfig as people have.
    pub fn kubeconfig(&self) -> PathBuf {
        let kubeconfig = self.directory.path().join("config");
        let text = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": self.address}}],
            "users": [{"name": "test", "user": {}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": "lastgood"}}],
        });
        fs::write(&kubeconfig, text.to_string()).expect("written");
        kubeconfig
    }

    /// A connection to it.
    pub async fn cluster(&self) -> Arc<Cluster> {
        let address = Address {
            kubeconfig: Some(self.kubeconfig()),
            context: None,
        };
        Arc::new(Cluster::connect(&address).await.expect("connected"))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.inner.lock().expect("not poisoned")
    }

    /// Anybody's doing; controllers act on it and watchers see it.
    pub fn does<T>(&self, act: impl FnOnce(&mut Objects) -> T) -> T {
        let mut inner = self.lock();
        let before = inner.objects.stored.clone();
        let done = act(&mut inner.objects);
        reconcile(&mut inner.objects);
        self.inner.tell(&before, &inner.objects);
        done
    }

    pub fn fails(&self, faults: &[Fault]) {
        self.lock().faults.extend(faults);
    }

    /// Happens directly before the next patch is looked at.
    pub fn meanwhile(&self, act: impl FnOnce(&mut Objects) + Send + 'static) {
        self.lock().before.push_back(Box::new(act));
    }

    /// Happens directly before a request that so many others come before, from now on.
    pub fn later(&self, requests: usize, act: impl FnOnce(&mut Objects) + Send + 'static) {
        self.lock().later = Some((requests, Box::new(act)));
    }

    /// Whether that is still to come.
    pub fn is_later(&self) -> bool {
        self.lock().later.is_some()
    }

    pub fn forbids_patches(&self) {
        self.lock().forbidden = true;
    }

    /// The accepted writes so far.
    pub fn writes(&self) -> Vec<(String, String, Value)> {
        self.lock().writes.clone()
    }
}

impl Shared {
    fn tell(&self, before: &BTreeMap<(String, String), Value>, objects: &Objects) {
        for ((collection, name), object) in &objects.stored {
            let kind = match before.get(&(collection.clone(), name.clone())) {
                Some(old) if old == object => continue,
                Some(_) => "MODIFIED",
                None => "ADDED",
            };
            let event = json!({"type": kind, "object": object});
            let _ = self.events.send((collection.clone(), format!("{event}\n")));
        }
        for (place, object) in before.iter().filter(|(place, _)| !objects.stored.contains_key(place)) {
            let event = json!({"type": "DELETED", "object": object});
            let _ = self.events.send((place.0.clone(), format!("{event}\n")));
        }
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, 4 << 20).await.expect("a body");
    let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let query: BTreeMap<String, String> = parts
        .uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.replace("%3D", "=").replace("%2C", ",")))
        .collect();
    if query.contains_key("watch") {
        return watch(&shared, parts.uri.path(), &query["resourceVersion"]);
    }
    let (status, answer) = handled(&shared, &parts.method, parts.uri.path(), &query, body);
    (status, [("content-type", "application/json")], answer.to_string()).into_response()
}

/// What was changed after the resource version `from`, and whatever changes from now on.
fn watch(shared: &Shared, collection: &str, from: &str) -> Response {
    let collection = collection.to_owned();
    let (missed, events) = {
        let inner = shared.inner.lock().expect("not poisoned");
        (inner.objects.after(&collection, from), shared.events.subscribe())
    };
    let lines = unfold((missed, events, collection), |(mut missed, mut events, wanted)| async move {
        if let Some(line) = missed.pop_front() {
            return Some((Ok::<_, Infallible>(line), (missed, events, wanted)));
        }
        loop {
            match events.recv().await {
                Ok((collection, line)) if collection == wanted => return Some((Ok(line), (missed, events, wanted))),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    });
    Body::from_stream(lines).into_response()
}

fn handled(shared: &Shared, method: &Method, path: &str, query: &BTreeMap<String, String>, body: Value) -> (StatusCode, Value) {
    let mut inner = shared.inner.lock().expect("not poisoned");
    if path.ends_with("/selfsubjectaccessreviews") {
        return (StatusCode::CREATED, json!({"status": {"allowed": !inner.forbidden}}));
    }
    let before = inner.objects.stored.clone();
    for act in inner.due(method) {
        act(&mut inner.objects);
        reconcile(&mut inner.objects);
    }
    let write = *method != Method::GET && !query.contains_key("dryRun");
    let fault = write.then(|| inner.faults.pop_front()).flatten();
    let refused = match fault {
        Some(Fault::Unavailable) => Some(rules::status(503, "ServiceUnavailable", "the server is shutting down")),
        Some(Fault::Busy) => Some(rules::status(429, "TooManyRequests", "please try again")),
        Some(Fault::Conflict) => Some(rules::status(409, "Conflict", "the object has been modified")),
        Some(Fault::ReplyLost) | None => None,
    };
    let answer = refused.unwrap_or_else(|| rules::apply(&mut inner.objects, method, path, query, &body));
    if write && answer.0.is_success() {
        let asked = format!("{path}?{query:?}");
        inner.writes.push((method.to_string(), asked, body));
    }
    reconcile(&mut inner.objects);
    shared.tell(&before, &inner.objects);
    match fault {
        Some(Fault::ReplyLost) => rules::status(504, "Timeout", "the answer was lost"),
        _ => answer,
    }
}
