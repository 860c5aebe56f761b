//! What was asked for: the version, what it is made of, its limits; from the options and the release's manifest.

use std::path::Path;

use super::{Args, wrong};
use crate::{
    app::deploy::Order,
    fetch::{Location, Source},
    host::{Limits, Site},
    manifest::{self, Manifest},
    policy::Policy,
    ports::DeskError,
    settings::DeploySettings,
    words::{Fingerprint, VersionName},
};

/// What was asked for.
pub(super) struct Asked {
    /// What will be done.
    pub order: Order,
    /// The release's manifest, where there is one.
    manifest: Option<Manifest>,
    /// Whether it was convicted, or a person said that it is bad.
    quarantined: bool,
}

/// What the history knows of a version.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    /// What was recorded of it.
    pub manifest: Option<Manifest>,
    /// Whether it was convicted, or a person said that it is bad.
    pub quarantined: bool,
}

impl Asked {
    /// Reads the manifest and fits the options together.
    ///
    /// # Errors
    /// When they do not fit.
    pub fn read(
        args: &Args,
        policy: &Policy,
        site: &Site,
        recorded: Option<Recorded>,
        (limits, holder): (Limits, String),
    ) -> anyhow::Result<Self> {
        // Before anything is fetched: whatever keeps `current` from being moved.
        site.runs()?;
        let there = site.has(&args.to)?;
        let recorded = recorded.unwrap_or_default();
        let given = manifest(args, policy, &recorded)?;
        let kept = there
            .then(|| of_release(&site.release(&args.to).join("release.json")))
            .flatten();
        if let (Some(given), Some(kept)) = (&given, &kept)
            && given.artifacts != kept.artifacts
        {
            return Err(DeskError::Refused(format!(
                "{} is there already, and was made of other artifacts; a version is built once: choose another one, or remove that directory",
                site.release(&args.to).display()
            ))
            .into());
        }
        let sources = if there { Vec::new() } else { sources(args, given.as_ref())? };
        if sources.is_empty() && !there {
            return Err(wrong(format!(
                "{} is not in {}, and nothing says where it is: add --from URL or FILE, or --manifest FILE, or record its manifest",
                args.to,
                site.release(&args.to).parent().unwrap_or(Path::new("/")).display()
            )));
        }
        Ok(Self {
            order: Order {
                version: args.to.clone(),
                sources,
                manifest: given.as_ref().map(Manifest::to_json),
                limits,
                holder,
            },
            manifest: given.or(kept),
            quarantined: recorded.quarantined,
        })
    }

    /// Why it is not deployed without `--force`, if so.
    pub fn forbidden(&self) -> Option<String> {
        forbidden(&self.order.version, self.manifest.as_ref(), self.quarantined)
    }
}

/// Why `version` is not deployed without `--force`, if so.
pub(super) fn forbidden(version: &VersionName, manifest: Option<&Manifest>, quarantined: bool) -> Option<String> {
    if quarantined {
        return Some(format!(
            "{version} is quarantined: it was reverted, or a person said that it is bad; say `lastgood release allow` first, or add --force"
        ));
    }
    let failed = manifest.is_some_and(|manifest| !manifest.passed_smoke_test);
    failed.then(|| format!("{version} failed its smoke test, its manifest says; build it again, or add --force"))
}

/// The manifest that is given, else the recorded one.
///
/// # Errors
/// When both are there and differ, or it is of something else.
pub(super) fn manifest(args: &Args, policy: &Policy, recorded: &Recorded) -> anyhow::Result<Option<Manifest>> {
    let given = args.manifest.as_deref().map(of_file).transpose()?;
    if let (Some(given), Some(recorded)) = (&given, &recorded.manifest)
        && given != recorded
    {
        return Err(DeskError::Refused(format!(
            "another manifest of {} is recorded (it differs in {}); a version is built once: choose another one, or leave --manifest out",
            args.to,
            recorded.differs_in(given).join(", ")
        ))
        .into());
    }
    let manifest = given.or_else(|| recorded.manifest.clone());
    if let Some(manifest) = &manifest {
        fits(manifest, args, policy)?;
    }
    Ok(manifest)
}

