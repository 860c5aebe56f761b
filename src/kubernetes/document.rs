//! One history object: all that is durable of a target, in one document that is put as a whole (kubernetes.md, State).

use std::{cmp::Reverse, collections::BTreeSet};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::{audit, object::Object, packing};
use crate::{
    policy::RevertTo,
    ports::HistoryError,
    record::{FORMAT, Record, TargetHistory},
    words::{Fingerprint, Standing, TargetKey, Version, VersionName},
};

/// The largest document, in bytes of JSON: the API server takes 1.5 MiB, etcd should not be given that much for one service.
pub const MOST_BYTES: usize = 256 * 1024;
/// Templates that are kept beside those which are needed.
const TEMPLATES: usize = 6;
/// Closed records that are kept.
const RECORDS: usize = 10;
/// The largest closed record, in bytes of JSON.
const RECORD_BYTES: usize = 8 * 1024;
/// Alerts that are kept until they are sent.
const ALERTS: usize = 50;

/// A kept document of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Content {
    name: VersionName,
    fingerprint: Fingerprint,
    pub document: String,
}

impl Content {
    pub fn new(version: &Version, document: &str) -> Self {
        Self {
            name: version.name.clone(),
            fingerprint: version.fingerprint.clone(),
            document: document.to_owned(),
        }
    }

    pub fn version(&self) -> Version {
        Version {
            name: self.name.clone(),
            fingerprint: self.fingerprint.clone(),
        }
    }
}

/// An object that holds nothing yet.
pub(super) fn empty(namespace: &str, name: &str, owner: &str) -> Object {
    Object(json!({
        "apiVersion": "lastgood.dev/v1",
        "kind": "History",
        "metadata": {"namespace": namespace, "name": name},
        "target": owner,
        "revision": 0,
    }))
}

/// The number of commits that made the object's document; with its uid, as another object of that name counts from one again.
pub(super) fn revision(object: &Object) -> String {
    format!("{}/{}", object.uid(), object.number("/revision").unwrap_or(0))
}

/// Whether anything was committed to the object: contents may be kept before.
pub(super) fn committed(object: &Object) -> bool {
    object.number("/revision").unwrap_or(0) > 0
}

/// Reads the document under `key`; none where there is none.
pub(super) fn read<T: DeserializeOwned>(object: &Object, key: &str, newest: u32) -> Result<Option<T>, HistoryError> {
    let Some(raw) = object.0.get(key) else { return Ok(None) };
    let what = format!("the history object {}/{}", object.namespace(), object.name());
    let found = raw.get("format").and_then(Value::as_u64).unwrap_or(0);
    if found > u64::from(newest) {
        let found = u32::try_from(found).unwrap_or(u32::MAX);
        let known = newest;
        return Err(HistoryError::Newer { what, found, known });
    }
    T::deserialize(raw).map(Some).map_err(|error| {
        HistoryError::Damaged(format!(
            "{what} does not read ({error}); restore it from a backup of the cluster"
        ))
    })
}

/// Refuses the object of another target: two that would share a name.
pub(super) fn belongs(object: &Object, owner: &str) -> Result<(), HistoryError> {
    match object.text("/target") {
        Some(found) if found != owner => Err(HistoryError::Damaged(format!(
            "the history object {}/{} belongs to {found}, not to {owner}; rename one of the two",
            object.namespace(),
            object.name()
        ))),
        _ => Ok(()),
    }
}

/// Puts `value` under `key` and counts the commit. Fields of `before` that this lastgood does not know are kept: an older controller must
/// not drop a newer one's.
pub(super) fn write<T: Serialize + DeserializeOwned>(object: &mut Object, key: &str, value: &T) -> Result<(), HistoryError> {
    let mut written = readable(value)?;
    if let Some(before) = object.0.get(key)
        && let Ok(known) = T::deserialize(before)
        && let Ok(known) = serde_json::to_value(known)
    {
        keep_unknown(before, &known, &mut written);
    }
    let revision = object.number("/revision").unwrap_or(0) + 1;
    drop_contents(object, key, &written)?;
    let fields = fields(object)?;
    fields.insert(key.to_owned(), written);
    fields.insert("revision".to_owned(), revision.into());
    Ok(())
}

