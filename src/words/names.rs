//! Names: of services, environments, channels, rollouts and people. A value of one of these types is a valid name.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{found}` is not allowed: {allowed}")]
pub struct NameError {
    /// What was to be named.
    pub what: &'static str,
    /// The text that was found.
    pub found: String,
    /// What is allowed.
    pub allowed: &'static str,
}

fn label(what: &'static str, text: &str) -> Result<String, NameError> {
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let good = !text.is_empty()
        && text.len() <= 63
        && text.chars().all(|c| ends(c) || c == '-' || c == '.')
        && text.starts_with(ends)
        && text.ends_with(ends);
    if good {
        Ok(text.to_owned())
    } else {
        Err(NameError {
            what,
            found: text.chars().take(80).collect(),
            allowed: "1 to 63 of a-z, 0-9, `-` and `.`, starting and ending with a letter or digit",
        })
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                label($what, text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// A service, named by its policy's `metadata.name`: `myapp`.
    Service, "service name"
);
name!(
    /// An environment: `prod`.
    Env, "environment"
);
name!(
    /// A channel for alerts, as the settings name it: `slack-ops`.
    ChannelName, "channel name"
);

/// What one history belongs to: a service in an environment. Displayed as `prod/myapp`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TargetKey {
    /// The environment.
    pub env: Env,
    /// The service.
    pub service: Service,
}

impl fmt::Display for TargetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.env, self.service)
    }
}

impl FromStr for TargetKey {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (env, service) = text.split_once('/').ok_or_else(|| NameError {
            what: "target",
            found: text.to_owned(),
            allowed: "ENV/SERVICE",
        })?;
        Ok(Self {
            env: env.parse()?,
            service: service.parse()?,
        })
    }
}

/// The id of a rollout, and of the intents and alerts that belong to it: a UUID version 7, made by `app`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RolloutId(uuid::Uuid);

impl RolloutId {
    /// Takes an id that was made elsewhere.
    #[must_use]
    pub const fn new(id: uuid::Uuid) -> Self {
        Self(id)
    }
}

impl fmt::Display for RolloutId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RolloutId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        text.parse().map(Self).map_err(|_| NameError {
            what: "rollout",
            found: text.chars().take(80).collect(),
            allowed: "a whole id as alerts and `lastgood explain` name it, 019a2f3c-0000-7000-8000-000000000000",
        })
    }
}

/// Who did something: `uid 1000 (alice)`, `lastgood`. Taken from the socket's peer, never from an option.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Actor(pub String);

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_hurt_a_path_or_a_page_is_refused() {
        for bad in ["", "-a", "a-", "A", "a/b", "a b", "..", &"a".repeat(64), "a\n"] {
            assert!(bad.parse::<Service>().is_err(), "{bad:?}");
        }
        assert!("my-app.v2".parse::<Service>().is_ok());
    }

    #[test]
    fn a_target_survives_its_own_text() {
        let target: TargetKey = "prod/myapp".parse().expect("a target");
        assert_eq!(target.to_string(), "prod/myapp");
    }
}
