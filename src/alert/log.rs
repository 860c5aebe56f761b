//! The log as a channel: one event an alert, so that nothing is lost where no other channel is set.

use futures::future::BoxFuture;

use crate::{
    explain::{self, Language},
    ports::{AlertFault, AlertSink},
    record::Alert,
};

/// The log.
#[derive(Debug, Default)]
pub struct Log {
    language: Language,
}

impl Log {
    /// The log, in `language`.
    #[must_use]
    pub const fn new(language: Language) -> Self {
        Self { language }
    }
}

impl AlertSink for Log {
    fn send<'a>(&'a self, alert: &'a Alert) -> BoxFuture<'a, Result<(), AlertFault>> {
        let text = explain::alert(alert, self.language).to_plain();
        let (headline, details) = text.split_once('\n').unwrap_or((&text, ""));
        tracing::warn!(
            alert = alert.id,
            kind = alert.kind.name(),
            details = details.replace('\n', " | "),
            "{headline}"
        );
        Box::pin(std::future::ready(Ok(())))
    }
}
