//! The generic webhook: one versioned JSON document, signed as Standard Webhooks where a secret is set.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::future::BoxFuture;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use serde::Serialize;
use sha2::Sha256;

use super::http::{Address, ChannelError, Http};
use crate::{
    explain::{self, Language},
    ports::{AlertFault, AlertSink, Clock},
    record::{Alert, AlertKind, Head},
    words::{ChannelName, Env, Moment, Service},
};

/// A receiver of webhooks.
pub struct Webhook {
    address: Address,
    key: Option<SecretSlice<u8>>,
    language: Language,
    clock: Arc<dyn Clock>,
    http: Http,
}

impl Webhook {
    /// The channel `name` at `url`. With a `secret`, `whsec_` and base64 or any other text, each message is signed; the moment that is signed
    /// is `clock`'s.
    ///
    /// # Errors
    /// When the URL is none, or the secret is empty or not the base64 that its prefix promises.
    pub fn new(
        name: ChannelName,
        url: SecretString,
        secret: Option<&SecretString>,
        language: Language,
        clock: Arc<dyn Clock>,
        http: Http,
    ) -> Result<Self, ChannelError> {
        let key = secret.map(|secret| key(&name, secret)).transpose()?;
        Ok(Self {
            address: Address::new(name, url)?,
            key,
            language,
            clock,
            http,
        })
    }
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook")
            .field("address", &self.address)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl AlertSink for Webhook {
    fn send<'a>(&'a self, alert: &'a Alert) -> BoxFuture<'a, Result<(), AlertFault>> {
        Box::pin(async move {
            let body = Document::of(alert, self.language).to_json().map_err(|error| AlertFault {
                because: format!("the alert cannot be written as JSON ({error}); please report this"),
                retry: false,
            })?;
            let headers = headers(&alert.id, self.clock.now(), self.key.as_ref(), &body);
            self.http
                .post(&self.address, body, &headers)
                .await
                .map_err(|refusal| refusal.fault)
        })
    }
}

/// What is posted.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    api_version: &'static str,
    kind: &'static str,
    /// The same for every attempt: drop what was seen already.
    id: &'a str,
    at: Moment,
    /// `{"kind": "reverted"}`, and what that kind knows.
    alert: &'a AlertKind,
    service: Option<&'a Service>,
    env: Option<&'a Env>,
    /// The whole story in one line.
    sentence: String,
    /// All lines.
    text: String,
    /// The end of its audit chain.
    audit: Option<&'a Head>,
    /// As `explain -o json` has it.
    rollout: Option<serde_json::Value>,
}

impl<'a> Document<'a> {
    fn of(alert: &'a Alert, language: Language) -> Self {
        let text = explain::alert(alert, language).to_plain();
        let sentence = text.lines().next().unwrap_or_default().to_owned();
        Self {
            api_version: "lastgood.dev/v1",
            kind: "Alert",
            id: &alert.id,
            at: alert.at,
            alert: &alert.kind,
            service: alert.target.as_ref().map(|target| &target.service),
            env: alert.target.as_ref().map(|target| &target.env),
            sentence,
            text,
            audit: alert.audit.as_ref(),
            rollout: alert.record.as_deref().map(explain::document),
        }
    }

    fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }
}

fn key(channel: &ChannelName, secret: &SecretString) -> Result<SecretSlice<u8>, ChannelError> {
    let refused = |because: &str| ChannelError::Secret {
        channel: channel.clone(),
        because: because.to_owned(),
    };
    let text = secret.expose_secret().trim();
    let bytes = match text.strip_prefix("whsec_") {
        Some(encoded) => STANDARD
            .decode(encoded)
            .map_err(|_| refused("begins with whsec_ and is not base64 after it"))?,
        None => text.as_bytes().to_vec(),
    };
    if bytes.is_empty() {
        return Err(refused("is empty"));
    }
    Ok(bytes.into())
}

/// The headers of Standard Webhooks. The id may hold no full stop, as that parts what is signed.
fn headers(id: &str, now: Moment, key: Option<&SecretSlice<u8>>, body: &[u8]) -> Vec<(&'static str, String)> {
    let id = id.replace('.', ":");
    let timestamp = now.millis().div_euclid(1000).to_string();
    let signature = key.and_then(|key| signature(key, &id, &timestamp, body));
    let mut headers = vec![("webhook-id", id), ("webhook-timestamp", timestamp)];
    headers.extend(signature.map(|signature| ("webhook-signature", signature)));
    headers
}

/// HMAC-SHA256 over id, timestamp and body, parted by full stops. HMAC takes a key of any length, so there always is one.
fn signature(key: &SecretSlice<u8>, id: &str, timestamp: &str, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose_secret()).ok()?;
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel() -> ChannelName {
        "hook".parse().expect("a name")
    }

    #[test]
    fn the_signature_is_that_of_the_published_standard_webhooks_vector() {
        let key = key(&channel(), &SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).expect("a key");
        assert_eq!(
            signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", br#"{"test": 2432232314}"#).as_deref(),
            Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        );
    }

    #[test]
    fn a_secret_that_is_none_is_refused_without_showing_it() {
        for bad in ["", " \n", "whsec_", "whsec_c2VjcmV0!canary"] {
            let error = key(&channel(), &SecretString::from(bad)).expect_err("no secret").to_string();
            assert!(error.contains("channels.hook") && !error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn the_id_parts_what_is_signed_by_no_full_stop() {
        let headers = headers(
            "prod/my.app/late/2026-11-24T12:00:00.123Z",
            Moment::from_millis(1_999),
            None,
            b"{}",
        );
        assert_eq!(
            headers,
            [
                ("webhook-id", "prod/my:app/late/2026-11-24T12:00:00:123Z".to_owned()),
                ("webhook-timestamp", "1".to_owned())
            ]
        );
    }
}
