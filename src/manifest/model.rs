//! A valid manifest. Its own JSON is the file's: what is written here is read again by [`parse`](super::parse).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::words::{Env, Moment, NameError, Service, TargetKey, VersionName};

/// A release that was built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Its version; never a tag that moves.
    pub version: VersionName,
    /// The commit it was built from: 7 to 64 lowercase hexadecimal digits.
    pub commit: String,
    /// When it was built.
    pub built_at: Moment,
    /// Whether it passed a smoke test after it was built.
    pub passed_smoke_test: bool,
    /// The service, where the file says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// The only environment it is for, where the file says one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<Env>,
    /// The image with its digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageReference>,
    /// The files that were built, in the file's order; names are unique.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<Artifact>,
    /// What it was built with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toolchain: Option<Toolchain>,
    /// The lock files that its dependencies came from; paths are unique.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lock_files: Vec<LockFile>,
    /// Where the report of its tests is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_report: Option<String>,
    /// What changed, or where that is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changelog: Option<String>,
    /// Why it must not be gone back from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub irreversible: Option<String>,
    /// The files of the release directory that make it this version, relative to it; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
}

impl Manifest {
    /// The manifest as a file: JSON for people, with a newline at the end.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Its keys are texts and its numbers whole, so it always is JSON.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// What it says that it is of, where that is not `target`.
    #[must_use]
    pub fn elsewhere(&self, target: &TargetKey) -> Option<String> {
        let service = self.service.as_ref().filter(|service| **service != target.service);
        let env = self.env.as_ref().filter(|env| **env != target.env);
        match (service, env) {
            (None, None) => None,
            (Some(service), _) => Some(format!("service `{service}`")),
            (None, Some(env)) => Some(format!("env `{env}`")),
        }
    }

    /// The keys in which `other` says something else.
    #[must_use]
    pub fn differs_in(&self, other: &Self) -> Vec<String> {
        let fields = |manifest: &Self| match serde_json::to_value(manifest) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => serde_json::Map::new(),
        };
        let (mine, others) = (fields(self), fields(other));
        let mut keys: Vec<String> = mine.keys().chain(others.keys()).cloned().collect();
        keys.sort();
        keys.dedup();
        keys.retain(|key| mine.get(key) != others.get(key));
        keys
    }
}

/// A file that was built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Its file name: no directory, no leading dot.
    pub name: String,
    /// Where it is to be fetched: `https:` or `file:`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// SHA-256 of its bytes: 64 lowercase hexadecimal digits.
    pub sha256: String,
    /// Its bytes, at least 1.
    pub size: u64,
}

/// What a release was built with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Toolchain {
    /// Each compiler or runtime with its version.
    pub compilers: Vec<String>,
    /// The operating system it runs on, as Rust and Go name it: `linux`.
    pub os: String,
    /// The architecture it runs on, as Rust names it: `x86_64`.
    pub arch: String,
}

/// A lock file of the sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockFile {
    /// Its path in the sources: relative, inside them.
    pub path: String,
    /// SHA-256 of its bytes: 64 lowercase hexadecimal digits.
    pub sha256: String,
}

/// An image by name and digest: `registry.example/myapp:v1.2.3@sha256:…`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageReference(String);

impl ImageReference {
    /// The whole reference.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digest: `sha256:` and 64 hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> &str {
        self.0.split_once('@').map_or("", |(_, digest)| digest)
    }

    /// The registry that it is in, with its port: `registry.example:5000`; `docker.io` where the name says none.
    #[must_use]
    pub fn registry(&self) -> &str {
        self.parts().0.unwrap_or("docker.io")
    }

    /// Its repository in the registry: `shop/myapp`. What Docker Hub itself has is in `library`.
    #[must_use]
    pub fn repository(&self) -> String {
        match self.parts() {
            (None | Some("docker.io"), path) if !path.contains('/') => format!("library/{path}"),
            (_, path) => path.to_owned(),
        }
    }

    /// Its tag, where the name says one.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tagged().1
    }

    /// The same image by its digest alone, and by its tag where it has one: what a container's name and what it runs say together.
    ///
    /// # Errors
    /// When `name` or `digest` is none.
    pub fn of(name: &str, digest: &str) -> Result<Self, NameError> {
        let name = name.split_once('@').map_or(name, |(name, _)| name);
        format!("{name}@{digest}").parse()
    }

    /// Registry, where the name says one, and path.
    fn parts(&self) -> (Option<&str>, &str) {
        let name = self.tagged().0;
        match name.split_once('/') {
            Some((host, path)) if host == "localhost" || host.contains(['.', ':']) => (Some(host), path),
            _ => (None, name),
        }
    }

    /// The name without its tag, and the tag.
    fn tagged(&self) -> (&str, Option<&str>) {
        let name = self.0.split_once('@').map_or(self.0.as_str(), |(name, _)| name);
        match name.rsplit_once(':') {
            Some((before, tag)) if !tag.contains('/') => (before, Some(tag)),
            _ => (name, None),
        }
    }
}

impl std::str::FromStr for ImageReference {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let is_name = |name: &str| {
            let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-/:".contains(&b);
            name.len() <= 512 && name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.bytes().all(allowed)
        };
        let good = text
            .split_once("@sha256:")
            .is_some_and(|(name, digest)| is_name(name) && is_sha256(digest));
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError {
                what: "image",
                found: text.chars().take(80).collect(),
                allowed: "a name with its digest, `registry.example/myapp:v1.2.3@sha256:` and 64 hexadecimal digits",
            })
        }
    }
}

impl TryFrom<String> for ImageReference {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<ImageReference> for String {
    fn from(image: ImageReference) -> Self {
        image.0
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `text` is a SHA-256 in lowercase hexadecimal digits.
pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::ImageReference;

    #[test]
    fn an_image_says_its_registry_its_repository_and_its_tag() {
        let digest = format!("sha256:{}", "0".repeat(64));
        for (name, registry, repository, tag) in [
            (
                "registry.example:5000/shop/myapp:v1",
                "registry.example:5000",
                "shop/myapp",
                Some("v1"),
            ),
            ("registry.example:5000/myapp", "registry.example:5000", "myapp", None),
            ("localhost/myapp:v1", "localhost", "myapp", Some("v1")),
            ("shop/myapp:v1", "docker.io", "shop/myapp", Some("v1")),
            ("myapp", "docker.io", "library/myapp", None),
            ("docker.io/myapp:1", "docker.io", "library/myapp", Some("1")),
        ] {
            let image = ImageReference::of(name, &digest).expect("an image");
            assert_eq!(
                (image.registry(), image.repository().as_str(), image.tag(), image.digest()),
                (registry, repository, tag, digest.as_str()),
                "{name}"
            );
        }
        let other = format!("sha256:{}", "1".repeat(64));
        assert_eq!(
            ImageReference::of(&format!("myapp:v1@{other}"), &digest)
                .expect("an image")
                .as_str(),
            format!("myapp:v1@{digest}")
        );
        assert!(ImageReference::of("myapp", "sha256:12").is_err());
    }
}
