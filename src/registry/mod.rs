//! Registries of images over the OCI distribution API: whether an image is there, and a tag that is moved to it.
//!
//! May touch: `ports`, `manifest`'s image reference, HTTP. Deliberately absent: other adapters, blobs (no image is ever pulled), and every
//! registry that the settings do not name.

mod ask;
mod challenge;
mod fault;
mod options;
mod tag;

use std::collections::BTreeMap;

use futures::{FutureExt as _, future::BoxFuture};

use crate::{
    manifest::ImageReference,
    ports::{ImageFault, Images, Kept},
    record::MarkResult,
};
use options::Server;
pub use options::{Options, SetupError};

/// The registries of the settings, by host and port as images name them.
#[derive(Debug, Default)]
pub struct Registries(BTreeMap<String, Server>);

impl Registries {
    /// Makes their HTTP clients; nothing is asked yet.
    ///
    /// # Errors
    /// When a certificate or a proxy cannot be used; the message says which, and what is allowed.
    pub fn new(options: BTreeMap<String, Options>) -> Result<Self, SetupError> {
        let servers = options.into_iter().map(|(name, options)| {
            let server = Server::new(&name, options)?;
            Ok((name, server))
        });
        servers.collect::<Result<_, _>>().map(Self)
    }

    fn server(&self, image: &ImageReference) -> Result<&Server, ImageFault> {
        let name = image.registry();
        self.0.get(name).ok_or_else(|| {
            ImageFault::Refused(format!(
                "the registry {name} is not in lastgood's settings, and no other is asked: add [registry.\"{name}\"]"
            ))
        })
    }
}

impl Images for Registries {
    fn knows(&self, image: &ImageReference) -> bool {
        self.0.contains_key(image.registry())
    }

    fn look<'a>(&'a self, image: &'a ImageReference) -> BoxFuture<'a, Result<Kept, ImageFault>> {
        async move { tag::look(self.server(image)?, image).await }.boxed()
    }

    fn tag<'a>(
        &'a self,
        image: &'a ImageReference,
        tag: &'a str,
        only_from: Option<&'a str>,
    ) -> BoxFuture<'a, Result<MarkResult, ImageFault>> {
        async move { tag::moved(self.server(image)?, image, tag, only_from).await }.boxed()
    }
}
