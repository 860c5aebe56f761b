//! One question over HTTP: credentials read afresh, one deadline over all of it, a limit on what is read.

use std::{path::Path, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::{
    Response,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};

use super::{Prometheus, envelope, fault};
use crate::{ports::MetricFault, words::Moment};

/// No answer is larger (failures.md, P16).
const BODY_LIMIT: usize = 8 << 20;

impl Prometheus {
    pub(super) async fn ask_instant(&self, promql: &str, at: Moment) -> Result<Vec<u8>, MetricFault> {
        let query = self
            .client
            .query(promql)
            .query("time", in_seconds(at))
            .timeout(self.server_timeout());
        self.within(async {
            let query = match self.credentials().await? {
                Some(value) => query.header(AUTHORIZATION, value),
                None => query,
            };
            let response = query.post_raw().await;
            self.body(response.map_err(|error| self.unreachable(&error))?).await
        })
        .await
    }

    pub(super) async fn ask_range(&self, promql: &str, from: Moment, to: Moment, step: Duration) -> Result<Vec<u8>, MetricFault> {
        let (start, end) = whole_seconds(from, to, step);
        let query = self
            .client
            .query_range(promql, start, end, step.as_secs_f64())
            .timeout(self.server_timeout());
        self.within(async {
            let query = match self.credentials().await? {
                Some(value) => query.header(AUTHORIZATION, value),
                None => query,
            };
            let response = query.post_raw().await;
            self.body(response.map_err(|error| self.unreachable(&error))?).await
        })
        .await
    }

    async fn within<T>(&self, asking: impl Future<Output = Result<T, MetricFault>>) -> Result<T, MetricFault> {
        match tokio::time::timeout(self.options.timeout, asking).await {
            Ok(result) => result,
            Err(_) => Err(self.late()),
        }
    }

    fn server_timeout(&self) -> i64 {
        i64::try_from(self.options.timeout.as_millis()).unwrap_or(i64::MAX)
    }

    async fn credentials(&self) -> Result<Option<HeaderValue>, MetricFault> {
        let value = match (&self.options.bearer_token_file, &self.options.basic_auth) {
            (Some(path), _) => {
                let token = self.secret(path, "the bearer token").await?;
                let value = format!("Bearer {}", token.expose_secret());
                self.remember(vec![token]);
                value
            }
            (None, Some(basic)) => {
                let password = self.secret(&basic.password_file, "the password").await?;
                let pair = BASE64_STANDARD.encode(format!("{}:{}", basic.user, password.expose_secret()));
                let value = format!("Basic {pair}");
                self.remember(vec![password, pair.into()]);
                value
            }
            (None, None) => return Ok(None),
        };
        let mut value = HeaderValue::try_from(value)
            .map_err(|_| self.failed("was not asked: the token or password file holds more than one line of text"))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    async fn secret(&self, path: &Path, what: &str) -> Result<SecretString, MetricFault> {
        match tokio::fs::read_to_string(path).await {
            Ok(text) => Ok(text.trim().into()),
            Err(error) => {
                let path = path.display();
                Err(self.failed(&format!("was not asked: {what} cannot be read from {path}: {error}")))
            }
        }
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, MetricFault> {
        let status = response.status();
        let location = response.headers().contains_key("location");
        let kind = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or("no content type")
            .to_owned();
        let mut body = Vec::new();
        loop {
            let chunk = response
                .chunk()
                .await
                .map_err(|error| self.failed(&fault::cut(&error.without_url(), body.len())))?;
            let Some(chunk) = chunk else { break };
            if body.len() + chunk.len() > BODY_LIMIT {
                return Err(self.failed("sent more than 8 MiB; the query matches too many series, make its labels stricter"));
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_redirection() && location {
            return Err(self.failed(&format!(
                "redirects ({status}), and redirects are not followed; write the final address into [prometheus] url"
            )));
        }
        if !status.is_success() {
            let told = envelope::told(&body);
            return Err(self.failed(&fault::status(status, told.as_deref(), &self.options)));
        }
        if !body.trim_ascii_start().starts_with(b"{") {
            return Err(self.failed(&format!(
                "answered with {kind}, not JSON; see that [prometheus] url leads to Prometheus, and not to a login page or a proxy before it"
            )));
        }
        Ok(body)
    }
}

/// Unix seconds with milliseconds, as the API takes them.
fn in_seconds(at: Moment) -> String {
    let millis = at.millis();
    format!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000))
}

/// The client's ranges begin and end in whole seconds: the last aligned one not after `from`, and the first not before `to`.
fn whole_seconds(from: Moment, to: Moment, step: Duration) -> (i64, i64) {
    let mut start = from;
    // The thousandth multiple of any whole number of milliseconds is whole seconds.
    for _ in 0..1000 {
        if start.millis() % 1000 == 0 {
            break;
        }
        start = start.minus(step);
    }
    (start.millis().div_euclid(1000), (to.millis() + 999).div_euclid(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_begins_at_a_whole_second_that_is_aligned() {
        let half = Duration::from_millis(1500);
        let (start, end) = whole_seconds(Moment::from_millis(4_500), Moment::from_millis(7_500), half);
        assert_eq!((start, end), (3, 8));
        assert_eq!(in_seconds(Moment::from_millis(4_007)), "4.007");
    }
}
