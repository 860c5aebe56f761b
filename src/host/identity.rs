//! Which version a release directory is (product.md, Identity of a version): name and fingerprint, the fingerprint taken at first sight.

use std::sync::Arc;

use super::{
    compare::Differences,
    digest::Digests,
    link::{DirId, Place, Pointed, dir_id},
    listing::{Basis, Listing, Release},
    trouble::sentence,
};
use crate::{
    ports::{Contents, PlatformError},
    words::{TargetKey, Version, VersionName},
};

/// What is known of a target's versions, and how to know one again.
#[derive(Clone)]
pub(super) struct Identity {
    /// Whose versions.
    pub key: TargetKey,
    /// Where they are.
    pub place: Place,
    /// Their kept listings.
    pub contents: Arc<dyn Contents>,
    /// Digests of their files.
    pub digests: Arc<Digests>,
}

/// What a look at a release directory found.
struct Found {
    version: Version,
    remarks: Vec<String>,
    /// The listing to keep, of a version that was never seen.
    fresh: Option<Listing>,
}

impl Identity {
    /// Which version `pointed` is; the listing of one that was never seen is kept before this returns.
    ///
    /// # Errors
    /// When its directory or the kept listings cannot be read, or the listing cannot be kept.
    pub async fn of(&self, pointed: &Pointed) -> Result<(Version, Vec<String>), PlatformError> {
        self.identified(&pointed.name, Some(pointed.moved_nanos)).await
    }

    /// Which version the release directory `name` is, whether or not `current` ever pointed to it; `moved_nanos`: since when it does.
    ///
    /// # Errors
    /// As [`Identity::of`].
    pub async fn identified(
        &self,
        name: &VersionName,
        moved_nanos: Option<i64>,
    ) -> Result<(Version, Vec<String>), PlatformError> {
        let known = self.known(name).await?;
        let (me, name) = (self.clone(), name.clone());
        let found = blocking(move || me.find(&name, moved_nanos, &known)).await?;
        if let Some(listing) = &found.fresh {
            let document = listing.document()?;
            let kept = self.contents.keep(&self.key, &found.version, &document).await;
            kept.map_err(|error| PlatformError(format!("cannot keep the listing of `{}`: {error}", found.version.name)))?;
        }
        Ok((found.version, found.remarks))
    }

    /// The kept listings of the versions called `name`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn known(&self, name: &VersionName) -> Result<Vec<(Version, Listing)>, PlatformError> {
        let kept = self.contents.kept(&self.key, name).await;
        kept.map_err(|error| PlatformError(format!("cannot read the kept listings: {error}")))?
            .into_iter()
            .map(|(version, document)| Ok((version, Listing::parse(name, &document)?)))
            .collect()
    }

    fn find(&self, name: &VersionName, moved_nanos: Option<i64>, known: &[(Version, Listing)]) -> Result<Found, PlatformError> {
        let path = self.place.releases.join(name.as_str());
        let (release, directory) = self.open(name, &path)?;
        if let Some((version, differences)) = recognize(known, &directory, &release)? {
            let remarks = differences
                .told()
                .map(|told| format!("`{name}` is not as it was first seen: {told}"));
            return Ok(Found {
                version,
                remarks: remarks.into_iter().collect(),
                fresh: None,
            });
        }
        let (listing, remarks) = release.list(directory, moved_nanos)?;
        let version = Version {
            name: name.clone(),
            fingerprint: listing.fingerprint(name)?,
        };
        Ok(Found {
            version,
            remarks,
            fresh: Some(listing),
        })
    }

    fn open<'a>(&'a self, name: &VersionName, path: &'a std::path::Path) -> Result<(Release<'a>, DirId), PlatformError> {
        let root = self
            .place
            .open_release(name)
            .map_err(|e| PlatformError(sentence("open", path, &e)))?;
        let directory = dir_id(&root).map_err(|e| PlatformError(sentence("look at", path, &e)))?;
        let release = Release {
            path,
            root,
            digests: &self.digests,
        };
        Ok((release, directory))
    }

    /// Whether `version` can be gone back to: its directory, and what is worth telling of it.
    ///
    /// # Errors
    /// Why it cannot, with what to do next.
    pub async fn restorable(&self, version: &Version) -> Result<(DirId, Option<String>), PlatformError> {
        let known = self.known(&version.name).await?;
        let (me, version) = (self.clone(), version.clone());
        blocking(move || me.check(&version, &known)).await
    }

    fn check(&self, version: &Version, known: &[(Version, Listing)]) -> Result<(DirId, Option<String>), PlatformError> {
        let path = self.place.releases.join(version.name.as_str());
        let (release, directory) = self.open(&version.name, &path)?;
        let shown = path.display();
        let Some((_, listing)) = known.iter().find(|(kept, _)| kept == version) else {
            return Err(PlatformError(format!(
                "nothing is kept of what `{shown}` held when it ran; go back by hand, or ship it again so that it is seen"
            )));
        };
        let differences = Differences::find(listing, &release)?;
        if let Some(incomplete) = differences.incomplete() {
            return Err(PlatformError(format!(
                "`{shown}` is incomplete: {incomplete}; unpack it again"
            )));
        }
        match recognize(known, &directory, &release)? {
            Some((found, differences)) if found == *version => Ok((
                directory,
                differences
                    .told()
                    .map(|told| format!("`{shown}` is not as it was first seen: {told}")),
            )),
            _ => Err(PlatformError(format!(
                "`{shown}` is not the {} that ran: it was replaced by another build of that name; unpack the one that ran ({}) again",
                version.name,
                version.fingerprint.short()
            ))),
        }
    }
}

/// The known version that a directory is: the one seen in this very directory, else one all of whose listed files are equal.
fn recognize(
    known: &[(Version, Listing)],
    directory: &DirId,
    release: &Release<'_>,
) -> Result<Option<(Version, Differences)>, PlatformError> {
    if let Some((version, listing)) = known.iter().find(|(_, listing)| listing.directory.is(directory)) {
        return Ok(Some((version.clone(), Differences::find(listing, release)?)));
    }
    for (version, listing) in known.iter().filter(|(_, listing)| listing.basis != Basis::Inode) {
        let differences = Differences::find(listing, release)?;
        if differences.none() {
            return Ok(Some((version.clone(), differences)));
        }
    }
    Ok(None)
}

/// Runs what reads files where it holds up nobody.
///
/// # Errors
/// Those of `work`; or when it broke.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PlatformError> + Send + 'static,
) -> Result<T, PlatformError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(PlatformError(format!(
            "the look at the files broke off: {error}; report this"
        ))),
    }
}
