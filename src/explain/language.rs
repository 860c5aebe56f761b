//! The two languages, and `say!`: one sentence in both, side by side, from the same facts.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A language that sentences are rendered in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Chinese (simplified).
    Zh,
}

/// The text names no language that lastgood speaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown language `{0}`: `en` and `zh` are allowed")]
pub struct UnknownLanguage(String);

impl FromStr for Language {
    type Err = UnknownLanguage;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "en" => Ok(Self::En),
            "zh" => Ok(Self::Zh),
            other => Err(UnknownLanguage(super::clean::clean(other))),
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::En => "en",
            Self::Zh => "zh",
        })
    }
}

/// One sentence in both languages, formatted from the variables in scope. Both stand together so that neither is forgotten.
macro_rules! say {
    ($language:expr, $en:literal, $zh:literal $(,)?) => {
        match $language {
            $crate::explain::Language::En => format!($en),
            $crate::explain::Language::Zh => format!($zh),
        }
    };
}
pub(super) use say;
