//! The controller's own settings, from a TOML file and `LASTGOOD__*` variables, each with its origin; and the policy files they name.
//!
//! May touch: `words`, `policy`'s parser and mode, files. The environment comes in as an argument. Deliberately absent: the network,
//! the contents of secret files (whoever uses a secret reads it), the working directory.

mod audit;
mod deploy;
mod error;
mod keys;
mod kubernetes;
mod load;
mod login;
mod model;
pub mod policies;
mod registry;
mod server;
mod show;
mod typed;

#[cfg(test)]
mod tests;

pub use deploy::parse_bytes;
pub use error::{SettingFault, SettingsError};
pub use load::{CONFIG_VARIABLE, DEFAULT_FILE, Loaded, TYPED_STORE, load, load_with_origins};
pub use model::{
    AuditSettings, BasicAuth, ChannelSettings, DeploySettings, KubernetesSettings, Language, LeaseSettings, LimitsSettings,
    PrometheusSettings, RegistrySettings, ServerSettings, Settings, StoreSettings,
};
pub use show::show;
