//! The registries of images that may be asked: `[registry."registry.example:5000"]`. They can only be set in the file.

use std::collections::BTreeMap;

use super::{
    login::login,
    model::RegistrySettings,
    typed::{Reading, path, truth, url},
};

const TABLE: &str = "registry";

/// The registries of the settings, by host and port.
pub(super) fn registries(reading: &mut Reading<'_>) -> BTreeMap<String, RegistrySettings> {
    let mut registries = BTreeMap::new();
    for quoted in reading.names(TABLE) {
        let table = format!("{TABLE}.{quoted}");
        let name = quoted.trim_matches('"').to_owned();
        if !is_host(&name) {
            reading.fault(&table, "this is no registry: write it as images name it, host or host:port, as in `[registry.\"registry.example:5000\"]`");
        }
        let settings = RegistrySettings {
            plain_http: reading.one(&format!("{table}.plain_http"), truth).unwrap_or_default(),
            basic_auth: login(reading, &table),
            token_file: reading.one(&format!("{table}.token_file"), path),
            ca_file: reading.one(&format!("{table}.ca_file"), path),
            proxy: reading.one(&format!("{table}.proxy"), url),
        };
        if settings.token_file.is_some() && settings.basic_auth.is_some() {
            reading.fault(
                &format!("{table}.token_file"),
                "a token and a user at once: keep one of the two",
            );
        }
        if settings.plain_http && settings.ca_file.is_some() {
            reading.fault(
                &format!("{table}.ca_file"),
                "of no use with `plain_http`: remove one of the two",
            );
        }
        registries.insert(name, settings);
    }
    registries
}

/// A host with or without a port, in the letters that image names have.
fn is_host(text: &str) -> bool {
    let (host, port) = text.split_once(':').unwrap_or((text, "5000"));
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    host.starts_with(|c: char| c.is_ascii_alphanumeric())
        && host.chars().all(good)
        && port.parse::<u16>().is_ok_and(|port| port > 0)
}
