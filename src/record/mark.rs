//! Marks: names outside that follow the newest proven version, a tag in the registry or a link on the host.

use serde::{Deserialize, Serialize};

use super::{KnownVersion, TargetHistory};
use crate::{
    manifest::ImageReference,
    policy::MarkKind,
    words::{Moment, Standing, Version},
};

/// A name that follows the newest proven version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// What it is.
    pub kind: MarkKind,
    /// Its name: `stable`.
    pub name: String,
    /// The version that it was last put at; or left to someone who moved it. None where no proven version has it.
    pub at: Option<Version>,
    /// What shall be done, and is not known to be done.
    pub intent: Option<MarkIntent>,
    /// Whether it was left where someone else had moved it, or could not be moved: it is not at that version.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left: bool,
}

/// A mark that shall be moved: stored before it is tried, and kept until that came to an end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkIntent {
    /// The version that it shall be put at.
    pub to: Version,
    /// Its image, for a tag; none while none is known.
    pub image: Option<ImageReference>,
    /// Only from here, where it goes back: a proof was withdrawn, and a mark that someone moved since is theirs.
    pub only_from: Option<Left>,
    /// Since when it is wanted.
    pub since: Moment,
    /// What stood in the way when it was said; nothing is said twice.
    pub trouble: Option<String>,
}

/// What a mark is to be moved away from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// The version whose proof was withdrawn.
    pub version: Version,
    /// Its image, for a tag.
    pub image: Option<ImageReference>,
}

/// What came of moving a mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum MarkResult {
    /// It was there already.
    Already,
    /// It was moved.
    Moved {
        /// What it was at before, in the words of where it is; none: it was not there.
        from: Option<String>,
    },
    /// Someone else moved it, and it stays as they left it.
    Theirs {
        /// What it is at; none: it is gone.
        found: Option<String>,
    },
    /// It cannot be moved, and to try again will not help.
    Impossible {
        /// Why, and what to do next.
        because: String,
    },
    /// It could not be moved; it is tried again.
    NotYet {
        /// What was met.
        because: String,
    },
}

impl TargetHistory {
    /// The version that was proven last and still is: what marks follow. To go back to an older one that is proven changes nothing.
    /// A dirty one only by a person's word, as for the last good version.
    #[must_use]
    pub fn newest_proven(&self) -> Option<&KnownVersion> {
        self.versions
            .iter()
            .filter(|known| known.standing == Standing::Proven)
            .filter(|known| !known.version.name.is_dirty() || known.is_proven_by_person())
            .max_by_key(|known| known.since)
    }

    /// Whether `version` is proven now.
    #[must_use]
    pub fn is_proven(&self, version: &Version) -> bool {
        self.known(version).is_some_and(|known| known.standing == Standing::Proven)
    }
}
