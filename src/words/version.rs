//! What runs: a version is what people call it plus a fingerprint of what it is (product.md, Identity of a version).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::NameError;

/// What people call a version: on a host the name of its release directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VersionName(String);

impl VersionName {
    /// The name as text. It may hold anything that a file name may: escape it before it is shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name nearest to a text that somebody else's rules allow: what is no ASCII letter, digit, `_`, `-`, `.` or `+` becomes `_`.
    #[must_use]
    pub fn nearest(text: &str) -> Self {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '+');
        let name: String = text
            .trim_start_matches('.')
            .chars()
            .take(128)
            .map(|c| if plain(c) { c } else { '_' })
            .collect();
        Self(if name.is_empty() { "_".to_owned() } else { name })
    }
}

impl FromStr for VersionName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let good = !text.is_empty() && text.len() <= 255 && !text.contains(['/', '\0']) && !text.starts_with('.');
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError {
                what: "version",
                found: text.chars().take(80).collect(),
                allowed: "a file name of at most 255 bytes that does not start with `.`",
            })
        }
    }
}

impl TryFrom<String> for VersionName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<VersionName> for String {
    fn from(name: VersionName) -> Self {
        name.0
    }
}

impl fmt::Display for VersionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a version is, whatever it is called: `sha256:` and 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(String);

impl Fingerprint {
    /// From a SHA-256 digest.
    #[must_use]
    pub fn from_sha256(digest: &[u8; 32]) -> Self {
        use fmt::Write as _;
        let mut text = String::with_capacity(71);
        text.push_str("sha256:");
        for byte in digest {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// The whole fingerprint as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve hexadecimal digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0["sha256:".len().."sha256:".len() + 12]
    }
}

impl FromStr for Fingerprint {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let good = text
            .strip_prefix("sha256:")
            .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
        if good {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError {
                what: "fingerprint",
                found: text.chars().take(80).collect(),
                allowed: "`sha256:` and 64 hexadecimal digits",
            })
        }
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A version: its name and its fingerprint. Two versions are the same when both are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// What people call it.
    pub name: VersionName,
    /// What it is.
    pub fingerprint: Fingerprint,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_name_stays_inside_its_directory() {
        for bad in ["", ".", "..", "a/b", ".incoming-v1", "a\0"] {
            assert!(bad.parse::<VersionName>().is_err(), "{bad:?}");
        }
        assert!("v1.2.3-4-gabc1234".parse::<VersionName>().is_ok());
    }

    #[test]
    fn the_nearest_name_to_any_text_is_a_name() {
        for (text, name) in [
            ("v1.2.3", "v1.2.3"),
            ("", "_"),
            ("../a b", "_a_b"),
            ("ü\u{1b}[1m", "___1m"),
            ("...", "_"),
        ] {
            let nearest = VersionName::nearest(text);
            assert!(nearest.as_str().parse::<VersionName>().is_ok(), "{text:?}");
            assert_eq!(nearest.as_str(), name);
        }
    }

    #[test]
    fn a_fingerprint_survives_its_own_text() {
        let fingerprint = Fingerprint::from_sha256(&[0xab; 32]);
        assert_eq!(fingerprint.short(), "abababababab");
        assert_eq!(fingerprint.as_str().parse::<Fingerprint>(), Ok(fingerprint));
    }
}
