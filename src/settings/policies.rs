//! The policy files that the settings name: read, parsed, and checked against each other.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::Settings;
use crate::policy::{self, Policy, PolicyErrors, Target};

/// A policy file that is in force.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyFile {
    /// Where it was read from.
    pub path: PathBuf,
    /// What it says.
    pub policy: Policy,
}

/// A policy file, or a directory of them, that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.reason())]
pub struct PolicyFileError {
    /// The file or directory.
    pub path: PathBuf,
    /// Why.
    pub kind: PolicyFileErrorKind,
}

/// Why a policy file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyFileErrorKind {
    /// It is not there, or may not be read; the sentence of the system.
    Unreadable(String),
    /// It is no valid policy.
    Invalid(PolicyErrors),
    /// Another file guards the same; the sentence names it.
    Conflict(String),
    /// It guards what the settings do not allow; the sentence says what they do.
    NotAllowed(String),
}

impl PolicyFileError {
    /// Whether what the file said before stays in force. Of two that guard the same neither does: nobody can tell which is meant.
    #[must_use]
    pub const fn keeps_what_was(&self) -> bool {
        !matches!(self.kind, PolicyFileErrorKind::Conflict(_))
    }

    fn reason(&self) -> String {
        let path = self.path.display();
        match &self.kind {
            PolicyFileErrorKind::Unreadable(why) => format!("error: {path}: cannot be read: {why}"),
            PolicyFileErrorKind::Invalid(errors) => errors.to_string(),
            PolicyFileErrorKind::Conflict(why) | PolicyFileErrorKind::NotAllowed(why) => format!("error: {path}: {why}"),
        }
    }
}

/// Reads the policies in `paths`: files, and of directories every `*.yaml` and `*.yml` that is not hidden, in the order of their names.
/// One result a file; two files for one service in one environment, or for one `current` link, are both refused.
#[must_use]
pub fn read(paths: &[PathBuf]) -> Vec<Result<PolicyFile, PolicyFileError>> {
    let mut files = Vec::new();
    for path in paths {
        match policy_files(path) {
            Ok(found) => files.extend(found.into_iter().map(Ok)),
            Err(error) => files.push(Err(unreadable(path, &error))),
        }
    }
    // A file named twice, by itself and by its directory, is one file.
    let mut seen = Vec::new();
    files.retain(|file| match file {
        Ok(path) if seen.contains(path) => false,
        Ok(path) => {
            seen.push(path.clone());
            true
        }
        Err(_) => true,
    });
    let parsed = files.into_iter().map(|file| file.and_then(|path| parse(&path))).collect();
    without_conflicts(parsed)
}

/// What was read, parted.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    /// In force.
    pub accepted: Vec<PolicyFile>,
    /// Refused, and why.
    pub rejected: Vec<PolicyFileError>,
}

/// As [`read`], parted into what is in force and what is refused.
#[must_use]
pub fn part(paths: &[PathBuf]) -> Policies {
    let mut parted = Policies::default();
    for file in read(paths) {
        match file {
            Ok(file) => parted.accepted.push(file),
            Err(error) => parted.rejected.push(error),
        }
    }
    parted
}

/// As [`part`], of the policies that the settings name; one for a namespace that they do not is refused.
#[must_use]
pub fn of(settings: &Settings) -> Policies {
    let mut parted = part(&settings.policies);
    let namespaces = &settings.kubernetes.namespaces;
    let allowed = |file: &PolicyFile| match &file.policy.target {
        Target::Kubernetes(target) => namespaces.is_empty() || namespaces.contains(&target.namespace),
        Target::Host(_) => true,
    };
    let (accepted, refused) = parted.accepted.into_iter().partition(allowed);
    parted.accepted = accepted;
    parted
        .rejected
        .extend(refused.into_iter().map(|file| not_allowed(file, namespaces)));
    parted
}

fn not_allowed(PolicyFile { path, policy }: PolicyFile, namespaces: &[String]) -> PolicyFileError {
    let why = format!(
        "what {} guards is in a namespace that the settings do not allow: `kubernetes.namespaces` has {}; add it, and grant the role in it",
        policy.key(),
        namespaces.join(", ")
    );
    PolicyFileError {
        path,
        kind: PolicyFileErrorKind::NotAllowed(why),
    }
}

fn policy_files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path)? {
        let file = entry?.path();
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let yaml = file
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml");
        if yaml && !name.starts_with('.') && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn unreadable(path: &Path, error: &io::Error) -> PolicyFileError {
    PolicyFileError {
        path: path.to_owned(),
        kind: PolicyFileErrorKind::Unreadable(match error.kind() {
            io::ErrorKind::NotFound => "there is no such file or directory".to_owned(),
            io::ErrorKind::PermissionDenied => "this user may not read it".to_owned(),
            _ => error.to_string(),
        }),
    }
}

fn parse(path: &Path) -> Result<PolicyFile, PolicyFileError> {
    let text = read_text(path).map_err(|error| unreadable(path, &error))?;
    match policy::parse(&text, &path.display().to_string()) {
        Ok(policy) => Ok(PolicyFile {
            path: path.to_owned(),
            policy,
        }),
        Err(errors) => Err(PolicyFileError {
            path: path.to_owned(),
            kind: PolicyFileErrorKind::Invalid(errors),
        }),
    }
}

/// The file's text, cut soon after the size that the parser refuses: a huge file is not read into memory.
fn read_text(path: &Path) -> io::Result<String> {
    let mut text = Vec::new();
    fs::File::open(path)?
        .take(policy::MAX_BYTES as u64 + 1)
        .read_to_end(&mut text)?;
    String::from_utf8(text).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no UTF-8 text"))
}

/// What a policy claims for itself alone.
fn claims(policy: &Policy) -> [String; 2] {
    let place = match &policy.target {
        Target::Host(host) => format!("the link `{}`", host.current.display()),
        Target::Kubernetes(workload) => format!("the {} `{}/{}`", workload.kind.as_str(), workload.namespace, workload.name),
    };
    [format!("the service `{}`", policy.key()), place]
}

fn without_conflicts(results: Vec<Result<PolicyFile, PolicyFileError>>) -> Vec<Result<PolicyFile, PolicyFileError>> {
    let mut claimed: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for file in results.iter().flatten() {
        for claim in claims(&file.policy) {
            claimed.entry(claim).or_default().push(file.path.clone());
        }
    }
    let judged = results.into_iter().map(|result| {
        let file = result?;
        for claim in claims(&file.policy) {
            if let Some(other) = claimed.get(&claim).into_iter().flatten().find(|path| **path != file.path) {
                let why = format!(
                    "{claim} is guarded by {} too: neither is used; keep one of the two",
                    other.display()
                );
                return Err(PolicyFileError {
                    path: file.path,
                    kind: PolicyFileErrorKind::Conflict(why),
                });
            }
        }
        Ok(file)
    });
    judged.collect()
}
