//! Every way to be wrong: the whole message as people see it (place, key, what was found, what to write), one snapshot a fixture.

use std::{fs, path::PathBuf};

use lastgood::policy;
use rstest::rstest;

/// Fixtures that are wrong in several places; all others must yield exactly one error.
const SEVERAL: [&str; 3] = ["many-at-once", "quantiles-numbers", "target-kubernetes-misspelled"];

#[rstest]
fn a_bad_policy_says_where_and_what_to_write(#[files("tests/policies/bad/*.yaml")] path: PathBuf) {
    let stem = path.file_stem().expect("a name").to_string_lossy().into_owned();
    let text = fs::read_to_string(&path).expect("a fixture");
    let errors = policy::parse(&text, &format!("{stem}.yaml")).expect_err("refused");
    for error in &errors.errors {
        assert!(error.line >= 1 && error.column >= 1, "{error:?}");
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
fn all_errors_of_a_file_come_at_once_in_its_order() {
    let errors = policy::parse(include_str!("bad/many-at-once.yaml"), "many.yaml").expect_err("refused");
    let places: Vec<(u64, &str)> = errors.errors.iter().map(|error| (error.line, error.key.as_str())).collect();
    assert_eq!(
        places,
        [
            (3, "metadata.name"),
            (9, "spec.target.host.activate.by"),
            (10, "spec.watch.proveAfter"),
            (11, "spec.risk.falseRevert"),
            (18, "spec.metrics[0].harmfull"),
            (21, "spec.metrics[1].quantiles[1]"),
        ]
    );
    assert_eq!(errors.brief().lines().count(), 6);
}
