//! From texts to [`Settings`]: each value parsed, rules between values checked, every breach a fault with its origin.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use super::{
    audit::audit,
    deploy::deploy,
    error::SettingFault,
    keys::first_part,
    kubernetes::kubernetes,
    load::Given,
    login::login,
    model::{ChannelSettings, Language, LimitsSettings, PrometheusSettings, Settings, StoreSettings},
    registry::registries,
    server::server,
};
use crate::{
    policy::{
        Mode, duration_text,
        nearest::{nearest, shown},
        parse_duration,
    },
    words::{ChannelName, Retention},
};

const DAY: Duration = Duration::from_secs(86_400);

/// The settings that `values` give; `None` where one is wrong, which then is a fault.
pub(super) fn settings(values: &BTreeMap<String, Given>, faults: &mut Vec<SettingFault>) -> Option<Settings> {
    let mut reading = Reading { values, faults };
    let mode = reading.one("mode", mode);
    let language = reading.one("language", language);
    let policies = reading.list("policies", "file or directory", path);
    let prometheus = prometheus(&mut reading);
    let store = reading.one("store.url", store);
    let kubernetes = kubernetes(&mut reading, store.as_ref());
    let registries = registries(&mut reading);
    let server = server(&mut reading, store.as_ref());
    let reverts_per_hour = reading.one("limits.reverts_per_hour", |text| count(text, 1));
    let freeze_at = reading.one("limits.freeze_at", |text| count(text, 2));
    let versions = reading.one("retention.versions", |text| count(text, 10));
    let age = reading.one("retention.age", |text| duration(text, 30 * DAY, 3_650 * DAY));
    let deploy = deploy(&mut reading);
    let audit = audit(&mut reading);
    let channels = channels(&mut reading);
    Some(Settings {
        mode: mode?,
        language: language?,
        policies: policies?,
        prometheus: prometheus?,
        store: store?,
        kubernetes,
        registries,
        server: server?,
        limits: LimitsSettings {
            reverts_per_hour: reverts_per_hour?,
            freeze_at: freeze_at?,
        },
        retention: Retention {
            versions: versions? as usize,
            age: age?,
        },
        deploy: deploy?,
        audit,
        channels,
    })
}

/// Reads values by key and keeps what is wrong with them.
pub(super) struct Reading<'v> {
    values: &'v BTreeMap<String, Given>,
    faults: &'v mut Vec<SettingFault>,
}

impl Reading<'_> {
    pub fn fault(&mut self, key: &str, message: impl Into<String>) {
        self.faults.push(SettingFault {
            origin: self.origin(key),
            key: key.to_owned(),
            message: message.into(),
        });
    }

    /// Where `key` came from; of a key that is missing, where those beside it came from.
    fn origin(&self, key: &str) -> String {
        let mut near = key;
        loop {
            let under = format!("{near}.");
            let mut found = self
                .values
                .iter()
                .filter(|(name, _)| *name == near || name.starts_with(&under));
            if let Some((_, given)) = found.find(|(_, given)| given.origin != "default") {
                return given.origin.clone();
            }
            match near.rsplit_once('.') {
                Some((parent, _)) => near = parent,
                None => return "default".to_owned(),
            }
        }
    }

    pub fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    /// The names that people chose right under the key `table`.
    pub fn names(&self, table: &str) -> BTreeSet<String> {
        let under = self
            .values
            .keys()
            .filter_map(|key| key.strip_prefix(table)?.strip_prefix('.'));
        under.map(|rest| first_part(rest).to_owned()).collect()
    }

    /// A single value; nothing where it is not given or wrong.
    pub fn one<T>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let given = self.values.get(key)?;
        let parsed = match given.texts.as_slice() {
            [text] if !given.is_list => parse(text),
            _ if given.is_list => Err("found a list: write a single value".to_owned()),
            _ => Err("found a table: write a single value".to_owned()),
        };
        parsed.map_err(|message| self.fault(key, message)).ok()
    }

    /// A list of `what`; a single text is a list of one, so that a variable can set it.
    pub fn list<T>(&mut self, key: &str, what: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<Vec<T>> {
        let given = self.values.get(key)?;
        if given.texts.is_empty() {
            self.fault(key, format!("found an empty list: name at least one {what}"));
            return None;
        }
        let items: Result<Vec<T>, String> = given.texts.iter().map(|text| parse(text)).collect();
        items.map_err(|message| self.fault(key, message)).ok()
    }
}

