//! The audit as a table for people: one line a deed, oldest first.

use super::{clean, span_of_time::stamp};
use crate::record::Audited;

/// The entries as a table, with `wide` also from where each came; or that there are none.
#[must_use]
pub fn trail(entries: &[Audited], wide: bool) -> String {
    if entries.is_empty() {
        return "nothing is in the audit that is asked for\n".to_owned();
    }
    let rows = entries.iter().map(|entry| {
        let deed = &entry.deed;
        let done = if deed.refused { "refused" } else { "done" };
        let mut row = vec![
            stamp(entry.at),
            format!("{}@{}", clean(&entry.chain), entry.seq),
            clean(&deed.by.0),
            deed.action.as_str().to_owned(),
            done.to_owned(),
            clean(&deed.what),
            clean(&deed.why),
        ];
        row.extend(wide.then(|| clean(&deed.origin)));
        row
    });
    let mut table = comfy_table::Table::new();
    let mut header = vec!["WHEN", "ENTRY", "WHO", "ACTION", "", "WHAT", "WHY"];
    header.extend(wide.then_some("FROM"));
    table.load_style(comfy_table::presets::NOTHING).set_header(header);
    rows.for_each(|row| {
        table.add_row(row);
    });
    let text = table.to_string();
    text.lines()
        .map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line).trim_end()))
        .collect()
}
