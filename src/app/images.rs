//! Whether the image of a version is still there: looked for before the version is gone back to, and never waited for.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::time::timeout;

use crate::{
    manifest::ImageReference,
    ports::{ImageFault, Images, Kept},
    record::Unready,
    registry::{Options, Registries, SetupError},
    settings::RegistrySettings,
};

/// So long a registry is waited for before it is gone on without it.
const WITHIN: Duration = Duration::from_secs(2);

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It is there, or its registry is not one that is asked.
    Nothing,
    /// Something that people should know, and that stands in nobody's way.
    Remark(Unready),
    /// Nobody could tell; a sentence.
    Unknown(String),
    /// There is no such image any more: whoever puts it back gets pods that never start.
    Gone(Unready),
}

/// Looks for the image without which a version cannot be put back.
pub async fn look(images: &dyn Images, image: Option<&ImageReference>) -> Found {
    let Some(image) = image.filter(|image| images.knows(image)) else {
        return Found::Nothing;
    };
    let told = |name: &str, because: String| Unready {
        name: name.to_owned(),
        because,
    };
    match timeout(WITHIN, images.look(image)).await {
        Ok(Ok(Kept::Whole)) => Found::Nothing,
        Ok(Ok(Kept::Gone)) => Found::Gone(told(
            "image_gone",
            format!("the registry says that there is no image {image} any more: push it again, or go back to another version"),
        )),
        Ok(Ok(Kept::Retagged { now })) => Found::Remark(told(
            "image_tag_moved",
            match now {
                Some(now) => format!("the tag of {image} means {now} by now: pods of that version would run something else"),
                None => format!(
                    "the tag of {image} is gone, its digest is there: where no node has it, pods of that version would not start; push the tag again"
                ),
            },
        )),
        Ok(Err(ImageFault::Refused(because))) => Found::Remark(told("registry_not_usable", because)),
        Ok(Err(ImageFault::Away(because))) => Found::Unknown(because),
        Err(_) => Found::Unknown(format!(
            "the registry {} did not answer within {} s",
            image.registry(),
            WITHIN.as_secs()
        )),
    }
}

/// The registries that the settings name.
///
/// # Errors
/// When a certificate or a proxy cannot be used.
pub fn registries(settings: &BTreeMap<String, RegistrySettings>) -> Result<Arc<dyn Images>, SetupError> {
    let options = settings.iter().map(|(name, settings)| {
        let options = Options {
            plain_http: settings.plain_http,
            login: settings
                .basic_auth
                .as_ref()
                .map(|login| (login.user.clone(), login.password_file.clone())),
            token_file: settings.token_file.clone(),
            ca_file: settings.ca_file.clone(),
            proxy: settings.proxy.clone(),
        };
        (name.clone(), options)
    });
    Ok(Arc::new(Registries::new(options.collect())?))
}