fn mode(text: &str) -> Result<Mode, String> {
    word(
        text,
        &[
            ("observe", Mode::Observe),
            ("propose", Mode::Propose),
            ("enforce", Mode::Enforce),
        ],
    )
}

fn language(text: &str) -> Result<Language, String> {
    word(text, &[("en", Language::En), ("zh", Language::Zh)])
}

fn word<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, String> {
    let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
    match words.iter().find(|(name, _)| *name == text) {
        Some((_, value)) => Ok(*value),
        None => {
            let hint = nearest(text, &names).map_or_else(String::new, |near| format!("did you mean `{near}`? "));
            let allowed = crate::policy::nearest::listed(&names);
            Err(format!("found `{}`: {hint}allowed: {allowed}", shown(text)))
        }
    }
}

/// lastgood never depends on the directory it is started in.
pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.is_absolute() && !text.contains('\0') {
        Ok(path)
    } else {
        Err(format!("`{}` is not absolute: write the whole path from `/` on", shown(text)))
    }
}

pub(super) fn truth(text: &str) -> Result<bool, String> {
    text.parse()
        .map_err(|_| format!("found `{}`: write true or false", shown(text)))
}

fn store(text: &str) -> Result<StoreSettings, String> {
    if text == "kubernetes:" {
        return Ok(StoreSettings::Kubernetes);
    }
    let message = || {
        format!(
            "found `{}`: write `sqlite:` and an absolute path, `sqlite:/var/lib/lastgood/history.db`, or `kubernetes:`",
            shown(text)
        )
    };
    let file = text.strip_prefix("sqlite:").ok_or_else(message)?;
    // `sqlite:///a` and `sqlite:/a` are the same file.
    let file = file.strip_prefix("//").unwrap_or(file);
    let path = path(file).map_err(|_| message())?;
    if path.file_name().is_none() || file.ends_with('/') || file.contains('?') {
        return Err(message());
    }
    Ok(StoreSettings::Sqlite(path))
}

fn count(text: &str, least: u32) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(count) if count >= least => Ok(count),
        _ => Err(format!("found `{}`: write a whole number, {least} or more", shown(text))),
    }
}

fn duration(text: &str, least: Duration, most: Duration) -> Result<Duration, String> {
    let duration = parse_duration(text)?;
    if (least..=most).contains(&duration) {
        Ok(duration)
    } else {
        let (least, most) = (duration_text(least), duration_text(most));
        Err(format!(
            "found `{}`: write a time from `{least}` to `{most}`",
            duration_text(duration)
        ))
    }
}

