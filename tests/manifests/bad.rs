//! Every way to be wrong: the whole message as people see it (place, key, what was found, what to write), one snapshot a fixture.

use std::{fs, path::PathBuf};

use lastgood::manifest;
use rstest::rstest;

/// Fixtures that are wrong in several places; all others must yield exactly one error.
const SEVERAL: [&str; 2] = ["empty-object", "many-at-once"];

#[rstest]
fn a_bad_manifest_says_where_and_what_to_write(#[files("tests/manifests/bad/*.json")] path: PathBuf) {
    let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
    let text = fs::read_to_string(&path).expect("a fixture");
    let errors = manifest::parse(&text, "release.json").expect_err("refused");
    for error in &errors.errors {
        assert!(!error.help.is_empty(), "nothing to do next: {error:?}");
    }
    assert_eq!(
        errors.errors.len() > 1,
        SEVERAL.contains(&stem.as_str()),
        "one slip is one error: {errors}"
    );
    insta::with_settings!({snapshot_path => "bad", prepend_module_to_snapshot => false, omit_expression => true}, {
        insta::assert_snapshot!(stem, format!("{errors}"));
    });
}

#[test]
fn all_errors_of_a_manifest_come_at_once_in_its_order() {
    let errors = manifest::parse(include_str!("bad/many-at-once.json"), "release.json").expect_err("refused");
    let places: Vec<(u64, &str)> = errors.errors.iter().map(|error| (error.line, error.key.as_str())).collect();
    assert_eq!(
        places,
        [
            (1, "passed_smoke_test"),
            (2, "version"),
            (3, "comit"),
            (4, "commit"),
            (5, "built_at"),
            (7, "artifacts[0].sha256"),
            (8, "artifacts[1].name"),
        ]
    );
}

#[test]
fn a_password_in_a_url_is_not_repeated_in_the_brief() {
    let errors = manifest::parse(include_str!("bad/url-with-password.json"), "release.json").expect_err("refused");
    assert!(!errors.brief().contains("hunter2"), "{}", errors.brief());
}
