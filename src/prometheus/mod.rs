//! Queries over HTTP, instant and range; answers become typed samples with their times; NaN, warnings and cuts become named facts here.
//!
//! May touch: `ports`, `question`'s types, HTTP. Deliberately absent: other adapters, counting.

mod envelope;
mod fault;
mod options;
mod request;
mod series;
mod turns;

use std::{fmt, sync::Mutex, time::Duration};

use futures::future::BoxFuture;
use secrecy::SecretString;

pub use options::{BasicAuth, Options, SetupError};

use turns::Turns;

use crate::{
    ports::{MetricFault, MetricSource},
    question::{Answer, Question},
    words::Moment,
};

/// A Prometheus server, or whatever speaks its API.
pub struct Prometheus {
    options: Options,
    client: prometheus_http_query::Client,
    /// The credentials that were sent last, in every form that a server might echo.
    sent: Mutex<Vec<SecretString>>,
    turns: Turns,
}

/// Without a secret, whatever the options hold.
impl fmt::Debug for Prometheus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prometheus")
            .field("url", &self.options.shown_url())
            .finish_non_exhaustive()
    }
}

impl Prometheus {
    /// Makes the HTTP client; nothing is asked yet.
    ///
    /// # Errors
    /// When the URL, a header, a certificate, a key or the proxy cannot be used; the message says which, and what is allowed.
    pub fn new(options: Options) -> Result<Self, SetupError> {
        let client = options.client()?;
        Ok(Self {
            options,
            client,
            sent: Mutex::new(Vec::new()),
            turns: Turns::new(),
        })
    }

    /// How long samples may take to arrive, as the options say (remote storage).
    #[must_use]
    pub const fn lag(&self) -> Duration {
        self.options.lag
    }
}

impl MetricSource for Prometheus {
    fn instant<'a>(&'a self, question: &'a Question, at: Moment) -> BoxFuture<'a, Result<Answer, MetricFault>> {
        Box::pin(async move {
            self.turns.short().await;
            let body = self.ask_instant(&question.promql, at).await?;
            envelope::answer(&body, &question.by, at).map_err(|found| self.found(found))
        })
    }

    fn range<'a>(
        &'a self,
        question: &'a Question,
        from: Moment,
        to: Moment,
        step: Duration,
    ) -> BoxFuture<'a, Result<Vec<Answer>, MetricFault>> {
        Box::pin(async move {
            self.turns.long().await;
            let body = self.ask_range(&question.promql, from, to, step).await?;
            envelope::answers(&body, &question.by, from, to, step).map_err(|found| self.found(found))
        })
    }

    fn spare(&self) -> bool {
        self.turns.spare()
    }
}
