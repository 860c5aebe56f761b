//! Releases that were recorded: what was built, kept with the target's history under the version's name.

use serde::{Deserialize, Serialize};

use super::{Action, Deed, TargetHistory};
use crate::{
    manifest::Manifest,
    words::{Actor, Moment, VersionName},
};

/// A release that was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// What was built.
    pub manifest: Manifest,
    /// When it was recorded.
    pub recorded_at: Moment,
    /// By whom; of what a release directory said itself, the path of the file.
    pub by: Actor,
}

/// What a history says to a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recording {
    /// Nothing is recorded under its version.
    New,
    /// The same is recorded already.
    Same,
    /// Something else is, and stays.
    Different {
        /// The keys that differ.
        keys: Vec<String>,
        /// Since when it is recorded.
        since: Moment,
        /// Who recorded it.
        by: Actor,
    },
}

impl TargetHistory {
    /// What was recorded of the version of this name.
    #[must_use]
    pub fn release(&self, name: &VersionName) -> Option<&Release> {
        self.releases.iter().find(|release| release.manifest.version == *name)
    }

    /// Whether `manifest` can be recorded.
    #[must_use]
    pub fn recording(&self, manifest: &Manifest) -> Recording {
        match self.release(&manifest.version) {
            None => Recording::New,
            Some(release) if release.manifest == *manifest => Recording::Same,
            Some(release) => Recording::Different {
                keys: release.manifest.differs_in(manifest),
                since: release.recorded_at,
                by: release.by.clone(),
            },
        }
    }

    /// Records `manifest`; what is recorded already under its version stays as it is.
    pub fn record(&mut self, manifest: &Manifest, by: &Actor, origin: &str, at: Moment) {
        if self.recording(manifest) != Recording::New {
            return;
        }
        self.releases.push(Release {
            manifest: manifest.clone(),
            recorded_at: at,
            by: by.clone(),
        });
        let deed = Deed {
            by: by.clone(),
            origin: origin.to_owned(),
            action: Action::Record,
            what: manifest.version.to_string(),
            why: String::new(),
            refused: false,
            rollout: None,
        };
        self.audit.add(&self.target.to_string(), at, deed);
    }
}
