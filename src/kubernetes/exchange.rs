//! Another image for one container of a workload, all else of its template as it is.

use serde_json::Value;

use super::{
    identity::{fingerprint, images, shown},
    object::Object,
    workload::Workload,
};
use crate::{
    manifest::ImageReference,
    policy::KubernetesTarget,
    ports::PlatformError,
    record::ImageOnly,
    words::{Version, VersionName},
};

/// A template as it is but for the image of one container.
pub(super) struct Exchange {
    /// The container.
    pub container: String,
    /// Its image now.
    pub from: String,
    /// The template with the other image.
    pub template: Value,
}

/// It is not known which of these containers is meant.
pub(super) struct Ambiguous {
    names: Vec<String>,
}

impl Exchange {
    /// `image` for the container called `container`, or for the only one.
    pub fn of(workload: &Object, container: Option<&str>, image: &str) -> Result<Self, Ambiguous> {
        let mut template = workload.template().cloned().unwrap_or_default();
        let all = images(&template);
        let place = match (container, all.len()) {
            (Some(wanted), _) => all.iter().position(|(name, _)| *name == wanted),
            (None, 1) => Some(0),
            (None, _) => None,
        };
        let Some(place) = place else {
            let names = all.iter().map(|(name, _)| (*name).to_owned()).collect();
            return Err(Ambiguous { names });
        };
        let (container, from) = (all[place].0.to_owned(), all[place].1.to_owned());
        template["spec"]["containers"][place]["image"] = Value::from(image);
        Ok(Self {
            container,
            from,
            template,
        })
    }
}

impl Ambiguous {
    /// The sentence for people, with what to do next.
    pub fn sentence(&self, target: &KubernetesTarget) -> String {
        let (kind, namespace, name) = (target.kind.as_str(), &target.namespace, &target.name);
        format!(
            "{kind} {namespace}/{name} has the containers {}: name the one that is released in the policy, `container` of its target",
            self.names.join(", ")
        )
    }
}

/// `image` as a container names it: one that is named by its digest alone gets `version` for its tag, by which people and lastgood call it.
#[must_use]
pub fn image_called(image: &str, version: &VersionName) -> String {
    let (reference, digest) = image
        .split_once('@')
        .map_or((image, None), |(reference, digest)| (reference, Some(digest)));
    let tagged = reference.rsplit('/').next().is_some_and(|last| last.contains(':'));
    match digest {
        Some(digest) if !tagged => format!("{reference}:{version}@{digest}"),
        _ => image.to_owned(),
    }
}

impl Workload {
    /// What would run with the image of the release `name` and all else of the template as it is.
    pub(super) async fn by_image(
        &self,
        name: &VersionName,
        image: &ImageReference,
    ) -> Result<(Version, ImageOnly), PlatformError> {
        let seen = self.fresh().await.map_err(|error| self.cannot("look at", &error))?;
        let image = image_called(image.as_str(), name);
        let exchange = Exchange::of(&seen.workload, self.target.container.as_deref(), &image)
            .map_err(|ambiguous| PlatformError(ambiguous.sentence(&self.target)))?;
        let catalog = self.catalog().await?.lock().await;
        let known = catalog.of(&exchange.template, &seen.revisions, &self.ignored).cloned();
        let version = known.unwrap_or_else(|| Version {
            name: shown(&image),
            fingerprint: fingerprint(&exchange.template, &self.ignored),
        });
        let only = ImageOnly {
            release: name.clone(),
            container: exchange.container,
            image,
        };
        Ok((version, only))
    }
}
