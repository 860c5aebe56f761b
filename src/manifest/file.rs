//! The manifest as it is written: the wire format, its JSON Schema and its known keys, all from these structs. Doc comments are what an
//! editor shows. Nothing is required here: what is missing or contradicts itself is found by `resolve`, all at once.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::policy::Given;

/// A release: what was built. `lastgood manifest` writes it, `lastgood record` takes it, `releases/VERSION/release.json` keeps it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Manifest", extend("required" = ["version", "commit", "built_at", "passed_smoke_test"]))]
pub(super) struct ManifestFile {
    /// The version: `v1.2.3`, `v1.2.3-4-gabc1234`, `v1.2.3-dirty`. Never a tag that moves, as `latest` does.
    pub version: Given<String>,
    /// The commit it was built from: 7 to 64 hexadecimal digits.
    pub commit: Given<String>,
    /// When it was built: RFC 3339, `2026-11-24T18:00:00Z`.
    pub built_at: Given<String>,
    /// Whether it passed a smoke test after it was built. A release that did not is deployed only by force.
    pub passed_smoke_test: Given<bool>,
    /// The service; `lastgood record --service` gives it where it is missing.
    pub service: Given<String>,
    /// The only environment it is for; missing: all of them.
    pub env: Given<String>,
    /// The image with its digest: `registry.example/myapp:v1.2.3@sha256:…`.
    pub image: Given<String>,
    /// The files that were built, each to be fetched and unpacked by `lastgood deploy`.
    pub artifacts: Given<Vec<Given<ArtifactFile>>>,
    /// What it was built with.
    pub toolchain: Given<ToolchainFile>,
    /// The lock files that its dependencies came from.
    pub lock_files: Given<Vec<Given<LockFileFile>>>,
    /// Where the report of its tests is: a URL or a path.
    pub test_report: Given<String>,
    /// What changed, or where that is written.
    pub changelog: Given<String>,
    /// Why this release must not be gone back from, a migration of a database say.
    pub irreversible: Given<String>,
    /// The files of the release directory that make it this version, relative to it; missing: all of them.
    pub files: Given<Vec<Given<String>>>,
}

/// A file that was built.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Artifact", extend("required" = ["name", "sha256", "size"]))]
pub(super) struct ArtifactFile {
    /// Its file name, without directories.
    pub name: Given<String>,
    /// Where it is to be fetched: `https://…` or `file:///…`, without a password.
    pub url: Given<String>,
    /// SHA-256 of its bytes: 64 hexadecimal digits.
    pub sha256: Given<String>,
    /// Its bytes.
    pub size: Given<u64>,
}

/// What it was built with.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "Toolchain", extend("required" = ["compilers", "os", "arch"]))]
pub(super) struct ToolchainFile {
    /// Each compiler or runtime with its version: `rustc 1.95.0`.
    pub compilers: Given<Vec<Given<String>>>,
    /// The operating system it runs on: `linux`.
    pub os: Given<String>,
    /// The architecture it runs on: `x86_64`, `aarch64`.
    pub arch: Given<String>,
}

/// A lock file.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "LockFile", extend("required" = ["path", "sha256"]))]
pub(super) struct LockFileFile {
    /// Its path in the sources: `Cargo.lock`.
    pub path: Given<String>,
    /// SHA-256 of its bytes: 64 hexadecimal digits.
    pub sha256: Given<String>,
}
