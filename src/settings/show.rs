//! What `lastgood config show` prints: each value and where it came from, secrets never.

use super::{keys::KEYS, load::Loaded, typed::without_secrets};

/// Every value in force as (key, value, origin), in the order of the documentation. The origin is `default`, the file, or the
/// variable's name. Header values are redacted, URLs are shown without user, password and query, a webhook's without its path too:
/// whoever knows it may post there.
#[must_use]
pub fn show(loaded: &Loaded) -> Vec<(String, String, String)> {
    let order = |key: &str| {
        let top = key.split('.').next().unwrap_or_default();
        KEYS.iter()
            .position(|known| known.path == key)
            .or_else(|| KEYS.iter().position(|known| known.path.split('.').next() == Some(top)))
    };
    let mut rows: Vec<_> = loaded
        .values
        .iter()
        .map(|(key, given)| {
            let value = value(key, &given.texts, given.is_list);
            (order(key), (key.clone(), value, given.origin.clone()))
        })
        .collect();
    rows.sort_by_key(|(order, _)| *order);
    rows.into_iter().map(|(_, row)| row).collect()
}

fn value(key: &str, texts: &[String], is_list: bool) -> String {
    if key.starts_with("prometheus.headers.") {
        return "<redacted>".to_owned();
    }
    let shown: Vec<String> = texts
        .iter()
        .map(|text| {
            if key.ends_with(".webhook.url") {
                without_path(&without_secrets(text))
            } else if text.contains("://") {
                without_secrets(text)
            } else {
                text.clone()
            }
        })
        .collect();
    match shown.as_slice() {
        [] => "{}".to_owned(),
        [one] if !is_list => one.clone(),
        many => format!("[{}]", many.join(", ")),
    }
}

/// The URL up to its host.
fn without_path(url: &str) -> String {
    let path = url
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('/'))
        .map(|(_, path)| path);
    match path.filter(|path| !path.is_empty()) {
        Some(path) => format!("{}<redacted>", &url[..url.len() - path.len()]),
        None => url.to_owned(),
    }
}
