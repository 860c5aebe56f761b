//! `lastgood completions`: scripts for shells.

use clap_complete::Shell;

use super::{Exit, output};

/// Prints a completion script.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  source <(lastgood completions bash)      in this shell
  lastgood completions bash > /etc/bash_completion.d/lastgood
  lastgood completions zsh > ~/.zfunc/_lastgood
  lastgood completions fish > ~/.config/fish/completions/lastgood.fish")]
pub struct Args {
    /// bash, zsh, fish, elvish or powershell.
    #[arg(value_enum, hide_possible_values = true)]
    shell: Shell,
}

/// Runs it.
///
/// # Errors
/// When stdout cannot be written.
pub fn run(args: &Args, mut command: clap::Command) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "lastgood", &mut script);
    output::data(&String::from_utf8(script)?)?;
    Ok(Exit::Done)
}
