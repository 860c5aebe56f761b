//! The pods of a large workload in its history object: a thousand that come and go would fill it, so a long list of them is stored compressed.

use std::io::{Read as _, Write as _};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde_json::Value;

use super::object::Object;
use crate::ports::HistoryError;

/// Shorter lists stay readable, in bytes of JSON.
const LONG: usize = 16 * 1024;
/// No list is longer, or somebody else wrote it.
const LONGEST: u64 = 64 * 1024 * 1024;
pub(super) const PODS: &str = "/history/open/pods";

/// Stores the pods of the open rollout as base64 of gzip of JSON where their list is long.
pub(super) fn pack(object: &mut Object) {
    let Some(pods) = object.0.pointer_mut(PODS).filter(|pods| pods.is_array()) else {
        return;
    };
    let text = pods.to_string();
    if text.len() <= LONG {
        return;
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    // Into memory nothing fails; if it did, the list would stay as it is.
    if let Ok(bytes) = packed.write_all(text.as_bytes()).and_then(|()| packed.finish()) {
        *pods = Value::String(BASE64_STANDARD.encode(bytes));
    }
}

/// The object as it was before [`pack`].
///
/// # Errors
/// Where what is stored was never packed so.
pub(super) fn unpack(object: &mut Object) -> Result<(), HistoryError> {
    let Some(packed) = object.text(PODS) else { return Ok(()) };
    let pods = unpacked(packed).map_err(|error| {
        HistoryError::Damaged(format!(
            "the pods in the history object {}/{} do not read ({error}); restore it from a backup of the cluster",
            object.namespace(),
            object.name()
        ))
    })?;
    if let Some(place) = object.0.pointer_mut(PODS) {
        *place = pods;
    }
    Ok(())
}

fn unpacked(packed: &str) -> Result<Value, String> {
    let bytes = BASE64_STANDARD.decode(packed).map_err(|error| error.to_string())?;
    let mut text = String::new();
    let mut unpacking = GzDecoder::new(bytes.as_slice()).take(LONGEST);
    unpacking.read_to_string(&mut text).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}
