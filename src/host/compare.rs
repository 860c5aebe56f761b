//! A kept listing against what the directory holds now.

use std::path::Path;

use super::listing::{Basis, Entry, Listing, Release};
use crate::ports::PlatformError;

/// So many names are told, the rest is counted.
const MOST_NAMES: usize = 5;

/// How a directory differs from a listing. Files that the listing does not name are the service's own and not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Differences {
    /// Listed, and gone, or of another kind, or never there.
    pub missing: Vec<String>,
    /// Files with fewer bytes than listed: a copy that was cut off.
    pub shorter: Vec<String>,
    /// Other content, target or executable bit.
    pub changed: Vec<String>,
}

impl Differences {
    /// Compares `listing` with the directory.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn find(listing: &Listing, release: &Release<'_>) -> Result<Self, PlatformError> {
        let mut found = Self::default();
        if listing.basis == Basis::Inode {
            return Ok(found);
        }
        for (path, listed) in &listing.files {
            let now = release.entry(Path::new(path))?.unwrap_or(Entry::Missing);
            let list = match (listed, &now) {
                (Entry::Missing, Entry::Missing) => &mut found.missing,
                (listed, now) if listed == now => continue,
                (Entry::File { size: listed, .. }, Entry::File { size: now, .. }) if now < listed => &mut found.shorter,
                // What could not be read then and can be now, or the other way round, with the same size.
                (
                    Entry::File {
                        size: listed_size,
                        sha256: listed,
                        ..
                    },
                    Entry::File { size, sha256: now, .. },
                ) if (listed.is_none() || now.is_none()) && listed_size == size => continue,
                (Entry::File { .. }, Entry::File { .. }) | (Entry::Symlink { .. }, Entry::Symlink { .. }) => &mut found.changed,
                (Entry::Missing, _) => &mut found.changed,
                _ => &mut found.missing,
            };
            list.push(path.clone());
        }
        Ok(found)
    }

    /// Whether all that was listed is as it was.
    pub fn none(&self) -> bool {
        self.missing.is_empty() && self.shorter.is_empty() && self.changed.is_empty()
    }

    /// Why this directory cannot be gone back to; none: it can.
    pub fn incomplete(&self) -> Option<String> {
        let told: Vec<String> = [told("missing", &self.missing), told("shorter than they were", &self.shorter)]
            .into_iter()
            .flatten()
            .collect();
        (!told.is_empty()).then(|| told.join("; "))
    }

    /// All of it, for people; none: no difference.
    pub fn told(&self) -> Option<String> {
        let all: Vec<String> = self.incomplete().into_iter().chain(told("changed", &self.changed)).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }
}

fn told(how: &str, names: &[String]) -> Option<String> {
    let shown: Vec<String> = names.iter().take(MOST_NAMES).map(|name| format!("`{name}`")).collect();
    match names.len() {
        0 => None,
        count if count > MOST_NAMES => Some(format!("{how}: {} and {} more", shown.join(", "), count - MOST_NAMES)),
        _ => Some(format!("{how}: {}", shown.join(", "))),
    }
}
