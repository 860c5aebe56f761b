//! Where in a cluster: kubectl's own flags with kubectl's meaning, and whether this program was called as a plugin of kubectl.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use clap::{Command, builder::NonEmptyStringValueParser};

use super::{Common, output::WrongUse};
use crate::{
    policy::{Policy, Target},
    settings::{self, Loaded, Settings, StoreSettings, TYPED_STORE},
};

/// The name under which kubectl finds a plugin.
const PLUGIN: &str = "kubectl-lastgood";

/// Where in a cluster a command looks.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "In a cluster")]
pub struct InCluster {
    /// This namespace, else the context's.
    #[arg(short, long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    namespace: Option<String>,
    /// All namespaces.
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,
    /// A context of the kubeconfig.
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    context: Option<String>,
    /// A kubeconfig, else kubectl's.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

/// In which namespaces a person looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// In one.
    One(Option<String>),
    /// In all.
    All,
    /// In those that the settings and the policies name.
    Settings,
}

impl InCluster {
    fn is_given(&self) -> bool {
        self.namespace.is_some() || self.all_namespaces || self.context.is_some() || self.kubeconfig.is_some()
    }

    /// The namespace that is named.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// The settings, by the command line and the environment. Whoever says where in a cluster, and whoever calls kubectl's plugin, means
    /// histories in a cluster, unless the settings themselves say where histories are.
    ///
    /// # Errors
    /// When they are invalid, or keep histories elsewhere than in a cluster that the command names.
    pub fn settings(&self, common: &Common) -> anyhow::Result<Settings> {
        let mut environment = environment();
        let config = common.config.as_deref();
        let mut loaded = loaded(common)?;
        if (self.is_given() || is_plugin()) && !loaded.is_given("store.url") {
            environment.insert(TYPED_STORE.to_owned(), "kubernetes:".to_owned());
            loaded = settings::load_with_origins(config, &environment)?;
        }
        let policies_given = loaded.is_given("policies");
        let mut settings = loaded.settings;
        if let StoreSettings::Sqlite(path) = &settings.store
            && self.is_given()
        {
            return Err(WrongUse(format!(
                "-n, -A, --context and --kubeconfig are for histories in a cluster, and the settings keep them in {}: leave the flag out, or \
                 set {TYPED_STORE}=kubernetes:",
                path.display()
            ))
            .into());
        }
        // Nobody has to have the directory that is looked into by default: histories say by which policy they are guarded.
        if settings.store == StoreSettings::Kubernetes && !policies_given {
            settings.policies.retain(|path| path.exists());
        }
        settings.kubernetes.kubeconfig = self.kubeconfig.clone().or(settings.kubernetes.kubeconfig);
        settings.kubernetes.context = self.context.clone().or(settings.kubernetes.context);
        Ok(settings)
    }

    /// Whether the services of one namespace are meant, where none is named.
    ///
    /// # Errors
    /// When the settings are invalid.
    pub fn is_one_namespace(&self, common: &Common) -> anyhow::Result<bool> {
        let settings = self.settings(common)?;
        let policies = !settings::policies::of(&settings).accepted.is_empty();
        let one = matches!(self.scope(&settings, policies), Scope::One(_));
        Ok(one && settings.store == StoreSettings::Kubernetes)
    }

    /// Where to look: as kubectl does, where neither flags nor settings say more.
    pub fn scope(&self, settings: &Settings, policies: bool) -> Scope {
        match &self.namespace {
            Some(namespace) => Scope::One(Some(namespace.clone())),
            None if self.all_namespaces => Scope::All,
            None if !settings.kubernetes.namespaces.is_empty() || policies => Scope::Settings,
            None => Scope::One(None),
        }
    }
}

impl Scope {
    /// The namespaces in which histories are looked for, of which an empty one stands for all; `own` is the context's.
    pub fn namespaces(&self, settings: &Settings, own: &str, policies: &[Policy]) -> Vec<String> {
        match self {
            Self::One(named) => vec![named.as_deref().unwrap_or(own).to_owned()],
            Self::All => vec![String::new()],
            Self::Settings => {
                let mut namespaces = settings.kubernetes.namespaces.clone();
                namespaces.extend(policies.iter().filter_map(namespace_of).map(str::to_owned));
                namespaces.push(own.to_owned());
                namespaces
            }
        }
    }

    /// Whether a policy of this machine is about what is looked for in `namespaces`.
    pub fn includes(&self, policy: &Policy, namespaces: &[String]) -> bool {
        match namespace_of(policy) {
            Some(own) => namespaces.iter().any(|namespace| namespace.is_empty() || namespace == own),
            None => *self == Self::Settings,
        }
    }
}

/// The namespace of what a policy guards; none on a host.
fn namespace_of(policy: &Policy) -> Option<&str> {
    match &policy.target {
        Target::Kubernetes(target) => Some(&target.namespace),
        Target::Host(_) => None,
    }
}

/// The settings, by the command line and the environment, with where each of them comes from.
///
/// # Errors
/// When they are invalid.
pub fn loaded(common: &Common) -> anyhow::Result<Loaded> {
    Ok(settings::load_with_origins(common.config.as_deref(), &environment())?)
}

/// The environment's variables that are text.
#[must_use]
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Whether kubectl called this program, by the name under which it finds a plugin.
pub fn is_plugin() -> bool {
    static CALLED: OnceLock<bool> = OnceLock::new();
    *CALLED.get_or_init(|| {
        let called = std::env::args_os().next().unwrap_or_default();
        Path::new(&called).file_name() == Some(OsStr::new(PLUGIN))
    })
}

/// What people type, as they called it: a sentence that names a command names the one that works for them.
pub fn as_called(text: &str) -> String {
    if is_plugin() { as_plugin(text) } else { text.to_owned() }
}

/// The same of all that `command` says of itself.
pub fn renamed(mut command: Command) -> Command {
    if let Some(after) = command.get_after_help().map(|after| as_plugin(&after.to_string())) {
        command = command.after_help(after);
    }
    let verbs: Vec<String> = command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    verbs
        .into_iter()
        .fold(command, |command, verb| command.mut_subcommand(verb, renamed))
}

/// Commands begin a backtick, or a line of examples.
fn as_plugin(text: &str) -> String {
    let in_prose = text.replace("`lastgood ", "`kubectl lastgood ");
    let lines = in_prose.split('\n').map(|line| match line.strip_prefix("  lastgood ") {
        Some(rest) => format!("  kubectl lastgood {rest}"),
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_named_as_they_were_called_and_nothing_else_is_changed() {
        assert_eq!(
            as_plugin("start `lastgood run`, see `lastgood status x`\n  lastgood wait x\nlastgood waits; the lease lastgood"),
            "start `kubectl lastgood run`, see `kubectl lastgood status x`\n  kubectl lastgood wait x\nlastgood waits; the lease lastgood"
        );
    }
}
