//! What went wrong, as sentences for people: where, what came, what to look at. Never a secret.

use std::{error::Error, sync::PoisonError};

use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};

use super::{Options, Prometheus, envelope::Found};
use crate::{ports::MetricFault, words::GapReason};

impl Prometheus {
    /// "Prometheus at URL " and what happened.
    pub(super) fn failed(&self, what: &str) -> MetricFault {
        self.found(Found {
            reason: GapReason::QueryFailed,
            what: what.to_owned(),
        })
    }

    pub(super) fn found(&self, found: Found) -> MetricFault {
        let sentence = format!("Prometheus at {} {}", self.options.shown_url(), found.what);
        MetricFault {
            reason: found.reason,
            because: self.redacted(&sentence),
        }
    }

    /// The deadline passed.
    pub(super) fn late(&self) -> MetricFault {
        self.failed(&format!(
            "did not answer within {} s; it is overloaded or the network is slow ([prometheus] timeout)",
            self.options.timeout.as_secs_f64()
        ))
    }

    /// No connection was made, or it broke before an answer came.
    pub(super) fn unreachable(&self, error: &prometheus_http_query::Error) -> MetricFault {
        let mut innermost: &dyn Error = error;
        let mut timed_out = false;
        while let Some(source) = innermost.source() {
            innermost = source;
            timed_out |= innermost
                .downcast_ref::<reqwest::Error>()
                .is_some_and(reqwest::Error::is_timeout);
        }
        // A reqwest error prints its URL; what lies below it does not.
        let cause = match innermost.downcast_ref::<reqwest::Error>() {
            Some(_) => "the request failed".to_owned(),
            None => innermost.to_string(),
        };
        let lower = cause.to_lowercase();
        let look = if timed_out {
            return self.late();
        } else if lower.contains("refused") {
            "see that it runs there, and that [prometheus] url is right"
        } else if lower.contains("lookup") || lower.contains("dns") || lower.contains("resolve") {
            "check the name in [prometheus] url"
        } else if lower.contains("certificate") || lower.contains("tls") {
            "check [prometheus] ca_file, and cert_file and key_file where it wants them"
        } else if self.options.wants_a_certificate() {
            "if it asks for a certificate of ours, set [prometheus] cert_file and key_file; else check url and the network"
        } else {
            "check [prometheus] url and the network"
        };
        self.failed(&format!("cannot be reached: {cause}; {look}"))
    }

    /// Whatever a server may echo of what it was sent, it does not come out here.
    fn redacted(&self, sentence: &str) -> String {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let url = reqwest::Url::parse(self.options.url.expose_secret()).ok();
        let of_url = url.as_ref().and_then(|url| url.password());
        let secrets = self.options.headers.values().chain(sent.iter());
        secrets
            .map(ExposeSecret::expose_secret)
            .chain(of_url)
            .filter(|secret| secret.len() >= 4)
            .fold(sentence.to_owned(), |text, secret| text.replace(secret, "[redacted]"))
    }

    /// Keeps what is sent, to be redacted.
    pub(super) fn remember(&self, sent: Vec<SecretString>) {
        *self.sent.lock().unwrap_or_else(PoisonError::into_inner) = sent;
    }
}

/// An answer that was cut while it came.
pub(super) fn cut(error: &reqwest::Error, so_far: usize) -> String {
    if error.is_timeout() {
        return "answered too slowly; it is overloaded or the network is slow ([prometheus] timeout)".to_owned();
    }
    format!("broke off its answer after {so_far} bytes; its own log, or that of a proxy before it, says why")
}

/// An answer that says no.
pub(super) fn status(status: StatusCode, told: Option<&str>, options: &Options) -> String {
    let look = match status.as_u16() {
        401 | 403 if options.bearer_token_file.is_some() => "check the token in [prometheus] bearer_token_file".to_owned(),
        401 | 403 if options.basic_auth.is_some() => "check user and password_file in [prometheus] basic_auth".to_owned(),
        401 | 403 => "it wants credentials: set [prometheus] bearer_token_file or basic_auth".to_owned(),
        404 => "check the path in [prometheus] url".to_owned(),
        400 | 422 => "check the query in the policy".to_owned(),
        _ => "its own log, or that of a proxy before it, says why".to_owned(),
    };
    match told {
        Some(told) => format!("answered {status}: {told}; {look}"),
        None => format!("answered {status}; {look}"),
    }
}
