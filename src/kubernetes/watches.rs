//! Watches: one for each resource of a namespace, shared by all its workloads. They keep what is asked for often, and ring when it changes.
//!
//! A watch is a doorbell and a cache of revisions and pods; whatever is acted on is read anew.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::StreamExt as _;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{
    Api, Client, ResourceExt as _,
    runtime::{
        WatchStreamExt as _,
        reflector::{Store, store::Writer},
        watcher::{self, Event},
    },
};
use serde_json::Value;
use tokio::{sync::broadcast, time::timeout};
use tokio_util::task::AbortOnDropHandle;

use super::{
    object::Object,
    place::Place,
    resource::{Resource, Watched},
};
use crate::ports::PlatformError;

/// The server ends each watch after so many seconds; one that has said nothing for five more is dead and begun anew. Together less than the
/// minute within which a dead watch must be noticed (failures.md, K02).
const WATCH_SECONDS: u32 = 50;
/// How long a first answer is waited for.
const PATIENCE: Duration = Duration::from_secs(15);
/// Changes that are remembered for a listener that is busy; one that missed some looks anyway.
const REMEMBERED: usize = 1024;
/// What is kept of a ReplicaSet's annotations.
const REVISION: &str = "deployment.kubernetes.io/revision";

/// Something changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rung {
    /// One object.
    Object {
        /// Its uid.
        uid: String,
        /// The uid of the object that controls it.
        owner: Option<String>,
    },
    /// A pod.
    Pod {
        /// The uid of the object that controls it.
        owner: Option<String>,
    },
    /// A history.
    History {
        /// Where it is.
        place: Place,
        /// Its resource version.
        version: String,
    },
    /// Everything may have: a watch began anew.
    Everything,
}

/// The watches of a cluster, each begun when it is first needed.
pub(super) struct Watches {
    client: Client,
    running: Mutex<BTreeMap<(Resource, String), Arc<Watch>>>,
    bell: broadcast::Sender<Rung>,
}

/// One watch; it ends when nobody has it any more.
pub(super) struct Watch {
    store: Store<Watched>,
    trouble: Arc<Mutex<Option<String>>>,
    what: String,
    _task: AbortOnDropHandle<()>,
}

impl Watches {
    pub fn new(client: Client) -> Self {
        Self {
            client,
            running: Mutex::new(BTreeMap::new()),
            bell: broadcast::channel(REMEMBERED).0,
        }
    }

    /// What rings from now on.
    pub fn listen(&self) -> broadcast::Receiver<Rung> {
        self.bell.subscribe()
    }

    /// The watch of a resource in a namespace.
    pub fn of(&self, resource: Resource, namespace: &str) -> Arc<Watch> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running
            .entry((resource, namespace.to_owned()))
            .or_insert_with(|| Arc::new(self.begin(resource, namespace)))
            .clone()
    }

    fn begin(&self, resource: Resource, namespace: &str) -> Watch {
        let kind = resource.api();
        let api: Api<Watched> = Api::namespaced_with(self.client.clone(), namespace, &kind);
        let mut writer = Writer::new(kind);
        let store = writer.as_reader();
        let trouble = Arc::new(Mutex::new(None));
        let (told, bell) = (trouble.clone(), self.bell.clone());
        let config = watcher::Config::default().timeout(WATCH_SECONDS);
        let task = tokio::spawn(async move {
            let events = watcher::watcher(api, config)
                .modify(move |object| prune(resource, object))
                .default_backoff();
            let mut events = std::pin::pin!(events);
            while let Some(event) = events.next().await {
                let met = match event {
                    Ok(event) => {
                        writer.apply_watcher_event(&event);
                        // Nobody listens while nobody waits.
                        let _ = rung(resource, &event).map(|rung| bell.send(rung));
                        None
                    }
                    Err(error) => Some(super::call::chain(&error)),
                };
                *told.lock().unwrap_or_else(PoisonError::into_inner) = met;
            }
        });
        Watch {
            store,
            trouble,
            what: format!("{} in {namespace}", resource.plural()),
            _task: AbortOnDropHandle::new(task),
        }
    }
}

fn rung(resource: Resource, event: &Event<Watched>) -> Option<Rung> {
    match event {
        Event::Apply(object) | Event::Delete(object) if resource == Resource::Histories => Some(Rung::History {
            place: Place {
                namespace: object.namespace().unwrap_or_default(),
                name: object.name_any(),
            },
            version: object.resource_version().unwrap_or_default(),
        }),
        Event::Apply(object) | Event::Delete(object) if resource == Resource::Pods => Some(Rung::Pod {
            owner: controller(&object.metadata).map(str::to_owned),
        }),
        Event::Apply(object) | Event::Delete(object) => Some(Rung::Object {
            uid: object.uid().unwrap_or_default(),
            owner: controller(&object.metadata).map(str::to_owned),
        }),
        Event::InitDone => Some(Rung::Everything),
        Event::Init | Event::InitApply(_) => None,
    }
}

/// The uid of the object that controls the one with this metadata.
pub(super) fn controller(metadata: &ObjectMeta) -> Option<&str> {
    let mut owners = metadata.owner_references.iter().flatten();
    let controls = owners.find(|owner| owner.controller == Some(true))?;
    Some(&controls.uid)
}

impl Watch {
    /// The objects that `keeps` wants, by what controls them, as they were seen last.
    ///
    /// # Errors
    /// When the first answer does not come.
    pub async fn objects(&self, keeps: impl Fn(&ObjectMeta) -> bool) -> Result<Vec<Object>, PlatformError> {
        if !matches!(timeout(PATIENCE, self.store.wait_until_ready()).await, Ok(Ok(()))) {
            let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let because = trouble.unwrap_or_else(|| "no answer".to_owned());
            return Err(PlatformError(format!(
                "cannot watch {}: {because}; look at the network to the API server and at lastgood's role",
                self.what
            )));
        }
        let found = self.store.state().into_iter().filter(|object| keeps(&object.metadata));
        found
            .map(|object| match serde_json::to_value(&*object) {
                Ok(raw) => Ok(Object(raw)),
                Err(error) => Err(PlatformError(format!("{} cannot be read: {error}", self.what))),
            })
            .collect()
    }
}

/// Drops what nobody asks a watched object for: a thousand pods must not fill the memory.
fn prune(resource: Resource, object: &mut Watched) {
    object.metadata.managed_fields = None;
    let annotations = object.annotations_mut();
    annotations.retain(|key, _| key == REVISION);
    let Some(fields) = object.data.as_object_mut() else { return };
    match resource {
        Resource::ReplicaSets | Resource::ControllerRevisions => {
            fields.remove("status");
        }
        Resource::Pods => {
            fields.remove("spec");
            if let Some(status) = fields.get_mut("status").and_then(Value::as_object_mut) {
                let kept = [
                    "phase",
                    "reason",
                    "message",
                    "conditions",
                    "containerStatuses",
                    "initContainerStatuses",
                ];
                status.retain(|key, _| kept.contains(&key.as_str()));
            }
        }
        // Only their changes matter: whatever is asked of them is asked of the server.
        _ => fields.clear(),
    }
}
