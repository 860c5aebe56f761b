//! `lastgood config show`: every setting and where it came from.

use clap::Subcommand;

use super::{Common, Exit, Format, cluster, output};
use crate::settings;

/// The controller's settings.
#[derive(Debug, clap::Args)]
#[command(after_help = "Values come from a default, from the settings file, or from a variable; a
variable is named LASTGOOD__ and the key: LASTGOOD__PROMETHEUS__URL.

Examples:
  lastgood config show
  lastgood config show --config ./lastgood.toml -o json")]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print each value and where it came from; secrets are not printed.
    Show {
        #[command(flatten)]
        output: output::AsFormat,
    },
}

/// Runs it.
///
/// # Errors
/// When the settings are invalid.
pub fn run(common: &Common, args: &Args) -> anyhow::Result<Exit> {
    let What::Show {
        output: output::AsFormat { format },
    } = args.what;
    let loaded = cluster::loaded(common)?;
    let rows = settings::show(&loaded);
    match format {
        Format::Json | Format::Yaml => {
            let rows: Vec<serde_json::Value> = rows
                .iter()
                .map(|(key, value, origin)| serde_json::json!({"key": key, "value": value, "origin": origin}))
                .collect();
            output::document(&rows, format)?;
        }
        Format::Name => output::data(&rows.iter().map(|(key, ..)| format!("{key}\n")).collect::<String>())?,
        Format::Table | Format::Wide => {
            output::data(&table(rows))?;
        }
    }
    Ok(Exit::Done)
}

fn table(rows: Vec<(String, String, String)>) -> String {
    let mut table = comfy_table::Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_header(["KEY", "VALUE", "FROM"]);
    for (key, value, origin) in rows {
        table.add_row([key, value, origin]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn each_line_has_a_key_a_value_and_its_origin() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("lastgood.toml");
        std::fs::write(&file, "mode = \"observe\"\n").expect("a file");
        let loaded = settings::load_with_origins(Some(&file), &BTreeMap::new()).expect("valid");
        let text = table(settings::show(&loaded));
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let lines: Vec<Vec<String>> = text.lines().map(words).collect();
        assert_eq!(lines[1], ["mode", "observe", &file.display().to_string()]);
        assert!(
            lines.contains(&["limits.freeze_at", "3", "default"].map(str::to_owned).to_vec()),
            "{text}"
        );
    }
}
