//! One HTTP client for all channels: no redirects, no proxy from the environment, deadlines; and what an answer means.

use std::time::Duration;

use reqwest::{Client, StatusCode, Url, redirect};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    ports::AlertFault,
    words::{ChannelName, USER_AGENT},
};

/// How long one attempt may take, answer included.
const DEADLINE: Duration = Duration::from_secs(10);
/// Of an answer no more than this is read.
const ANSWER_LIMIT: usize = 64 * 1024;

/// Why a channel cannot be made from its settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelError {
    /// The address is none. It is not shown, as it may hold a secret.
    #[error("the address of channel {channel} is no http or https URL ({because}); look at channels.{channel} in the settings")]
    Address {
        /// Which channel.
        channel: ChannelName,
        /// What is wrong with it.
        because: String,
    },
    /// The secret is none.
    #[error(
        "the secret of channel {channel} {because}; write `whsec_` and base64, or any text, into the file of channels.{channel}"
    )]
    Secret {
        /// Which channel.
        channel: ChannelName,
        /// What is wrong with it.
        because: String,
    },
    /// There is no client.
    #[error("no HTTP client for the channels ({0}); look whether the CA certificates of this machine are installed")]
    Client(String),
}

/// The client that all channels share; cheap to clone.
#[derive(Debug, Clone)]
pub struct Http(Client);

impl Http {
    /// A client that follows no redirect, takes no proxy from the environment and gives up after ten seconds.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new() -> Result<Self, ChannelError> {
        Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .retry(reqwest::retry::never())
            .timeout(DEADLINE)
            .connect_timeout(DEADLINE / 2)
            .user_agent(USER_AGENT)
            .build()
            .map(Self)
            .map_err(|error| ChannelError::Client(chain(&error.without_url())))
    }

    /// Posts JSON to a channel. Returns nothing when it was taken; else the fault, and of the answer what may be looked at for a reason.
    pub(super) async fn post(&self, address: &Address, body: Vec<u8>, headers: &[(&'static str, String)]) -> Result<(), Refusal> {
        let mut request = self
            .0
            .post(address.url()?)
            .header("content-type", "application/json")
            .body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let response = request.send().await.map_err(|error| Refusal {
            fault: AlertFault {
                because: format!(
                    "channel {} cannot be reached ({})",
                    address.channel,
                    chain(&error.without_url())
                ),
                retry: true,
            },
            answer: String::new(),
        })?;
        match fault(&address.channel, response.status()) {
            None => Ok(()),
            Some(fault) => Err(Refusal {
                fault,
                answer: beginning(response).await,
            }),
        }
    }
}

/// A channel that did not take what was posted.
#[derive(Debug)]
pub(super) struct Refusal {
    /// What it means.
    pub fault: AlertFault,
    /// The beginning of what it answered; may hold anything.
    pub answer: String,
}

/// Where a channel is: a secret, as whoever knows a webhook's address may post there.
#[derive(Debug, Clone)]
pub(super) struct Address {
    /// Whose it is.
    pub channel: ChannelName,
    secret: SecretString,
}

impl Address {
    pub(super) fn new(channel: ChannelName, url: SecretString) -> Result<Self, ChannelError> {
        let refused = |because: String| ChannelError::Address {
            channel: channel.clone(),
            because,
        };
        let parsed = Url::parse(url.expose_secret().trim()).map_err(|error| refused(error.to_string()))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(refused("another scheme".to_owned()));
        }
        Ok(Self {
            channel,
            secret: SecretString::from(String::from(parsed)),
        })
    }

    /// Whether the address holds `text`.
    pub(super) fn contains(&self, text: &str) -> bool {
        self.secret.expose_secret().contains(text)
    }

    fn url(&self) -> Result<Url, Refusal> {
        Url::parse(self.secret.expose_secret()).map_err(|error| Refusal {
            fault: AlertFault {
                because: format!("the address of channel {} does not parse ({error})", self.channel),
                retry: false,
            },
            answer: String::new(),
        })
    }
}

/// What a status means; none: taken.
fn fault(channel: &ChannelName, status: StatusCode) -> Option<AlertFault> {
    if status.is_success() {
        return None;
    }
    let retry = status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
    let next = if status.is_redirection() {
        "; redirects are not followed: name the final address in the settings"
    } else if retry {
        ""
    } else {
        "; look whether its address in the settings is still right"
    };
    Some(AlertFault {
        because: format!("channel {channel} answered {status}{next}"),
        retry,
    })
}

async fn beginning(mut response: reqwest::Response) -> String {
    let mut read = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = ANSWER_LIMIT - read.len();
        read.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if read.len() == ANSWER_LIMIT {
            break;
        }
    }
    String::from_utf8_lossy(&read).into_owned()
}

/// An error with its causes: reqwest's own text says "error sending request" and no more.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
