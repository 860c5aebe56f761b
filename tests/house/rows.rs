//! The failures that are named by their rows in the catalogue of failures: each is proved by a test that carries its id in its name.

use super::source::{hold, sources};

/// Rows that have a test. One that is added to the catalogue is added here, with its test.
const ROWS: [&str; 41] = [
    "k01", "k02", "k04", "k05", "k06", "k07", "k08", "k10", "k11", "k12", "k13", "k14", "k15", "k16", "k17", "k18", "k19", "k20",
    "k22", "k23", "k24", "k25", "k26", "k27", "k28", "k30", "c01", "c02", "c03", "c04", "c18", "p03", "p17", "p20", "b03", "b06",
    "b07", "k21", "s10", "s15", "s18",
];

#[test]
fn every_row_of_the_catalogue_has_a_test_of_its_name() {
    let mut tests = Vec::new();
    for source in sources(&["src", "tests"]) {
        for (at, found) in source.code.match_indices("fn ") {
            let name: String = source.code[at + found.len()..]
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            tests.push(name);
        }
    }
    let carried = |row: &&str| tests.iter().any(|name| name.split('_').any(|part| part == *row));
    let faults: Vec<String> = ROWS.iter().filter(|row| !carried(row)).map(|row| (*row).to_owned()).collect();
    hold(
        &faults,
        "Each row of the catalogue of failures is proved by a test that carries its id in its name: `k13_…`.",
    );
}
