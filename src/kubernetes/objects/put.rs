//! The only way in which a history object is written.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};

use super::Objects;
use crate::{
    kubernetes::{
        audit,
        call::{CallError, pause},
        document,
        object::Object,
        packing,
        place::Place,
        resource::Resource,
    },
    ports::{HistoryError, Revision},
    record::Chain,
};

/// How often a put is tried where someone else wrote first; contents and commits of one object meet only rarely.
const TRIES: u32 = 5;
/// How long is waited before that.
const AGAIN: Duration = Duration::from_millis(100);

impl Objects {
    /// Changes the object as it was met last, or as it is read, and puts it where it was not changed meanwhile; else begins again. `change` says whether anything is
    /// to be put; it is told whether an earlier put of this call may have been done, though no answer came. Returns the object as it is then.
    pub(super) async fn put(
        &self,
        place: &Place,
        owner: &str,
        change: impl Fn(&mut Object, bool) -> Result<bool, HistoryError>,
    ) -> Result<Object, HistoryError> {
        let mut met = CallError::Conflict("it changes all the time".to_owned());
        let unread = self.put_unread(place, owner, |object| change(object, false)).await;
        let mut doubt = matches!(unread, Some(Err(CallError::Unknown(_))));
        match unread {
            Some(Ok(stored)) => return Ok(stored),
            Some(Err(CallError::Busy { .. })) => pause(AGAIN).await,
            _ => {}
        }
        for _ in 0..TRIES {
            let found = self.read(place, owner).await?;
            let new = found.is_none();
            let mut object = found.unwrap_or_else(|| document::empty(&place.namespace, &place.name, owner));
            if !change(&mut object, doubt)? {
                return Ok(object);
            }
            document::fit(&mut object)?;
            match self.send(place, new, &object).await {
                Ok(stored) => return Ok(stored),
                Err(error @ (CallError::Conflict(_) | CallError::Busy { .. } | CallError::Unknown(_))) => {
                    doubt |= matches!(error, CallError::Unknown(_));
                    met = error;
                }
                // The object that was read is gone: begin anew without it.
                Err(error @ CallError::Absent(_)) if !new => met = error,
                Err(error) => return Err(self.unavailable("write", place, &error)),
            }
            pause(AGAIN).await;
        }
        Err(self.unavailable("write", place, &met))
    }

    /// Puts the object as it was met last, changed, without reading it again: where it is another one by now, the API server refuses that.
    /// None where only the object itself can tell what is to be put.
    async fn put_unread(
        &self,
        place: &Place,
        owner: &str,
        change: impl FnOnce(&mut Object) -> Result<bool, HistoryError>,
    ) -> Option<Result<Object, CallError>> {
        let mut object = self.met.last(place)?;
        document::belongs(&object, owner).ok()?;
        packing::unpack(&mut object).ok()?;
        change(&mut object).ok()?.then_some(())?;
        document::fit(&mut object).ok()?;
        Some(self.send(place, false, &object).await)
    }

    async fn send(&self, place: &Place, new: bool, object: &Object) -> Result<Object, CallError> {
        let calls = &self.cluster.calls;
        let stored = if new {
            calls.create(Resource::Histories, &place.namespace, object).await?
        } else {
            calls.replace(Resource::Histories, &place.namespace, object).await?
        };
        self.met.note(place, &stored);
        Ok(stored)
    }

    /// Commits `value` under `key` at an expected revision. Where no answer came to the put, the same value at the next revision is ours.
    pub(super) async fn committed<T: Serialize + DeserializeOwned + PartialEq>(
        &self,
        place: &Place,
        owner: &str,
        (key, newest): (&str, u32),
        (value, chain): (&T, &Chain),
        expected: Option<&Revision>,
    ) -> Result<Revision, HistoryError> {
        let stored = self
            .put(place, owner, |object, doubt| {
                let found = document::committed(object).then(|| document::revision(object));
                if found.as_ref() == expected.map(|revision| &revision.0) {
                    document::write(object, key, value)?;
                    audit::add(object, chain)?;
                    return Ok(true);
                }
                let ours = doubt && document::read::<T>(object, key, newest)?.as_ref() == Some(value);
                if ours {
                    Ok(false)
                } else {
                    Err(HistoryError::Conflict(owner.to_owned()))
                }
            })
            .await?;
        Ok(Revision(document::revision(&stored)))
    }
}
