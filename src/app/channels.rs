//! The channels that the settings name, made ready to send.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use anyhow::Context as _;
use secrecy::SecretString;

use super::courier::Sinks;
use crate::{
    alert::{Http, Log, Slack, Webhook},
    ports::{AlertSink, Clock},
    settings::{ChannelSettings, Settings},
    words::ChannelName,
};

/// Every channel of the settings.
///
/// # Errors
/// When a secret cannot be read, or is none.
pub fn sinks(settings: &Settings, clock: &Arc<dyn Clock>) -> anyhow::Result<Arc<Sinks>> {
    let http = Http::new()?;
    let mut sinks: BTreeMap<ChannelName, Arc<dyn AlertSink>> = BTreeMap::new();
    for (name, channel) in &settings.channels {
        let sink = sink(name, channel, settings, &http, clock).with_context(|| format!("[channels.{name}]"))?;
        sinks.insert(name.clone(), sink);
    }
    Ok(Arc::new(Sinks::new(sinks)))
}

fn sink(
    name: &ChannelName,
    channel: &ChannelSettings,
    settings: &Settings,
    http: &Http,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Arc<dyn AlertSink>> {
    let language = settings.language;
    Ok(match channel {
        ChannelSettings::Slack { webhook_file } => {
            Arc::new(Slack::new(name.clone(), secret(webhook_file)?, language, http.clone())?)
        }
        ChannelSettings::Webhook { url, secret_file } => {
            let secret = secret_file.as_deref().map(secret).transpose()?;
            let url = SecretString::from(url.clone());
            Arc::new(Webhook::new(
                name.clone(),
                url,
                secret.as_ref(),
                language,
                clock.clone(),
                http.clone(),
            )?)
        }
        ChannelSettings::Log => Arc::new(Log::new(language)),
    })
}

fn secret(file: &Path) -> anyhow::Result<SecretString> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read the secret in {}", file.display()))?;
    Ok(SecretString::from(text.trim().to_owned()))
}
