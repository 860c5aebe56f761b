//! What a good manifest says, and that it survives its own file.

use lastgood::manifest::{self, Manifest};

fn parse(text: &str) -> Manifest {
    match manifest::parse(text, "release.json") {
        Ok(manifest) => manifest,
        Err(errors) => panic!("{errors}"),
    }
}

const LEAST: &str = r#"{"version":"v1.2.3","commit":"ABC1234","built_at":"2026-11-24T18:00:00+01:00","passed_smoke_test":true}"#;

#[test]
fn four_keys_are_enough() {
    let manifest = parse(LEAST);
    assert_eq!(manifest.version.as_str(), "v1.2.3");
    assert_eq!(manifest.commit, "abc1234");
    assert_eq!(manifest.built_at.to_string(), "2026-11-24T17:00:00Z");
    assert!(manifest.passed_smoke_test && manifest.service.is_none() && manifest.artifacts.is_empty());
}

#[test]
fn a_manifest_survives_its_own_file() {
    let full = parse(include_str!("full.json"));
    assert_eq!(full.artifacts[0].size, 10_485_760);
    assert_eq!(full.image.as_ref().map(|image| image.digest().len()), Some(71));
    assert_eq!(full.changelog.as_deref(), Some("Faster checkout 🚀"));
    assert_eq!(parse(&full.to_json()), full);
    let stored = serde_json::to_string(&full).expect("JSON");
    assert_eq!(serde_json::from_str::<Manifest>(&stored).expect("stored"), full);
}

#[test]
fn any_way_to_write_json_reads_the_same() {
    let full = parse(include_str!("full.json"));
    let value: serde_json::Value = serde_json::from_str(include_str!("full.json")).expect("JSON");
    assert_eq!(parse(&value.to_string()), full, "one line, keys sorted");
    assert_eq!(parse(&include_str!("full.json").replace("  ", "\t")), full, "tabs");
    assert_eq!(
        parse(&include_str!("full.json").replace('\n', "\r\n")),
        full,
        "lines of Windows"
    );
    assert_eq!(
        parse(&include_str!("full.json").replace('🚀', r"\ud83d\ude80")),
        full,
        "escaped"
    );
}

#[test]
fn two_manifests_say_in_which_keys_they_differ() {
    let (one, mut other) = (parse(LEAST), parse(LEAST));
    assert!(one.differs_in(&other).is_empty());
    other.commit = "def5678".to_owned();
    other.changelog = Some("more".to_owned());
    assert_eq!(one.differs_in(&other), ["changelog", "commit"]);
}

#[test]
fn a_dirty_version_is_a_version() {
    assert!(parse(&LEAST.replace("v1.2.3", "v1.2.3-4-gabc1234-dirty")).version.is_dirty());
}

#[test]
fn no_text_breaks_the_reader() {
    for end in 0..LEAST.len() {
        assert!(manifest::parse(&LEAST[..end], "release.json").is_err());
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let errors = manifest::parse(&format!(r#"{{"files":{deep}}}"#), "release.json").expect_err("refused");
    assert!(
        errors.brief().contains("nested too deeply") || errors.brief().contains("recursion"),
        "{}",
        errors.brief()
    );
}
