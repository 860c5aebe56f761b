//! Registries of images: whether an image is still there, and a tag that is moved.

use futures::future::BoxFuture;

use crate::{manifest::ImageReference, record::MarkResult};

/// The registries that the settings name. Of all others nothing is asked.
pub trait Images: Send + Sync {
    /// Whether the image's registry is one of them.
    fn knows(&self, image: &ImageReference) -> bool;

    /// Looks whether the image is there by its digest, and whether its tag, where it has one, still means it.
    ///
    /// # Errors
    /// When that cannot be told.
    fn look<'a>(&'a self, image: &'a ImageReference) -> BoxFuture<'a, Result<Kept, ImageFault>>;

    /// Points `tag` of the image's repository to the image: the same manifest, byte for byte. With `only_from` nothing is written where
    /// the tag does not have that digest. Registries have no compare and set: it is looked before and after.
    ///
    /// # Errors
    /// When it cannot be done, or nobody can tell whether it was; to try it again does no harm.
    fn tag<'a>(
        &'a self,
        image: &'a ImageReference,
        tag: &'a str,
        only_from: Option<&'a str>,
    ) -> BoxFuture<'a, Result<MarkResult, ImageFault>>;
}

/// What a registry has of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// The image, and its tag means it.
    Whole,
    /// The image; its tag is gone, or means something else.
    Retagged {
        /// The digest that the tag has now; none: there is no such tag.
        now: Option<String>,
    },
    /// Nothing: the registry says that there is no such image.
    Gone,
}

/// Why a registry cannot tell, with what to do next and without secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageFault {
    /// It does not answer, or not now; it is tried again.
    #[error("{0}")]
    Away(String),
    /// It refuses, or the settings are not fit to ask it.
    #[error("{0}")]
    Refused(String),
}
