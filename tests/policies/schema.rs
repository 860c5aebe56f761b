//! The JSON Schema is generated from the types; the checked-in file must not differ.

use std::{fs, path::Path};

use crate::closed::closed_and_explained;

#[test]
fn the_checked_in_schema_is_the_generated_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/policy.schema.json");
    let generated = format!("{:#}\n", lastgood::policy::schema());
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&path, &generated).expect("the schema written");
    }
    let checked_in = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(checked_in, generated, "run: UPDATE_GENERATED=1 cargo test --test policies");
}

#[test]
fn every_mapping_is_closed_and_every_key_explained() {
    closed_and_explained(&lastgood::policy::schema());
}

#[test]
fn one_shape_a_key_so_that_a_structural_crd_can_follow() {
    let text = lastgood::policy::schema().to_string();
    assert!(!text.contains("anyOf"), "a key with two shapes: {text}");
    assert!(!text.contains(r#"["string","null"]"#), "a key that may be null");
}
