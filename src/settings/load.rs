//! Which file, which variables, and what wins: defaults < file < `LASTGOOD__*`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use config::{Config, Environment, File, FileFormat, Source, Value, ValueKind};

use super::{
    Settings,
    error::{SettingFault, SettingsError},
    keys::{KEYS, advice, is_known, part, variable},
    typed,
};

/// The variable that names the settings file where `--config` does not.
pub const CONFIG_VARIABLE: &str = "LASTGOOD_CONFIG";

/// The settings file where nobody names one; it may be missing.
pub const DEFAULT_FILE: &str = "/etc/lastgood/lastgood.toml";

const PREFIX: &str = "LASTGOOD__";

/// The variable that says where histories are.
pub const TYPED_STORE: &str = "LASTGOOD__STORE__URL";

/// Settings with the values they were read from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// The file that was read, if any.
    pub file: Option<PathBuf>,
    pub(super) values: BTreeMap<String, Given>,
}

impl Loaded {
    /// Whether anybody gave `key` a value: the file or a variable.
    #[must_use]
    pub fn is_given(&self, key: &str) -> bool {
        self.values.get(key).is_some_and(|given| given.origin != "default")
    }
}

/// One value as it was given.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub texts: Vec<String>,
    pub is_list: bool,
    pub origin: String,
}

/// The settings from `config` (what `--config` names), else the file that `env` names, else [`DEFAULT_FILE`]; `env` wins over the file.
///
/// # Errors
/// When a named file is missing or no TOML, and with every unknown key, unknown `LASTGOOD__*` variable and wrong value there is.
pub fn load(config: Option<&Path>, env: &BTreeMap<String, String>) -> Result<Settings, SettingsError> {
    load_with_origins(config, env).map(|loaded| loaded.settings)
}

/// As [`load`], with the origin of every value, for `config show`.
///
/// # Errors
/// Those of [`load`].
pub fn load_with_origins(config: Option<&Path>, env: &BTreeMap<String, String>) -> Result<Loaded, SettingsError> {
    let file = chosen(config, env)?;
    let merged = merged(file.as_deref(), env).map_err(|error| SettingsError::Unreadable {
        path: file.clone().unwrap_or_default(),
        message: error.to_string(),
    })?;
    let origins = Origins {
        file: file.as_ref().map_or_else(String::new, |path| path.display().to_string()),
        env,
    };
    let mut values = BTreeMap::new();
    for (key, value) in merged {
        flatten(key, value, &origins, &mut values);
    }
    let mut faults: Vec<SettingFault> = unknown(&values);
    let settings = typed::settings(&values, &mut faults);
    match settings {
        Some(settings) if faults.is_empty() => Ok(Loaded { settings, file, values }),
        _ => Err(SettingsError::Wrong(faults)),
    }
}

fn chosen(config: Option<&Path>, env: &BTreeMap<String, String>) -> Result<Option<PathBuf>, SettingsError> {
    let named = match (config, env.get(CONFIG_VARIABLE)) {
        (Some(path), _) => Some((path.to_owned(), "--config")),
        (None, Some(path)) => Some((PathBuf::from(path), CONFIG_VARIABLE)),
        (None, None) => None,
    };
    match named {
        Some((path, _)) if path.is_file() => Ok(Some(path)),
        Some((path, asked_by)) => Err(SettingsError::Missing { path, asked_by }),
        None => Ok(Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.is_file())),
    }
}

fn merged(file: Option<&Path>, env: &BTreeMap<String, String>) -> Result<BTreeMap<String, Value>, config::ConfigError> {
    let mut builder = Config::builder();
    for key in &KEYS {
        if let Some(default) = key.default {
            builder = builder.set_default(key.path, default)?;
        }
    }
    if let Some(file) = file {
        builder = builder.add_source(File::from(file).format(FileFormat::Toml));
    }
    let ours = env.iter().filter(|(name, _)| name.starts_with(PREFIX));
    let ours = ours.map(|(name, value)| (name.clone(), value.clone())).collect();
    let variables = Environment::with_prefix("LASTGOOD").separator("__").source(Some(ours));
    Ok(builder.add_source(variables).build()?.collect()?.into_iter().collect())
}

/// The leaves of the tree by their whole key. An empty table is a leaf too: `log = {}`.
fn flatten(key: String, value: Value, origins: &Origins<'_>, into: &mut BTreeMap<String, Given>) {
    let origin = origins.of(&key, value.origin());
    let (texts, is_list) = match value.kind {
        ValueKind::Table(table) if !table.is_empty() => {
            for (name, value) in table {
                flatten(format!("{key}.{}", part(&name)), value, origins, into);
            }
            return;
        }
        ValueKind::Table(_) | ValueKind::Nil => (Vec::new(), false),
        ValueKind::Array(items) => (items.iter().map(text).collect(), true),
        _ => (vec![text(&value)], false),
    };
    into.insert(key, Given { texts, is_list, origin });
}

fn text(value: &Value) -> String {
    value.clone().into_string().unwrap_or_else(|_| value.to_string())
}

/// Tells where a value came from, by what `config` remembers of it.
struct Origins<'e> {
    file: String,
    env: &'e BTreeMap<String, String>,
}

impl Origins<'_> {
    fn of(&self, key: &str, found: Option<&str>) -> String {
        let wanted = variable(key);
        match (found, self.env.keys().find(|name| name.to_uppercase() == wanted)) {
            (None, _) => "default".to_owned(),
            // The environment wins, so where the variable is set it is the origin.
            (Some(_), Some(name)) => name.clone(),
            (Some(_), None) => self.file.clone(),
        }
    }
}

fn unknown(values: &BTreeMap<String, Given>) -> Vec<SettingFault> {
    let stray = values.iter().filter(|(key, _)| !is_known(key));
    stray
        .map(|(key, given)| SettingFault {
            origin: given.origin.clone(),
            key: crate::policy::nearest::shown(key),
            message: advice(key),
        })
        .collect()
}