/// A value that its own reader refuses (an infinite number, say) must never be stored.
pub(super) fn readable<T: Serialize + DeserializeOwned>(value: &T) -> Result<Value, HistoryError> {
    let unfit = |error: serde_json::Error| {
        HistoryError::Damaged(format!(
            "the history was not stored, because it could not be read back ({error}); please report this"
        ))
    };
    let written = serde_json::to_value(value).map_err(unfit)?;
    T::deserialize(&written).map_err(unfit)?;
    Ok(written)
}

pub(super) fn fields(object: &mut Object) -> Result<&mut Map<String, Value>, HistoryError> {
    object.0.as_object_mut().ok_or_else(|| {
        HistoryError::Damaged("a history object is no JSON object; restore it from a backup of the cluster".to_owned())
    })
}

/// Adds to `written` what `before` has and `known`, the same read by this lastgood, has lost. Elements of lists are the same where their ids are.
fn keep_unknown(before: &Value, known: &Value, written: &mut Value) {
    match (before, known, written) {
        (Value::Object(before), Value::Object(known), Value::Object(written)) => {
            for (key, value) in before {
                match (known.get(key), written.get_mut(key)) {
                    (Some(known), Some(written)) => keep_unknown(value, known, written),
                    (None, None) => {
                        written.insert(key.clone(), value.clone());
                    }
                    _ => {}
                }
            }
        }
        (Value::Array(before), Value::Array(known), Value::Array(written)) => {
            for (before, known) in before.iter().zip(known) {
                let Some(id) = identity(before) else { continue };
                if let Some(written) = written.iter_mut().find(|element| identity(element) == Some(id)) {
                    keep_unknown(before, known, written);
                }
            }
        }
        _ => {}
    }
}

fn identity(element: &Value) -> Option<&Value> {
    element.get("id").or_else(|| element.get("version"))
}

/// The kept contents, oldest first.
pub(super) fn contents(object: &Object) -> Result<Vec<Content>, HistoryError> {
    let Some(raw) = object.0.get("contents") else {
        return Ok(Vec::new());
    };
    Vec::deserialize(raw).map_err(|error| {
        let (namespace, name) = (object.namespace(), object.name());
        HistoryError::Damaged(format!(
            "the contents of the history object {namespace}/{name} do not read ({error}); restore it from a backup of the cluster"
        ))
    })
}

/// Adds `content`; false where it is kept already.
pub(super) fn add_content(object: &mut Object, content: Content) -> Result<bool, HistoryError> {
    let mut kept = contents(object)?;
    if kept.iter().any(|other| other.version() == content.version()) {
        return Ok(false);
    }
    kept.push(content);
    let needed = needed(object)?;
    while kept.len() > TEMPLATES {
        let newest = kept.len() - 1;
        let Some(oldest) = kept[..newest].iter().position(|kept| !needed.contains(&kept.version())) else {
            break;
        };
        kept.remove(oldest);
    }
    let raw = readable(&kept)?;
    fields(object)?.insert("contents".to_owned(), raw);
    Ok(true)
}

/// What is needed to restore a version goes with it: of each that the document under `key` knows and `written` does not.
fn drop_contents(object: &mut Object, key: &str, written: &Value) -> Result<(), HistoryError> {
    let versions = |document: &Value| -> BTreeSet<Version> {
        let known = document.get("versions").and_then(Value::as_array).into_iter().flatten();
        known
            .filter_map(|known| Version::deserialize(known.get("version")?).ok())
            .collect()
    };
    let Some(before) = object.0.get(key).map(versions) else {
        return Ok(());
    };
    let after = versions(written);
    if before.is_subset(&after) {
        return Ok(());
    }
    let mut kept = contents(object)?;
    kept.retain(|content| !before.contains(&content.version()) || after.contains(&content.version()));
    let raw = readable(&kept)?;
    fields(object)?.insert("contents".to_owned(), raw);
    Ok(())
}

/// The versions whose templates a revert may need: what runs, what is good, what is in question.
fn needed(object: &Object) -> Result<BTreeSet<Version>, HistoryError> {
    let Some(history) = read::<TargetHistory>(object, "history", FORMAT)? else {
        return Ok(BTreeSet::new());
    };
    let good = [RevertTo::Passed, RevertTo::Proven].map(|to| history.last_good(to));
    let mut newest: Vec<_> = history
        .versions
        .iter()
        .filter(|known| matches!(known.standing, Standing::Proven | Standing::Passed | Standing::Assumed))
        .collect();
    newest.sort_by_key(|known| Reverse(known.last_ran));
    // The newest may be what runs: then the next one is the last good, and one more is the one before that.
    let good = good.into_iter().flatten().chain(newest.into_iter().take(3));
    let mut needed: BTreeSet<Version> = good.map(|known| known.version.clone()).collect();
    needed.extend(history.current.clone());
    if let Some(open) = &history.open {
        needed.insert(open.to.clone());
        needed.extend(open.from.clone());
        needed.extend(open.baseline.clone().map(|(version, _)| version));
        needed.extend(open.intent.clone().map(|intent| intent.to));
    }
    Ok(needed)
}

