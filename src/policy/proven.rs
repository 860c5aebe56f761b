//! `onProven`: what follows the newest proven version.

use serde::{Deserialize, Serialize};

/// What follows the newest proven version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnProven {
    /// A tag of its image's repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag_image: Option<String>,
    /// On a host, a link beside `current`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

impl OnProven {
    /// Whether nothing does. Such a policy has the hash that it had before anything could.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.tag_image.is_none() && self.link.is_none()
    }

    /// What follows, with its name.
    #[must_use]
    pub fn marks(&self) -> Vec<(MarkKind, &str)> {
        let both = [(MarkKind::TagImage, &self.tag_image), (MarkKind::Link, &self.link)];
        both.into_iter()
            .filter_map(|(kind, name)| Some((kind, name.as_deref()?)))
            .collect()
    }
}

/// What can follow the newest proven version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// A tag in the registry.
    TagImage,
    /// A link on the host.
    Link,
}

impl MarkKind {
    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TagImage => "tag_image",
            Self::Link => "link",
        }
    }

    /// What people call it.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::TagImage => "tag",
            Self::Link => "link",
        }
    }
}