/// An http or https URL without credentials, which belong in files.
pub(super) fn url(text: &str) -> Result<String, String> {
    let wrong = |why: &str| {
        format!(
            "found `{}`, {why}: write it as `http://127.0.0.1:9090`",
            shown(&without_secrets(text))
        )
    };
    let url = reqwest::Url::parse(text).map_err(|_| wrong("which is no URL"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong("which is no http or https URL"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the URL holds a user or a password: remove them; secrets are read from files that settings name".to_owned());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// A URL as it may be shown: without user, password and query.
pub(super) fn without_secrets(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let authority_end = rest.find('/').unwrap_or(rest.len());
    let host = rest[..authority_end].rsplit('@').next().unwrap_or_default();
    let separator = if scheme.is_empty() { "" } else { "://" };
    format!("{scheme}{separator}{host}{}", &rest[authority_end..])
}

fn prometheus(reading: &mut Reading<'_>) -> Option<PrometheusSettings> {
    let timeout = |text: &str| duration(text, Duration::from_secs(1), Duration::from_secs(300));
    let lag = |text: &str| duration(text, Duration::ZERO, Duration::from_secs(900));
    let url_read = reading.one("prometheus.url", url);
    let timeout = reading.one("prometheus.timeout", timeout);
    let lag = reading.one("prometheus.lag", lag);
    let settings = PrometheusSettings {
        url: url_read.unwrap_or_default(),
        timeout: timeout.unwrap_or_default(),
        headers: headers(reading),
        bearer_token_file: reading.one("prometheus.bearer_token_file", path),
        basic_auth: login(reading, "prometheus.basic_auth"),
        ca_file: reading.one("prometheus.ca_file", path),
        cert_file: reading.one("prometheus.cert_file", path),
        key_file: reading.one("prometheus.key_file", path),
        proxy: reading.one("prometheus.proxy", url),
        lag: lag.unwrap_or_default(),
    };
    if reading.has("prometheus.cert_file") != reading.has("prometheus.key_file") {
        let (key, other) = if reading.has("prometheus.cert_file") {
            ("cert_file", "key_file")
        } else {
            ("key_file", "cert_file")
        };
        reading.fault(
            &format!("prometheus.{key}"),
            format!("`{other}` is missing: the two go together"),
        );
    }
    if settings.bearer_token_file.is_some() && settings.basic_auth.is_some() {
        reading.fault(
            "prometheus.bearer_token_file",
            "a bearer token and basic_auth at once: keep one of the two",
        );
    }
    // A wrong value is a fault already, and no settings come of it.
    reading.faults.is_empty().then_some(settings)
}

fn headers(reading: &mut Reading<'_>) -> BTreeMap<String, secrecy::SecretString> {
    const PREFIX: &str = "prometheus.headers.";
    let keys: Vec<String> = reading.values.keys().filter(|key| key.starts_with(PREFIX)).cloned().collect();
    let mut headers = BTreeMap::new();
    for key in keys {
        let name = key[PREFIX.len()..].to_owned();
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        if name.is_empty() || !name.chars().all(token) {
            reading.fault(&key, "this is no header name: letters, digits and `-`, as in `X-Scope-OrgID`");
        }
        let value = |text: &str| {
            let good = text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && !text.is_empty();
            let value = good.then(|| secrecy::SecretString::from(text));
            // The value may be a secret, so it is not shown.
            value.ok_or_else(|| "the value cannot be sent: write printable ASCII on one line".to_owned())
        };
        if let Some(value) = reading.one(&key, value) {
            headers.insert(name, value);
        }
    }
    headers
}

fn channels(reading: &mut Reading<'_>) -> BTreeMap<ChannelName, ChannelSettings> {
    let mut channels = BTreeMap::new();
    for name in reading.names("channels") {
        let channel = channel(reading, &name);
        let parsed = ChannelName::from_str(&name).map_err(|error| error.to_string());
        match (parsed, channel) {
            (Ok(name), Some(channel)) => {
                channels.insert(name, channel);
            }
            (Err(message), _) => reading.fault(&format!("channels.{name}"), message),
            (Ok(_), None) => {}
        }
    }
    channels
}

/// The one kind that a channel has.
fn channel(reading: &mut Reading<'_>, name: &str) -> Option<ChannelSettings> {
    let under = |kind: &str| format!("channels.{name}.{kind}");
    let kinds: Vec<&str> = ["slack", "webhook", "log"]
        .into_iter()
        .filter(|kind| {
            let whole = under(kind);
            reading
                .values
                .keys()
                .any(|key| *key == whole || key.strip_prefix(&whole).is_some_and(|rest| rest.starts_with('.')))
        })
        .collect();
    let [kind] = kinds.as_slice() else {
        if kinds.len() > 1 {
            let message = format!("{} at once: a channel is exactly one of them", kinds.join(" and "));
            reading.fault(&format!("channels.{name}"), message);
        }
        return None;
    };
    match *kind {
        "slack" => {
            let key = under("slack.webhook_file");
            missing(reading, &key, "name the file that holds the webhook's URL");
            reading
                .one(&key, path)
                .map(|webhook_file| ChannelSettings::Slack { webhook_file })
        }
        "webhook" => {
            let key = under("webhook.url");
            missing(reading, &key, "write where it is posted to: `http://127.0.0.1:8000/alerts`");
            let secret_file = reading.one(&under("webhook.secret_file"), path);
            reading
                .one(&key, url)
                .map(|url| ChannelSettings::Webhook { url, secret_file })
        }
        _ => Some(ChannelSettings::Log),
    }
}

fn missing(reading: &mut Reading<'_>, key: &str, help: &str) {
    if !reading.has(key) {
        reading.fault(key, format!("missing: {help}"));
    }
}
