//! What is kept of a version so that it can be known and restored: its template as readable JSON, and the revision it was first seen as.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{identity::fingerprint, revision::Revision};
use crate::words::{Version, VersionName};

/// The format of [`Kept`] that this binary writes.
const FORMAT: u32 = 1;

/// What is kept under a version's fingerprint; it never changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    format: u32,
    /// The uid of the revision that it was first seen as.
    pub anchor: String,
    /// The template, as the server sent it.
    pub template: Value,
}

impl Kept {
    /// What to keep of `revision`, seen for the first time, with the template that the workload has.
    #[must_use]
    pub fn of(revision: &Revision, template: &Value) -> Self {
        Self {
            format: FORMAT,
            anchor: revision.uid.clone(),
            template: template.clone(),
        }
    }

    /// The document, for people to read too.
    ///
    /// # Errors
    /// Never, as far as is known: every JSON value can be written.
    pub fn document(&self) -> Result<String, String> {
        serde_json::to_string_pretty(self).map_err(|error| format!("the template cannot be written ({error}); report this"))
    }

    fn parse(version: &Version, document: &str) -> Result<Self, String> {
        let kept: Self = serde_json::from_str(document).map_err(|error| {
            format!(
                "the kept template of {} does not read ({error}); restore a backup of the store",
                version.name
            )
        })?;
        if kept.format > FORMAT {
            return Err(format!(
                "the template of {} was kept by a newer lastgood (format {}, this one knows up to {FORMAT}); run that version",
                version.name, kept.format
            ));
        }
        Ok(kept)
    }
}

/// The versions of one workload that are known, and how to know one again.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalog {
    known: Vec<(Version, Kept)>,
    /// By the uid of a revision, as learnt since this process began.
    learnt: BTreeMap<String, Version>,
}

impl Catalog {
    /// Reads what was kept.
    ///
    /// # Errors
    /// When a document does not read or is a newer lastgood's, with what to do next.
    pub fn read(kept: &[(Version, String)]) -> Result<Self, String> {
        let known = kept
            .iter()
            .map(|(version, document)| Ok((version.clone(), Kept::parse(version, document)?)))
            .collect::<Result<_, String>>()?;
        Ok(Self {
            known,
            learnt: BTreeMap::new(),
        })
    }

    /// The known version that `revision` is: by its anchor, else by its fingerprint, else as the equal of a revision that is anchored. The
    /// last finds it also after an upgraded API server began to show new defaults in every template.
    #[must_use]
    pub fn version(&self, revision: &Revision, revisions: &[Revision], ignored: &[String]) -> Option<&Version> {
        self.anchored(revision)
            .or_else(|| self.of(&revision.template, revisions, ignored))
    }

    /// The known version that `template` is: by its fingerprint, else as the equal of a revision that is anchored.
    #[must_use]
    pub fn of(&self, template: &Value, revisions: &[Revision], ignored: &[String]) -> Option<&Version> {
        let print = fingerprint(template, ignored);
        let by_print = self.known.iter().find(|(version, _)| version.fingerprint == print);
        by_print.map(|(version, _)| version).or_else(|| {
            let mut equals = revisions
                .iter()
                .filter(|other| fingerprint(&other.template, ignored) == print);
            equals.find_map(|other| self.anchored(other))
        })
    }

    fn anchored(&self, revision: &Revision) -> Option<&Version> {
        let kept = self.known.iter().find(|(_, kept)| kept.anchor == revision.uid);
        kept.map(|(version, _)| version).or_else(|| self.learnt.get(&revision.uid))
    }

    /// Remembers that the revision with this uid is `version`.
    pub fn learn(&mut self, uid: &str, version: &Version) {
        if self.learnt.get(uid) != Some(version) {
            self.learnt.insert(uid.to_owned(), version.clone());
        }
    }

    /// Adds a version that was just kept.
    pub fn add(&mut self, version: Version, kept: Kept) {
        if !self.known.iter().any(|(known, _)| *known == version) {
            self.known.push((version, kept));
        }
    }

    /// The template that restores `version`: that of its newest revision which still exists, so that this is used again; else the kept one.
    #[must_use]
    pub fn template(&self, version: &Version, revisions: &[Revision], ignored: &[String]) -> Option<Value> {
        let its_own = revisions
            .iter()
            .filter(|revision| self.version(revision, revisions, ignored) == Some(version));
        let newest = its_own.max_by_key(|revision| revision.number);
        newest.map(|revision| revision.template.clone()).or_else(|| {
            let kept = self.known.iter().find(|(known, _)| known == version);
            kept.map(|(_, kept)| kept.template.clone())
        })
    }

    /// The version called `name` that was kept last.
    #[must_use]
    pub fn named(&self, name: &VersionName) -> Option<&Version> {
        let mut newest_first = self.known.iter().rev().map(|(version, _)| version);
        newest_first.find(|version| version.name == *name)
    }

    /// Whether anything is kept of `version`.
    #[must_use]
    pub fn holds(&self, version: &Version) -> bool {
        self.known.iter().any(|(known, _)| known == version)
    }
}
