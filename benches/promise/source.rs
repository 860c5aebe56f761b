//! What a page says of what was measured.

use std::process::Command;

/// The judge that was measured: git's name of its source, and whether that was changed since.
pub fn judge() -> String {
    const SOURCE: &str = "src/judge";
    let git = |arguments: &[&str]| {
        let said = Command::new("git").args(arguments).output().ok()?;
        let said = String::from_utf8(said.stdout).ok().filter(|_| said.status.success())?;
        Some(said.trim().to_owned())
    };
    let named = git(&["rev-parse", "--short", &format!("HEAD:{SOURCE}")]).unwrap_or_else(|| "of unknown name".to_owned());
    match git(&["status", "--porcelain", "--", SOURCE]) {
        Some(changes) if !changes.is_empty() => format!("{named}, changed"),
        _ => named,
    }
}
