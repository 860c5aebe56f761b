//! Where an artifact is, what it is called, and what it must be.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::words::Fingerprint;

/// An artifact that is to be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its file name: its ending says what it is.
    pub name: String,
    /// Where it is.
    pub location: Location,
    /// Its digest, where it is known.
    pub digest: Option<Fingerprint>,
    /// Its size in bytes, where it is known.
    pub size: Option<u64>,
}

/// Where an artifact is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// On a server: https, or http where its digest is known.
    Http(reqwest::Url),
    /// On this host.
    File(PathBuf),
}

/// Why a text names no artifact that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(String);

impl Source {
    /// An artifact at `location`, called by the end of its path.
    ///
    /// # Errors
    /// Where that is no file name, or a server's answer could be another's: plain http without a digest.
    pub fn new(location: Location, digest: Option<Fingerprint>, size: Option<u64>) -> Result<Self, SourceError> {
        let name = location.file_name().unwrap_or_default();
        Self::named(name, location, digest, size)
    }

    /// An artifact called `name` at `location`.
    ///
    /// # Errors
    /// As [`Source::new`].
    pub fn named(name: String, location: Location, digest: Option<Fingerprint>, size: Option<u64>) -> Result<Self, SourceError> {
        let good = !name.is_empty() && name.len() <= 200 && !name.starts_with('.') && !name.contains(['/', '\0']);
        if !good {
            return Err(SourceError(format!(
                "`{name}` of {location} is no file name for an artifact; give one that ends in `.tar.gz`, `.tar.zst`, `.zip`, or is a program's"
            )));
        }
        if matches!(&location, Location::Http(url) if url.scheme() == "http") && digest.is_none() {
            return Err(SourceError(format!(
                "{location} is plain http, where anyone on the way may change it: use https, or say its digest with --sha256 or a manifest"
            )));
        }
        Ok(Self {
            name,
            location,
            digest,
            size,
        })
    }
}

impl Location {
    /// The end of its path: what it is called.
    #[must_use]
    pub fn file_name(&self) -> Option<String> {
        match self {
            Self::Http(url) => url.path_segments()?.next_back().map(str::to_owned),
            Self::File(path) => Some(path.file_name()?.to_str()?.to_owned()),
        }
    }
}

impl FromStr for Location {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Ok(Self::File(PathBuf::from(text)));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "file" => Ok(Self::File(Path::new(rest.trim_start_matches("localhost")).to_path_buf())),
            "http" | "https" => {
                let url: reqwest::Url = text
                    .parse()
                    .map_err(|error| SourceError(format!("`{text}` is no URL: {error}")))?;
                if !url.username().is_empty() || url.password().is_some() {
                    return Err(SourceError(
                        "a URL with a user or password would show in the process list and in logs: leave them out".to_owned(),
                    ));
                }
                Ok(Self::Http(url))
            }
            _ => Err(SourceError(format!("`{scheme}` is not known: give an https URL or a file"))),
        }
    }
}

impl fmt::Display for Location {
    /// Without the query, which may hold a signature.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(url) => {
                let mut shown = url.clone();
                shown.set_query(None);
                shown.set_fragment(None);
                write!(f, "{shown}")
            }
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_is_called_by_the_end_of_its_path_and_shown_without_its_signature() {
        let location: Location = "https://ci.example/a/myapp.tar.gz?signature=x#y".parse().expect("a location");
        assert_eq!(location.to_string(), "https://ci.example/a/myapp.tar.gz");
        assert_eq!(Source::new(location, None, None).expect("a source").name, "myapp.tar.gz");
        let file: Location = "file:///srv/myapp.zip".parse().expect("a location");
        assert_eq!(file, Location::File("/srv/myapp.zip".into()));
    }

    #[test]
    fn what_cannot_be_trusted_is_refused_before_anything_is_asked() {
        let of = |text: &str| {
            text.parse()
                .and_then(|location| Source::new(location, None, None))
                .expect_err("refused")
                .0
        };
        assert!(of("http://ci.example/myapp.tar.gz").contains("say its digest"));
        assert!(of("https://user:secret@ci.example/a.zip").contains("process list"));
        assert!(of("ftp://ci.example/a.zip").contains("`ftp` is not known"));
        assert!(of("https://ci.example/").contains("no file name"));
        assert!(of("..").contains("no file name"));
    }
}
