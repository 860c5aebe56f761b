//! The rules of a manifest: what must be there, and what each text may be.

use std::path::{Component, Path};

use super::{
    file::{ArtifactFile, LockFileFile, ManifestFile, ToolchainFile},
    model::{Artifact, LockFile, Manifest, Toolchain, is_sha256},
};
use crate::{
    policy::{Faults, Given, nearest::shown},
    words::{Moment, NameError, VersionName},
};

/// A text longer than this belongs behind a URL.
const LONGEST_TEXT: usize = 8 * 1024;

/// The manifest; none where something that it needs is wrong, which is a fault then.
pub(super) fn resolve(given: &Given<ManifestFile>, faults: &Faults) -> Option<Manifest> {
    let file = given.as_ref()?;
    let version = needed(given, &file.version, "version", "a version: `v1.2.3`", faults).and_then(|it| version(it, faults));
    let commit = needed(
        given,
        &file.commit,
        "commit",
        "the commit it was built from: `git rev-parse HEAD`",
        faults,
    )
    .and_then(|it| commit(it, faults));
    let built_at = needed(
        given,
        &file.built_at,
        "built_at",
        "when it was built: `2026-11-24T18:00:00Z`",
        faults,
    )
    .and_then(|it| moment(it, faults));
    let passed = needed(
        given,
        &file.passed_smoke_test,
        "passed_smoke_test",
        "`true` if it passed a smoke test, else `false`",
        faults,
    );
    let (service, env, image) = (
        parsed(&file.service, faults),
        parsed(&file.env, faults),
        parsed(&file.image, faults),
    );
    let artifacts = listed(&file.artifacts, artifact, |it| &it.name, "artifact", faults);
    let toolchain = file.toolchain.as_ref().and_then(|it| toolchain(&file.toolchain, it, faults));
    let lock_files = listed(&file.lock_files, lock_file, |it| &it.path, "lock file", faults);
    let (test_report, changelog) = (text(&file.test_report, faults), text(&file.changelog, faults));
    let irreversible = text(&file.irreversible, faults);
    let files = listed(&file.files, inner_path, |it| it, "file", faults);
    Some(Manifest {
        version: version?,
        commit: commit?,
        built_at: built_at?,
        passed_smoke_test: *passed?.as_ref()?,
        service,
        env,
        image,
        artifacts,
        toolchain,
        lock_files,
        test_report,
        changelog,
        irreversible,
        files,
    })
}

/// A key that must be there; its value may still be a wrong one, which is told already.
fn needed<'g, P, T>(parent: &Given<P>, given: &'g Given<T>, key: &str, what: &str, faults: &Faults) -> Option<&'g Given<T>> {
    if given.is_absent() {
        faults.add(parent.lacks(key, format!("write {what}")));
        return None;
    }
    Some(given)
}

fn version(given: &Given<String>, faults: &Faults) -> Option<VersionName> {
    let text = given.as_ref()?;
    let help = "write the version itself, as `git describe --tags --always --dirty` says it: `v1.2.3`, `v1.2.3-4-gabc1234`";
    let plain = text.bytes().all(|b| b.is_ascii_graphic() && !b"/\\:@\"'`$".contains(&b));
    match text.parse::<VersionName>() {
        Ok(version) if version.moves() => {
            faults.add(given.fault(format!("`{}` is a tag that moves, and names no version", shown(text)), help));
            None
        }
        Ok(version) if plain && text.len() <= 128 => Some(version),
        _ => {
            let allowed = "at most 128 letters, digits and `.`, `-`, `_`, `+`, not starting with `.`";
            faults.add(given.fault(format!("found `{}`", shown(text)), format!("{help}; {allowed}")));
            None
        }
    }
}

fn commit(given: &Given<String>, faults: &Faults) -> Option<String> {
    let text = given.as_ref()?;
    let commit = text.to_ascii_lowercase();
    if (7..=64).contains(&commit.len()) && commit.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Some(commit);
    }
    faults.add(given.fault(
        format!("found `{}`", shown(text)),
        "write 7 to 64 hexadecimal digits, as `git rev-parse HEAD` says them",
    ));
    None
}

fn moment(given: &Given<String>, faults: &Faults) -> Option<Moment> {
    let text = given.as_ref()?;
    let moment = text.parse().ok();
    if moment.is_none() {
        let help = "write RFC 3339 with a zone, `2026-11-24T18:00:00Z`, as `date -u +%FT%TZ` says it";
        faults.add(given.fault(format!("found `{}`", shown(text)), help));
    }
    moment
}

/// A text that parses itself.
fn parsed<T: std::str::FromStr<Err = NameError>>(given: &Given<String>, faults: &Faults) -> Option<T> {
    match given.as_ref()?.parse() {
        Ok(value) => Some(value),
        Err(NameError { what, found, allowed }) => {
            faults.add(given.fault(
                format!("{what} `{}` is not allowed", shown(&found)),
                format!("write {allowed}"),
            ));
            None
        }
    }
}

fn text(given: &Given<String>, faults: &Faults) -> Option<String> {
    let text = given.as_ref()?;
    if !text.trim().is_empty() && text.len() <= LONGEST_TEXT {
        return Some(text.clone());
    }
    let message = if text.len() > LONGEST_TEXT {
        "longer than 8 KiB"
    } else {
        "empty"
    };
    faults.add(given.fault(message, "write a text, or a URL where it is long; or leave the key out"));
    None
}