/// How much the release may be: as the options say, else as the settings do.
pub(super) fn limits(args: &Args, settings: &DeploySettings) -> Limits {
    Limits {
        bytes: args.max_bytes.unwrap_or(settings.max_bytes),
        entries: args.max_entries.unwrap_or(settings.max_entries),
        ratio: args.max_ratio.unwrap_or(settings.max_ratio),
    }
}

fn of_file(path: &Path) -> anyhow::Result<Manifest> {
    let shown = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| wrong(format!("cannot read the manifest {shown}: {error}")))?;
    manifest::parse(&text, &shown).map_err(|errors| wrong(errors.to_string()))
}

/// The manifest that a release holds; one that is no manifest says nothing.
fn of_release(path: &Path) -> Option<Manifest> {
    let text = std::fs::read_to_string(path).ok()?;
    manifest::parse(&text, &path.display().to_string()).ok()
}

/// Whether the manifest is of what is to be deployed.
fn fits(manifest: &Manifest, args: &Args, policy: &Policy) -> anyhow::Result<()> {
    if manifest.version != args.to {
        return Err(wrong(format!("the manifest is of {}, not of {}", manifest.version, args.to)));
    }
    if let Some(service) = manifest.service.as_ref().filter(|service| **service != policy.service) {
        return Err(wrong(format!(
            "the manifest is of the service {service}, not of {}",
            policy.service
        )));
    }
    if let Some(env) = manifest.env.as_ref().filter(|env| **env != policy.env) {
        return Err(wrong(format!("the manifest is only for env {env}, not for {}", policy.env)));
    }
    Ok(())
}

/// Each `--from`; without one, what the manifest names.
fn sources(args: &Args, manifest: Option<&Manifest>) -> anyhow::Result<Vec<Source>> {
    if !args.sha256.is_empty() && args.sha256.len() != args.from.len() {
        return Err(wrong("give one --sha256 for each --from, in the same order"));
    }
    let listed = manifest.map_or(&[][..], |manifest| manifest.artifacts.as_slice());
    if args.from.is_empty() {
        return listed.iter().map(of_artifact).collect();
    }
    let mut sources = Vec::new();
    for (number, location) in args.from.iter().enumerate() {
        let digest = args.sha256.get(number).map(|hex| digest_of(hex)).transpose()?;
        let name = location.file_name();
        let known = listed.iter().find(|artifact| Some(&artifact.name) == name.as_ref());
        if !listed.is_empty() && known.is_none() {
            let names: Vec<&str> = listed.iter().map(|artifact| artifact.name.as_str()).collect();
            return Err(wrong(format!(
                "the manifest knows no artifact called as {location}; it knows: {}",
                names.join(", ")
            )));
        }
        let digest = match digest {
            Some(given) => Some(given),
            None => known.map(|artifact| digest_of(&artifact.sha256)).transpose()?,
        };
        let source = Source::new(location.clone(), digest, known.map(|artifact| artifact.size));
        sources.push(source.map_err(|error| wrong(error.to_string()))?);
    }
    Ok(sources)
}

fn of_artifact(artifact: &manifest::Artifact) -> anyhow::Result<Source> {
    let url = artifact.url.as_deref().ok_or_else(|| {
        wrong(format!(
            "the manifest does not say where `{}` is: add --from URL or FILE",
            artifact.name
        ))
    })?;
    let of = || -> Result<Source, String> {
        let location: Location = url.parse().map_err(|error: crate::fetch::SourceError| error.to_string())?;
        let digest = digest_of(&artifact.sha256).map_err(|error| error.to_string())?;
        Source::named(artifact.name.clone(), location, Some(digest), Some(artifact.size)).map_err(|error| error.to_string())
    };
    of().map_err(wrong)
}

fn digest_of(hex: &str) -> anyhow::Result<Fingerprint> {
    let text = format!("sha256:{}", hex.trim_start_matches("sha256:").to_ascii_lowercase());
    text.parse()
        .map_err(|_| wrong(format!("`{hex}` is no SHA-256: 64 hexadecimal digits")))
}
