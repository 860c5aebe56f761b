//! The manifest that a version brought along: read when the version is first seen. An invalid one is told; it never stands in the way.

use super::Guard;
use crate::{
    engine::Event,
    explain::clean,
    manifest::{self, Manifest},
    record::{Observation, Recording},
    words::{Actor, VersionName},
};

/// How a manifest in a release directory is named in messages and records.
pub(in crate::app) const FILE: &str = "release.json";

impl Guard {
    /// What is to be recorded of a version that was never seen; what is wrong with its manifest becomes a remark of the observation.
    pub(super) async fn brought(&self, observation: &mut Observation) -> Option<Event> {
        let version = observation.version.as_ref()?;
        if self.history.known(version).is_some() {
            return None;
        }
        match self.read_manifest(&version.name).await {
            Ok(manifest) => manifest.map(|manifest| Event::Recorded {
                manifest: Box::new(manifest),
                by: Actor(FILE.to_owned()),
            }),
            Err(because) => {
                let name = clean(version.name.as_str());
                observation
                    .remarks
                    .push(format!("`{FILE}` of {name} was not recorded: {because}"));
                None
            }
        }
    }

    async fn read_manifest(&self, version: &VersionName) -> Result<Option<Manifest>, String> {
        let text = self
            .outside
            .platform
            .manifest(version)
            .await
            .map_err(|error| error.to_string())?;
        let Some(text) = text.filter(|text| !only_lists_files(text)) else {
            return Ok(None);
        };
        let manifest = manifest::parse(&text, FILE).map_err(|errors| clean(&errors.brief()))?;
        if manifest.version != *version {
            return Err(format!("it is of version {}", clean(manifest.version.as_str())));
        }
        if let Some(other) = manifest.elsewhere(&self.history.target) {
            return Err(format!("it is of {other}"));
        }
        match self.history.recording(&manifest) {
            Recording::New => Ok(Some(manifest)),
            Recording::Same => Ok(None),
            Recording::Different { keys, .. } => Err(format!("what is recorded has another {}", keys.join(", "))),
        }
    }
}

/// Whether `release.json` says nothing but which files make the version, as it may.
fn only_lists_files(text: &str) -> bool {
    let Ok(serde_json::Value::Object(fields)) = serde_json::from_str(text) else {
        return false;
    };
    fields.len() == 1 && fields.contains_key("files")
}
