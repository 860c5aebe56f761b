//! The table `[kubernetes]`: which cluster, which of its namespaces, and who may act.

use super::{
    model::{KubernetesSettings, LeaseSettings, StoreSettings},
    typed::{Reading, path},
};
use crate::policy::nearest::shown;

/// The lease of a store in the cluster, where nobody names another.
const LEASE: &str = "lastgood";

/// What the table says; what is wrong with it is a fault, and then no settings come of it.
pub(super) fn kubernetes(reading: &mut Reading<'_>, store: Option<&StoreSettings>) -> KubernetesSettings {
    let lease = reading.one("kubernetes.lease", |text| lease(text, store)).flatten();
    let context = |text: &str| match text {
        "" => Err("an empty text names no context: leave the key out for the current one".to_owned()),
        name => Ok(name.to_owned()),
    };
    KubernetesSettings {
        kubeconfig: reading.one("kubernetes.kubeconfig", path),
        context: reading.one("kubernetes.context", context),
        namespaces: reading
            .list("kubernetes.namespaces", "namespace", namespace)
            .unwrap_or_default(),
        ignore_annotations: reading
            .list("kubernetes.ignore_annotations", "annotation", annotation)
            .unwrap_or_default(),
        lease,
    }
}

/// `auto`: a lease where the store is in the cluster, as a second controller may share it; none elsewhere.
fn lease(text: &str, store: Option<&StoreSettings>) -> Result<Option<LeaseSettings>, String> {
    match text {
        "off" => return Ok(None),
        "auto" => {
            return Ok((store == Some(&StoreSettings::Kubernetes)).then(|| LeaseSettings {
                namespace: None,
                name: LEASE.to_owned(),
            }));
        }
        _ => {}
    }
    let (namespace, name) = match text.split_once('/') {
        Some((namespace, name)) => (Some(namespace.to_owned()), name),
        None => (None, text),
    };
    let good = namespace.as_deref().is_none_or(is_label) && is_subdomain(name);
    let lease = LeaseSettings {
        namespace,
        name: name.to_owned(),
    };
    good.then_some(Some(lease)).ok_or_else(|| {
        format!(
            "found `{}`: write `auto`, `off`, the name of a lease, or its namespace and name: `lastgood/lastgood`",
            shown(text)
        )
    })
}

fn namespace(text: &str) -> Result<String, String> {
    let good = is_label(text);
    good.then(|| text.to_owned()).ok_or_else(|| {
        format!(
            "`{}` is no name of a namespace: lower-case letters, digits and `-`, as in `shop`",
            shown(text)
        )
    })
}

fn annotation(text: &str) -> Result<String, String> {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let named = name.len() <= 63 && name.chars().all(plain) && ends(name.chars().next()) && ends(name.chars().last());
    let good = named && prefix.is_none_or(is_subdomain);
    good.then(|| text.to_owned()).ok_or_else(|| {
        format!(
            "`{}` is no key of an annotation: write it whole, as in `cattle.io/timestamp`",
            shown(text)
        )
    })
}

/// A name as RFC 1123 has labels.
fn is_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty() && text.len() <= 63 && text.chars().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}
