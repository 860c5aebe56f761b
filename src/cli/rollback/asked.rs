//! The two questions of `lastgood rollback`: which version, and whether. Asked on stderr, answered on a terminal.

use std::io::{BufRead as _, Write as _};

use crate::{
    cli::output::{self, WrongUse},
    explain::{Passage, Way, clean},
    words::VersionName,
};

/// Which of the last five, by its number or by any name.
///
/// # Errors
/// When nothing is picked, or what is typed is no name.
pub(super) async fn which(way: &Way) -> anyhow::Result<VersionName> {
    let name = |passage: &Passage| clean(passage.stands.version.name.as_str());
    output::say(&format!(
        "{} ({}) runs {}. Go back to:",
        way.target.service,
        way.target.env,
        name(&way.runs)
    ));
    for (index, passage) in way.newest.iter().enumerate() {
        let good = if Some(passage) == way.to.as_ref() {
            "  <- last good"
        } else {
            ""
        };
        output::say(&format!(
            "  {}  {}  {}{good}",
            index + 1,
            name(passage),
            passage.stands.standing
        ));
    }
    let typed = ask("A number, or a version's name (nothing: leave it): ").await?;
    picked(way, &typed)
}

fn picked(way: &Way, typed: &str) -> anyhow::Result<VersionName> {
    if typed.is_empty() {
        return Err(WrongUse("nothing was done".to_owned()).into());
    }
    let number = typed.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    let by_number = number.and_then(|index| way.newest.get(index));
    match by_number {
        Some(passage) => Ok(passage.stands.version.name.clone()),
        None => Ok(typed
            .parse()
            .map_err(|error: crate::words::NameError| WrongUse(error.to_string()))?),
    }
}

/// Whether they say yes; anything else is no.
///
/// # Errors
/// When the terminal cannot be read.
pub(in crate::cli) async fn yes(question: &str) -> anyhow::Result<bool> {
    let typed = ask(&format!("{question} [y/N] ")).await?;
    Ok(matches!(typed.to_lowercase().as_str(), "y" | "yes"))
}

/// On a thread of its own, so that an interrupt ends the command at once.
async fn ask(question: &str) -> anyhow::Result<String> {
    let mut err = anstream::stderr().lock();
    write!(err, "{question}")?;
    err.flush()?;
    drop(err);
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    Ok(read.await??.trim().to_owned())
}
