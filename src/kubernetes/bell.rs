//! Histories as they were met last, and their doorbell: it rings for what someone else wrote.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{
    StreamExt as _,
    stream::{BoxStream, unfold},
};
use tokio::sync::broadcast::error::RecvError;

use super::{
    object::Object,
    place::Place,
    resource::Resource,
    watches::{Rung, Watches},
};

/// Each history as it was read or written last.
#[derive(Clone, Default)]
pub(super) struct Met(Arc<Mutex<BTreeMap<Place, Object>>>);

impl Met {
    /// Remembers that this is the object at `place`.
    pub fn note(&self, place: &Place, object: &Object) {
        self.lock().insert(place.clone(), object.clone());
    }

    /// The object at `place` as it was met last.
    pub fn last(&self, place: &Place) -> Option<Object> {
        self.lock().get(place).cloned()
    }

    /// Rings when the object at `place` may be another one than was met last. Needs the async runtime.
    pub fn rings(&self, watches: &Watches, place: Place) -> BoxStream<'static, ()> {
        // It begins with everything, so whatever was written before rings too.
        watches.of(Resource::Histories, &place.namespace);
        let state = (watches.listen(), place, self.clone());
        unfold(state, |(mut bell, place, met)| async move {
            while !met.is_news(bell.recv().await, &place)? {}
            Some(((), (bell, place, met)))
        })
        .boxed()
    }

    /// None: nothing rings any more.
    fn is_news(&self, rung: Result<Rung, RecvError>, place: &Place) -> Option<bool> {
        match rung {
            Ok(Rung::History { place: changed, version }) => Some(changed == *place && !self.met_at(place, &version)),
            Ok(Rung::Object { .. } | Rung::Pod { .. }) => Some(false),
            Ok(Rung::Everything) | Err(RecvError::Lagged(_)) => Some(true),
            Err(RecvError::Closed) => None,
        }
    }

    fn met_at(&self, place: &Place, version: &str) -> bool {
        let met = self.lock();
        met.get(place).and_then(|object| object.text("/metadata/resourceVersion")) == Some(version)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Place, Object>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
