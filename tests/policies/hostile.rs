//! C14: files that are broken on purpose or by accident are refused whole, quickly, and without a panic.

use lastgood::policy;
use proptest::prelude::*;

fn fixture(name: &str) -> String {
    let path = format!("{}/tests/policies/bad/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("a fixture")
}

fn only_error(text: &str) -> policy::PolicyError {
    let errors = policy::parse(text, "hostile.yaml").expect_err("refused").errors;
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.into_iter().next().expect("one")
}

#[test]
fn c14_an_alias_bomb_is_refused_by_counting() {
    assert!(
        only_error(&fixture("file-alias-bomb.yaml"))
            .message
            .contains("aliases counted")
    );
}

#[test]
fn c14_deep_nesting_is_refused() {
    assert!(
        only_error(&fixture("file-nested-deeply.yaml"))
            .message
            .contains("nested too deeply")
    );
    assert!(only_error(&"[".repeat(100_000)).message.contains("nested too deeply"));
}

#[test]
fn c14_a_file_of_a_megabyte_is_refused_unread() {
    assert!(only_error(&"a".repeat(1 << 20)).message.contains("larger than 256 KiB"));
}

#[test]
fn c14_several_documents_are_refused() {
    assert!(
        only_error(&fixture("file-two-documents.yaml"))
            .message
            .contains("second document")
    );
}

#[test]
fn c14_an_unknown_key_is_refused_and_the_nearest_named() {
    let error = only_error(&fixture("key-unknown.yaml"));
    assert!(error.help.contains("did you mean `proveAfter`?"), "{error}");
}

#[test]
fn c14_99_and_0_99_are_asked_about_and_never_guessed() {
    for name in ["risk-99-for-99-percent.yaml", "risk-0.99-for-99-percent.yaml"] {
        let error = only_error(&fixture(name));
        assert!(error.help.contains("`99%`"), "{error}");
    }
}

#[test]
fn c14_a_policy_without_metrics_is_refused() {
    for name in ["metrics-missing.yaml", "metrics-empty.yaml"] {
        assert_eq!(only_error(&fixture(name)).key, "spec.metrics");
    }
}

#[test]
fn c14_what_an_error_shows_cannot_steer_a_terminal() {
    let text = fixture("key-unknown.yaml").replace("metadata: {name: myapp}", "metadata: {name: \"\\e[31m\\a\"}");
    let errors = policy::parse(&text, "hostile.yaml").expect_err("refused");
    assert!(!errors.to_string().contains(['\u{1b}', '\u{7}']), "{errors}");
    assert!(!errors.brief().contains(['\u{1b}', '\u{7}']), "{errors}");
}

#[test]
fn c14_thousands_of_unknown_keys_are_fifty_errors() {
    let text: String = (0..9_000).map(|index| format!("key{index}: 1\n")).collect();
    let errors = policy::parse(&text, "hostile.yaml").expect_err("refused");
    assert_eq!(errors.errors.len(), 50);
    assert!(errors.to_string().ends_with("the first 50 errors"));
}

#[test]
fn c14_a_control_character_in_a_comment_is_not_repeated() {
    let text = fixture("key-unknown.yaml")
        .replace("{for: 2h,", "{four: 2h,")
        .replace("30m}", "30m}  # \u{1b}[31m");
    let errors = policy::parse(&text, "hostile.yaml").expect_err("refused");
    assert!(!errors.to_string().contains('\u{1b}'), "{errors}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// A valid file with a piece cut out and anything put in its place.
    #[test]
    fn c14_no_text_makes_the_parser_panic(start in 0_usize..2_000, length in 0_usize..80, put in "\\PC{0,12}|[\\[{}\\]:,&*!|>%@`'\"#\n\t -]{0,8}") {
        let mut chars: Vec<char> = include_str!("../../policies/host-service.yaml").chars().collect();
        let start = start.min(chars.len());
        let end = (start + length).min(chars.len());
        chars.splice(start..end, put.chars());
        let text: String = chars.into_iter().collect();
        if let Err(errors) = policy::parse(&text, "mutated.yaml") {
            prop_assert!(!errors.errors.is_empty());
            prop_assert!(!errors.to_string().is_empty());
            prop_assert!(!errors.brief().is_empty());
        }
    }
}
