//! The image that a version ran: what a tag is moved to, what must still be there before it is gone back to, and what a person goes back
//! to where nothing else of a version is known.

use serde::{Deserialize, Serialize};

use super::TargetHistory;
use crate::{
    manifest::ImageReference,
    policy::Target,
    words::{Version, VersionName},
};

/// The image of one container, which goes back alone: nothing is kept of the pod template of its release, so all else stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageOnly {
    /// The release whose image it is.
    pub release: VersionName,
    /// The container.
    pub container: String,
    /// The image, as the container will name it.
    pub image: String,
}

/// Why it is not known which image a version ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoImage {
    /// Neither its pods nor its release said so.
    #[error("no digest of its image is known: record its release with `image`, or give its container an image from a registry")]
    Unknown,
    /// Its tag was pushed again meanwhile.
    #[error("its pods ran more than one image, so nobody knows which of them is good: give each build a tag of its own")]
    Several,
}

impl TargetHistory {
    /// The image that `version` ran: as its pods told, else as its release says.
    ///
    /// # Errors
    /// When that is not known.
    pub fn image(&self, version: &Version) -> Result<&ImageReference, NoImage> {
        let seen = self.known(version).map_or(&[] as &[_], |known| known.images.as_slice());
        let recorded = || self.release(&version.name)?.manifest.image.as_ref();
        match seen {
            [] => recorded().ok_or(NoImage::Unknown),
            [one] => Ok(one),
            _ => Err(NoImage::Several),
        }
    }

    /// The image of the release called `name`, whether it ever ran or not: as it was recorded, else as the pods of the newest version of that
    /// name told; none where that is not known.
    #[must_use]
    pub fn image_called(&self, name: &VersionName) -> Option<&ImageReference> {
        let recorded = self.release(name).and_then(|release| release.manifest.image.as_ref());
        let ran = || self.versions.iter().rev().find(|known| known.version.name == *name);
        recorded.or_else(|| self.image(&ran()?.version).ok())
    }

    /// The image without which `version` cannot be put back. On a host a release is its directory; where its manifest names an image and
    /// nothing else that was built, that directory only says how the image is run.
    #[must_use]
    pub fn needed_image(&self, target: &Target, version: &Version) -> Option<&ImageReference> {
        let needed = match target {
            Target::Kubernetes(_) => true,
            Target::Host(_) => self
                .release(&version.name)
                .is_some_and(|release| release.manifest.artifacts.is_empty()),
        };
        self.image(version).ok().filter(|_| needed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::specimen;

    fn image(digit: &str) -> ImageReference {
        ImageReference::of("registry.example/myapp:v1", &format!("sha256:{}", digit.repeat(64))).expect("an image")
    }

    #[test]
    fn k19_which_image_a_version_ran_is_told_by_its_pods_and_two_of_them_are_none() {
        let mut history = specimen::history(None);
        let version = history.versions[0].version.clone();
        assert_eq!(history.image(&version), Err(NoImage::Unknown));
        history.versions[0].images = vec![image("1")];
        assert_eq!(history.image(&version), Ok(&image("1")));
        history.versions[0].images.push(image("2"));
        assert_eq!(history.image(&version), Err(NoImage::Several));
    }
}
