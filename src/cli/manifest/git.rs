//! What git says of the sources.

use std::{path::PathBuf, process::Command};

use crate::cli::output::WrongUse;

/// One line from git.
///
/// # Errors
/// When git is missing or refuses, in its own words, with what to do instead.
pub(super) fn says(arguments: &[&str]) -> Result<String, WrongUse> {
    let instead = "run this inside the repository, or name --version and --commit";
    let output = Command::new("git")
        .args(arguments)
        .output()
        .map_err(|error| WrongUse(format!("git cannot be asked ({error}): {instead}")))?;
    if !output.status.success() {
        let because = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
        return Err(WrongUse(format!("git {}: {because}: {instead}", arguments.join(" "))));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The top directory of the repository; none outside of one.
pub(super) fn root() -> Option<PathBuf> {
    says(&["rev-parse", "--show-toplevel"]).ok().map(PathBuf::from)
}
