//! What a registry met, as sentences for people: without secrets, and with what to do next.

use reqwest::StatusCode;
use serde::Deserialize;

use crate::{explain::clean, ports::ImageFault};

/// Characters of a registry's own words that are shown.
const SHOWN: usize = 200;

/// The errors that a registry answers with.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Errors {
    #[serde(default)]
    errors: Vec<OneError>,
}

#[derive(Debug, Deserialize)]
struct OneError {
    code: String,
    #[serde(default)]
    message: Option<String>,
}

impl Errors {
    /// Those of a body; none where it is not a registry's.
    pub fn read(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// Whether the registry itself says that there is no such image. A 404 alone may be anyone's, a proxy's with a wrong path say.
    pub fn say_gone(&self) -> bool {
        let codes = ["MANIFEST_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND"];
        self.errors.iter().any(|error| codes.contains(&error.code.as_str()))
    }

    fn in_words(&self) -> String {
        let first = self.errors.first();
        first
            .map(|error| {
                let message = error.message.as_deref().unwrap_or_default();
                let words: String = format!("{} {message}", error.code).chars().take(SHOWN).collect();
                format!(" ({})", clean(words.trim()))
            })
            .unwrap_or_default()
    }
}

/// An answer of `registry` that nothing can be made of.
pub(super) fn unwanted(registry: &str, status: StatusCode, body: &[u8]) -> ImageFault {
    let said = Errors::read(body).in_words();
    let answer = format!("the registry {registry} answers {status}{said}");
    let later = status.is_server_error() || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
    if later {
        return ImageFault::Away(format!("{answer}; lastgood tries again"));
    }
    let next = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => credentials(registry),
        StatusCode::NOT_FOUND => {
            format!("that is no registry's word for a missing image: look whether {registry} is one, and what is in front of it")
        }
        _ if status.is_redirection() => {
            "name the registry that it leads to in the image and in the settings: credentials are not sent elsewhere".to_owned()
        }
        _ => "look at its log; a tag that it holds immutable cannot be moved".to_owned(),
    };
    ImageFault::Refused(format!("{answer}: {next}"))
}

/// What to do about credentials.
pub(super) fn credentials(registry: &str) -> String {
    format!("give [registry.\"{registry}\"] in lastgood's settings a `user` and a `password_file`, or a `token_file`, that may")
}

/// No answer.
pub(super) fn no_answer(registry: &str, error: reqwest::Error) -> ImageFault {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    let because = if error.is_timeout() {
        "it takes too long".to_owned()
    } else {
        cause.to_string()
    };
    ImageFault::Away(format!(
        "the registry {registry} does not answer ({because}); lastgood tries again"
    ))
}
