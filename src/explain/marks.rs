//! Where the names outside are that follow the newest proof: as data, and in a word for a table.

use serde::{Deserialize, Serialize};

use super::clean;
use crate::{
    policy::MarkKind,
    record::{Mark, TargetHistory},
    words::Version,
};

/// A tag or a link that follows the newest proven version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkStatus {
    /// What it is.
    pub kind: MarkKind,
    /// Its name: `stable`.
    pub name: String,
    /// The version that it was put at; none: it was not put anywhere yet, or someone else moved it since, and keeps it.
    pub at: Option<Version>,
    /// The version that it shall be put at, and is not yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Version>,
    /// What stands in the way of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// Those of a target.
pub(super) fn marks(history: &TargetHistory) -> Vec<MarkStatus> {
    let status = |mark: &Mark| MarkStatus {
        kind: mark.kind,
        name: mark.name.clone(),
        at: mark.at.clone().filter(|_| !mark.left),
        to: mark.intent.as_ref().map(|intent| intent.to.clone()),
        trouble: mark.intent.as_ref().and_then(|intent| intent.trouble.clone()),
    };
    history.marks.iter().map(status).collect()
}

impl MarkStatus {
    /// Whether it is at `version`, or shall be.
    pub(super) fn concerns(&self, version: &Version) -> bool {
        self.at.as_ref() == Some(version) || self.to.as_ref() == Some(version)
    }

    /// What it is to `version`: `tag stable`, `tag stable (not yet)`.
    pub(super) fn of(&self, version: &Version) -> String {
        let not_yet = if self.at.as_ref() == Some(version) { "" } else { " (not yet)" };
        format!("{}{not_yet}", self.named())
    }

    /// Where it is: `tag stable at v1.2.2`, `tag stable at v1.2.2 (not yet at v1.2.3)`, `tag stable at nothing of ours`.
    pub(super) fn shown(&self) -> String {
        let at = |version: &Version| format!(" at {}", clean(version.name.as_str()));
        let nothing = || if self.to.is_some() { "" } else { " at nothing of ours" }.to_owned();
        let here = self.at.as_ref().map_or_else(nothing, at);
        let soon = self.to.as_ref().map(|to| format!(" (not yet{})", at(to))).unwrap_or_default();
        format!("{}{here}{soon}", self.named())
    }

    fn named(&self) -> String {
        format!("{} {}", self.kind.noun(), clean(&self.name))
    }
}
