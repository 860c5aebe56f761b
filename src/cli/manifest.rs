//! `lastgood manifest`: writes what was built, from git, the files, the lock files and the toolchain, so that CI needs one line.

mod files;
mod git;
mod toolchain;

use std::{io::Write as _, path::PathBuf};

use serde_json::{Map, Value, json};

use super::{
    Common, Exit,
    output::{self, WrongUse},
};
use crate::{app::clock::SystemClock, manifest, ports::Clock, words::Moment};

/// Writes the manifest of a release: what git says of its version, digests of what was built and of the lock files, the toolchain.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The version is what `git describe --tags --always --dirty` says. Lock files are
found by their names, beside the sources and at the top of the repository; the
compilers of their languages are asked for their versions.

Examples:
  lastgood manifest --service myapp --artifact myapp.tar.gz -O release.json
  lastgood manifest --artifact dist/* --url https://builds.example/myapp/v1.2.3/
  lastgood manifest --passed-smoke-test | lastgood record - --service myapp"
)]
pub struct Args {
    /// The version, instead of asking git.
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// The commit, instead of asking git.
    #[arg(long, value_name = "COMMIT")]
    commit: Option<String>,
    /// When it was built, RFC 3339, instead of now.
    #[arg(long, value_name = "TIME")]
    built_at: Option<String>,
    /// It passed a smoke test after it was built.
    #[arg(long)]
    passed_smoke_test: bool,
    /// The service.
    #[arg(long, value_name = "SERVICE")]
    service: Option<String>,
    /// The only environment it is for.
    #[arg(short, long, value_name = "ENV")]
    env: Option<String>,
    /// The image with its digest: NAME@sha256:DIGEST.
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// Files that were built.
    #[arg(long = "artifact", value_name = "FILE", num_args = 1..)]
    artifacts: Vec<PathBuf>,
    /// Where they can be fetched: the address of their directory.
    #[arg(long, value_name = "URL", requires = "artifacts")]
    url: Option<String>,
    /// Lock files, instead of those that are found.
    #[arg(long = "lock-file", value_name = "FILE", num_args = 1..)]
    lock_files: Vec<PathBuf>,
    /// The operating system it runs on, instead of this one.
    #[arg(long, value_name = "OS", default_value = std::env::consts::OS, hide_default_value = true)]
    os: String,
    /// The architecture it runs on, instead of this one.
    #[arg(long, value_name = "ARCH", default_value = std::env::consts::ARCH, hide_default_value = true)]
    arch: String,
    /// Where the report of its tests is.
    #[arg(long, value_name = "URL")]
    test_report: Option<String>,
    /// What changed, or where that is written.
    #[arg(long, value_name = "TEXT")]
    changelog: Option<String>,
    /// Why it must not be gone back from.
    #[arg(long, value_name = "REASON")]
    irreversible: Option<String>,
    /// Write it to this file, not to stdout.
    #[arg(short = 'O', long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Runs it.
///
/// # Errors
/// When git or a file cannot be read, or what they say makes no valid manifest.
pub fn run(common: &Common, args: &Args) -> anyhow::Result<Exit> {
    let written = Value::Object(written(args, SystemClock.now())?).to_string();
    let manifest = match manifest::parse(&written, "manifest") {
        Ok(manifest) => manifest,
        Err(errors) => {
            // The text is ours, so its lines say nothing to anybody.
            for error in &errors.errors {
                output::say(&format!("error: {}: {} ({})", error.key, error.message, error.help));
            }
            return Ok(Exit::Usage);
        }
    };
    if manifest.version.is_dirty() {
        output::note(
            common,
            "note: built from files that no commit has; this version is never gone back to unless a person proves it",
        );
    }
    match &args.output {
        Some(path) => {
            save(path, &manifest.to_json()).map_err(|error| anyhow::anyhow!("cannot write {}: {error}", path.display()))?;
        }
        None => output::data(&manifest.to_json())?,
    }
    Ok(Exit::Done)
}

fn written(args: &Args, now: Moment) -> anyhow::Result<Map<String, Value>> {
    let asked = |given: &Option<String>, ask: &[&str]| match given {
        Some(given) => Ok(given.clone()),
        None => git::says(ask),
    };
    let root = git::root().unwrap_or_else(|| PathBuf::from("."));
    let lock_files = files::lock_files(&root, &args.lock_files)?;
    let built_at = args.built_at.clone().unwrap_or_else(|| now.to_string());
    let mut all = Map::new();
    let mut put = |key: &str, value: Value| all.insert(key.to_owned(), value);
    put(
        "version",
        json!(asked(&args.version, &["describe", "--tags", "--always", "--dirty"])?),
    );
    put("commit", json!(asked(&args.commit, &["rev-parse", "HEAD"])?));
    put("built_at", json!(built_at));
    put("passed_smoke_test", json!(args.passed_smoke_test));
    let texts = [
        ("service", &args.service),
        ("env", &args.env),
        ("image", &args.image),
        ("test_report", &args.test_report),
        ("changelog", &args.changelog),
        ("irreversible", &args.irreversible),
    ];
    for (key, text) in texts {
        text.iter().for_each(|text| drop(put(key, json!(text))));
    }
    put(
        "artifacts",
        Value::Array(files::artifacts(&args.artifacts, args.url.as_deref())?),
    );
    let compilers = toolchain::compilers(&lock_files);
    put("toolchain", json!({"compilers": compilers, "os": args.os, "arch": args.arch}));
    let described = |file: &files::Locked| json!({"path": file.path, "sha256": file.sha256});
    put("lock_files", lock_files.iter().map(described).collect());
    Ok(all)
}

/// Writes the file whole or not at all.
fn save(path: &std::path::Path, text: &str) -> std::io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut file = tempfile::Builder::new()
        .prefix(".release-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(directory.unwrap_or_else(|| std::path::Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

/// What a file that cannot be read means to who named it.
fn unreadable(path: &std::path::Path, error: &std::io::Error) -> WrongUse {
    WrongUse(format!("cannot read {}: {error}", path.display()))
}