/// The elements of a list, each once.
fn listed<F, T>(
    given: &Given<Vec<Given<F>>>,
    read: impl Fn(&Given<F>, &Faults) -> Option<T>,
    name: impl Fn(&T) -> &str,
    what: &str,
    faults: &Faults,
) -> Vec<T> {
    let mut all: Vec<T> = Vec::new();
    for item in given.as_ref().into_iter().flatten() {
        let Some(value) = read(item, faults) else { continue };
        if all.iter().any(|other| name(other) == name(&value)) {
            let message = format!("{what} `{}` is listed twice", shown(name(&value)));
            faults.add(item.fault(message, "keep one of the two"));
        } else {
            all.push(value);
        }
    }
    all
}

fn artifact(given: &Given<ArtifactFile>, faults: &Faults) -> Option<Artifact> {
    let file = given.as_ref()?;
    let name = needed(given, &file.name, "name", "its file name", faults).and_then(|it| file_name(it, faults));
    let sha256 =
        needed(given, &file.sha256, "sha256", "its SHA-256, as `sha256sum` says it", faults).and_then(|it| sha256(it, faults));
    let size = needed(given, &file.size, "size", "its bytes, as `stat -c %s` says them", faults)?;
    if size.value == Some(0) {
        faults.add(size.fault("an empty file is no artifact", "build it again, or leave it out"));
    }
    let url = file.url.as_ref().map(|_| url(&file.url, faults));
    Some(Artifact {
        name: name?,
        url: match url {
            Some(url) => Some(url?),
            None => None,
        },
        sha256: sha256?,
        size: size.value.filter(|size| *size > 0)?,
    })
}

fn file_name(given: &Given<String>, faults: &Faults) -> Option<String> {
    let name = given.as_ref()?;
    let good = name.parse::<VersionName>().is_ok() && !name.contains('\\') && !name.chars().any(char::is_control);
    if !good {
        faults.add(given.fault(
            format!("found `{}`", shown(name)),
            "write a file name: no directory, not starting with `.`, at most 255 bytes",
        ));
    }
    good.then(|| name.clone())
}

fn sha256(given: &Given<String>, faults: &Faults) -> Option<String> {
    let text = given.as_ref()?;
    let digest = text.strip_prefix("sha256:").unwrap_or(text).to_ascii_lowercase();
    if is_sha256(&digest) {
        return Some(digest);
    }
    faults.add(given.fault(
        format!("found `{}`", shown(text)),
        "write 64 hexadecimal digits, as `sha256sum` says them",
    ));
    None
}

fn url(given: &Given<String>, faults: &Faults) -> Option<String> {
    let url = given.as_ref()?;
    let plain = url.len() <= 2048 && url.bytes().all(|b| b.is_ascii_graphic());
    let host = url
        .strip_prefix("https://")
        .and_then(|rest| rest.split(['/', '?', '#']).next());
    let fault = match host {
        _ if !plain => Some((
            "longer than 2048 characters, or with spaces or characters that a URL has not",
            "escape them: `%20`",
        )),
        Some(host) if host.contains('@') => Some((
            "a user or password stands in this URL, for everybody who reads the manifest",
            "leave it out",
        )),
        Some(host) if !host.is_empty() => None,
        _ if url.starts_with("file:///") => None,
        _ => Some((
            "neither `https://` with a host nor `file:///`",
            "write one of the two: others cannot be trusted, or not be fetched",
        )),
    };
    let Some((message, help)) = fault else {
        return Some(url.clone());
    };
    // What may be a password is not repeated.
    faults.add(given.fault(message, help));
    None
}

fn toolchain(given: &Given<ToolchainFile>, file: &ToolchainFile, faults: &Faults) -> Option<Toolchain> {
    let compilers = needed(given, &file.compilers, "compilers", "a list: `[\"rustc 1.95.0\"]`", faults);
    let os = needed(given, &file.os, "os", "the operating system it runs on: `linux`", faults).and_then(|it| text(it, faults));
    let arch = needed(given, &file.arch, "arch", "the architecture it runs on: `x86_64`", faults).and_then(|it| text(it, faults));
    let compilers = compilers?.as_ref()?.iter().filter_map(|it| text(it, faults)).collect();
    Some(Toolchain {
        compilers,
        os: os?,
        arch: arch?,
    })
}

fn lock_file(given: &Given<LockFileFile>, faults: &Faults) -> Option<LockFile> {
    let file = given.as_ref()?;
    let path =
        needed(given, &file.path, "path", "its path in the sources: `Cargo.lock`", faults).and_then(|it| inner_path(it, faults));
    let sha256 =
        needed(given, &file.sha256, "sha256", "its SHA-256, as `sha256sum` says it", faults).and_then(|it| sha256(it, faults));
    Some(LockFile {
        path: path?,
        sha256: sha256?,
    })
}

/// A relative path that stays inside.
fn inner_path(given: &Given<String>, faults: &Faults) -> Option<String> {
    let path = given.as_ref()?;
    let mut parts = Path::new(path)
        .components()
        .filter(|part| *part != Component::CurDir)
        .peekable();
    let inside = parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)));
    if !inside || path.contains('\0') {
        faults.add(given.fault(
            format!("found `{}`", shown(path)),
            "write a relative path that stays inside: no `..`, no leading `/`",
        ));
        return None;
    }
    Some(path.clone())
}
