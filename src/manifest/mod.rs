//! The manifest of a release: what was built, from what, by what, and whether its smoke test passed (`release.json`, `lastgood record`).
//!
//! A [`Manifest`] is the proof that its file was valid. It is plain JSON that a person can read without us; the file goes through the
//! steps of a policy: text -> nodes with places (`json`) -> `file` (the wire structs) -> `resolve` (rules) -> [`Manifest`], and names all
//! of its errors at once.
//!
//! May touch: `words`, and the reader of `policy`. Deliberately absent: files, git, networks, clocks.

mod file;
mod json;
mod model;
mod resolve;

pub use model::{Artifact, ImageReference, LockFile, Manifest, Toolchain};

use schemars::generate::SchemaSettings;
use serde::Deserialize;

pub use crate::policy::PolicyErrors as ManifestErrors;
use crate::policy::{Faults, Given, Reader};

/// Reads a manifest. `file` is its name in messages; nothing is opened.
///
/// # Errors
/// With everything that is wrong with it, each with line, column, key, what was found and what is allowed.
pub fn parse(text: &str, file: &str) -> Result<Manifest, ManifestErrors> {
    let faults = Faults::default();
    let manifest = read(text, &faults);
    match (manifest, faults.into_vec()) {
        (Some(manifest), none) if none.is_empty() => Ok(manifest),
        (_, faults) => Err(ManifestErrors::new(file, text, faults)),
    }
}

fn read(text: &str, faults: &Faults) -> Option<Manifest> {
    let node = json::read(text).map_err(|fault| faults.add(fault)).ok()?;
    let reader = Reader {
        node: &node,
        path: String::new(),
        faults,
        homes,
    };
    let file = Given::<file::ManifestFile>::deserialize(reader).ok()?;
    resolve::resolve(&file, faults)
}

/// The JSON Schema of manifests (draft-07), as `lastgood schema manifest` prints it and `policies/release.schema.json` holds it.
#[must_use]
pub fn schema() -> serde_json::Value {
    let mut schema = SchemaSettings::draft07()
        .into_generator()
        .into_root_schema_for::<file::ManifestFile>()
        .to_value();
    schema.sort_all_objects();
    schema
}

/// Where a misplaced key belongs.
fn homes(key: &str) -> Vec<String> {
    crate::policy::homes_in(&schema(), key)
}
