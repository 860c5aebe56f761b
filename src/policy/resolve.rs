//! From the file as written to a [`Policy`]: defaults filled in, rules between keys checked, every breach a fault.
//!
//! A value that is already faulty counts as not given, so that one slip is one error.

mod arms;
mod kubernetes;
mod metrics;
mod proven;
mod spec;
mod target;
mod values;
mod watch;

use std::time::Duration;

use crate::words::{NameError, Service};

use super::{
    Policy,
    error::Faults,
    file::PolicyFile,
    given::Given,
    hash,
    nearest::shown,
    quantity::{Time, duration_text},
};

pub(super) use watch::can_be_held;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// The policy that `file` describes; `None` where something that has no default is missing or wrong, which then is a fault.
pub(super) fn resolve(file: &Given<PolicyFile>, faults: &Faults) -> Option<Policy> {
    let document = file.as_ref()?;
    for (written, key, help) in [
        (
            document.api_version.is_written(),
            "apiVersion",
            "write `apiVersion: lastgood.dev/v1`",
        ),
        (document.kind.is_written(), "kind", "write `kind: Policy`"),
        (document.metadata.is_written(), "metadata", "write `metadata: {name: myapp}`"),
        (document.spec.is_written(), "spec", "the policy itself stands under `spec`"),
    ] {
        if !written {
            faults.add(file.lacks(key, help));
        }
    }
    let service = service(document, faults);
    let mut policy = spec::spec(&document.spec, service, faults)?;
    policy.hash = hash::of(&policy);
    Some(policy)
}

fn service(document: &PolicyFile, faults: &Faults) -> Option<Service> {
    let metadata = document.metadata.as_ref()?;
    if !metadata.name.is_written() {
        faults.add(
            document
                .metadata
                .lacks("name", "write the service's name: `metadata: {name: myapp}`"),
        );
    }
    name(&metadata.name, faults)
}

/// A name that parses itself; a fault where it is none.
fn name<T: std::str::FromStr<Err = NameError>>(given: &Given<String>, faults: &Faults) -> Option<T> {
    let text = given.as_ref()?;
    match text.parse() {
        Ok(name) => Some(name),
        Err(error) => {
            let found = if text.is_empty() {
                "empty text".to_owned()
            } else {
                format!("`{}`", shown(text))
            };
            faults.add(given.fault(format!("{found} is no {}", error.what), format!("write {}", error.allowed)));
            None
        }
    }
}

/// A time between `least` and `most`, both allowed, else `default`.
fn time(given: &Given<Time>, default: Duration, least: Duration, most: Duration, faults: &Faults) -> Duration {
    match given.value {
        Some(Time(time)) if (least..=most).contains(&time) => time,
        Some(Time(time)) => {
            let message = format!(
                "`{}` is {}",
                duration_text(time),
                if time < least { "too short" } else { "too long" }
            );
            let help = format!("write a time from `{}` to `{}`", duration_text(least), duration_text(most));
            faults.add(given.fault(message, help));
            default
        }
        None => default,
    }
}