/// The history within its bounds: fifty alerts, ten closed records, the records of both at most 8 KiB, and of a document that is still too
/// large the oldest records go first, then the oldest alerts. What is dropped of records was written as a line of the log when they were
/// closed. The open rollout's pods are not counted: they are packed.
pub(super) fn bounded(history: &TargetHistory) -> TargetHistory {
    let mut bounded = history.clone();
    let pods = bounded.open.as_mut().map(|open| std::mem::take(&mut open.pods));
    bounded.outbox.drain(..bounded.outbox.len().saturating_sub(ALERTS));
    bounded.closed.drain(..bounded.closed.len().saturating_sub(RECORDS));
    let told = bounded.outbox.iter_mut().filter_map(|alert| alert.record.as_deref_mut());
    bounded.closed.iter_mut().chain(told).for_each(shorten);
    while size(&bounded) > MOST_BYTES / 2 && !bounded.closed.is_empty() {
        bounded.closed.remove(0);
    }
    while size(&bounded) > MOST_BYTES / 2 && bounded.outbox.len() > 1 {
        bounded.outbox.remove(0);
    }
    let lost = history.outbox.len() - bounded.outbox.len();
    if lost > 0 {
        tracing::error!(target_key = %history.target, lost, "more alerts wait than a history in the cluster keeps: the oldest are lost if this controller ends before they are sent");
    }
    if let (Some(open), Some(pods)) = (&mut bounded.open, pods) {
        open.pods = pods;
    }
    bounded
}

/// Cuts a record down. What is kept longest is what an explanation needs: verdict, decision, outcome.
fn shorten(record: &mut Record) {
    let fits = |record: &Record| size(record) <= RECORD_BYTES;
    if !fits(record) {
        record.calibration = None;
    }
    while !fits(record) && record.timeline.len() > 4 {
        record.timeline.remove(record.timeline.len() / 2);
    }
    if !fits(record) {
        record.queries.clear();
    }
    if !fits(record) {
        record.evidence = None;
    }
}

fn size<T: Serialize>(value: &T) -> usize {
    serde_json::to_string(value).map_or(usize::MAX, |text| text.len())
}

/// Packs the object, and makes room until it is within [`MOST_BYTES`], dropping templates that no revert needs, then the oldest entries of the audit; refuses
/// what is still too large.
pub(super) fn fit(object: &mut Object) -> Result<(), HistoryError> {
    let needed = needed(object)?;
    packing::pack(object);
    while object.0.to_string().len() > MOST_BYTES {
        let mut kept = contents(object)?;
        // Never the newest: it was to be kept just now.
        let older = kept.iter().take(kept.len().saturating_sub(1));
        let Some(oldest) = older.into_iter().position(|content| !needed.contains(&content.version())) else {
            if audit::shorten(object)? {
                continue;
            }
            return Err(too_large(object));
        };
        kept.remove(oldest);
        let raw = readable(&kept)?;
        fields(object)?.insert("contents".to_owned(), raw);
    }
    Ok(())
}

fn too_large(object: &Object) -> HistoryError {
    let kib = |pointer: &str| object.0.pointer(pointer).map_or(0, |part| part.to_string().len() / 1024);
    HistoryError::Unavailable(format!(
        "the history object {}/{} of {} would be larger than {} KiB: its pod templates are {} KiB, the pods of the open rollout {} KiB, all else {} KiB",
        object.namespace(),
        object.name(),
        object.text("/target").unwrap_or_default(),
        MOST_BYTES / 1024,
        kib("/contents"),
        kib(packing::PODS),
        (object.0.to_string().len() / 1024).saturating_sub(kib("/contents") + kib(packing::PODS)),
    ))
}

/// The target whose history the object is, if it is one.
pub(super) fn target(object: &Object) -> Option<TargetKey> {
    object.0.get("history")?;
    object.text("/target")?.parse().ok()
}
