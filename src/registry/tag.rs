//! What is asked of a registry: whether it has an image, and that a tag means it.

use reqwest::{
    Method, StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{
    ask::{Answer, Door},
    fault::{Errors, unwanted},
    options::Server,
};
use crate::{
    manifest::ImageReference,
    ports::{ImageFault, Kept},
    record::MarkResult,
    words::Fingerprint,
};

/// The digest of what an answer is about, where a registry says it.
const DIGEST: &str = "docker-content-digest";

/// A manifest as it is stored.
struct Manifest {
    kind: HeaderValue,
    bytes: Vec<u8>,
}

/// An image for several platforms, as far as it matters: the digests of what it is made of.
#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    manifests: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    digest: String,
}

/// What the registry has of the image.
pub(super) async fn look(server: &Server, image: &ImageReference) -> Result<Kept, ImageFault> {
    let repository = image.repository();
    let mut door = Door::new(server, &repository, "pull")?;
    if digest_of(&mut door, image.digest()).await?.is_none() {
        return Ok(Kept::Gone);
    }
    let Some(tag) = image.tag() else { return Ok(Kept::Whole) };
    let now = digest_of(&mut door, tag).await?;
    // Of an image for several platforms a runtime may tell the digest of its own.
    let means_it = now.as_deref() == Some(image.digest()) || lists(&mut door, tag, image.digest()).await?;
    Ok(if means_it { Kept::Whole } else { Kept::Retagged { now } })
}

/// Moves `tag` to the image; see [`crate::ports::Images::tag`].
pub(super) async fn moved(
    server: &Server,
    image: &ImageReference,
    tag: &str,
    only_from: Option<&str>,
) -> Result<MarkResult, ImageFault> {
    let repository = image.repository();
    let mut door = Door::new(server, &repository, "pull,push")?;
    let before = digest_of(&mut door, tag).await?;
    if before.as_deref() == Some(image.digest()) {
        return Ok(MarkResult::Already);
    }
    if only_from.is_some() && before.as_deref() != only_from {
        return Ok(MarkResult::Theirs { found: before });
    }
    let Some(manifest) = manifest(&mut door, image.digest()).await? else {
        return Ok(MarkResult::Impossible {
            because: format!("the registry says that there is no image {image} any more: push it again"),
        });
    };
    let put = (&manifest.kind, manifest.bytes.as_slice());
    let answer = door.manifest(Method::PUT, tag, Some(put)).await?;
    if !answer.status.is_success() {
        return Err(unwanted(door.registry(), answer.status, &answer.body));
    }
    let after = digest_of(&mut door, tag).await?;
    Ok(match after.as_deref() == Some(image.digest()) {
        true => MarkResult::Moved { from: before },
        false => MarkResult::Theirs { found: after },
    })
}

/// The digest of what `reference` names; none where the registry says that there is no such thing.
async fn digest_of(door: &mut Door<'_>, reference: &str) -> Result<Option<String>, ImageFault> {
    let answer = door.manifest(Method::HEAD, reference, None).await?;
    let told = answer.headers.get(DIGEST).and_then(|value| value.to_str().ok());
    match (answer.status, told) {
        (StatusCode::OK, Some(digest)) => Ok(Some(digest.to_owned())),
        // An answer to HEAD has no body: what is missing, and a digest that was not told, is asked for whole.
        (StatusCode::OK | StatusCode::NOT_FOUND, _) => {
            let whole = got(door, reference).await?;
            Ok(whole.map(|answer| digest(&answer.body)))
        }
        (status, _) => Err(unwanted(door.registry(), status, &answer.body)),
    }
}

/// The manifest with this digest, byte for byte.
async fn manifest(door: &mut Door<'_>, wanted: &str) -> Result<Option<Manifest>, ImageFault> {
    let Some(answer) = got(door, wanted).await? else {
        return Ok(None);
    };
    let found = digest(&answer.body);
    if found != wanted {
        return Err(ImageFault::Refused(format!(
            "the registry {} answers to {wanted} with {found}: it is damaged, or something stands in front of it; nothing was moved",
            door.registry()
        )));
    }
    let Some(kind) = answer.headers.get(CONTENT_TYPE) else {
        return Err(ImageFault::Refused(format!(
            "the registry {} does not say what {wanted} is (no Content-Type): look at what stands in front of it",
            door.registry()
        )));
    };
    Ok(Some(Manifest {
        kind: kind.clone(),
        bytes: answer.body,
    }))
}

/// Whether `tag` means an image for several platforms, of which `wanted` is one.
async fn lists(door: &mut Door<'_>, tag: &str, wanted: &str) -> Result<bool, ImageFault> {
    let whole = got(door, tag).await?;
    let index = whole.and_then(|answer| serde_json::from_slice::<Index>(&answer.body).ok());
    Ok(index.is_some_and(|index| index.manifests.iter().any(|listed| listed.digest == wanted)))
}

/// The answer that holds a manifest; none where the registry says that there is none.
async fn got(door: &mut Door<'_>, reference: &str) -> Result<Option<Answer>, ImageFault> {
    let answer = door.manifest(Method::GET, reference, None).await?;
    match answer.status {
        StatusCode::OK => Ok(Some(answer)),
        StatusCode::NOT_FOUND if Errors::read(&answer.body).say_gone() => Ok(None),
        status => Err(unwanted(door.registry(), status, &answer.body)),
    }
}

fn digest(bytes: &[u8]) -> String {
    Fingerprint::from_sha256(&Sha256::digest(bytes).into()).to_string()
}
